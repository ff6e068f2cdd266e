//! The app as a node of each of its gateways: it shows documents and notifications.
//!
//! A node is a connection and a device of its own beside the operator's, with no scopes. What it offers is approved through
//! the operator's connection: whoever runs the app on this gateway has said yes to it by that. Offers of other nodes are
//! left to people.

mod work;

use bulkhead_client::backoff::Backoff;
use bulkhead_client::protocol::EventFrame;
use bulkhead_client::protocol::device_auth::DeviceKey;
use bulkhead_client::{Auth, ConnectOptions, ConnectionState, ReconnectingClient};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use tauri::AppHandle;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What it is able to do, in general.
const CAPS: [&str; 2] = ["canvas", "notify"];
/// What it offers to do.
const COMMANDS: &[&str] = &[
    "canvas.present",
    "canvas.navigate",
    "canvas.hide",
    "canvas.a2ui.push",
    "canvas.a2ui.pushJSONL",
    "canvas.a2ui.reset",
    #[cfg(target_os = "linux")]
    "canvas.snapshot",
    "system.notify",
];

/// A node of one gateway, beside the operator's connection to it.
struct Node {
    app: AppHandle,
    profile: String,
    operator: ReconnectingClient,
    client: ReconnectingClient,
    id: String,
    closed: mpsc::UnboundedSender<String>,
}

/// Runs the node of a profile's gateway until the profile is let go.
pub async fn run(app: AppHandle, profile: String, operator: ReconnectingClient, stop: CancellationToken) {
    let mut options = operator.options();
    let mut state = operator.state();
    // A secret that the gateway refuses is not tried a second time from here.
    let connected = state.wait_for(ConnectionState::is_connected);
    tokio::select! {
        () = stop.cancelled() => return,
        connected = connected => if connected.is_err() { return },
    }
    loop {
        let base = options.borrow_and_update().clone();
        let Some(key) = key(&profile, &base.auth) else { return };
        let (closed, closings) = mpsc::unbounded_channel();
        let node = Arc::new(Node {
            app: app.clone(),
            profile: profile.clone(),
            operator: operator.clone(),
            id: key.id(),
            client: ReconnectingClient::spawn(as_node(base, key), Backoff::default()),
            closed,
        });
        tokio::select! {
            () = stop.cancelled() => return node.client.stop().await,
            () = Arc::clone(&node).follow(closings) => return,
            changed = options.changed() => {
                node.client.stop().await;
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

fn as_node(base: ConnectOptions, key: DeviceKey) -> ConnectOptions {
    base.as_node(key, CAPS, COMMANDS.iter().copied())
}

/// The node's key: out of the gateway's token, so that nothing more has to be kept, and another for each profile. A password
/// can be guessed, so nothing that others see may be made of it: then the key lives as long as the app.
fn key(profile: &str, auth: &Auth) -> Option<DeviceKey> {
    match auth {
        Auth::Token(token) => {
            let mut hash = Sha256::new();
            for part in ["bulkhead app node 1", &here(), profile, token.expose_secret()] {
                hash.update(part.as_bytes());
                hash.update([0]);
            }
            Some(DeviceKey::from_seed(&hash.finalize().into()))
        }
        Auth::None | Auth::Password(_) | Auth::DeviceToken(_) => DeviceKey::generate().ok(),
    }
}

/// This machine and this person on it: the app of another one is another device, also where both know one token.
fn here() -> String {
    let machine = std::fs::read_to_string("/etc/machine-id").ok();
    let known = |name: &str| std::env::var(name).ok();
    let machine = machine.or_else(|| known("COMPUTERNAME")).or_else(|| known("HOSTNAME")).unwrap_or_default();
    let person = known("HOME").or_else(|| known("USERPROFILE")).unwrap_or_default();
    format!("{}\n{person}", machine.trim())
}

impl Node {
    async fn follow(self: Arc<Self>, mut closings: mpsc::UnboundedReceiver<String>) {
        let mut state = self.client.state();
        let (mut events, mut asked) = (self.client.events(), self.operator.events());
        state.mark_changed();
        loop {
            tokio::select! {
                changed = state.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if state.borrow_and_update().is_connected() {
                        self.approve_own().await;
                    }
                }
                event = events.recv() => match event {
                    Ok(frame) => self.hear(&frame),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                event = asked.recv() => match event {
                    Ok(frame) if frame.event == "node.pair.requested" => self.approve_own().await,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                Some(session) = closings.recv() => {
                    let told = json!({"event": "canvas.closed", "payload": {"sessionKey": session}});
                    let _ = self.client.request("node.event", told).await;
                }
            }
        }
    }

    /// Says yes to what this node itself offers, and to nothing else.
    async fn approve_own(&self) {
        let Ok(list) = self.operator.request("node.pair.list", json!({})).await else { return };
        let pending = list["pending"].as_array().map(Vec::as_slice).unwrap_or_default();
        for request in pending.iter().filter(|request| is_own(request, &self.id)) {
            let params = json!({"requestId": request["requestId"]});
            if let Err(error) = self.operator.request("node.pair.approve", params).await {
                tracing::warn!(
                    profile = self.profile,
                    code = error.code(),
                    "the app's windows are not approved: {error}"
                );
            }
        }
    }

    fn hear(self: &Arc<Self>, frame: &EventFrame) {
        if frame.event != "node.invoke.request" {
            return;
        }
        let payload: Option<Value> =
            frame.payload.as_ref().and_then(|payload| serde_json::from_str(payload.get()).ok());
        let Some(payload) = payload else { return };
        let node = Arc::clone(self);
        tauri::async_runtime::spawn(async move {
            let command = payload["command"].as_str().unwrap_or_default();
            let params = payload["paramsJSON"].as_str().and_then(|text| serde_json::from_str(text).ok());
            let mut result = json!({"id": payload["id"], "nodeId": node.id});
            match node.work(command, params.unwrap_or(Value::Null)).await {
                Ok(done) => {
                    result["ok"] = true.into();
                    result["payloadJSON"] = done.to_string().into();
                }
                Err((code, message)) => {
                    result["ok"] = false.into();
                    result["error"] = json!({"code": code, "message": message});
                }
            }
            if let Err(error) = node.client.request("node.invoke.result", result).await {
                tracing::warn!(
                    profile = node.profile,
                    code = error.code(),
                    "an answer did not reach the gateway: {error}"
                );
            }
        });
    }
}

/// Whether a request is this node's, for nothing but what it offers.
fn is_own(request: &Value, id: &str) -> bool {
    let commands = request["commands"].as_array().map(Vec::as_slice).unwrap_or_default();
    let known = |command: &Value| command.as_str().is_some_and(|command| COMMANDS.contains(&command));
    request["nodeId"] == id && commands.iter().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_offer_is_approved() {
        let request =
            |id: &str, commands: Value| json!({"requestId": "r", "nodeId": id, "commands": commands});
        assert!(is_own(&request("me", json!(["canvas.present", "system.notify"])), "me"));
        assert!(!is_own(&request("you", json!(["canvas.present"])), "me"));
        assert!(!is_own(&request("me", json!(["canvas.present", "system.run"])), "me"));
    }

    #[test]
    fn each_profile_has_a_device_of_its_own() {
        let token = |text: &str| Auth::Token(text.into());
        let id = |profile: &str, auth: &Auth| key(profile, auth).expect("key").id();
        assert_eq!(id("main", &token("a")), id("main", &token("a")));
        assert_ne!(id("main", &token("a")), id("rescue", &token("a")));
        assert_ne!(id("main", &token("a")), id("main", &token("b")));
        let password = Auth::Password("guess".into());
        assert_ne!(id("main", &password), id("main", &password), "nothing is made of what can be guessed");
    }
}
