//! `canvas.*`: documents that agents made for people to look at.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("canvas.document.view", Scope::OperatorRead, "A document, and where it may be shown.")
        .since("2026.9"),
    MethodSpec::new(
        "canvas.document.preview",
        Scope::OperatorRead,
        "Where a page of the caller may be shown.",
    )
    .since("2026.9"),
    MethodSpec::new("canvas.list", Scope::OperatorRead, "The documents of conversations.").since("bulkhead"),
    MethodSpec::new("canvas.show", Scope::OperatorWrite, "Shows a document in a window of the app.")
        .since("bulkhead"),
    MethodSpec::new("canvas.act", Scope::OperatorWrite, "Tells the agent what a person did on a document.")
        .since("bulkhead"),
    MethodSpec::new("canvas.document.remove", Scope::OperatorWrite, "Lets go of a document.")
        .since("bulkhead"),
];

/// Parameters of `canvas.document.view`, `canvas.document.remove` and `canvas.show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CanvasDocumentParams {
    /// The document.
    pub doc_id: String,
}

/// Parameters of `canvas.document.preview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CanvasPreviewParams {
    /// A page, up to 2 MiB.
    pub html: String,
}

/// Parameters of `canvas.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CanvasListParams {
    /// Only of this conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
}

/// Parameters of `canvas.act`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanvasActParams {
    /// The document, as its host knows it.
    pub doc_id: String,
    /// The conversation that the host showed it for; another one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// What was done, up to 80 characters.
    pub name: String,
    /// What the document says of it, up to 8 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The same key again does nothing more.
    pub idempotency_key: String,
}

/// Result of `canvas.document.view` and `canvas.document.preview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanvasView {
    /// What the document is made of.
    pub html: String,
    /// Path with a capability that lives as long as the caller's connection.
    pub sandbox_url: String,
    /// The port of that path.
    pub sandbox_port: u16,
}

/// Parameters of `node.pluginSurface.refresh`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginSurfaceParams {
    /// `canvas`.
    pub surface: String,
}
