//! The `connect` request, read and put into the words of this crate.

use std::net::IpAddr;

use bulkhead_protocol::{
    ConnectDevice, ConnectParams, ErrorShape, MIN_PROBE_PROTOCOL, PROTOCOL_VERSION, Scope,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use serde_json::value::RawValue;

use super::info::{ClientInfo, ConnId, ConnInfo, Role};
use crate::auth::{Admission, Device, DeviceGrant, PairingReason, Presented};
use crate::http::guard::Caller;
use crate::hub::ticker::now_ms;

/// A connect request whose fields are all understood. Nothing in it is proved yet.
#[derive(Debug)]
pub(crate) struct Connect {
    pub(crate) params: ConnectParams,
    pub(crate) role: Role,
    /// The scopes asked for; those that nobody knows grant nothing and are left out.
    pub(crate) scopes: Vec<Scope>,
    pub(crate) client: ClientInfo,
    pub(crate) presented: Presented,
}

impl Connect {
    pub(crate) fn parse(raw: Option<&RawValue>) -> Result<Self, ErrorShape> {
        let params = ConnectParams::parse(raw)?;
        let Some(role) = Role::parse(params.role.as_deref()) else {
            return Err(ErrorShape::invalid_params("connect", "role", "expected operator or node"));
        };
        let mut scopes: Vec<Scope> = Vec::new();
        if role == Role::Operator {
            for scope in params.scopes.iter().flatten().filter_map(|scope| Scope::parse(scope)) {
                if scope != Scope::Node && !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
        }
        let client = ClientInfo {
            id: params.client.id.as_str().to_owned(),
            mode: params.client.mode.as_str().to_owned(),
            version: params.client.version.clone(),
            platform: params.client.platform.clone(),
            device_family: params.client.device_family.clone(),
            model_identifier: params.client.model_identifier.clone(),
            display_name: params.client.display_name.clone(),
            instance_id: params.client.instance_id.clone(),
            locale: params.locale.clone(),
        };
        let auth = params.auth.as_ref();
        let filled = |secret: Option<&SecretString>| {
            secret.filter(|secret| !secret.expose_secret().trim().is_empty()).cloned()
        };
        let presented = Presented {
            token: filled(auth.and_then(|auth| auth.token.as_ref())),
            password: filled(auth.and_then(|auth| auth.password.as_ref())),
            device_token: filled(auth.and_then(|auth| auth.device_token.as_ref())),
            bootstrap_token: filled(auth.and_then(|auth| auth.bootstrap_token.as_ref())),
        };
        Ok(Self { params, role, scopes, client, presented })
    }

    pub(crate) fn device(&self) -> Option<&ConnectDevice> {
        self.params.device.as_ref()
    }

    /// The error for versions that do not meet ours.
    pub(crate) fn protocol_mismatch(&self) -> Option<ErrorShape> {
        let ConnectParams { min_protocol, max_protocol, .. } = self.params;
        (!self.params.speaks_our_protocol()).then(|| {
            ErrorShape::invalid_request(format!(
                "protocol mismatch: the client speaks {min_protocol} to {max_protocol}, this gateway speaks \
                 {PROTOCOL_VERSION}; update the older of the two"
            ))
            .with_details(json!({
                "code": "PROTOCOL_MISMATCH",
                "clientMinProtocol": min_protocol,
                "clientMaxProtocol": max_protocol,
                "expectedProtocol": PROTOCOL_VERSION,
                "minimumProbeProtocol": MIN_PROBE_PROTOCOL,
            }))
        })
    }

    /// The error for a device that a person has to approve first.
    pub(crate) fn pairing_required(
        &self,
        reason: PairingReason,
        request_id: &str,
        known: Option<&Device>,
    ) -> ErrorShape {
        let (requirement, hint) = match reason {
            PairingReason::NotPaired => {
                ("device is not approved yet", "Approve this device from the pending pairing requests.")
            }
            PairingReason::RoleUpgrade => (
                "device is asking for a higher role than currently approved",
                "Review the requested role upgrade, then approve the pending request.",
            ),
            PairingReason::ScopeUpgrade => (
                "device is asking for more scopes than currently approved",
                "Review the requested scopes, then approve the pending upgrade.",
            ),
            PairingReason::MetadataUpgrade => (
                "device identity changed and must be re-approved",
                "Review the refreshed device details, then approve the pending request.",
            ),
        };
        let approved = known.and_then(|known| known.role(self.role));
        let mut details = json!({
            "code": "PAIRING_REQUIRED",
            "reason": reason.as_str(),
            "requestId": request_id,
            "remediationHint": hint,
            "requestedRole": self.role.as_str(),
        });
        if let Some(device) = self.device() {
            details["deviceId"] = device.id.as_str().into();
        }
        if !self.scopes.is_empty() {
            details["requestedScopes"] = json!(self.scopes);
        }
        if let Some(known) = known {
            details["approvedRoles"] = known.roles.iter().map(|role| role.role.as_str()).collect();
        }
        if let Some(approved) = approved.filter(|approved| !approved.scopes.is_empty()) {
            details["approvedScopes"] = json!(approved.scopes);
        }
        ErrorShape::not_paired(format!("pairing required: {requirement} (requestId: {request_id})"))
            .with_details(details)
    }

    /// What is remembered of the device when it is approved.
    pub(crate) fn grant(&self, device_id: Option<&str>, scopes: Vec<Scope>, remote: IpAddr) -> DeviceGrant {
        let public_key =
            self.device().map(|device| device.public_key.trim().trim_end_matches('=').to_owned());
        DeviceGrant {
            device_id: device_id.unwrap_or_default().to_owned(),
            public_key: public_key.unwrap_or_default(),
            role: self.role,
            scopes,
            client_id: self.client.id.clone(),
            client_mode: self.client.mode.clone(),
            display_name: self.client.display_name.clone(),
            platform: Some(self.client.platform.clone()),
            device_family: self.client.device_family.clone(),
            remote,
        }
    }

    /// The connection that it becomes.
    pub(crate) fn admitted(
        self,
        device_id: Option<String>,
        admission: Admission,
        caller: Caller,
    ) -> ConnInfo {
        ConnInfo {
            id: ConnId::random(),
            remote: caller.remote,
            loopback: caller.loopback,
            role: self.role,
            scopes: admission.scopes,
            client: self.client,
            caps: self.params.caps,
            commands: self.params.commands.unwrap_or_default(),
            permissions: self.params.permissions.unwrap_or_default(),
            path_env: self.params.path_env,
            device_id,
            auth_method: admission.method,
            connected_at_ms: now_ms(),
        }
    }
}
