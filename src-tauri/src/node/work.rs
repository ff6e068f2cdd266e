//! What the app does when a gateway asks its node.

use super::Node;
use crate::canvas::{Canvas, Show};
use serde::Deserialize;
use serde_json::{Value, json};
use tauri::{Manager, Url};

/// Why something was not done: a code, and words.
type Refusal = (&'static str, String);

/// Longest text of a notification.
const LONGEST: usize = 400;
/// Messages of one push.
const MOST: usize = 2_000;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Shown {
    url: Option<String>,
    target: Option<String>,
    doc_id: Option<String>,
    session_key: Option<String>,
    title: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Pushed {
    session_key: Option<String>,
    messages: Vec<Value>,
    jsonl: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Notice {
    title: Option<String>,
    body: Option<String>,
}

fn read<T: Default + serde::de::DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    if params.is_null() {
        return Ok(T::default());
    }
    serde_json::from_value(params).map_err(|error| ("INVALID_REQUEST", error.to_string()))
}

fn failed(message: String) -> Refusal {
    ("CANVAS_UNAVAILABLE", message)
}

/// A gateway that names no conversation means its one panel.
fn session(key: Option<String>) -> String {
    key.unwrap_or_else(|| "canvas".to_owned())
}

impl Node {
    /// Does one command.
    pub(super) async fn work(&self, command: &str, params: Value) -> Result<Value, Refusal> {
        let canvas = self.app.state::<Canvas>();
        match command {
            "canvas.present" | "canvas.navigate" => self.show(read(params)?).await,
            "canvas.hide" => {
                let shown: Shown = read(params)?;
                canvas.hide(&self.app, &self.profile, &session(shown.session_key));
                Ok(json!({"ok": true}))
            }
            "canvas.a2ui.push" | "canvas.a2ui.pushJSONL" => {
                let pushed: Pushed = read(params)?;
                let messages = messages(pushed.messages, pushed.jsonl.as_deref())?;
                let count = messages.len();
                canvas
                    .push(&self.app, &self.profile, &session(pushed.session_key), &messages.into())
                    .map_err(failed)?;
                Ok(json!({"ok": true, "messages": count}))
            }
            "canvas.a2ui.reset" => self.show(read(params)?).await,
            #[cfg(target_os = "linux")]
            "canvas.snapshot" => {
                let shown: Shown = read(params)?;
                let key = session(shown.session_key);
                canvas.snapshot(&self.app, &self.profile, &key).await.map_err(failed)
            }
            "system.notify" => notify(&self.profile, read(params)?),
            other => Err(("INVALID_REQUEST", format!("unknown command {other:?}"))),
        }
    }

    async fn show(&self, shown: Shown) -> Result<Value, Refusal> {
        let url = self.address(&shown).await?;
        let canvas = self.app.state::<Canvas>();
        let show = Show {
            profile: self.profile.clone(),
            session: session(shown.session_key),
            title: shown.title.unwrap_or_else(|| "Canvas".to_owned()).chars().take(120).collect(),
            url,
            operator: self.operator.clone(),
            closed: self.closed.clone(),
        };
        canvas.show(&self.app, show).await.map_err(failed)?;
        Ok(json!({"ok": true}))
    }

    /// Where a document is, with a capability: for one that the gateway names, one that opens its conversation's documents
    /// only; else below the surface that the gateway gives its nodes.
    async fn address(&self, shown: &Shown) -> Result<Url, Refusal> {
        let base = self.base()?;
        if let Some(document) = &shown.doc_id {
            let view = self.operator.request("canvas.document.view", json!({"docId": document})).await;
            let view = view.map_err(|error| failed(error.to_string()))?;
            let path = view["sandboxUrl"].as_str().ok_or_else(|| failed("no address came".to_owned()))?;
            return base.join(path).map_err(|error| failed(error.to_string()));
        }
        let path = shown.url.as_deref().or(shown.target.as_deref()).unwrap_or_default();
        if !path.starts_with("/__openclaw__/canvas/") {
            let found = path.chars().take(200).collect::<String>();
            return Err((
                "INVALID_REQUEST",
                format!("url: found {found:?}, expected the path of a document below /__openclaw__/canvas/"),
            ));
        }
        let surface = self.client.request("node.pluginSurface.refresh", json!({"surface": "canvas"})).await;
        let surface = surface.map_err(|error| failed(error.to_string()))?;
        let given = surface["pluginSurfaceUrls"]["canvas"].as_str().and_then(|url| url.parse::<Url>().ok());
        let given = given.ok_or_else(|| failed("the gateway serves no documents".to_owned()))?;
        // Under the address that the app itself is connected to, whatever the gateway believes its own to be.
        base.join(&format!("{}{path}", given.path().trim_end_matches('/')))
            .map_err(|error| failed(error.to_string()))
    }

    /// The address of the gateway, as the app reaches it.
    fn base(&self) -> Result<Url, Refusal> {
        let options = self.operator.options();
        let options = options.borrow();
        let text = match options.through {
            Some(port) => format!("http://127.0.0.1:{port}/"),
            None => options.url.replacen("ws", "http", 1),
        };
        text.parse().map_err(|_| failed("the gateway's address is none that a window can open".to_owned()))
    }
}

fn messages(given: Vec<Value>, jsonl: Option<&str>) -> Result<Vec<Value>, Refusal> {
    let mut all = given;
    for line in jsonl.unwrap_or_default().lines().filter(|line| !line.trim().is_empty()) {
        all.push(serde_json::from_str(line).map_err(|error| ("INVALID_REQUEST", format!("jsonl: {error}")))?);
    }
    if all.is_empty() || all.len() > MOST || !all.iter().all(Value::is_object) {
        let found = all.len();
        return Err(("INVALID_REQUEST", format!("found {found} messages, expected 1 to {MOST} objects")));
    }
    Ok(all)
}

/// Shows a notification. What an agent wrote stands in it as plain text, under the name of its gateway.
fn notify(profile: &str, notice: Notice) -> Result<Value, Refusal> {
    let cut =
        |text: Option<String>| text.unwrap_or_default().trim().chars().take(LONGEST).collect::<String>();
    let (title, body) = (cut(notice.title), cut(notice.body));
    if title.is_empty() && body.is_empty() {
        return Err(("INVALID_REQUEST", "found neither title nor body, expected one".to_owned()));
    }
    let summary =
        if title.is_empty() { format!("Bulkhead · {profile}") } else { format!("{title} · {profile}") };
    let shown = std::thread::Builder::new().name("notification".to_owned()).spawn(move || {
        let escaped = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let shown =
            notify_rust::Notification::new().appname("Bulkhead").summary(&summary).body(&escaped).show();
        if let Err(error) = shown {
            tracing::warn!(%error, "this desktop shows no notifications");
        }
    });
    shown.map_err(|error| ("UNAVAILABLE", error.to_string()))?;
    Ok(json!({"ok": true}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_as_a_list_or_one_a_line() {
        let one = json!({"version": "v0.9"});
        assert_eq!(messages(vec![one.clone()], Some("{}\n\n{}")).expect("good").len(), 3);
        assert!(messages(vec![], None).is_err());
        assert!(messages(vec![json!("x")], None).is_err());
        assert!(messages(vec![], Some("{")).is_err());
    }
}
