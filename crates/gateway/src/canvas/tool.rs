//! The `canvas` tool: an agent makes documents and shows them to the person.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_agent::workspace::Workspace;
use bulkhead_agent::{Tool, ToolContext, ToolOutput};
use bulkhead_protocol::ErrorShape;
use bulkhead_store::CanvasDocument;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Place, refused};
use crate::approvals::people::owner_of_chat;
use crate::gateway::Gateway;
use crate::runs::TurnRequest;

/// The largest picture that is kept, in bytes.
const MOST_PICTURE: usize = 8 * 1024 * 1024;

struct CanvasTool {
    gateway: Weak<Gateway>,
    workspace: Workspace,
}

/// The tool for this turn: for whoever may ask nodes for something, and for a person whom the configuration names, in their
/// private chat. Strangers, programs and nodes by themselves put nothing on anybody's screen.
pub(crate) fn tool(
    gateway: &Arc<Gateway>,
    request: &TurnRequest,
    workspace: &Workspace,
) -> Option<Arc<dyn Tool>> {
    let settings = gateway.settings.now();
    let owner = request.source == crate::runs::Source::Telegram
        && request.peer.as_ref().is_some_and(|(_, _, peer)| owner_of_chat(&settings.config, peer).is_some());
    if !request.source.may_ask_nodes() && !owner {
        return None;
    }
    Some(Arc::new(CanvasTool { gateway: Arc::downgrade(gateway), workspace: workspace.clone() }))
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Action {
    Present {
        html: Option<String>,
        title: Option<String>,
        document: Option<String>,
        node: Option<String>,
    },
    Navigate {
        document: String,
        node: Option<String>,
    },
    Hide {},
    List {},
    Snapshot {},
    A2uiPush {
        messages: Option<Vec<Value>>,
        jsonl: Option<String>,
        title: Option<String>,
        document: Option<String>,
        node: Option<String>,
    },
    A2uiReset {
        document: Option<String>,
    },
}

#[async_trait]
impl Tool for CanvasTool {
    fn name(&self) -> &'static str {
        "canvas"
    }

    fn description(&self) -> &'static str {
        "Documents that the person sees in a window of the app or in the web UI. `present` shows a self-contained HTML page \
         (scripts and styles inline, pictures as data: URLs; it reaches no network); with `document` it replaces that one. \
         `navigate` shows another document of this conversation, `list` names them, `hide` closes the window, `snapshot` \
         takes a picture of it into the workspace. `a2ui_push` pushes A2UI v0.9 messages (createSurface with catalogId \
         https://a2ui.org/specification/v0_9/catalogs/basic/catalog.json, updateComponents with a component whose id is root, \
         updateDataModel, deleteSurface), `a2ui_reset` empties that document. In a page, \
         bulkhead.send(name, data) tells you what the person did, as a new message; A2UI actions come the same way."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "required": ["action"],
            "additionalProperties": false,
            "properties": {
                "action": {
                    "type": "string",
                    "enum": ["present", "navigate", "hide", "list", "snapshot", "a2ui_push", "a2ui_reset"],
                },
                "html": {"type": "string", "description": "present: the whole page"},
                "title": {"type": "string", "description": "present, a2ui_push: for the person"},
                "document": {"type": "string", "description": "a document of this conversation, such as cv_…"},
                "messages": {"type": "array", "items": {"type": "object"}, "description": "a2ui_push"},
                "jsonl": {"type": "string", "description": "a2ui_push: the same, one message a line"},
                "node": {"type": "string", "description": "id or name of the device; any, if left out"},
            },
        })
    }

    async fn call(&self, context: &ToolContext, args: Value) -> ToolOutput {
        let action = match serde_json::from_value::<Action>(args) {
            Ok(action) => action,
            Err(error) => return ToolOutput::error(format!("the arguments cannot be used: {error}")),
        };
        let Some(gateway) = self.gateway.upgrade() else {
            return ToolOutput::error("the gateway is stopping");
        };
        self.act(&gateway, &context.session_key, action).await.map_err(|error| error.message).into()
    }
}

impl CanvasTool {
    async fn act(&self, gateway: &Arc<Gateway>, key: &str, action: Action) -> Result<String, ErrorShape> {
        match action {
            Action::Present { html: Some(html), title, document, node } => {
                let written = gateway.canvas_put(key, document.as_deref(), title.as_deref(), &html).await?;
                Ok(told(gateway, &written, gateway.canvas_show(&written, node.as_deref()).await))
            }
            Action::Present { html: None, document, node, .. } => {
                let found = match document {
                    Some(id) => Some(gateway.canvas_of(key, &id).await?),
                    None => gateway.canvas_newest(key, None).await?,
                };
                let Some((document, _)) = found else {
                    return Err(ErrorShape::invalid_request(
                        "html: found nothing, expected a page; this conversation has no document yet",
                    ));
                };
                Ok(told(gateway, &document, gateway.canvas_show(&document, node.as_deref()).await))
            }
            Action::Navigate { document, node } => {
                let (document, _) = gateway.canvas_of(key, &document).await?;
                Ok(told(gateway, &document, gateway.canvas_show(&document, node.as_deref()).await))
            }
            Action::Hide {} => Ok(if gateway.canvas_hide(key).await? {
                "hidden".to_owned()
            } else {
                "nothing was shown".to_owned()
            }),
            Action::List {} => list(gateway, key).await,
            Action::Snapshot {} => self.snapshot(gateway, key).await,
            Action::A2uiPush { messages, jsonl, title, document, node } => {
                let mut all = bulkhead_canvas::messages(messages.unwrap_or_default()).map_err(refused)?;
                all.extend(bulkhead_canvas::read_lines(&jsonl.unwrap_or_default()).map_err(refused)?);
                if all.is_empty() {
                    return Err(ErrorShape::invalid_request(
                        "found neither messages nor jsonl, expected some",
                    ));
                }
                let pushed =
                    gateway.canvas_push(key, document.as_deref(), title.as_deref(), &all, false).await?;
                Ok(told(gateway, &pushed, gateway.canvas_update(&pushed, &all, false, node.as_deref()).await))
            }
            Action::A2uiReset { document } => {
                let empty = gateway.canvas_push(key, document.as_deref(), None, &[], true).await?;
                if gateway.canvas.shown(key).is_some_and(|shown| shown.document == empty.id) {
                    gateway.canvas_update(&empty, &[], true, None).await?;
                }
                Ok(format!("{} is empty now", empty.id))
            }
        }
    }

    async fn snapshot(&self, gateway: &Arc<Gateway>, key: &str) -> Result<String, ErrorShape> {
        let payload = gateway.canvas_snapshot(key).await?;
        let wrong = || ErrorShape::unavailable("the device answered without a picture");
        let text = payload["base64"].as_str().ok_or_else(wrong)?;
        if text.len() > MOST_PICTURE * 4 / 3 + 4 {
            return Err(ErrorShape::unavailable("the picture is too large to be kept"));
        }
        let bytes = STANDARD.decode(text).map_err(|_| wrong())?;
        let kind = match payload["format"].as_str() {
            Some("jpeg" | "jpg") => "jpg",
            _ => "png",
        };
        let name = format!("canvas/{}.{kind}", uuid::Uuid::now_v7());
        let (workspace, path) = (self.workspace.clone(), name.clone());
        let size = bytes.len();
        tokio::task::spawn_blocking(move || workspace.write(&path, &bytes))
            .await
            .map_err(|_| ErrorShape::unavailable("keeping the picture was interrupted"))?
            .map_err(|error| ErrorShape::unavailable(error.to_string()))?;
        let words = payload["text"].as_str().map(|text| format!("\nIt reads:\n{}", cut(text)));
        Ok(format!("The picture ({size} bytes) is {name} in the workspace.{}", words.unwrap_or_default()))
    }
}

/// The words of a window that a model reads.
fn cut(text: &str) -> &str {
    text.char_indices().nth(8_000).map_or(text, |(end, _)| &text[..end])
}

async fn list(gateway: &Arc<Gateway>, key: &str) -> Result<String, ErrorShape> {
    let found = gateway.store.canvas().list(Some(key)).await.map_err(crate::methods::store_failed)?;
    let shown = gateway.canvas.shown(key);
    let lines: Vec<String> = found
        .iter()
        .map(|document| {
            let now = if shown.as_ref().is_some_and(|shown| shown.document == document.id) {
                ", shown"
            } else {
                ""
            };
            format!(
                "{} {:?} ({}, revision {}, {} bytes{now})",
                document.id, document.title, document.kind, document.revision, document.bytes
            )
        })
        .collect();
    Ok(if lines.is_empty() { "This conversation has no documents.".to_owned() } else { lines.join("\n") })
}

/// What became of a document: it is kept in any case, and the agent knows whether it is seen.
fn told(gateway: &Gateway, document: &CanvasDocument, shown: Result<Place, ErrorShape>) -> String {
    let kept = format!("{} (revision {}) is kept.", document.id, document.revision);
    let web = || {
        let base = gateway.settings.now().base_path();
        format!(
            "the person finds it in the web UI, page Canvas: http://127.0.0.1:{}{base}/#/canvas",
            gateway.port
        )
    };
    match shown {
        Ok(Place::Node(node)) => format!("{kept} It is shown on {node}."),
        Ok(Place::WebUi) => format!("{kept} No connected device shows documents now; {}", web()),
        Err(error) => format!("{kept} It could not be shown ({}); {}", error.message, web()),
    }
}
