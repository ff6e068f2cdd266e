//! From the challenge to `hello-ok`, or to the refusal.

use std::borrow::Cow;
use std::sync::Arc;

use bulkhead_protocol::{ErrorShape, close};
use serde::Serialize;
use serde_json::json;

use super::connect::Connect;
use super::envelope::{Envelope, Malformed};
use super::hello::{self, Issued};
use super::info::{AuthMethod, ConnInfo, Role};
use super::outgoing::{EventText, response_frame};
use super::queue::{End, Queue};
use super::socket::{Incoming, Socket};
use crate::auth::{
    AuthPolicy, ConnectFacts, Decision, Device, PairingRequest, Refusal, Setup, decide, device_token, proof,
};
use crate::http::guard::Peer;
use crate::http::upgrade::Visitor;
use crate::hub::Membership;
use crate::hub::ticker::now_ms;
use crate::serve::Shared;

/// How a handshake ended.
pub(crate) enum Outcome {
    /// The client is in; its `hello-ok` is queued.
    Admitted(Admitted),
    /// The connection is to be closed. An error, if there is one, was sent.
    Refused(End),
    /// The client left.
    Gone,
}

/// An admitted connection.
pub(crate) struct Admitted {
    pub(crate) conn: Arc<ConnInfo>,
    pub(crate) membership: Membership,
    pub(crate) place: Peer,
    /// The setup code that let it in.
    pub(crate) setup_id: Option<String>,
}

/// A refusal on its way: what is said, and how the socket is closed after it.
struct Refused {
    error: ErrorShape,
    code: u16,
}

impl Refused {
    fn policy(error: ErrorShape) -> Self {
        Self { error, code: close::POLICY_VIOLATION }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::policy(refusal.to_error())
    }
}

#[derive(Serialize)]
struct Challenge<'a> {
    nonce: &'a str,
    ts: u64,
    capabilities: [&'a str; 0],
}

/// Leads a client in.
pub(crate) async fn run(
    shared: &Arc<Shared>,
    socket: &mut Socket,
    queue: &Arc<Queue>,
    visitor: Visitor,
) -> Outcome {
    let silence = tokio::time::sleep(shared.limits.pre_auth_silence);
    tokio::select! {
        biased;
        () = shared.closing.cancelled() => {
            Outcome::Refused(End::Close { code: close::SERVICE_RESTART, reason: "service restart".into() })
        }
        outcome = introduce(shared, socket, queue, visitor) => outcome,
        () = silence => {
            Outcome::Refused(End::Close { code: close::NORMAL, reason: "no connect request in time".into() })
        }
    }
}

async fn introduce(
    shared: &Arc<Shared>,
    socket: &mut Socket,
    queue: &Arc<Queue>,
    visitor: Visitor,
) -> Outcome {
    let nonce = uuid::Uuid::new_v4().to_string();
    let challenge = Challenge { nonce: &nonce, ts: now_ms(), capabilities: [] };
    let Ok(challenge) = EventText::new("connect.challenge", &challenge, None, false) else {
        return Outcome::Gone;
    };
    if !socket.say(challenge.without_seq()).await {
        return Outcome::Gone;
    }
    let text = match socket.next().await {
        Incoming::Text(text) => text,
        Incoming::NotText => return closed(close::NORMAL, "the first message is not JSON"),
        Incoming::Gone => return Outcome::Gone,
        Incoming::End(end) => return Outcome::Refused(end),
    };
    if text.len() > shared.limits.pre_auth_payload {
        return closed(close::TOO_LARGE, "message too big before connect");
    }
    let envelope = match Envelope::parse(&text) {
        Ok(envelope) => envelope,
        Err(Malformed::NotJson) => return closed(close::NORMAL, "the first message is not JSON"),
        Err(Malformed::NotRequest { .. }) => return closed(close::POLICY_VIOLATION, "invalid request frame"),
    };
    match admit(shared, &envelope, &nonce, &visitor).await {
        Ok(ready) => {
            let conn = Arc::new(ready.conn);
            // It hears of events before its snapshot is made, so that none falls between the two.
            let membership = shared.hub.join(Arc::clone(&conn), Arc::clone(queue));
            match hello::frame(shared, &envelope.id, &conn, &ready.issued) {
                Ok(hello) => queue.push_first_response(hello),
                Err(error) => {
                    drop(membership);
                    socket.say(response_frame(&envelope.id, Err(&error))).await;
                    return closed(super::socket::INTERNAL_ERROR, "hello-ok failed");
                }
            }
            if shared.closing.is_cancelled() {
                queue.end(End::Close { code: close::SERVICE_RESTART, reason: "service restart".into() });
            }
            tracing::debug!(conn = %conn.id, client = %conn.client.id, mode = %conn.client.mode, "connected");
            shared.info.traffic().admitted();
            shared.handler.on_connect(&conn);
            let Visitor { peer, slot, .. } = visitor;
            drop(slot);
            Outcome::Admitted(Admitted { conn, membership, place: peer, setup_id: ready.setup_id })
        }
        Err(refused) => {
            let Refused { error, code } = refused;
            tracing::debug!(remote = %visitor.caller.remote, code, error = %error.message, "a connect was refused");
            socket.say(response_frame(&envelope.id, Err(&error))).await;
            Outcome::Refused(End::Close { code, reason: Cow::Owned(error.message) })
        }
    }
}

fn closed(code: u16, reason: &'static str) -> Outcome {
    Outcome::Refused(End::Close { code, reason: reason.into() })
}

/// A connection that may come in, and the device tokens that it is told: its role's first, then what else a setup
/// code gave.
struct Ready {
    conn: ConnInfo,
    issued: Vec<Issued>,
    setup_id: Option<String>,
}

async fn admit(
    shared: &Shared,
    envelope: &Envelope<'_>,
    nonce: &str,
    visitor: &Visitor,
) -> Result<Ready, Refused> {
    if envelope.method != "connect" {
        return Err(Refused::policy(ErrorShape::invalid_request(
            "invalid handshake: at /method: the first request must be connect",
        )));
    }
    let connect = Connect::parse(envelope.params).map_err(Refused::policy)?;
    if let Some(mismatch) = connect.protocol_mismatch() {
        return Err(Refused { error: mismatch, code: close::PROTOCOL_ERROR });
    }
    if !shared.info.lifecycle().is_started() {
        return Err(Refused { error: ErrorShape::starting(), code: close::TRY_AGAIN_LATER });
    }
    if !visitor.origin_allowed {
        return Err(Refused::policy(
            ErrorShape::invalid_request(
                "origin not allowed (open the Control UI from the gateway host or allow it in \
                 gateway.controlUi.allowedOrigins)",
            )
            .with_details(json!({ "code": "CONTROL_UI_ORIGIN_NOT_ALLOWED", "reason": "origin not allowed" })),
        ));
    }
    if let Some(mismatch) = build_mismatch(shared, &connect) {
        return Err(Refused::policy(mismatch));
    }
    authenticate(shared, connect, nonce, visitor).await
}

/// A web client of another build has to load itself again. Without a build id of our own nothing is checked.
fn build_mismatch(shared: &Shared, connect: &Connect) -> Option<ErrorShape> {
    let ours = shared.info.build_id.as_deref()?;
    let theirs = connect.params.client.build_id.as_deref()?;
    if connect.client.id != "openclaw-control-ui" || ours == theirs {
        return None;
    }
    Some(ErrorShape::invalid_request("protocol mismatch: this page is of another build than the gateway; reload it").with_details(
        json!({ "code": "PROTOCOL_MISMATCH", "gatewayBuildId": ours, "clientBuildId": theirs, "reloadRequired": true }),
    ))
}

async fn authenticate(
    shared: &Shared,
    connect: Connect,
    nonce: &str,
    visitor: &Visitor,
) -> Result<Ready, Refused> {
    let caller = visitor.caller;
    let presents = connect.presented.token.is_some()
        || connect.presented.password.is_some()
        || connect.presented.device_token.is_some()
        || connect.presented.bootstrap_token.is_some();
    if presents && let Some(wait) = shared.attempts.locked_out(caller.remote, caller.loopback) {
        let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        return Err(Refusal::RateLimited { retry_after_ms }.into());
    }
    let policy = shared.authenticator.policy();
    let proved = match connect.device() {
        Some(device) => Some(proof::check(&connect.params, device, nonce, now_ms())?),
        None => None,
    };
    let device_id = proved.as_deref();
    let known = match device_id {
        Some(id) => shared.authenticator.device(id).await.map_err(unavailable)?,
        None => None,
    };
    let setup = match &connect.presented.bootstrap_token {
        Some(token) if device_id.is_some() => shared.authenticator.setup(token).await.map_err(unavailable)?,
        _ => None,
    };
    let decision = decide(&ConnectFacts {
        policy: &policy,
        loopback: caller.loopback,
        remote: caller.remote,
        role: connect.role,
        scopes: &connect.scopes,
        client: &connect.client,
        presented: &connect.presented,
        device_id,
        known: known.as_ref(),
        setup: setup.as_ref(),
    });
    let mut redeemed: Option<&Setup> = None;
    let (admission, device) = match decision {
        Decision::Admit(admission) => (admission, known),
        Decision::Redeem(admission) => {
            let by_code = setup.as_ref().ok_or(Refusal::BootstrapTokenInvalid)?;
            let scopes = by_code.scopes(connect.role).unwrap_or_default().to_vec();
            let grant = connect.grant(device_id, scopes, caller.remote);
            let device = shared.authenticator.redeem(by_code, grant).await.map_err(unavailable)?;
            let device = device.ok_or(Refusal::BootstrapTokenInvalid)?;
            tracing::info!(device = %device.id, client = %connect.client.id, "a device came in by a setup code");
            redeemed = Some(by_code);
            (admission, Some(device))
        }
        Decision::Approve { admission, approved_scopes } => {
            let grant = connect.grant(device_id, approved_scopes, caller.remote);
            let device = shared.authenticator.approve(grant).await.map_err(unavailable)?;
            tracing::info!(device = %device.id, client = %connect.client.id, "a device of this machine was approved");
            (admission, Some(device))
        }
        Decision::Pair(reason) => {
            let approved = known.as_ref().and_then(|known| known.role(connect.role));
            let approved_scopes = approved.map(|role| role.scopes.clone()).unwrap_or_default();
            let wanted = crate::auth::scopes::union(&approved_scopes, &connect.scopes);
            let request = PairingRequest { grant: connect.grant(device_id, wanted, caller.remote), reason };
            let request_id = shared.authenticator.request_pairing(request).await.map_err(unavailable)?;
            return Err(Refused::policy(connect.pairing_required(reason, &request_id, known.as_ref())));
        }
        Decision::Refuse(refusal) => {
            if refusal.is_failed_attempt() {
                shared.info.traffic().refused();
                let delay = shared.attempts.failed(caller.remote, caller.loopback);
                tokio::time::sleep(delay).await;
            }
            return Err(refusal.into());
        }
    };
    if admission.method != AuthMethod::None {
        shared.attempts.succeeded(caller.remote);
    }
    let mut roles = vec![connect.role];
    if let Some(setup) = redeemed {
        roles.extend(setup.roles.iter().map(|(role, _)| *role).filter(|role| *role != connect.role));
    }
    let issued = device
        .as_ref()
        .map(|device| roles.iter().filter_map(|role| issue(&policy, device, *role)).collect())
        .unwrap_or_default();
    let setup_id = redeemed.map(|setup| setup.id.clone());
    Ok(Ready { conn: connect.admitted(proved, admission, caller), issued, setup_id })
}

/// The gateway could not look up or remember: the client may try again.
fn unavailable(error: ErrorShape) -> Refused {
    Refused { error, code: close::TRY_AGAIN_LATER }
}

fn issue(policy: &AuthPolicy, device: &Device, role: Role) -> Option<Issued> {
    let key = policy.device_token_key.as_ref()?;
    let approved = device.role(role).filter(|role| !role.revoked)?;
    Some(Issued {
        token: device_token(key, &device.id, role, approved.generation),
        role,
        scopes: approved.scopes.clone(),
        at_ms: approved.issued_at_ms,
    })
}
