//! Client of the gateway protocol: connect, authenticate, request, events, reconnect.
//!
//! **For:** the command line, the desktop app and tests, which all talk to gateways through it.
//!
//! **Never:** looks for a gateway, reads a configuration or a keychain, or keeps a secret longer than the connection
//! that needs it. No error and no log line carries a secret; URLs are shown without user, query and fragment.
//!
//! ```no_run
//! # async fn example(token: secrecy::SecretString) -> Result<(), bulkhead_client::ClientError> {
//! use bulkhead_client::{Auth, Client, ConnectOptions};
//!
//! let options = ConnectOptions::cli("ws://127.0.0.1:18789", Auth::Token(token));
//! let (client, hello) = Client::connect(options).await?;
//! println!("gateway {}", hello.server.version);
//! let health = client.request("health", ()).await?;
//! println!("{health}");
//! # Ok(())
//! # }
//! ```

mod address;
pub mod backoff;
mod client;
mod error;
mod fingerprint;
mod handshake;
mod knock;
mod options;
mod pending;
mod reconnect;
mod socket;
mod stream;

pub use address::GatewayUrl;
pub use backoff::Backoff;
pub use client::{Client, Streamed};
pub use error::{ClientError, Closed};
pub use fingerprint::Fingerprint;
pub use knock::knock;
pub use options::{Auth, ConnectOptions, Identity, Timeouts};
pub use reconnect::{ConnectionState, ReconnectingClient};

pub use bulkhead_protocol as protocol;
