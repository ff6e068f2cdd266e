//! The decision, tried with everything.

use super::*;
use crate::auth::DeviceRole;

const SECRET: &str = "the-shared-secret";
const DEVICE: &str = "device-1";
const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

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
            let presented =
                Presented { token: pick(0), password: pick(1), device_token: pick(2), bootstrap_token: None };
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
                            remote: HERE,
                            setup: None,
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
                            Decision::Redeem(_) => panic!("nobody showed a setup code: {facts:?}"),
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
        remote: HERE,
        setup: None,
    });
    let Decision::Approve { admission, approved_scopes } = decision else { panic!("{decision:?}") };
    assert_eq!(approved_scopes, [Scope::OperatorPairing, Scope::OperatorRead]);
    assert_eq!(admission.scopes, [Scope::OperatorRead]);
}

fn node_facts<'a>(
    policy: &'a AuthPolicy,
    client: &'a ClientInfo,
    presented: &'a Presented,
    setup: Option<&'a Setup>,
    remote: &str,
) -> ConnectFacts<'a> {
    ConnectFacts {
        policy,
        loopback: false,
        remote: remote.parse().unwrap(),
        role: Role::Node,
        scopes: &[],
        client,
        presented,
        device_id: Some(DEVICE),
        known: None,
        setup,
    }
}

#[test]
fn a_setup_code_gives_its_roles_and_scopes_and_no_more() {
    let policy = policy(AuthMode::Token);
    let client = client("node-host", "node");
    let presented = Presented { bootstrap_token: Some(text("code")), ..Presented::default() };
    let setup = Setup {
        id: "s".into(),
        roles: vec![(Role::Node, vec![]), (Role::Operator, vec![Scope::OperatorWrite])],
    };
    let facts = |setup| node_facts(&policy, &client, &presented, setup, "203.0.113.7");
    let Decision::Redeem(admission) = decide(&facts(Some(&setup))) else { panic!("not let in") };
    assert_eq!(admission.method, AuthMethod::BootstrapToken);
    assert_eq!(decide(&facts(None)), Decision::Refuse(Refusal::BootstrapTokenInvalid));
    let operator = |scopes| ConnectFacts { role: Role::Operator, scopes, ..facts(Some(&setup)) };
    assert!(matches!(decide(&operator(&[Scope::OperatorRead])), Decision::Redeem(_)));
    assert_eq!(decide(&operator(&[Scope::OperatorAdmin])), Decision::Refuse(Refusal::ScopeMismatch));
    let nobody = ConnectFacts { device_id: None, ..facts(Some(&setup)) };
    assert_eq!(decide(&nobody), Decision::Refuse(Refusal::DeviceRequired));
}

#[test]
fn new_nodes_of_expected_networks_are_approved_and_local_ones_only_if_that_is_wanted() {
    let mut policy = policy(AuthMode::Token);
    policy.approve_nodes_from = vec!["192.168.1.0/24".parse().unwrap()];
    policy.approve_local = false;
    let client = client("node-host", "node");
    let presented = Presented { token: Some(text(SECRET)), ..Presented::default() };
    let facts = |remote| node_facts(&policy, &client, &presented, None, remote);
    assert!(matches!(decide(&facts("192.168.1.9")), Decision::Approve { .. }));
    assert_eq!(decide(&facts("192.168.2.9")), Decision::Pair(PairingReason::NotPaired));
    let operator = ConnectFacts { role: Role::Operator, ..facts("192.168.1.9") };
    assert_eq!(decide(&operator), Decision::Pair(PairingReason::NotPaired), "only nodes");
    let here = ConnectFacts { loopback: true, ..facts("127.0.0.1") };
    assert_eq!(decide(&here), Decision::Pair(PairingReason::NotPaired), "not even this machine");
}
