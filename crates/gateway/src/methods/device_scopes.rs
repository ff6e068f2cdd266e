//! `device.scopes.*`: a connected device asks to be allowed more, and is told what a person said.

use std::sync::Arc;

use bulkhead_protocol::methods::devices::{DeviceRequestParams, DeviceScopesRequestParams};
use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::auth::device_token;
use bulkhead_server::{
    Authenticator as _, ConnInfo, DeviceGrant, PairingReason, PairingRequest, Reply, Role,
};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{Call, store_failed};
use crate::access::upgrades::Ended;
use crate::gateway::Gateway;

/// Scopes in one request.
const MOST: usize = 8;

/// Files a request that somebody may approve like any other one of the device.
pub(super) async fn request(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeviceScopesRequestParams = call.params()?;
    let conn = &call.ctx.conn;
    let (device, approved) = own(gateway, conn).await?;
    let wanted = wanted(call.spec.name, &params.scopes)?;
    if conn.scopes.iter().any(|held| !wanted.iter().any(|scope| scope.covers(*held))) {
        return Err(ErrorShape::invalid_params(
            call.spec.name,
            "scopes",
            "expected those that the connection has, too",
        ));
    }
    // What was approved before stays, whatever this connection uses of it.
    let mut scopes = wanted.clone();
    scopes.extend(approved.into_iter().filter(|old| !wanted.iter().any(|scope| scope.covers(*old))));
    let client = &conn.client;
    let grant = DeviceGrant {
        device_id: device.id.clone(),
        public_key: device.public_key,
        role: Role::Operator,
        scopes,
        client_id: client.id.clone(),
        client_mode: client.mode.clone(),
        display_name: client.display_name.clone(),
        platform: Some(client.platform.clone()),
        device_family: client.device_family.clone(),
        remote: conn.remote,
    };
    let asked = PairingRequest { grant, reason: PairingReason::ScopeUpgrade };
    let id = gateway.access.request_pairing(asked).await?;
    if !gateway.access.await_upgrade(&id, &device.id, &wanted) {
        return Err(ErrorShape::unavailable_retryable("too many devices wait for more scopes", Some(1000)));
    }
    tracing::warn!(device = device.id, scopes = ?params.scopes, "a connected device asks for more scopes");
    Reply::json(&json!({"requestId": id}))
}

/// Waits until somebody answered; with a yes comes the token that carries the scopes.
pub(super) async fn wait(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeviceRequestParams = call.params()?;
    let (device, _) = own(gateway, &call.ctx.conn).await?;
    let id = params.request_id;
    let ended = gateway.access.upgrades().wait(&id, &device.id).await;
    let Some((ended, wanted)) = ended else {
        return Err(ErrorShape::invalid_request(
            "the request ran out or is unknown; device.scopes.requestUpgrade makes a new one",
        ));
    };
    match ended {
        Ended::Expired => gateway.access.expire_requests().await?,
        Ended::Approved => {
            // It may have been withdrawn again, or the yes was to something else.
            let (_, now) = own(gateway, &call.ctx.conn).await?;
            let devices = gateway.store.devices();
            let state = devices.token(&device.id, Role::Operator.as_str()).await.map_err(store_failed)?;
            let covers = wanted.iter().all(|scope| now.iter().any(|held| held.covers(*scope)));
            let policy = gateway.access_policy();
            if let (Some(state), Some(key), true) = (state, &policy.device_token_key, covers) {
                let generation = u64::try_from(state.generation).unwrap_or(u64::MAX);
                let token = device_token(key, &device.id, Role::Operator, generation);
                return Reply::json(&json!({
                    "status": "approved",
                    "requestId": id,
                    "deviceToken": token.expose_secret(),
                    "scopes": state.scopes,
                }));
            }
        }
        Ended::Rejected => {}
    }
    let status = if ended == Ended::Expired { "expired" } else { "rejected" };
    Reply::json(&json!({"status": status, "requestId": id}))
}

/// The caller's own device, and what it is approved for as an operator.
async fn own(
    gateway: &Gateway,
    conn: &ConnInfo,
) -> Result<(bulkhead_server::Device, Vec<Scope>), ErrorShape> {
    let id = conn.device_id.as_deref().filter(|_| conn.role == Role::Operator);
    let device = match id {
        Some(id) => gateway.access.device(id).await?,
        None => None,
    };
    let found = device.and_then(|device| {
        let role = device.roles.iter().find(|role| role.role == Role::Operator && !role.revoked)?;
        let scopes = role.scopes.clone();
        Some((device, scopes))
    });
    found.ok_or_else(|| {
        ErrorShape::invalid_request(
            "only a paired device can be allowed more: found none on this connection; open the page over HTTPS or on this \
             machine, so that the browser keeps a key",
        )
        .with_details(json!({"code": "DEVICE_IDENTITY_REQUIRED"}))
    })
}

fn wanted(method: &str, scopes: &[String]) -> Result<Vec<Scope>, ErrorShape> {
    let wrong = |expected: String| Err(ErrorShape::invalid_params(method, "scopes", expected));
    if scopes.is_empty() || scopes.len() > MOST {
        return wrong(format!("found {}, expected 1 to {MOST}", scopes.len()));
    }
    let mut wanted = Vec::with_capacity(scopes.len());
    for text in scopes {
        match Scope::parse(text).filter(|scope| *scope != Scope::Node) {
            Some(scope) if wanted.contains(&scope) => return wrong(format!("found {text:?} twice")),
            Some(scope) => wanted.push(scope),
            None => return wrong(format!("found {text:?}, expected scopes of operators")),
        }
    }
    Ok(wanted)
}
