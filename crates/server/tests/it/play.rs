//! A small handler and a memory of devices.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bulkhead_protocol::{ErrorShape, MethodSpec};
use bulkhead_server::{
    AuthPolicy, Authenticator, CallContext, ConnInfo, Device, DeviceGrant, DeviceRole, HelloParts,
    MethodHandler, PairingRequest, Reply,
};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Notify;

/// Served methods stand in for what they are called in the table:
/// `chat.history` echoes, `status` never ends before it is released, `agent` answers twice,
/// `sessions.list` panics, `logs.tail` answers as many bytes as it is told.
pub(crate) struct Handler {
    pub(crate) release: Notify,
    pub(crate) calls: AtomicUsize,
    pub(crate) connected: AtomicUsize,
    pub(crate) disconnected: AtomicUsize,
}

#[async_trait]
impl MethodHandler for Handler {
    fn spec(&self, method: &str) -> Option<&'static MethodSpec> {
        bulkhead_protocol::methods::spec(method)
    }

    async fn call(
        &self,
        ctx: CallContext,
        spec: &'static MethodSpec,
        params: Option<&RawValue>,
    ) -> Result<Reply, ErrorShape> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match spec.name {
            "health" => Reply::json(&json!({ "ok": true, "client": ctx.conn.client.id })),
            "chat.history" => Reply::json(&params),
            "status" => {
                self.release.notified().await;
                Reply::json(&json!({ "released": true }))
            }
            "agent" => {
                ctx.respond.early(&Reply::json(&json!({ "status": "accepted" }))?);
                tokio::task::yield_now().await;
                Reply::json(&json!({ "status": "ok" }))
            }
            "sessions.list" => panic!("the handler breaks"),
            "logs.tail" => {
                let bytes: usize = params.and_then(|p| serde_json::from_str(p.get()).ok()).unwrap_or(0);
                Reply::json(&"x".repeat(bytes))
            }
            "config.get" => {
                Reply::json(&json!({ "deviceId": ctx.conn.device_id, "scopes": ctx.conn.scopes }))
            }
            "config.patch" => Reply::json(&json!({})),
            other => Err(ErrorShape::invalid_request(format!("{other} is not played here"))),
        }
    }

    fn hello(&self, _conn: &ConnInfo) -> HelloParts {
        HelloParts {
            features: to_raw_value(&json!({ "methods": ["health"], "events": ["tick"] })).unwrap().into(),
            snapshot: to_raw_value(&json!({
                "presence": [], "health": {}, "stateVersion": { "presence": 1, "health": 1 }, "uptimeMs": 5
            }))
            .unwrap(),
            plugin_surface_urls: vec![("canvas".into(), "http://127.0.0.1/cap".into())],
            attachments: Some((19_464_192, 6_291_456)),
        }
    }

    fn on_connect(&self, _conn: &Arc<ConnInfo>) {
        self.connected.fetch_add(1, Ordering::SeqCst);
    }

    fn on_disconnect(&self, _conn: &ConnInfo) {
        self.disconnected.fetch_add(1, Ordering::SeqCst);
    }
}

/// Remembers devices in memory.
pub(crate) struct Doorman {
    pub(crate) policy: Mutex<AuthPolicy>,
    pub(crate) devices: Mutex<BTreeMap<String, Device>>,
    pub(crate) requests: Mutex<Vec<PairingRequest>>,
}

#[async_trait]
impl Authenticator for Doorman {
    fn policy(&self) -> Arc<AuthPolicy> {
        Arc::new(self.policy.lock().unwrap().clone())
    }

    async fn device(&self, device_id: &str) -> Result<Option<Device>, ErrorShape> {
        Ok(self.devices.lock().unwrap().get(device_id).cloned())
    }

    async fn approve(&self, grant: DeviceGrant) -> Result<Device, ErrorShape> {
        let mut devices = self.devices.lock().unwrap();
        let device = devices.entry(grant.device_id.clone()).or_insert_with(|| Device {
            id: grant.device_id.clone(),
            public_key: grant.public_key.clone(),
            platform: grant.platform.clone(),
            device_family: grant.device_family.clone(),
            roles: Vec::new(),
        });
        match device.roles.iter_mut().find(|role| role.role == grant.role) {
            Some(role) => {
                if role.revoked {
                    role.generation += 1;
                    role.revoked = false;
                }
                role.scopes = grant.scopes;
            }
            None => device.roles.push(DeviceRole {
                role: grant.role,
                scopes: grant.scopes,
                generation: 1,
                issued_at_ms: 1_795_146_967_981,
                revoked: false,
            }),
        }
        Ok(device.clone())
    }

    async fn request_pairing(&self, request: PairingRequest) -> Result<String, ErrorShape> {
        self.requests.lock().unwrap().push(request);
        Ok("request-1".into())
    }
}
