//! The decision, tried with everything.

use super::*;
use crate::auth::DeviceRole;

const SECRET: &str = "the-shared-secret";
const DEVICE: &str = "device-1";

fn policy(mode: AuthMode) -> AuthPolicy {
    AuthPolicy {
        mode,
        device_token_key: Some(SecretString::from("key".to_owned())),
        ..AuthPolicy::token(SECRET)
    }
}

fn client(id: &str, mode: &str) -> ClientInfo {
    ClientInfo { id: id.into(), mode: mode.into(), platform: "linux".into(), ..ClientInfo::default() }
}

fn known(scopes: &[Scope]) -> Device {
    Device {
        id: DEVICE.into(),
        public_key: "key".into(),
        platform: Some("Linux".into()),
        device_family: None,
        roles: vec![DeviceRole {
            role: Role::Operator,
            scopes: scopes.to_vec(),
            generation: 3,
            issued_at_ms: 1,
            revoked: false,
        }],
    }
}

fn text(secret: &str) -> SecretString {
    SecretString::from(secret.to_owned())
}

/// Every combination of what a client may be and send: nobody gets in without one of the three proofs, and
/// nobody gets a scope that neither the shared secret nor an approval covers.
#[test]
fn nobody_gets_in_or_gets_scopes_unproved() {
    let right = device_token(&SecretString::from("key".to_owned()), DEVICE, Role::Operator, 3);
    let stale = device_token(&SecretString::from("key".to_owned()), DEVICE, Role::Operator, 2);
    let secrets = [None, Some(text(SECRET)), Some(text("wrong")), Some(right.clone()), Some(stale)];
    let clients = [
        client("cli", "cli"),
        client("gateway-client", "backend"),
        client("cli", "probe"),
        client("openclaw-tui", "ui"),
    ];
    let wanted = [Scope::OperatorAdmin];
    let narrow = known(&[Scope::OperatorRead]);
    let wide = known(&[Scope::OperatorAdmin]);
    let mut revoked = wide.clone();
    revoked.roles[0].revoked = true;
    let devices: [(Option<&str>, Option<&Device>); 5] = [
        (None, None),
        (Some(DEVICE), None),
        (Some(DEVICE), Some(&narrow)),
        (Some(DEVICE), Some(&wide)),
        (Some(DEVICE), Some(&revoked)),
    ];
    let mut admitted = 0;
    for mode in [AuthMode::Token, AuthMode::Password] {
        let policy = policy(mode);
        for combination in 0..secrets.len().pow(3) {
            let pick = |place: u32| secrets[combination / secrets.len().pow(place) % secrets.len()].clone();
            let presented = Presented { token: pick(0), password: pick(1), device_token: pick(2) };
            let is = |secret: &Option<SecretString>, text: &str| {
                secret.as_ref().is_some_and(|secret| secret.expose_secret() == text)
            };
            let shared = is(&presented.token, SECRET) || is(&presented.password, SECRET);
            let own =
                if presented.device_token.is_some() { &presented.device_token } else { &presented.token };
            for client in &clients {
                for (device_id, known) in devices {
                    for (loopback, role) in
                        [(true, Role::Operator), (false, Role::Operator), (true, Role::Node)]
                    {
                        let facts = ConnectFacts {
                            policy: &policy,
                            loopback,
                            role,
                            scopes: &wanted,
                            client,
                            presented: &presented,
                            device_id,
                            known,
                        };
                        let by_device = known.is_some_and(|known| !known.roles[0].revoked)
                            && role == Role::Operator
                            && is(own, right.expose_secret());
                        match decide(&facts) {
                            Decision::Admit(admission) => {
                                admitted += 1;
                                assert!(shared || by_device, "{facts:?}");
                                let by_program = shared && loopback && device_id.is_none();
                                let approved = known
                                    .is_some_and(|known| scopes::covers_all(&known.roles[0].scopes, &wanted));
                                assert!(admission.scopes.is_empty() || by_program || approved, "{facts:?}");
                            }
                            Decision::Approve { .. } => {
                                assert!(shared && loopback && device_id.is_some(), "{facts:?}");
                            }
                            Decision::Pair(_) => {
                                assert!((shared || by_device) && device_id.is_some(), "{facts:?}");
                            }
                            Decision::Refuse(_) => {}
                        }
                    }
                }
            }
        }
    }
    assert!(admitted > 100);
}

#[test]
fn approving_widens_and_never_narrows() {
    let policy = policy(AuthMode::Token);
    let presented = Presented { token: Some(text(SECRET)), ..Presented::default() };
    let known = known(&[Scope::OperatorPairing]);
    let decision = decide(&ConnectFacts {
        policy: &policy,
        loopback: true,
        role: Role::Operator,
        scopes: &[Scope::OperatorRead],
        client: &client("openclaw-tui", "ui"),
        presented: &presented,
        device_id: Some(DEVICE),
        known: Some(&known),
    });
    let Decision::Approve { admission, approved_scopes } = decision else { panic!("{decision:?}") };
    assert_eq!(approved_scopes, [Scope::OperatorPairing, Scope::OperatorRead]);
    assert_eq!(admission.scopes, [Scope::OperatorRead]);
}
