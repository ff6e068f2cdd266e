//! Showing documents: on which node, and how it is asked.

use std::sync::Arc;

use bulkhead_canvas::{Address, Kind};
use bulkhead_protocol::ErrorShape;
use bulkhead_store::CanvasDocument;
use serde_json::{Value, json};

use super::{Shown, lock};
use crate::gateway::Gateway;
use crate::nodes::Live;
use crate::nodes::invoke::Request;

/// Where a document is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// On this node, in a window.
    Node(String),
    /// Nowhere by itself: no node that shows documents is connected. A person finds it in the web UI.
    WebUi,
}

impl Gateway {
    /// Shows a document of a conversation on a node: the one that was named, the one that shows the conversation already, one
    /// on this machine, or any other.
    pub(crate) async fn canvas_show(
        self: &Arc<Self>,
        document: &CanvasDocument,
        wanted: Option<&str>,
    ) -> Result<Place, ErrorShape> {
        let Some(node) = self.canvas_node(&document.session_key, wanted, "canvas.present").await? else {
            return Ok(Place::WebUi);
        };
        let before = self.canvas.shown(&document.session_key);
        let is_open = before.as_ref().is_some_and(|shown| shown.node == node.id());
        let navigate = is_open && self.may_invoke(node.id(), "canvas.navigate").await.is_ok();
        let command = if navigate { "canvas.navigate" } else { "canvas.present" };
        let params = json!({
            "url": Address::hosted(&document.id),
            "docId": document.id,
            "sessionKey": document.session_key,
            "title": document.title,
            "revision": document.revision,
        });
        self.canvas_ask(node.id(), command, params).await?;
        let shown = Shown { document: document.id.clone(), node: node.id().to_owned() };
        lock(&self.canvas.shown).insert(document.session_key.clone(), shown);
        self.events.canvas_shown(&document.session_key, &document.id, true);
        let name = node.conn.client.display_name.clone();
        Ok(Place::Node(name.unwrap_or_else(|| node.id().get(..12).unwrap_or_default().to_owned())))
    }

    /// A surface document that a node shows gets what was pushed as it is, if the node takes that; else it is shown anew.
    pub(crate) async fn canvas_update(
        self: &Arc<Self>,
        document: &CanvasDocument,
        pushed: &[Value],
        reset: bool,
        wanted: Option<&str>,
    ) -> Result<Place, ErrorShape> {
        let shown = self.canvas.shown(&document.session_key).filter(|shown| shown.document == document.id);
        if let Some(shown) = shown.filter(|_| document.kind == Kind::A2ui.as_str() && !reset) {
            let command = "canvas.a2ui.pushJSONL";
            if self.may_invoke(&shown.node, command).await.is_ok() {
                let jsonl = pushed.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
                let params = json!({
                    "jsonl": jsonl, "docId": document.id, "sessionKey": document.session_key,
                    "revision": document.revision,
                });
                self.canvas_ask(&shown.node, command, params).await?;
                return Ok(Place::Node(shown.node.get(..12).unwrap_or_default().to_owned()));
            }
        }
        self.canvas_show(document, wanted).await
    }

    /// Closes the window of a conversation; says whether there was one.
    pub(crate) async fn canvas_hide(self: &Arc<Self>, session_key: &str) -> Result<bool, ErrorShape> {
        let Some(shown) = lock(&self.canvas.shown).remove(session_key) else { return Ok(false) };
        self.events.canvas_shown(session_key, &shown.document, false);
        self.canvas_ask(&shown.node, "canvas.hide", json!({"sessionKey": session_key})).await?;
        Ok(true)
    }

    /// A picture of what is shown: its bytes in base64.
    pub(crate) async fn canvas_snapshot(self: &Arc<Self>, session_key: &str) -> Result<Value, ErrorShape> {
        let Some(shown) = self.canvas.shown(session_key) else {
            return Err(ErrorShape::invalid_request("nothing is shown now; present a document first"));
        };
        self.may_invoke(&shown.node, "canvas.snapshot").await?;
        let params = json!({"sessionKey": session_key, "docId": shown.document, "format": "png"});
        self.canvas_ask(&shown.node, "canvas.snapshot", params).await
    }

    async fn canvas_ask(
        self: &Arc<Self>,
        node: &str,
        command: &str,
        params: Value,
    ) -> Result<Value, ErrorShape> {
        let request = Request {
            node_id: node.to_owned(),
            command: command.to_owned(),
            params: Some(params),
            timeout: None,
            idempotency_key: uuid::Uuid::new_v4().to_string(),
        };
        let mut answer = self.invoke_node(request).await?.to_result(node, command)?;
        Ok(answer["payload"].take())
    }

    async fn canvas_node(
        &self,
        session_key: &str,
        wanted: Option<&str>,
        command: &str,
    ) -> Result<Option<Live>, ErrorShape> {
        let mut able = Vec::new();
        for live in self.nodes.here() {
            if self.may_invoke(live.id(), command).await.is_ok() {
                able.push(live);
            }
        }
        if let Some(wanted) = wanted {
            let lower = wanted.trim().to_lowercase();
            let fits = |live: &&Live| {
                let name = live.conn.client.display_name.as_deref().unwrap_or_default();
                live.id() == lower || name.to_lowercase() == lower
            };
            return able.iter().find(fits).cloned().map(Some).ok_or_else(|| {
                ErrorShape::invalid_request(format!(
                    "{wanted:?} names no connected device that shows documents; leave node out to take any"
                ))
            });
        }
        let showing = self.canvas.shown(session_key).map(|shown| shown.node);
        able.sort_by_key(|live| {
            (showing.as_deref() != Some(live.id()), !live.conn.loopback, live.id().to_owned())
        });
        Ok(able.into_iter().next())
    }
}
