//! Incidents: from the first sign to the last word about it.

mod record;

pub use record::{Incident, IncidentId, Phase, Told};
