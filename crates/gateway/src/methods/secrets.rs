//! `secrets.reload`. What secrets hold is told to nobody: there is no method that gives one out, since a client that needs
//! one would put it where this program cannot look after it.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_supervisor::{ControlClient, ControlRequest};
use serde_json::json;

use super::Call;
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "secrets.reload" => reload,
};

/// Reads the secrets again: here in a terminal, by the supervisor elsewhere. Answers how many are missing.
async fn reload(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    if gateway.sidecar {
        let client = ControlClient::new(&gateway.place);
        client.ask(&ControlRequest::ReloadSecrets).await.map_err(|error| {
            ErrorShape::unavailable(format!(
                "the supervisor was asked to hand the secrets over again: {error}"
            ))
        })?;
    } else {
        gateway.read_secrets_again().await;
    }
    let settings = gateway.settings.now();
    let missing = settings
        .config
        .secret_inputs()
        .into_iter()
        .filter(|(_, input)| gateway.credentials.resolve(input).is_none())
        .count();
    Reply::json(&json!({"ok": true, "warningCount": missing}))
}
