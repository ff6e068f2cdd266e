//! Transport of a gateway: sockets, authentication, event hub, limits, HTTP shell.
//!
//! **For:** serving the OpenClaw gateway protocol v4 and the HTTP routes around it on one port, so that a gateway
//! only has to bring a method table, a place where devices are remembered, and its events.
//!
//! **Never:** knows a domain. It has no idea what a session, an agent or a channel is; it opens no file but the
//! assets of a configured UI folder, reads no keychain, and keeps no state that outlives the process.
//!
//! The way of a request, top to bottom: [`Server::bind`] → accept loop (`listen`) → Host, Origin and proxy checks
//! (`http::guard`) → upgrade (`http::upgrade`) → challenge and connect (`conn::handshake`) → the pure decision
//! ([`auth::decide`]) → requests (`conn::session`) → [`MethodHandler::call`] → the connection's bounded queue
//! (`conn::queue`) → the socket (`conn::socket`).
//!
//! ```no_run
//! # async fn example(
//! #     handler: std::sync::Arc<dyn bulkhead_server::MethodHandler>,
//! #     authenticator: std::sync::Arc<dyn bulkhead_server::Authenticator>,
//! # ) -> Result<(), bulkhead_server::ServerError> {
//! use bulkhead_server::{BindOptions, EventHub, Limits, Server, ServerInfo, ServerParts, UiSource};
//! use tokio_util::sync::CancellationToken;
//!
//! let bound = Server::bind(BindOptions::loopback(18789)).await?;
//! let hub = EventHub::new(&Limits::default());
//! let parts = ServerParts {
//!     handler,
//!     authenticator,
//!     hub: hub.clone(),
//!     http_routes: axum::Router::new(),
//!     open_routes: axum::Router::new(),
//!     static_ui: UiSource::Off,
//!     ui_base_path: String::new(),
//!     limits: Limits::default(),
//!     server_info: ServerInfo::new("0.1.0"),
//! };
//! parts.server_info.lifecycle().set_started();
//! bound.serve(parts, CancellationToken::new()).await;
//! # Ok(())
//! # }
//! ```

pub mod auth;
mod conn;
mod encryption;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod http;
mod hub;
mod info;
mod limits;
mod listen;
mod method;
mod serve;
mod traffic;

pub use auth::{
    AuthMode, AuthPolicy, Authenticator, Device, DeviceGrant, DeviceRole, PairingReason, PairingRequest,
    Setup, TrustedProxy,
};
pub use conn::info::{AuthMethod, ClientInfo, ConnId, ConnInfo, Role};
pub use encryption::tls_config;
pub use error::ServerError;
pub use http::bearer::HttpCaller;
pub use http::document::base_path as ui_base_path;
pub use http::ui::{UiAsset, UiSource};
pub use hub::{Audience, EventHub, StateVersion};
pub use info::{Failure, Lifecycle, ServerInfo};
pub use limits::Limits;
pub use listen::{BindOptions, Bound, Server};
pub use method::{CallContext, HelloParts, MethodHandler, Reply, Responder};
pub use serve::ServerParts;
pub use traffic::Traffic;

pub use tokio_rustls::rustls::ServerConfig as TlsServerConfig;
