//! `device.pair.*`: paired devices and those that wait.

use std::sync::Arc;

use bulkhead_protocol::methods::devices::{
    DevicePairRemoveParams, DevicePairRenameParams, DeviceRequestParams,
};
use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::{AuthMethod, ConnInfo, Reply, Role};
use bulkhead_store::{Device, DeviceToken};
use serde_json::{Value, json};

use super::{Call, device_scopes, device_setup, device_tokens, store_failed};
use crate::access::Asked;
use crate::gateway::Gateway;
use crate::nodes::rows::Roll;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "device.pair.list" => list,
    "device.pair.approve" => approve,
    "device.pair.reject" => reject,
    "device.pair.remove" => remove,
    "device.pair.rename" => rename,
    "device.pair.setupCode" => device_setup::code,
    "device.pair.setupStatus" => device_setup::status,
    "device.scopes.requestUpgrade" => device_scopes::request,
    "device.scopes.waitUpgrade" => device_scopes::wait,
    "device.token.rotate" => device_tokens::rotate,
    "device.token.revoke" => device_tokens::revoke,
};

/// Longest name that an operator may give, in characters.
const LONGEST_LABEL: usize = 64;

/// Devices that wait and devices that are paired.
pub(super) async fn list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    gateway.access.expire_requests().await?;
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
    let roll = gateway.roll().await?;
    let paired: Vec<Value> = devices
        .list()
        .await
        .map_err(store_failed)?
        .into_iter()
        .map(|device| paired_row(&device, &tokens, here.contains(&device.id), &roll))
        .collect();
    Reply::json(&json!({"pending": pending, "paired": paired}))
}

fn paired_row(device: &Device, tokens: &[DeviceToken], connected: bool, roll: &Roll) -> Value {
    let own =
        tokens.iter().filter(|token| token.device_id == device.id && device.roles.contains(&token.role));
    let own: Vec<Value> = own
        .map(|token| {
            let mut row =
                json!({"role": token.role, "scopes": token.scopes, "createdAtMs": token.created_at});
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
    let mut row = json!({
        "connected": connected,
        "deviceId": device.id,
        "publicKey": device.public_key,
        "clientId": device.client_id,
        "clientMode": device.client_mode,
        "role": device.role,
        "roles": device.roles,
        "scopes": device.scopes,
        "approvedVia": device.approved_via,
        "createdAtMs": device.created_at,
        "approvedAtMs": device.approved_at,
        "tokens": own,
    });
    let surface = roll.node(&device.id).and_then(|node| {
        let surface = node.surface.as_ref()?;
        let mut row = json!({
            "caps": surface.caps, "commands": surface.commands, "sessionHost": false,
            "createdAtMs": node.surface_created_at, "approvedAtMs": node.approved_at,
        });
        for (name, text) in [("displayName", &node.display_name), ("version", &node.version)] {
            if let Some(text) = text {
                row[name] = text.as_str().into();
            }
        }
        Some(row)
    });
    for (name, value) in [
        ("displayName", device.display_name.clone().map(Value::from)),
        ("operatorLabel", device.label.clone().map(Value::from)),
        ("platform", device.platform.clone().map(Value::from)),
        ("deviceFamily", device.device_family.clone().map(Value::from)),
        ("lastSeenAtMs", device.last_seen_at.map(Value::from)),
        ("lastSeenReason", device.last_seen_why.clone().map(Value::from)),
        ("nodeSurface", surface),
        ("pendingNodeSurface", roll.request(&device.id).map(crate::nodes::arrival::request_row)),
    ] {
        if let Some(value) = value {
            row[name] = value;
        }
    }
    row
}

/// Lets a device in that waits.
pub(super) async fn approve(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeviceRequestParams = call.params()?;
    let caller = &call.ctx.conn;
    let found = gateway.store.devices().requests().await.map_err(store_failed)?;
    let found = found.into_iter().find(|one| one.id == params.request_id);
    let found = found.ok_or_else(|| unknown_request(&params.request_id))?;
    let grant = serde_json::from_value::<Asked>(found.payload)
        .ok()
        .and_then(|asked| asked.grant())
        .ok_or_else(|| ErrorShape::unavailable("the request cannot be read; let the device connect again"))?;
    only_own(caller, &grant.device_id)?;
    // Nobody hands out more than they hold.
    if let Some(more) = grant.scopes.iter().find(|scope| !caller.allows(**scope)) {
        return Err(ErrorShape::forbidden_missing_scope(*more));
    }
    if grant.role != Role::Operator && !caller.allows(Scope::OperatorAdmin) {
        return Err(ErrorShape::forbidden_missing_scope(Scope::OperatorAdmin));
    }
    let request = take(gateway, &params.request_id).await?;
    gateway.access.remember(&grant, "operator").await?;
    gateway.access.resolved(&request.id, &grant.device_id, "approved");
    let device = gateway.store.devices().get(&grant.device_id).await.map_err(store_failed)?;
    let tokens = gateway.store.devices().tokens().await.map_err(store_failed)?;
    let roll = gateway.roll().await?;
    let row = device.map(|device| paired_row(&device, &tokens, false, &roll)).unwrap_or_default();
    Reply::json(&json!({"requestId": request.id, "device": row}))
}

/// Turns a device away that waits.
pub(super) async fn reject(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeviceRequestParams = call.params()?;
    if own_device_only(&call.ctx.conn) {
        let found = gateway.store.devices().requests().await.map_err(store_failed)?;
        let found = found.into_iter().find(|one| one.id == params.request_id);
        let found = found.ok_or_else(|| unknown_request(&params.request_id))?;
        only_own(&call.ctx.conn, &found.device_id)?;
    }
    let request = take(gateway, &params.request_id).await?;
    gateway.access.resolved(&request.id, &request.device_id, "rejected");
    Reply::json(&json!({"requestId": request.id, "deviceId": request.device_id}))
}

async fn take(gateway: &Gateway, id: &str) -> Result<bulkhead_store::DeviceRequest, ErrorShape> {
    let taken = gateway.store.devices().take_request(id).await.map_err(store_failed)?;
    taken.ok_or_else(|| unknown_request(id))
}

fn unknown_request(id: &str) -> ErrorShape {
    ErrorShape::invalid_request(format!("unknown requestId {id:?}; device.pair.list shows those that wait"))
}

/// Forgets a device; its sockets close.
pub(super) async fn remove(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DevicePairRemoveParams = call.params()?;
    only_own(&call.ctx.conn, &params.device_id)?;
    if !gateway.store.devices().remove(&params.device_id).await.map_err(store_failed)? {
        return Err(unknown(&params.device_id));
    }
    let reply = Reply::json(&json!({"deviceId": params.device_id}))?;
    call.before_own_end(&params.device_id, &reply);
    gateway.events.hub().close_device(&params.device_id, None);
    gateway.events.devices_changed(&params.device_id);
    Ok(reply)
}

/// Gives a device an operator's name.
pub(super) async fn rename(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DevicePairRenameParams = call.params()?;
    only_own(&call.ctx.conn, &params.device_id)?;
    let label = params.label.trim();
    if label.is_empty() || label.chars().count() > LONGEST_LABEL {
        return Err(ErrorShape::invalid_params(
            call.spec.name,
            "label",
            format!("expected 1 to {LONGEST_LABEL} characters"),
        ));
    }
    if !gateway.store.devices().set_label(&params.device_id, label).await.map_err(store_failed)? {
        return Err(unknown(&params.device_id));
    }
    gateway.events.devices_changed(&params.device_id);
    Reply::json(&json!({"deviceId": params.device_id, "label": label}))
}

/// Who came by the token of a device and is no admin has a say in that device only.
pub(super) fn own_device_only(caller: &ConnInfo) -> bool {
    caller.auth_method == AuthMethod::DeviceToken && !caller.allows(Scope::OperatorAdmin)
}

/// Refuses a device that is not the caller's to manage.
pub(super) fn only_own(caller: &ConnInfo, device_id: &str) -> Result<(), ErrorShape> {
    if own_device_only(caller) && caller.device_id.as_deref() != Some(device_id) {
        return Err(ErrorShape::forbidden_missing_scope(Scope::OperatorAdmin));
    }
    Ok(())
}

pub(super) fn unknown(id: &str) -> ErrorShape {
    ErrorShape::invalid_request(format!(
        "unknown deviceId {id:?}; device.pair.list shows those that are paired"
    ))
}
