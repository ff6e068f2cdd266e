//! `device.token.*`: new tokens for devices, and tokens taken away.

use std::sync::Arc;

use bulkhead_protocol::methods::devices::DeviceTokenParams;
use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::auth::device_token;
use bulkhead_server::{AuthMethod, ConnInfo, Reply, Role};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::devices::{only_own, unknown};
use super::{Call, store_failed};
use crate::gateway::Gateway;

/// A new token for a device; the old one is void and its sockets close.
pub(super) async fn rotate(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeviceTokenParams = call.params()?;
    let role = role(&params)?;
    let caller = &call.ctx.conn;
    may(caller, &params, role)?;
    let devices = gateway.store.devices();
    let now = devices.token(&params.device_id, role.as_str()).await.map_err(store_failed)?;
    let device = devices.get(&params.device_id).await.map_err(store_failed)?;
    let (Some(now), Some(device)) = (now, device) else { return Err(unknown(&params.device_id)) };
    let wanted = match &params.scopes {
        Some(scopes) => {
            let approved: Vec<Scope> =
                now.scopes.iter().chain(&device.scopes).filter_map(|scope| Scope::parse(scope)).collect();
            let within = |text: &String| {
                Scope::parse(text).is_some_and(|scope| approved.iter().any(|held| held.covers(scope)))
            };
            if let Some(more) = scopes.iter().find(|text| !within(text)) {
                return Err(ErrorShape::invalid_request(format!(
                    "scopes: {more:?} is not among what the device is approved for; let it ask for more by connecting"
                )));
            }
            scopes.clone()
        }
        None => now.scopes.clone(),
    };
    hands_out(caller, &wanted)?;
    let state =
        devices.rotate_token(&params.device_id, role.as_str(), &wanted).await.map_err(store_failed)?;
    let mut result = json!({
        "deviceId": params.device_id,
        "role": state.role,
        "scopes": state.scopes,
        "rotatedAtMs": state.rotated_at,
    });
    // The new token goes only to the device itself, and only if it came by the old one.
    let own = caller.device_id.as_deref() == Some(params.device_id.as_str());
    let policy = gateway.access_policy();
    match &policy.device_token_key {
        Some(key) if own && caller.auth_method == AuthMethod::DeviceToken => {
            let generation = u64::try_from(state.generation).unwrap_or(u64::MAX);
            let token = device_token(key, &params.device_id, role, generation);
            result["token"] = token.expose_secret().into();
            result["tokenDelivery"] = "in-band".into();
        }
        _ => result["tokenDelivery"] = "withheld-cross-device".into(),
    }
    let reply = Reply::json(&result)?;
    if caller.role == role {
        call.before_own_end(&params.device_id, &reply);
    }
    gateway.events.hub().close_device(&params.device_id, Some(role));
    gateway.events.devices_changed(&params.device_id);
    Ok(reply)
}

/// Makes a device's token void; its sockets close.
pub(super) async fn revoke(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeviceTokenParams = call.params()?;
    let role = role(&params)?;
    let caller = &call.ctx.conn;
    may(caller, &params, role)?;
    let devices = gateway.store.devices();
    if let Some(now) = devices.token(&params.device_id, role.as_str()).await.map_err(store_failed)? {
        hands_out(caller, &now.scopes)?;
    }
    if !devices.revoke_token(&params.device_id, role.as_str()).await.map_err(store_failed)? {
        return Err(unknown(&params.device_id));
    }
    let reply = Reply::json(
        &json!({"deviceId": params.device_id, "role": role.as_str(), "revokedAtMs": gateway.store.now()}),
    )?;
    if caller.role == role {
        call.before_own_end(&params.device_id, &reply);
    }
    gateway.events.hub().close_device(&params.device_id, Some(role));
    gateway.events.devices_changed(&params.device_id);
    Ok(reply)
}

/// Tokens of other roles than operator are an admin's business.
fn may(caller: &ConnInfo, params: &DeviceTokenParams, role: Role) -> Result<(), ErrorShape> {
    only_own(caller, &params.device_id)?;
    if role != Role::Operator && !caller.allows(Scope::OperatorAdmin) {
        return Err(ErrorShape::forbidden_missing_scope(Scope::OperatorAdmin));
    }
    Ok(())
}

/// Nobody handles a token that can do more than they can.
fn hands_out(caller: &ConnInfo, scopes: &[String]) -> Result<(), ErrorShape> {
    let more = scopes.iter().filter_map(|scope| Scope::parse(scope)).find(|scope| !caller.allows(*scope));
    more.map_or(Ok(()), |more| Err(ErrorShape::forbidden_missing_scope(more)))
}

fn role(params: &DeviceTokenParams) -> Result<Role, ErrorShape> {
    Role::parse(Some(&params.role)).ok_or_else(|| {
        ErrorShape::invalid_request(format!("role: found {:?}, expected operator or node", params.role))
    })
}
