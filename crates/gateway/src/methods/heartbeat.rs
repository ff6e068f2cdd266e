//! `wake`, `system-event`, `last-heartbeat` and `set-heartbeats`: what happened, and the agent's look at it.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::cron::WakeMode;
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use crate::gateway::Gateway;
use crate::presence::Entry;
use crate::sessions::resolve;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "wake" => wake,
    "last-heartbeat" => last,
    "set-heartbeats" => set,
    "system-event" => system_event,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WakeParams {
    mode: WakeMode,
    text: String,
    session_key: Option<String>,
    agent_id: Option<String>,
}

/// Tells an agent something: at once, or with the next heartbeat. A session that is named is always told at once.
pub(super) async fn wake(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: WakeParams = call.params()?;
    let text = needs_text("wake", &params.text)?;
    let settings = gateway.settings.now();
    let (key, _) = resolve(&settings, params.session_key.as_deref(), params.agent_id.as_deref())?;
    gateway.schedule.events.add(&key, text);
    if params.mode == WakeMode::Now || params.session_key.is_some() {
        gateway.may_run()?;
        gateway.schedule.wake(&key);
    }
    Reply::json(&json!({"ok": true}))
}

/// How the last one went; `null` before the first.
pub(super) async fn last(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&gateway.schedule.last_heartbeat())
}

#[derive(Deserialize)]
struct SetParams {
    enabled: bool,
}

/// On or off until the next start.
pub(super) async fn set(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SetParams = call.params()?;
    gateway.schedule.set_heartbeats(params.enabled);
    Reply::json(&json!({"ok": true, "enabled": params.enabled}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SystemEventParams {
    text: String,
    session_key: Option<String>,
    device_id: Option<String>,
    instance_id: Option<String>,
    host: Option<String>,
    ip: Option<String>,
    version: Option<String>,
    platform: Option<String>,
    device_family: Option<String>,
    mode: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(flatten)]
    _rest: serde_json::Map<String, Value>,
}

/// Something happened. Who says which device it is, is seen in the list of presence; everything else is told with the next
/// heartbeat.
pub(super) async fn system_event(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SystemEventParams = call.params()?;
    let text = needs_text("system-event", &params.text)?;
    let device = params.instance_id.clone().or_else(|| params.device_id.clone());
    if let Some(key) = device {
        gateway.presence.note(
            key,
            Entry {
                client_id: None,
                host: params.host,
                ip: params.ip,
                version: params.version,
                platform: params.platform,
                device_family: params.device_family,
                mode: params.mode,
                reason: "system-event",
                text: text.chars().take(500).collect(),
                ts: 0,
                online_since: None,
                device_id: params.device_id,
                roles: params.roles,
                scopes: params.scopes,
                instance_id: params.instance_id,
            },
        );
        gateway.events.presence(&gateway.presence.render(), gateway.state_version());
    } else {
        let settings = gateway.settings.now();
        let (key, _) = resolve(&settings, params.session_key.as_deref(), None)?;
        gateway.schedule.events.add(&key, text);
    }
    Reply::json(&json!({"ok": true}))
}

fn needs_text<'a>(method: &str, text: &'a str) -> Result<&'a str, ErrorShape> {
    match text.trim() {
        "" => Err(ErrorShape::invalid_params(method, "text", "found nothing, expected what happened")),
        text => Ok(text),
    }
}
