//! Gateways as services of the system: rendered by pure functions, then installed, started, stopped and looked at.
//!
//! **For:** one profile's gateway that runs without a desktop and comes back by itself: a systemd unit (of the user, or of
//! the system for machines without a log-in), a launchd agent, a scheduled task. [`ServiceSpec`] says what is to be
//! installed; [`systemd::render`], [`launchd::render`] and [`task::render`] turn it into text on every system, so that
//! they are tested on every system; [`Service`] does it on this one. [`others`] finds the gateway-like services that
//! are not this one, and says what to do about each.
//!
//! **Never:** nothing secret stands in what it writes, and it names nothing itself: unit, label and task names are the
//! [`bulkhead_profile::Place`]'s. It starts and stops services, never gateways, and decides nothing about owners.
//!
//! ```
//! use bulkhead_profile::{Environment, Place};
//! use bulkhead_service::{Scope, ServiceSpec, systemd};
//!
//! let env = Environment::for_test("/home/ada");
//! let place = Place::resolve(None, &env)?;
//! let spec = ServiceSpec::new(&place, &env, "/usr/bin/bulkhead".as_ref(), 18789, Scope::User)?;
//! let unit = systemd::render(&spec);
//! assert!(unit.contains("RestartPreventExitStatus=78"));
//! assert_eq!(spec.drift(&unit, bulkhead_service::Format::Systemd), []);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod command;
mod drift;
mod error;
pub mod launchd;
pub mod linger;
mod metadata;
pub mod others;
mod platform;
pub mod program;
mod scope;
mod service;
mod spec;
mod status;
pub mod systemd;
pub mod task;

pub use drift::{Drift, DriftKind, Format};
pub use error::ServiceError;
pub use metadata::Metadata;
pub use scope::Scope;
pub use service::{Installed, Service, Uninstalled};
pub use spec::ServiceSpec;
pub use status::ServiceStatus;
