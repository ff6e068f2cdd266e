//! The seam to the gateway: what a method call is, and what answers it.

use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_protocol::{ErrorShape, MethodSpec, Scope};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::conn::info::ConnInfo;
use crate::conn::outgoing::response_frame;
use crate::conn::queue::Queue;

/// Serves the methods of a gateway. One value per gateway, shared by all connections.
///
/// The server has checked scope, limits and the frame before it calls; parameters are the handler's to parse.
/// A call goes on to its end when its client leaves: the answer is then dropped, the work is not.
#[async_trait]
pub trait MethodHandler: Send + Sync + 'static {
    /// The row of a method, or `None` when this gateway does not serve it.
    fn spec(&self, method: &str) -> Option<&'static MethodSpec>;

    /// Answers one request. For two-phase methods the first response goes through [`CallContext::respond`].
    async fn call(
        &self,
        ctx: CallContext,
        spec: &'static MethodSpec,
        params: Option<&RawValue>,
    ) -> Result<Reply, ErrorShape>;

    /// What this gateway puts into the `hello-ok` of a connection that was just admitted.
    fn hello(&self, conn: &ConnInfo) -> HelloParts;

    /// A connection was admitted; its `hello-ok` is on the way.
    fn on_connect(&self, _conn: &Arc<ConnInfo>) {}

    /// An admitted connection is gone. Called once per [`MethodHandler::on_connect`].
    fn on_disconnect(&self, _conn: &ConnInfo) {}

    /// Asked once at the end, after the farewell: returns when the work is done whose end open connections want to see
    /// (answers that are still being written). The server waits for it no longer than [`crate::Limits::drain`].
    async fn drained(&self) {}

    /// Methods that any admitted connection may call, whatever its scopes.
    fn needs_no_scope(&self, spec: &MethodSpec) -> bool {
        spec.name == "health"
    }

    /// Writes of the control plane: limited to a few per minute and method.
    fn is_control_plane_write(&self, spec: &MethodSpec) -> bool {
        let reads =
            matches!(spec.name.rsplit('.').next(), Some("get" | "list" | "status" | "schema" | "lookup"));
        spec.scope == Scope::OperatorAdmin && !reads
    }
}

/// Who calls, and the way back to them before the call has ended.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// The calling connection.
    pub conn: Arc<ConnInfo>,
    /// Sends an early response for two-phase methods (`accepted` first, `ok` at the end).
    pub respond: Responder,
}

/// Sends responses that carry the id of one request.
#[derive(Debug, Clone)]
pub struct Responder {
    id: Arc<str>,
    queue: Option<Arc<Queue>>,
}

impl Responder {
    pub(crate) fn new(id: Arc<str>, queue: Arc<Queue>) -> Self {
        Self { id, queue: Some(queue) }
    }

    /// A responder that leads nowhere: for calls of a handler that come from HTTP or from tests.
    pub fn detached(id: &str) -> Self {
        Self { id: id.into(), queue: None }
    }

    /// The id of the request that is being answered.
    pub fn request_id(&self) -> &str {
        &self.id
    }

    /// Sends a successful response now; the call's own result follows under the same id.
    pub fn early(&self, reply: &Reply) {
        if let Some(queue) = &self.queue {
            queue.push_response(response_frame(&self.id, Ok(reply)));
        }
    }
}

/// A serialised result. A result that is the same for many callers is kept once and shared.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Made for this call.
    Owned(Box<RawValue>),
    /// Serialised once, sent to many.
    Shared(Arc<RawValue>),
}

impl Reply {
    /// Serialises a result.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, ErrorShape> {
        serde_json::value::to_raw_value(value).map(Self::Owned).map_err(|error| {
            ErrorShape::unavailable(format!("the result could not be written as JSON ({error}); report this"))
        })
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Owned(raw) => raw.get(),
            Self::Shared(raw) => raw.get(),
        }
    }
}

impl From<Box<RawValue>> for Reply {
    fn from(raw: Box<RawValue>) -> Self {
        Self::Owned(raw)
    }
}

impl From<Arc<RawValue>> for Reply {
    fn from(raw: Arc<RawValue>) -> Self {
        Self::Shared(raw)
    }
}

/// The parts of `hello-ok` that only the gateway knows.
#[derive(Debug, Clone)]
pub struct HelloParts {
    /// `features`: methods, events and capabilities, serialised once at start and shared.
    pub features: Arc<RawValue>,
    /// `snapshot`: presence, health, state version, uptime; what this connection may see of it.
    pub snapshot: Box<RawValue>,
    /// `pluginSurfaceUrls`: name and capability URL, such as `canvas`.
    pub plugin_surface_urls: Vec<(String, String)>,
    /// `policy.attachments`: largest attachment and largest image in bytes.
    pub attachments: Option<(u64, u64)>,
}
