//! Incidents: from the first sign to the last word about it.

mod book;
mod record;

pub use book::{Book, Change, RepairTime};
pub use record::{Incident, IncidentId, Phase, Told};
