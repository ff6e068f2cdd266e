//! What the server asks the gateway: methods, the parts of `hello-ok`, who came and went.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_protocol::{ErrorShape, MethodSpec, Scope, events, limits};
use bulkhead_server::{Audience, CallContext, ConnInfo, HelloParts, MethodHandler, Reply};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::gateway::Gateway;
use crate::json;
use crate::methods::{self, Call};
use crate::presence::Entry;

/// Changes of presence are told together, no more often than this.
const PRESENCE_PAUSE: Duration = Duration::from_millis(150);

/// What the methods can do beyond their first version, by the names that clients ask for: `models.list` tells of every
/// model whether it can be asked, and of the agent of a session.
const CAPABILITIES: &[&str] = &["published-model-catalog", "session-scoped-model-catalog"];

/// The gateway as its server sees it.
pub(crate) struct Handler {
    gateway: Arc<Gateway>,
    features: OnceLock<Arc<RawValue>>,
    presence_changed: Arc<Notify>,
}

impl Handler {
    /// The handler of a gateway; also starts the task that tells presence.
    pub(crate) fn new(gateway: Arc<Gateway>) -> Arc<Self> {
        let presence_changed = Arc::new(Notify::new());
        let (teller, changed) = (Arc::clone(&gateway), Arc::clone(&presence_changed));
        tokio::spawn(async move {
            loop {
                changed.notified().await;
                teller.events.presence(&teller.presence.render(), teller.state_version());
                tokio::time::sleep(PRESENCE_PAUSE).await;
            }
        });
        Arc::new(Self { gateway, features: OnceLock::new(), presence_changed })
    }

    fn features(&self) -> Arc<RawValue> {
        let features = self.features.get_or_init(|| {
            json::raw(&json!({
                "methods": methods::advertised(),
                "events": events::names().collect::<Vec<_>>(),
                "capabilities": CAPABILITIES,
            }))
        });
        Arc::clone(features)
    }
}

#[async_trait]
impl MethodHandler for Handler {
    fn spec(&self, method: &str) -> Option<&'static MethodSpec> {
        methods::served().get(method).map(|served| served.spec)
    }

    async fn call(
        &self,
        ctx: CallContext,
        spec: &'static MethodSpec,
        params: Option<&RawValue>,
    ) -> Result<Reply, ErrorShape> {
        let served = methods::served().get(spec.name).ok_or_else(|| ErrorShape::unknown_method(spec.name))?;
        (served.handler)(&self.gateway, Call { ctx, spec, params }).await
    }

    fn hello(&self, conn: &ConnInfo) -> HelloParts {
        HelloParts {
            features: self.features(),
            snapshot: snapshot(&self.gateway, conn),
            plugin_surface_urls: self.gateway.canvas_surface(conn).into_iter().collect(),
            attachments: Some((limits::ATTACHMENT_BYTES, limits::ATTACHMENT_IMAGE_BYTES)),
        }
    }

    fn on_connect(&self, conn: &Arc<ConnInfo>) {
        if let Some(key) = presence_key(conn) {
            self.gateway.presence.arrive(key, conn.id.as_str().to_owned(), entry(conn), lingers(conn));
            self.presence_changed.notify_one();
        }
        if conn.role == bulkhead_server::Role::Node {
            self.gateway.node_arrived(conn);
        }
        // Who comes gets the health of the moment; the others have it.
        if conn.allows(Scope::OperatorRead) {
            let gateway = &self.gateway;
            let snapshot = gateway.health.snapshot(gateway);
            let to = Audience::connection(conn.id.clone());
            gateway.events.hub().broadcast("health", &snapshot, &to, Some(gateway.state_version()));
        }
        if let Some(device) = conn.device_id.clone() {
            let (store, events) = (self.gateway.store.clone(), self.gateway.events.clone());
            let why = if conn.auth_method == bulkhead_server::AuthMethod::DeviceToken {
                "device-token-auth"
            } else {
                "connect"
            };
            let role = conn.role.as_str();
            self.gateway.tasks.spawn(async move {
                let devices = store.devices();
                if let Err(error) = devices.seen(&device, why).await {
                    tracing::debug!(%error, "a device's visit could not be recorded");
                }
                if why == "device-token-auth" {
                    let _ = devices.token_used(&device, role).await;
                    if let Ok(Some(setup)) = store.setups().came(&device).await {
                        events.device_setup(&setup);
                    }
                }
            });
        }
    }

    fn on_disconnect(&self, conn: &ConnInfo) {
        if self.gateway.presence.leave(conn.id.as_str()) {
            self.presence_changed.notify_one();
        }
        if conn.role == bulkhead_server::Role::Node {
            self.gateway.nodes.leave(conn);
        }
        self.gateway.canvas_left(conn);
        self.gateway.rested();
    }

    async fn drained(&self) {
        self.gateway.tasks.close();
        self.gateway.tasks.wait().await;
    }
}

/// Short-lived callers (one command, one question) are not told of.
fn presence_key(conn: &ConnInfo) -> Option<String> {
    if matches!(conn.client.mode.as_str(), "cli" | "probe") {
        return None;
    }
    if conn.role == bulkhead_server::Role::Node {
        return conn.device_id.clone();
    }
    Some(conn.client.instance_id.clone().unwrap_or_else(|| conn.id.as_str().to_owned()))
}

/// People stay visible for a while after they left; programs do not.
fn lingers(conn: &ConnInfo) -> bool {
    !matches!(conn.client.mode.as_str(), "backend" | "test")
}

fn entry(conn: &ConnInfo) -> Entry {
    let client = &conn.client;
    let text = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    Entry {
        client_id: text(&client.id),
        host: text(client.display_name.as_deref().unwrap_or(&client.id)),
        ip: (!conn.loopback).then(|| conn.remote.to_string()),
        version: text(&client.version),
        platform: text(&client.platform),
        device_family: client.device_family.as_deref().and_then(text),
        mode: text(&client.mode),
        reason: "connect",
        text: format!("Node: {} · mode {}", client.display_name.as_deref().unwrap_or("unknown"), client.mode),
        ts: 0,
        online_since: None,
        device_id: conn.device_id.clone(),
        roles: vec![conn.role.as_str().to_owned()],
        scopes: conn.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        instance_id: match conn.role {
            bulkhead_server::Role::Node => conn.device_id.clone(),
            bulkhead_server::Role::Operator => client.instance_id.as_deref().and_then(text),
        },
    }
}

/// `hello-ok.snapshot`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot<'a> {
    presence: &'a RawValue,
    health: &'a RawValue,
    state_version: bulkhead_server::StateVersion,
    uptime_ms: u64,
    session_defaults: Value,
    auth_mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_config_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_dir: Option<String>,
}

fn snapshot(gateway: &Gateway, conn: &ConnInfo) -> Box<RawValue> {
    let settings = gateway.settings.now();
    let (presence, health);
    let (empty_list, empty) = (json::boxed(&json!([])), json::boxed(&json!({})));
    let (presence, health): (&RawValue, &RawValue) = if conn.allows(Scope::OperatorRead) {
        presence = gateway.presence.render();
        health = gateway.health.snapshot(gateway);
        (&presence, &health)
    } else {
        (&empty_list, &empty)
    };
    let admin = conn.allows(Scope::OperatorAdmin);
    let models = settings.agent(settings.default_agent()).is_some_and(|agent| !agent.models.is_empty());
    json::boxed(&Snapshot {
        presence,
        health,
        state_version: gateway.state_version(),
        uptime_ms: gateway.lifecycle.uptime_ms(),
        session_defaults: json!({
            "defaultAgentId": settings.default_agent(),
            "modelConfigured": models,
            "ownership": "sole",
            "selectionRequired": false,
            "mainKey": "main",
            "mainSessionKey": settings.main_session_key(),
            "scope": "per-sender",
        }),
        auth_mode: gateway.access.mode_name(),
        applied_config_hash: Some(settings.hash.as_str()).filter(|hash| admin && !hash.is_empty()),
        config_path: admin.then(|| gateway.place.config_path().display().to_string()),
        state_dir: admin.then(|| gateway.place.state_dir().display().to_string()),
    })
}
