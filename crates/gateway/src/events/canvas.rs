//! What becomes of documents.

use bulkhead_store::CanvasDocument;
use serde_json::{Value, json};

use super::{Events, readers};
use crate::clock;

/// A document as clients see it.
pub(crate) fn row(document: &CanvasDocument) -> Value {
    json!({
        "docId": document.id,
        "sessionKey": document.session_key,
        "kind": document.kind,
        "title": document.title,
        "revision": document.revision,
        "bytes": document.bytes,
        "createdAtMs": document.created_at,
        "updatedAtMs": document.updated_at,
    })
}

impl Events {
    /// `canvas.changed`: a document is new, another one, or gone.
    pub(crate) fn canvas_changed(&self, document: &CanvasDocument, removed: bool) {
        let reason = if removed { "removed" } else { "written" };
        let payload =
            json!({"reason": reason, "sessionKey": document.session_key, "document": row(document)});
        self.hub.broadcast("canvas.changed", &payload, &readers(), None);
    }

    /// `canvas.changed`: a window shows a document, or does not any more.
    pub(crate) fn canvas_shown(&self, session_key: &str, document: &str, shown: bool) {
        let reason = if shown { "shown" } else { "hidden" };
        let payload =
            json!({"reason": reason, "sessionKey": session_key, "docId": document, "ts": clock::now_ms()});
        self.hub.broadcast("canvas.changed", &payload, &readers(), None);
    }
}
