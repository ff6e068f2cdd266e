//! Secrets: where they are kept, how references to them are resolved, and how they reach a gateway.
//!
//! A configuration holds references only. A supervisor resolves them ([`resolve()`]) out of the keychain, a file, the
//! environment or a command, and hands them over on the gateway's standard input ([`handoff`]). The gateway opens no
//! keychain; it asks its [`SecretBundle`].
//!
//! Nothing here prints, logs or serialises a secret outside of the handoff line and the secrets file that the person
//! chose; no error carries one.
//!
//! ```
//! use bulkhead_secrets::{SecretBundle, SecretId, handoff::HandoffMessage};
//!
//! let bundle: SecretBundle = [(SecretId::telegram_bot_token(), "1:abc".into())].into_iter().collect();
//! let line = HandoffMessage::secrets(bundle).to_line()?;
//! assert!(line.starts_with(b"{\"v\":1,\"type\":\"secrets\""));
//! # Ok::<(), bulkhead_secrets::SecretError>(())
//! ```

mod bundle;
mod env;
mod error;
mod exec;
mod file;
pub mod generate;
pub mod handoff;
mod id;
mod keychain;
mod resolve;
mod store;

pub use bundle::SecretBundle;
pub use env::EnvStore;
pub use error::SecretError;
pub use exec::ExecStore;
pub use file::FileStore;
pub use id::SecretId;
pub use keychain::KeychainStore;
pub use resolve::{Resolved, Sources, references, resolve};
pub use store::{SecretStore, StoreDescription, get_optional, get_or_generate, probe};
