//! `device.*`: paired devices, those that wait, and their tokens.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::auth::device_token;
use bulkhead_server::{Reply, Role};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, store_failed};
use crate::access::Asked;
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "device.pair.list" => list,
    "device.pair.approve" => approve,
    "device.pair.reject" => reject,
    "device.pair.remove" => remove,
    "device.token.rotate" => rotate,
    "device.token.revoke" => revoke,
};

/// Devices that wait and devices that are paired.
pub(super) async fn list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let devices = gateway.store.devices();
    let pending: Vec<Value> = devices
        .requests()
        .await
        .map_err(store_failed)?
        .into_iter()
        .map(|request| {
            let mut row = request.payload;
            row["requestId"] = request.id.into();
            row["ts"] = request.created_at.into();
            row
        })
        .collect();
    let tokens = devices.tokens().await.map_err(store_failed)?;
    let here: Vec<String> =
        gateway.events.hub().connections().iter().filter_map(|conn| conn.device_id.clone()).collect();
    let paired: Vec<Value> = devices
        .list()
        .await
        .map_err(store_failed)?
        .into_iter()
        .map(|device| {
            let own: Vec<Value> = tokens
                .iter()
                .filter(|token| token.device_id == device.id)
                .map(|token| {
                    let mut row = json!({
                        "role": token.role, "scopes": token.scopes, "createdAtMs": token.created_at,
                    });
                    for (name, at) in [
                        ("rotatedAtMs", token.rotated_at),
                        ("lastUsedAtMs", token.used_at),
                        ("revokedAtMs", token.revoked_at),
                    ] {
                        if let Some(at) = at {
                            row[name] = at.into();
                        }
                    }
                    row
                })
                .collect();
            json!({
                "connected": here.contains(&device.id),
                "deviceId": device.id,
                "publicKey": device.public_key,
                "displayName": device.display_name,
                "platform": device.platform,
                "deviceFamily": device.device_family,
                "clientId": device.client_id,
                "clientMode": device.client_mode,
                "role": device.role,
                "roles": device.roles,
                "scopes": device.scopes,
                "approvedVia": device.approved_via,
                "createdAtMs": device.created_at,
                "approvedAtMs": device.approved_at,
                "lastSeenAtMs": device.last_seen_at,
                "lastSeenReason": device.last_seen_why,
                "tokens": own,
            })
        })
        .collect();
    Reply::json(&json!({"pending": pending, "paired": paired}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestParams {
    request_id: String,
}

/// Lets a device in that waits.
pub(super) async fn approve(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: RequestParams = call.params()?;
    let request = take(gateway, &params.request_id).await?;
    let grant = serde_json::from_value::<Asked>(request.payload)
        .ok()
        .and_then(|asked| asked.grant())
        .ok_or_else(|| ErrorShape::unavailable("the request cannot be read; let the device connect again"))?;
    // Nobody hands out more than they hold.
    if let Some(more) = grant.scopes.iter().find(|scope| !call.ctx.conn.allows(**scope)) {
        return Err(ErrorShape::forbidden_missing_scope(*more));
    }
    let device = gateway.access.remember(&grant, "operator").await?;
    gateway.events.device_resolved(&request.id, &device.id, "approved");
    Reply::json(
        &json!({"requestId": request.id, "device": {"deviceId": device.id, "publicKey": device.public_key}}),
    )
}

/// Turns a device away that waits.
pub(super) async fn reject(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: RequestParams = call.params()?;
    let request = take(gateway, &params.request_id).await?;
    gateway.events.device_resolved(&request.id, &request.device_id, "rejected");
    Reply::json(&json!({"requestId": request.id, "deviceId": request.device_id}))
}

async fn take(gateway: &Gateway, id: &str) -> Result<bulkhead_store::DeviceRequest, ErrorShape> {
    let taken = gateway.store.devices().take_request(id).await.map_err(store_failed)?;
    taken.ok_or_else(|| {
        ErrorShape::invalid_request(format!(
            "unknown requestId {id:?}; device.pair.list shows those that wait"
        ))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeviceParams {
    device_id: String,
    role: Option<String>,
}

/// Forgets a device; its sockets close.
pub(super) async fn remove(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeviceParams = call.params()?;
    if !gateway.store.devices().remove(&params.device_id).await.map_err(store_failed)? {
        return Err(unknown(&params.device_id));
    }
    gateway.events.hub().close_device(&params.device_id, None);
    gateway.events.devices_changed(&params.device_id);
    Reply::json(&json!({"deviceId": params.device_id}))
}

/// A new token for a device; the old one is void and its sockets close.
pub(super) async fn rotate(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeviceParams = call.params()?;
    let role = role(&params)?;
    let devices = gateway.store.devices();
    if devices.token(&params.device_id, role.as_str()).await.map_err(store_failed)?.is_none() {
        return Err(unknown(&params.device_id));
    }
    let state = devices.rotate_token(&params.device_id, role.as_str()).await.map_err(store_failed)?;
    gateway.events.hub().close_device(&params.device_id, Some(role));
    gateway.events.devices_changed(&params.device_id);
    let mut result = json!({
        "deviceId": params.device_id,
        "role": state.role,
        "scopes": state.scopes,
        "rotatedAtMs": state.rotated_at,
    });
    // The new token goes only to the device itself; others let it reconnect with the shared secret.
    if call.ctx.conn.device_id.as_deref() == Some(params.device_id.as_str()) {
        let generation = u64::try_from(state.generation).unwrap_or(u64::MAX);
        if let Some(key) = &gateway.access_policy().device_token_key {
            let token = device_token(key, &params.device_id, role, generation);
            result["token"] = token.expose_secret().into();
        }
    }
    Reply::json(&result)
}

/// Makes a device's token void; its sockets close.
pub(super) async fn revoke(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeviceParams = call.params()?;
    let role = role(&params)?;
    if !gateway.store.devices().revoke_token(&params.device_id, role.as_str()).await.map_err(store_failed)? {
        return Err(unknown(&params.device_id));
    }
    gateway.events.hub().close_device(&params.device_id, Some(role));
    gateway.events.devices_changed(&params.device_id);
    Reply::json(
        &json!({"deviceId": params.device_id, "role": role.as_str(), "revokedAtMs": gateway.store.now()}),
    )
}

fn role(params: &DeviceParams) -> Result<Role, ErrorShape> {
    Role::parse(params.role.as_deref()).ok_or_else(|| {
        ErrorShape::invalid_request(format!("role: found {:?}, expected operator or node", params.role))
    })
}

fn unknown(id: &str) -> ErrorShape {
    ErrorShape::invalid_request(format!(
        "unknown deviceId {id:?}; device.pair.list shows those that are paired"
    ))
}
