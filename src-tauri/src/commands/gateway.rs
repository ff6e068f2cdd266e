//! The gateway protocol for the page: requests and events go through the Rust client, so no token reaches JavaScript.

use crate::failure::{Answer, Failure};
use crate::fleet::Fleet;
use serde::Serialize;
use serde_json::Value;
use tauri::State;
use tauri::ipc::Channel;

/// Something that a gateway said, or a change of the connection to it.
#[derive(Debug, Clone, Serialize, specta::Type)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum GatewayMessage {
    /// An event of the protocol.
    Event {
        /// Profile whose gateway sent it.
        profile: String,
        /// Name of the event.
        event: String,
        /// Its payload.
        payload: Value,
        /// Its number on the app's connection; a gap means that something was missed.
        seq: Option<u64>,
    },
    /// The connection came up or went down.
    Connection {
        /// Profile whose gateway it is.
        profile: String,
        /// Whether requests work now.
        connected: bool,
        /// Why not, where it is not.
        reason: Option<String>,
    },
}

/// Largest parameters that a page may send: attachments fit, a runaway page doesn't fill the gateway.
const PARAMS_LIMIT: usize = 24 * 1024 * 1024;

/// One request of the gateway protocol.
#[tauri::command]
#[specta::specta]
pub async fn gateway_request(
    fleet: State<'_, Fleet>,
    profile: String,
    method: String,
    params: Option<Value>,
) -> Answer<Value> {
    let params = params.unwrap_or(Value::Null);
    if params.is_string() || params.to_string().len() > PARAMS_LIMIT {
        return Err(Failure::new("bad-request", "The request is too large.", "Send less at once."));
    }
    fleet.request(&profile, &method, params).await
}

/// Sends events and connection changes of all gateways, until the window is gone.
#[tauri::command]
#[specta::specta]
pub async fn gateway_subscribe(fleet: State<'_, Fleet>, on_message: Channel<GatewayMessage>) -> Answer<()> {
    fleet.subscribe(move |message| on_message.send(message).is_ok());
    Ok(())
}
