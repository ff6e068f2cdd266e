//! One running server: what it is made of, how it starts and how it ends.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use bulkhead_protocol::close;

use crate::auth::Authenticator;
use crate::auth::attempts::Attempts;
use crate::conn::quota::WriteQuota;
use crate::http::ui::{Hosting, UiSource};
use crate::http::upgrade::PreAuthSlots;
use crate::http::{document, shell};
use crate::hub::{Audience, EventHub, ticker};
use crate::info::ServerInfo;
use crate::limits::Limits;
use crate::listen::Bound;
use crate::method::MethodHandler;

/// What a gateway brings to its server.
pub struct ServerParts {
    /// The method table.
    pub handler: Arc<dyn MethodHandler>,
    /// The access policy, and where devices are remembered.
    pub authenticator: Arc<dyn Authenticator>,
    /// The event hub; the gateway keeps a clone to send with.
    pub hub: EventHub,
    /// Routes that ask for the bearer secret. The server puts its check in front of them;
    /// handlers find the caller in the extension [`crate::HttpCaller`].
    pub http_routes: axum::Router,
    /// Routes that bring their own proof (capability URLs, hooks) or need none.
    pub open_routes: axum::Router,
    /// The web UI.
    pub static_ui: UiSource,
    /// The path that it is served below, such as `/gateway`; empty for `/`.
    pub ui_base_path: String,
    /// The bounds.
    pub limits: Limits,
    /// Who this is, and how far it has come up.
    pub server_info: ServerInfo,
}

impl std::fmt::Debug for ServerParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerParts").field("server_info", &self.server_info).finish_non_exhaustive()
    }
}

/// What every connection of one server shares.
pub(crate) struct Shared {
    pub(crate) handler: Arc<dyn MethodHandler>,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) hub: EventHub,
    pub(crate) limits: Limits,
    pub(crate) info: ServerInfo,
    pub(crate) attempts: Attempts,
    pub(crate) pre_auth: PreAuthSlots,
    pub(crate) write_quota: WriteQuota,
    /// The requests that are being answered.
    pub(crate) calls: TaskTracker,
    /// The sockets that are open.
    pub(crate) sockets: TaskTracker,
    /// Cancelled when everything is to end, after the farewell.
    pub(crate) closing: CancellationToken,
}

impl Bound {
    /// Serves until `shutdown` is cancelled; returns when the last connection was closed.
    ///
    /// The end in order: no new connections, the `shutdown` event to all, a bounded time for open requests,
    /// close code 1012.
    pub async fn serve(self, parts: ServerParts, shutdown: CancellationToken) {
        let closing = CancellationToken::new();
        let shared = Arc::new(Shared {
            attempts: Attempts::new(&parts.limits),
            pre_auth: PreAuthSlots::new(parts.limits.pre_auth_sockets),
            write_quota: WriteQuota::new(&parts.limits),
            handler: parts.handler,
            authenticator: parts.authenticator,
            hub: parts.hub,
            limits: parts.limits,
            info: parts.server_info,
            calls: TaskTracker::new(),
            sockets: TaskTracker::new(),
            closing: closing.clone(),
        });
        let ui = Hosting { source: parts.static_ui, base: document::base_path(&parts.ui_base_path) };
        let router = shell::router(&shared, parts.http_routes, parts.open_routes, ui);
        let clock = tokio::spawn(ticker::run(shared.hub.clone(), shared.limits.clone()));
        let doors = self.open(&shared, &router);

        shutdown.cancelled().await;
        shared.info.lifecycle().set_stopping();
        doors.close();
        let farewell = shared.info.lifecycle().farewell();
        shared.hub.broadcast("shutdown", &farewell, &Audience::everybody(), None);
        shared.calls.close();
        let rest = async {
            shared.calls.wait().await;
            shared.handler.drained().await;
        };
        if tokio::time::timeout(shared.limits.drain, rest).await.is_err() {
            tracing::warn!(open = shared.calls.len(), "requests were still open when the server stopped");
        }
        closing.cancel();
        shared.hub.close_all(close::SERVICE_RESTART, "service restart");
        shared.sockets.close();
        let patience = shared.limits.close_patience * 2;
        if tokio::time::timeout(patience, shared.sockets.wait()).await.is_err() {
            tracing::warn!(open = shared.sockets.len(), "sockets did not close in time and were dropped");
        }
        clock.abort();
        doors.finish(shared.limits.close_patience).await;
    }
}
