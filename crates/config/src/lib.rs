//! The configuration file of a profile: JSON5 that people and programs edit side by side.
//!
//! [`ConfigDocument`] is the file itself, byte for byte; [`Config`] is what the program reads out of it;
//! [`ConfigStore`] keeps it on disk, with a last good version beside it.
//!
//! It never resolves a secret, never opens a socket, and never changes a byte that nobody asked it to change.
//!
//! ```
//! use bulkhead_config::{Config, ConfigDocument};
//!
//! let mut doc = ConfigDocument::parse("bulkhead.json", "{ gateway: { port: 18789 } } // mine\n")?;
//! doc.set("channels.telegram.dmPolicy", "pairing".into())?;
//! let config = Config::from_document(&doc).expect("valid");
//! assert_eq!(config.gateway.port, Some(18789));
//! assert!(doc.to_string().ends_with("// mine\n"));
//! # Ok::<(), bulkhead_config::ConfigError>(())
//! ```

mod diff;
mod document;
mod edit;
mod error;
mod fields;
mod hints;
mod inspect;
mod lookup;
mod merge;
mod model;
mod path;
mod redact;
mod reload;
mod remote;
mod replace;
mod rules;
mod schema;
mod secret_input;
mod store;
mod syntax;
mod tree;
mod validate;

pub use diff::{changed_paths, diff, redacted_text};
pub use document::{ConfigDocument, hash_bytes};
pub use error::{ConfigError, ConfigIssue, IssueSeverity, SyntaxProblem};
pub use fields::{is_known, is_local_only, is_sensitive};
pub use hints::ui_hints;
pub use lookup::{Child, Lookup, lookup};
pub use model::*;
pub use path::{ConfigPath, Segment};
pub use redact::{REDACTED, contains_placeholder, redact};
pub use reload::{ReloadKind, reload_kind};
pub use remote::check_remote_change;
pub use schema::schema;
pub use secret_input::{SecretInput, SecretRef, SecretSource};
pub use store::{ConfigOrigin, ConfigStore, Loaded, RolledBack, Version, Written};
pub use validate::{validate, validate_document};
