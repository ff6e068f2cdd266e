//! Who may connect: the server's decision needs a policy and a memory, and both are here.

pub(crate) mod setup;
pub(crate) mod upgrades;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::{
    AuthMode, AuthPolicy, Authenticator, Device, DeviceGrant, DeviceRole, PairingReason, PairingRequest,
    Role, Setup,
};
use bulkhead_store::Store;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::events::Events;
use crate::methods::store_failed;

/// No more devices than this may wait for an answer.
const MOST_REQUESTS: usize = 64;

/// A request that nobody answers and nobody repeats is dropped after this, in milliseconds.
const REQUEST_LIFETIME: i64 = 5 * 60 * 1000;

/// Policy and memory of one gateway.
pub(crate) struct Access {
    store: Store,
    events: Events,
    policy: RwLock<Arc<AuthPolicy>>,
    /// Devices that came in by a code for nodes and did not say yet what they offer.
    node_setups: Mutex<HashSet<String>>,
    upgrades: upgrades::Upgrades,
}

impl Access {
    /// Nobody gets in until a policy is set.
    pub(crate) fn new(store: Store, events: Events) -> Self {
        let closed = AuthPolicy {
            mode: AuthMode::Token,
            shared_secret: None,
            device_token_key: None,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            approve_local: false,
            approve_nodes_from: Vec::new(),
        };
        Self {
            store,
            events,
            policy: RwLock::new(Arc::new(closed)),
            node_setups: Mutex::default(),
            upgrades: upgrades::Upgrades::default(),
        }
    }

    /// Puts a policy in force, for the next connect.
    pub(crate) fn set_policy(&self, policy: AuthPolicy) {
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
    }

    /// How the protocol calls the mode in force.
    pub(crate) fn mode_name(&self) -> &'static str {
        match self.policy().mode {
            AuthMode::None => "none",
            AuthMode::Token => "token",
            AuthMode::Password => "password",
        }
    }

    /// Whether a device came in by a code for nodes just now; answered with yes once.
    pub(crate) fn is_node_setup(&self, device_id: &str) -> bool {
        self.node_setups.lock().unwrap_or_else(PoisonError::into_inner).remove(device_id)
    }

    /// Tells that a device's request ended, and how.
    pub(crate) fn resolved(&self, request_id: &str, device_id: &str, decision: &str) {
        self.upgrades.ended(request_id, decision);
        self.events.device_resolved(request_id, device_id, decision);
    }

    /// A connected device wants to be told the end of its request for these scopes. `false`: too many do.
    pub(crate) fn await_upgrade(&self, request_id: &str, device_id: &str, scopes: &[Scope]) -> bool {
        let lifetime = Duration::from_millis(REQUEST_LIFETIME.unsigned_abs());
        self.upgrades.ask(request_id, device_id, scopes, lifetime)
    }

    /// Connected devices that asked for more scopes.
    pub(crate) fn upgrades(&self) -> &upgrades::Upgrades {
        &self.upgrades
    }

    /// Drops device requests that are too old.
    pub(crate) async fn expire_requests(&self) -> Result<(), ErrorShape> {
        let before = self.store.now() - REQUEST_LIFETIME;
        for gone in self.store.devices().expire_requests(before).await.map_err(store_failed)? {
            self.resolved(&gone.id, &gone.device_id, "expired");
        }
        Ok(())
    }

    /// Remembers a device; scopes and role as granted. `via` says who let it in.
    pub(crate) async fn remember(&self, grant: &DeviceGrant, via: &str) -> Result<Device, ErrorShape> {
        let devices = self.store.devices();
        let scopes: Vec<String> = grant.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
        let known = devices.get(&grant.device_id).await.map_err(store_failed)?;
        let now = self.store.now();
        let open = devices.requests().await.map_err(store_failed)?;
        let role = grant.role.as_str().to_owned();
        let mut roles = known.as_ref().map_or_else(Vec::new, |device| device.roles.clone());
        if !roles.contains(&role) {
            roles.push(role.clone());
        }
        // A node has no scopes; what its device may do as an operator stays.
        let all_scopes = match &known {
            Some(known) if grant.role == Role::Node => known.scopes.clone(),
            _ => scopes.clone(),
        };
        let device = bulkhead_store::Device {
            label: None,
            id: grant.device_id.clone(),
            public_key: grant.public_key.clone(),
            display_name: grant.display_name.clone(),
            platform: grant.platform.clone(),
            device_family: grant.device_family.clone(),
            client_id: grant.client_id.clone(),
            client_mode: grant.client_mode.clone(),
            role: role.clone(),
            roles,
            scopes: all_scopes,
            approved_via: via.to_owned(),
            created_at: known.as_ref().map_or(now, |device| device.created_at),
            approved_at: now,
            last_seen_at: Some(now),
            last_seen_why: Some("connect".to_owned()),
            meta: json!({}),
        };
        devices.upsert(device).await.map_err(store_failed)?;
        for gone in open.iter().filter(|one| one.device_id == grant.device_id) {
            if via != "operator" {
                self.resolved(&gone.id, &gone.device_id, "approved");
            }
        }
        devices.issue_token(&grant.device_id, &role, &scopes).await.map_err(store_failed)?;
        self.events.devices_changed(&grant.device_id);
        self.device(&grant.device_id).await?.ok_or_else(|| {
            ErrorShape::unavailable("the device that was just approved is gone; connect again")
        })
    }
}

#[async_trait]
impl Authenticator for Access {
    fn policy(&self) -> Arc<AuthPolicy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn device(&self, device_id: &str) -> Result<Option<Device>, ErrorShape> {
        let devices = self.store.devices();
        let Some(found) = devices.get(device_id).await.map_err(store_failed)? else { return Ok(None) };
        let mut roles = Vec::with_capacity(found.roles.len());
        for name in &found.roles {
            let token = devices.token(device_id, name).await.map_err(store_failed)?;
            let (Some(role), Some(token)) = (Role::parse(Some(name)), token) else { continue };
            roles.push(DeviceRole {
                role,
                scopes: token.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect(),
                generation: u64::try_from(token.generation).unwrap_or(u64::MAX),
                issued_at_ms: u64::try_from(token.rotated_at.unwrap_or(token.created_at)).unwrap_or(0),
                revoked: token.revoked_at.is_some(),
            });
        }
        Ok(Some(Device {
            id: found.id,
            public_key: found.public_key,
            platform: found.platform,
            device_family: found.device_family,
            roles,
        }))
    }

    async fn approve(&self, grant: DeviceGrant) -> Result<Device, ErrorShape> {
        self.remember(&grant, "silent").await
    }

    async fn request_pairing(&self, request: PairingRequest) -> Result<String, ErrorShape> {
        let devices = self.store.devices();
        let asked = serde_json::to_value(Asked::from(&request)).unwrap_or_default();
        let reason = request.reason.as_str();
        let device = &request.grant.device_id;
        self.expire_requests().await?;
        let open = devices.requests().await.map_err(store_failed)?;
        if let Some(same) = open.iter().find(|one| one.device_id == *device && one.payload == asked) {
            devices.refresh_request(&same.id).await.map_err(store_failed)?;
            return Ok(same.id.clone());
        }
        if open.len() >= MOST_REQUESTS && !open.iter().any(|one| one.device_id == *device) {
            return Err(ErrorShape::unavailable(format!(
                "{MOST_REQUESTS} devices wait for approval already; approve or reject some, then connect again"
            )));
        }
        let id = uuid::Uuid::new_v4().to_string();
        let filed = devices.add_request(&id, device, reason, &asked).await.map_err(store_failed)?;
        for old in open.iter().filter(|one| one.device_id == *device) {
            self.resolved(&old.id, device, "superseded");
        }
        self.events.device_requested(&filed);
        Ok(filed.id)
    }

    async fn setup(&self, token: &SecretString) -> Result<Option<Setup>, ErrorShape> {
        let hash = setup::token_hash(token.expose_secret());
        let found = self.store.setups().open(&hash).await.map_err(store_failed)?;
        Ok(found.and_then(|found| {
            Some(Setup { roles: setup::Access::parse(&found.access)?.roles(), id: found.id })
        }))
    }

    async fn redeem(&self, setup: &Setup, grant: DeviceGrant) -> Result<Option<Device>, ErrorShape> {
        let name = grant.display_name.as_deref();
        let first = self.store.setups().redeem(&setup.id, &grant.device_id, name).await;
        if !first.map_err(store_failed)? {
            return Ok(None);
        }
        let mut device = None;
        // Its own role last: that is what it is shown as.
        let mut roles = setup.roles.clone();
        roles.sort_by_key(|(role, _)| *role == grant.role);
        for (role, scopes) in roles {
            let one = DeviceGrant { role, scopes, ..grant.clone() };
            device = Some(self.remember(&one, "setup-code").await?);
        }
        if setup.roles.len() == 1 {
            let mut fresh = self.node_setups.lock().unwrap_or_else(PoisonError::into_inner);
            fresh.insert(grant.device_id.clone());
        }
        Ok(device)
    }

    fn setup_ended(&self, setup_id: &str, delivered: bool) {
        let (setups, events, id) = (self.store.setups(), self.events.clone(), setup_id.to_owned());
        tokio::spawn(async move {
            if delivered && setups.delivered(&id).await.is_ok_and(|news| !news) {
                return;
            }
            if let Ok(Some(setup)) = setups.get(&id).await {
                events.device_setup(&setup);
            }
        });
    }
}

/// A device's request as it is stored until a person answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    pub(crate) device_id: String,
    pub(crate) public_key: String,
    pub(crate) role: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) client_id: String,
    pub(crate) client_mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_family: Option<String>,
    pub(crate) remote_ip: String,
    pub(crate) is_repair: bool,
}

impl From<&PairingRequest> for Asked {
    fn from(request: &PairingRequest) -> Self {
        let grant = &request.grant;
        Self {
            device_id: grant.device_id.clone(),
            public_key: grant.public_key.clone(),
            role: grant.role.as_str().to_owned(),
            scopes: grant.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            client_id: grant.client_id.clone(),
            client_mode: grant.client_mode.clone(),
            display_name: grant.display_name.clone(),
            platform: grant.platform.clone(),
            device_family: grant.device_family.clone(),
            remote_ip: grant.remote.to_string(),
            is_repair: request.reason != PairingReason::NotPaired,
        }
    }
}

impl Asked {
    /// What is remembered when a person says yes.
    pub(crate) fn grant(&self) -> Option<DeviceGrant> {
        Some(DeviceGrant {
            device_id: self.device_id.clone(),
            public_key: self.public_key.clone(),
            role: Role::parse(Some(&self.role))?,
            scopes: self.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect(),
            client_id: self.client_id.clone(),
            client_mode: self.client_mode.clone(),
            display_name: self.display_name.clone(),
            platform: self.platform.clone(),
            device_family: self.device_family.clone(),
            remote: self.remote_ip.parse().ok()?,
        })
    }
}
