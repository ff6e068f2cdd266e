//! The decision about a `connect`: a pure function.

use std::net::IpAddr;

use bulkhead_protocol::Scope;
use secrecy::{ExposeSecret, SecretString};

use super::policy::{AuthMode, AuthPolicy};
use super::refusal::Refusal;
use super::{Device, PairingReason, Setup, device_token, scopes, secret};
use crate::conn::info::{AuthMethod, ClientInfo, Role};

/// Everything that the decision depends on. The proof of the device was checked before.
#[derive(Debug)]
pub struct ConnectFacts<'a> {
    /// The policy in force.
    pub policy: &'a AuthPolicy,
    /// Straight from this machine.
    pub loopback: bool,
    /// Where it comes from.
    pub remote: IpAddr,
    /// The role that is asked for.
    pub role: Role,
    /// The scopes that are asked for.
    pub scopes: &'a [Scope],
    /// What the client says of itself.
    pub client: &'a ClientInfo,
    /// What it presents.
    pub presented: &'a Presented,
    /// Id of the device that it proved to be.
    pub device_id: Option<&'a str>,
    /// What is remembered of that device.
    pub known: Option<&'a Device>,
    /// What its setup code stands for, if it presents one that holds.
    pub setup: Option<&'a Setup>,
}

/// The `auth` of a connect request; empty fields count as absent.
#[derive(Debug, Default)]
pub struct Presented {
    /// `auth.token`.
    pub token: Option<SecretString>,
    /// `auth.password`.
    pub password: Option<SecretString>,
    /// `auth.deviceToken`.
    pub device_token: Option<SecretString>,
    /// `auth.bootstrapToken`.
    pub bootstrap_token: Option<SecretString>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Come in.
    Admit(Admission),
    /// Come in, and remember the device with these scopes first.
    Approve {
        /// How it comes in then.
        admission: Admission,
        /// All scopes that the device is approved for from now on.
        approved_scopes: Vec<Scope>,
    },
    /// Come in by a setup code: it is to be used up for this device first.
    Redeem(Admission),
    /// A person has to answer first.
    Pair(PairingReason),
    /// Stay out.
    Refuse(Refusal),
}

/// How a connection comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The granted scopes.
    pub scopes: Vec<Scope>,
    /// What it was let in by.
    pub method: AuthMethod,
}

/// Decides about a connect.
pub fn decide(facts: &ConnectFacts<'_>) -> Decision {
    match facts.device_id {
        None => without_device(facts),
        Some(device_id) => with_device(facts, device_id),
    }
}

fn without_device(facts: &ConnectFacts<'_>) -> Decision {
    if scopes::is_ui(facts.client) {
        return Decision::Refuse(Refusal::UiDeviceRequired);
    }
    let Some(method) = shared_secret(facts) else {
        return Decision::Refuse(mismatch(facts).unwrap_or(Refusal::DeviceRequired));
    };
    if facts.role != Role::Operator {
        return Decision::Refuse(Refusal::DeviceRequired);
    }
    let keeps = facts.loopback && scopes::keeps_scopes_without_device(facts.client);
    let scopes = if keeps { facts.scopes.to_vec() } else { Vec::new() };
    Decision::Admit(Admission { scopes, method })
}

fn with_device(facts: &ConnectFacts<'_>, device_id: &str) -> Decision {
    let method = match shared_secret(facts) {
        Some(method) => method,
        None if has_device_token(facts, device_id) => AuthMethod::DeviceToken,
        None if facts.presented.bootstrap_token.is_some() => return by_setup(facts),
        None => return Decision::Refuse(credentials_refused(facts)),
    };
    let admission = Admission { scopes: facts.scopes.to_vec(), method };
    // The shared secret on this machine is as good as a person at its keyboard.
    let silent = facts.loopback && facts.policy.approve_local && method != AuthMethod::DeviceToken;
    let ask = |reason, approved: &[Scope]| {
        if silent {
            let approved_scopes = scopes::union(approved, facts.scopes);
            Decision::Approve { admission: admission.clone(), approved_scopes }
        } else {
            Decision::Pair(reason)
        }
    };
    let Some(known) = facts.known else {
        let expected = facts.role == Role::Node
            && facts.scopes.is_empty()
            && facts.policy.approve_nodes_from.iter().any(|network| network.holds(facts.remote));
        if expected {
            return Decision::Approve { admission, approved_scopes: Vec::new() };
        }
        return ask(PairingReason::NotPaired, &[]);
    };
    if changed(known.platform.as_deref(), Some(&facts.client.platform))
        || changed(known.device_family.as_deref(), facts.client.device_family.as_deref())
    {
        return Decision::Pair(PairingReason::MetadataUpgrade);
    }
    match known.role(facts.role) {
        None => ask(PairingReason::RoleUpgrade, &[]),
        Some(role) if role.revoked => ask(PairingReason::NotPaired, &[]),
        Some(role) if scopes::covers_all(&role.scopes, facts.scopes) => Decision::Admit(admission),
        Some(_) if method == AuthMethod::DeviceToken => Decision::Refuse(Refusal::ScopeMismatch),
        Some(role) => ask(PairingReason::ScopeUpgrade, &role.scopes),
    }
}

/// A setup code stands for roles and scopes; it gives no more than those.
fn by_setup(facts: &ConnectFacts<'_>) -> Decision {
    let Some(setup) = facts.setup else { return Decision::Refuse(Refusal::BootstrapTokenInvalid) };
    match setup.scopes(facts.role) {
        Some(given) if scopes::covers_all(given, facts.scopes) => {
            Decision::Redeem(Admission { scopes: facts.scopes.to_vec(), method: AuthMethod::BootstrapToken })
        }
        _ => Decision::Refuse(Refusal::ScopeMismatch),
    }
}

/// The method, if the shared secret was presented in any of its two fields or none is asked for.
fn shared_secret(facts: &ConnectFacts<'_>) -> Option<AuthMethod> {
    let method = match facts.policy.mode {
        AuthMode::None => return Some(AuthMethod::None),
        AuthMode::Token => AuthMethod::Token,
        AuthMode::Password => AuthMethod::Password,
    };
    let expected = facts.policy.shared_secret.as_ref();
    let matches = |presented: &Option<SecretString>| {
        presented.as_ref().is_some_and(|presented| secret::matches(expected, presented.expose_secret()))
    };
    // Both are always compared.
    let (token, password) = (matches(&facts.presented.token), matches(&facts.presented.password));
    (token | password).then_some(method)
}

/// Whether a token of this very device, role and generation was presented.
fn has_device_token(facts: &ConnectFacts<'_>, device_id: &str) -> bool {
    let Some(presented) = facts.presented.device_token.as_ref().or(facts.presented.token.as_ref()) else {
        return false;
    };
    let (Some(key), Some(role)) =
        (&facts.policy.device_token_key, facts.known.and_then(|known| known.role(facts.role)))
    else {
        return false;
    };
    let expected = device_token(key, device_id, facts.role, role.generation);
    !role.revoked && secret::matches(Some(&expected), presented.expose_secret())
}

/// The refusal for a shared secret that is wrong; `None` when none was presented.
fn mismatch(facts: &ConnectFacts<'_>) -> Option<Refusal> {
    if facts.presented.token.is_none() && facts.presented.password.is_none() {
        return None;
    }
    let may_use_device_token = facts.known.is_some() && facts.presented.device_token.is_none();
    Some(match (facts.policy.mode, facts.policy.shared_secret.is_some()) {
        (AuthMode::Password, true) => Refusal::PasswordMismatch { may_use_device_token },
        (AuthMode::Password, false) => Refusal::PasswordNotConfigured,
        (_, true) => Refusal::TokenMismatch { may_use_device_token },
        (_, false) => Refusal::TokenNotConfigured,
    })
}

fn credentials_refused(facts: &ConnectFacts<'_>) -> Refusal {
    if facts.presented.device_token.is_some() {
        return Refusal::DeviceTokenMismatch;
    }
    mismatch(facts).unwrap_or(match facts.policy.mode {
        AuthMode::Password => Refusal::PasswordMissing,
        AuthMode::None | AuthMode::Token => Refusal::TokenMissing,
    })
}

/// Whether a remembered property is another one now. What was not remembered cannot have changed.
fn changed(known: Option<&str>, now: Option<&str>) -> bool {
    let normal = |text: &str| text.trim().to_ascii_lowercase();
    known.is_some_and(|known| now.map(normal) != Some(normal(known)))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
