//! `canvas.*`: documents that agents made for people to look at.

use std::sync::Arc;

use bulkhead_canvas::{Act, Address, Reach};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::canvas::{
    CanvasActParams, CanvasDocumentParams, CanvasListParams, CanvasPreviewParams, CanvasView,
    PluginSurfaceParams,
};
use bulkhead_server::Reply;
use serde_json::{Value, json};

use super::chat::{Said, check_run_id, say};
use super::{Call, store_failed};
use crate::canvas::{Place, refused, unknown};
use crate::events::canvas::row;
use crate::gateway::Gateway;
use crate::sessions::{agent_of, resolve};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "canvas.document.view" => view,
    "canvas.document.preview" => preview,
    "canvas.document.remove" => remove,
    "canvas.list" => list,
    "canvas.show" => show,
    "canvas.act" => act,
};

/// What a document is made of, and an address of it that is good while the caller is connected.
pub(super) async fn view(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CanvasDocumentParams = call.params()?;
    let found = gateway.store.canvas().get(&params.doc_id).await.map_err(store_failed)?;
    let (document, html) = found.ok_or_else(|| unknown(&params.doc_id))?;
    // Its conversation's documents may lead to each other; no other's are in reach.
    let reach = Reach::Session(document.session_key);
    Reply::json(&viewed(gateway, &call, &document.id, html, reach))
}

/// An address for a page that the caller brings; it is kept in memory, one for each connection.
pub(super) async fn preview(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CanvasPreviewParams = call.params()?;
    bulkhead_canvas::check_html(&params.html).map_err(refused)?;
    let id = gateway.canvas.preview(call.ctx.conn.id.as_str(), &params.html);
    let reach = Reach::Document(id.clone());
    Reply::json(&viewed(gateway, &call, &id, params.html, reach))
}

fn viewed(gateway: &Gateway, call: &Call<'_>, id: &str, html: String, reach: Reach) -> CanvasView {
    let token = gateway.canvas.capabilities.grant(call.ctx.conn.id.as_str(), reach);
    CanvasView { html, sandbox_url: Address::path(&token, id), sandbox_port: gateway.port }
}

/// Documents, what changed last first.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CanvasListParams = call.params()?;
    let key = match params.session_key.as_deref() {
        Some(key) => Some(resolve(&gateway.settings.now(), Some(key), None)?.0),
        None => None,
    };
    let found = gateway.store.canvas().list(key.as_deref()).await.map_err(store_failed)?;
    let rows: Vec<Value> = found
        .iter()
        .map(|document| {
            let shown = gateway.canvas.shown(&document.session_key);
            let mut row = row(document);
            row["shown"] = shown.is_some_and(|shown| shown.document == document.id).into();
            row
        })
        .collect();
    Reply::json(&json!({"documents": rows}))
}

/// A person wants to see a document in a window.
pub(super) async fn show(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CanvasDocumentParams = call.params()?;
    let found = gateway.store.canvas().get(&params.doc_id).await.map_err(store_failed)?;
    let (document, _) = found.ok_or_else(|| unknown(&params.doc_id))?;
    match gateway.canvas_show(&document, None).await? {
        Place::Node(node) => Reply::json(&json!({"ok": true, "node": node})),
        Place::WebUi => Err(ErrorShape::unavailable(
            "no connected device shows documents; start the app, or look at it in the web UI",
        )),
    }
}

/// A person did something on a document; the agent of its conversation is told.
pub(super) async fn act(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CanvasActParams = call.params()?;
    check_run_id(&params.idempotency_key)?;
    let act = Act::new(&params.name, params.data).map_err(refused)?;
    let found = gateway.store.canvas().get(&params.doc_id).await.map_err(store_failed)?;
    let (document, _) = found
        .filter(|(document, _)| params.session_key.as_ref().is_none_or(|key| *key == document.session_key))
        .ok_or_else(|| unknown(&params.doc_id))?;
    let agent = agent_of(&document.session_key)
        .map_or_else(|| gateway.settings.now().default_agent().to_owned(), str::to_owned);
    let again = gateway.runs.session_of(&params.idempotency_key).is_some();
    if !again {
        gateway.canvas.count_act(&document.id)?;
    }
    let message = act.message(&document.id, &document.title);
    let said =
        Said { commands: false, ..Said::new(params.idempotency_key, document.session_key, agent, &message) };
    Reply::json(&say(gateway, said).await?)
}

/// A person does not want a document any more.
pub(super) async fn remove(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CanvasDocumentParams = call.params()?;
    gateway.canvas_remove(&params.doc_id).await?;
    Reply::json(&json!({"ok": true, "docId": params.doc_id}))
}

/// A node asks for a new address of its canvas; the one before stays good while it is connected.
pub(super) async fn refresh_surface(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: PluginSurfaceParams = call.params()?;
    let surface = gateway.canvas_surface(&call.ctx.conn).filter(|(name, _)| *name == params.surface);
    let Some((name, url)) = surface else {
        return Err(ErrorShape::unavailable(format!("{} plugin surface unavailable", params.surface)));
    };
    let mut urls = serde_json::Map::new();
    urls.insert(name.clone(), url.into());
    Reply::json(&json!({"surface": name, "pluginSurfaceUrls": urls}))
}
