//! Who a profile is: names, places, ports, spacing and the isolation audit.
//!
//! **For:** one value, [`Place`], says which directories a profile owns, and [`Instance`] adds its ports. Nothing
//! else in the tree builds a path, a port, a service name or a keychain namespace of a profile. The [`Register`]
//! keeps what is claimed on this machine, and [`audit::isolation`] tells where two profiles touch.
//!
//! **Never:** it opens no socket, starts no process, knows no secret (a Telegram bot is known by its public id) and
//! does not interpret the configuration beyond the few keys that decide about isolation.
//!
//! ```
//! use bulkhead_profile::{Environment, Place, Ports, ProfileName};
//!
//! let env = Environment::for_test("/home/ada");
//! let rescue = Place::resolve(Some(&ProfileName::rescue()), &env)?;
//! assert!(rescue.state_dir().ends_with(".bulkhead-rescue"));
//! assert_eq!(rescue.service_name(), "bulkhead-gateway-rescue.service");
//! let ports = Ports::new(19789)?;
//! assert_eq!((ports.control(), ports.cdp_first(), ports.cdp_last()), (19791, 19800, 19899));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod audit;
mod discover;
mod environment;
mod error;
mod facts;
pub mod files;
mod glimpse;
mod marker;
mod name;
pub mod openclaw;
mod place;
mod ports;
mod register;
mod resolve;
pub mod siblings;
pub mod spacing;

pub use audit::{Finding, Severity};
pub use discover::{KnownProfile, known_profiles};
pub use environment::Environment;
pub use error::{NameError, PlaceError, PortError, RegisterError, SpacingError};
pub use facts::{FactsKind, ProfileFacts, gather_facts};
pub use glimpse::{ConfigGlimpse, bot_id_of_token};
pub use marker::Marker;
pub use name::{DEV, MAIN, ProfileName, RESCUE};
pub use place::Place;
pub use ports::{BasePort, Instance, PortSource, Ports};
pub use register::{ClaimRequest, Claimed, Owner, Register, RegisterEntry, Surroundings};
pub use resolve::PlaceFlags;
pub use spacing::{Claim, ForeignClaim, preferred_base};
