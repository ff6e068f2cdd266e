//! The canvas of a running gateway: documents in the store, capabilities in memory, and which node shows what.

pub(crate) mod http;
mod show;
pub(crate) mod tool;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bulkhead_canvas::{Address, BOUNDS, CanvasError, Capabilities, Kind, Reach, lines};
use bulkhead_protocol::ErrorShape;
use bulkhead_server::{ConnInfo, Role};
use bulkhead_store::{CanvasDocument, CanvasDraft};
use serde_json::Value;

use crate::clock;
use crate::gateway::Gateway;
use crate::methods::store_failed;
use crate::nodes::doorway;
use crate::nodes::events::{Heard, done, ignored};

pub(crate) use show::Place;

/// What dies with the process.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    /// Who may read documents over HTTP.
    pub(crate) capabilities: Capabilities,
    acts: Mutex<bulkhead_canvas::ActLimit>,
    /// Which node shows which document, by conversation.
    shown: Mutex<HashMap<String, Shown>>,
    /// Pages that are shown once, by the connection that brought them.
    previews: Mutex<HashMap<String, (String, Arc<str>)>>,
    /// One push onto a surface at a time.
    pushes: tokio::sync::Mutex<()>,
}

/// What a node shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) document: String,
    pub(crate) node: String,
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A wrong document on its way to a client.
pub(crate) fn refused(error: CanvasError) -> ErrorShape {
    match error {
        CanvasError::Store(error) => store_failed(error),
        CanvasError::TooMany { .. } => ErrorShape::unavailable_retryable(error.to_string(), Some(10_000)),
        other => ErrorShape::invalid_request(other.to_string()),
    }
}

/// There is none of that name.
pub(crate) fn unknown(id: &str) -> ErrorShape {
    ErrorShape::invalid_request(format!("unknown document {id:?}; canvas.list shows those that are there"))
}

impl Canvas {
    /// What a node shows of a conversation.
    pub(crate) fn shown(&self, session_key: &str) -> Option<Shown> {
        lock(&self.shown).get(session_key).cloned()
    }

    /// Counts what a person did on a document.
    pub(crate) fn count_act(&self, document: &str) -> Result<(), ErrorShape> {
        lock(&self.acts).count(document, clock::now_ms()).map_err(refused)
    }

    /// Keeps a page for the connection that brought it, instead of the one before.
    pub(crate) fn preview(&self, conn: &str, html: &str) -> String {
        let id = bulkhead_canvas::new_id();
        lock(&self.previews).insert(conn.to_owned(), (id.clone(), html.into()));
        id
    }

    fn previewed(&self, id: &str) -> Option<Arc<str>> {
        lock(&self.previews).values().find(|(one, _)| one == id).map(|(_, html)| Arc::clone(html))
    }
}

impl Gateway {
    /// The surface of a node that shows documents: its name, and the address that its documents are below.
    pub(crate) fn canvas_surface(&self, conn: &ConnInfo) -> Option<(String, String)> {
        if conn.role != Role::Node || !conn.has_cap("canvas") {
            return None;
        }
        let base = if conn.loopback {
            format!("http://127.0.0.1:{}", self.port)
        } else {
            let settings = self.settings.now();
            let found = doorway::find(&settings.config.gateway, self.port, None, false).ok()?;
            let scheme = if settings.config.gateway.tls.enabled { "https" } else { "http" };
            format!("{scheme}://{}", found.url.split_once("://")?.1)
        };
        let token = self.canvas.capabilities.grant(conn.id.as_str(), Reach::All);
        Some(("canvas".to_owned(), base + &Address::surface(&token)))
    }

    /// A connection is gone: its capabilities, and what it showed.
    pub(crate) fn canvas_left(&self, conn: &ConnInfo) {
        self.canvas.capabilities.revoke(conn.id.as_str());
        lock(&self.canvas.previews).remove(conn.id.as_str());
        let Some(node) = conn.device_id.as_deref().filter(|_| conn.role == Role::Node) else { return };
        // A newer connection of the same device stands already: it shows what it did.
        if self.nodes.get(node).is_none() {
            lock(&self.canvas.shown).retain(|_, shown| shown.node != node);
        }
    }

    /// A node tells that a person closed a window.
    pub(crate) fn canvas_closed(&self, conn: &ConnInfo, payload: &Value) -> Heard {
        let Some(key) = payload["sessionKey"].as_str() else { return ignored("invalid_payload") };
        let node = conn.device_id.as_deref().unwrap_or_default();
        let gone = {
            let mut shown = lock(&self.canvas.shown);
            if shown.get(key).is_some_and(|shown| shown.node == node) { shown.remove(key) } else { None }
        };
        let Some(gone) = gone else { return ignored("not_shown") };
        self.events.canvas_shown(key, &gone.document, false);
        done("closed")
    }

    /// Writes a page: a new document, or another content of one of this conversation.
    pub(crate) async fn canvas_put(
        &self,
        session_key: &str,
        id: Option<&str>,
        title: Option<&str>,
        html: &str,
    ) -> Result<CanvasDocument, ErrorShape> {
        bulkhead_canvas::check_html(html).map_err(refused)?;
        let known = match id {
            Some(id) => Some(self.canvas_of(session_key, id).await?.0),
            None => None,
        };
        let before = known.as_ref().map(|known| known.title.as_str()).filter(|_| title.is_none());
        let draft = CanvasDraft {
            id: known.as_ref().map_or_else(bulkhead_canvas::new_id, |known| known.id.clone()),
            session_key: session_key.to_owned(),
            kind: Kind::Html.as_str().to_owned(),
            title: bulkhead_canvas::title(title.or(before), Some(html)),
            content: html.to_owned(),
        };
        self.canvas_write(draft).await
    }

    /// Pushes messages onto a surface document of a conversation: the named one, else the newest, else a new one. `reset`
    /// takes what was pushed before away.
    pub(crate) async fn canvas_push(
        &self,
        session_key: &str,
        id: Option<&str>,
        title: Option<&str>,
        messages: &[Value],
        reset: bool,
    ) -> Result<CanvasDocument, ErrorShape> {
        let _one = self.canvas.pushes.lock().await;
        let known = match id {
            Some(id) => Some(self.canvas_of(session_key, id).await?),
            None => self.canvas_newest(session_key, Some(Kind::A2ui)).await?,
        };
        if let Some((document, _)) = &known
            && document.kind != Kind::A2ui.as_str()
        {
            return Err(ErrorShape::invalid_request(format!(
                "{} is a page, expected an A2UI document; leave document out to make one",
                document.id
            )));
        }
        let before = known.as_ref().filter(|_| !reset).map_or("", |(_, content)| content.as_str());
        let draft = CanvasDraft {
            id: known.as_ref().map_or_else(bulkhead_canvas::new_id, |(known, _)| known.id.clone()),
            session_key: session_key.to_owned(),
            kind: Kind::A2ui.as_str().to_owned(),
            title: bulkhead_canvas::title(
                title.or(known.as_ref().map(|(known, _)| known.title.as_str())),
                None,
            ),
            content: lines(before, messages).map_err(refused)?,
        };
        self.canvas_write(draft).await
    }

    async fn canvas_write(&self, draft: CanvasDraft) -> Result<CanvasDocument, ErrorShape> {
        let id = draft.id.clone();
        let written = self.store.canvas().put(draft, BOUNDS).await.map_err(store_failed)?;
        let written = written.ok_or_else(|| unknown(&id))?;
        self.events.canvas_changed(&written, false);
        Ok(written)
    }

    /// A document of a conversation; another conversation's is unknown here.
    pub(crate) async fn canvas_of(
        &self,
        session_key: &str,
        id: &str,
    ) -> Result<(CanvasDocument, String), ErrorShape> {
        let found = self.store.canvas().get(id).await.map_err(store_failed)?;
        found.filter(|(document, _)| document.session_key == session_key).ok_or_else(|| unknown(id))
    }

    /// What a conversation changed last.
    pub(crate) async fn canvas_newest(
        &self,
        session_key: &str,
        kind: Option<Kind>,
    ) -> Result<Option<(CanvasDocument, String)>, ErrorShape> {
        let canvas = self.store.canvas();
        let all = canvas.list(Some(session_key)).await.map_err(store_failed)?;
        let wanted = |document: &&CanvasDocument| kind.is_none_or(|kind| document.kind == kind.as_str());
        let Some(newest) = all.iter().find(wanted) else { return Ok(None) };
        canvas.get(&newest.id).await.map_err(store_failed)
    }

    /// Lets go of a document.
    pub(crate) async fn canvas_remove(self: &Arc<Self>, id: &str) -> Result<(), ErrorShape> {
        let gone = self.store.canvas().remove(id).await.map_err(store_failed)?.ok_or_else(|| unknown(id))?;
        if self.canvas.shown(&gone.session_key).is_some_and(|shown| shown.document == id) {
            // A window that stays open shows something that is gone; that is no reason to keep it.
            let _ = self.canvas_hide(&gone.session_key).await;
        }
        self.events.canvas_changed(&gone, true);
        Ok(())
    }
}
