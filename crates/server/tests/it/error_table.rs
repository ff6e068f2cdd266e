//! Every way to be refused, one row each: what is done, what is answered, how the socket ends. After each row another
//! client that was there all the time is still answered, and no event of its own is missing.

use std::time::Duration;

use bulkhead_protocol::Scope;
use bulkhead_protocol::device_auth::DeviceKey;
use bulkhead_server::{Audience, AuthMode, Limits};
use futures::SinkExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::world::{
    Client, World, cli, limited, now_ms, quick, sign, sign_at, starting, ui, with_policy, world,
};

/// A client that only watches. It came by its device's token, so a change of the shared secret is no business of its.
struct Witness {
    client: Client,
    seq: u64,
}

impl Witness {
    async fn of(world: &World) -> Self {
        let key = DeviceKey::generate().unwrap();
        let (hello, _) = world.device_connect(&key, ui()).await;
        let mut params = ui();
        params["auth"] = json!({ "deviceToken": hello["payload"]["auth"]["deviceToken"] });
        let (hello, client) = world.device_connect(&key, params).await;
        assert_eq!(hello["ok"], true, "{hello}");
        Self { client, seq: 0 }
    }

    /// The next frame; an event has to be the one after the last.
    async fn read(&mut self) -> Value {
        let frame = self.client.read().await;
        if frame["type"] == "event" {
            self.seq += 1;
            assert_eq!(frame["seq"], self.seq, "an event is missing: {frame}");
        }
        frame
    }

    /// It is answered, and hears what is told to everybody.
    async fn is_unharmed(&mut self, world: &World, case: &str) {
        world.hub.broadcast("chat", &json!({ "after": case }), &Audience::scope(Scope::OperatorRead), None);
        while self.read().await["payload"]["after"] != case {}
        let id = self.client.ask("health", Value::Null).await;
        loop {
            let frame = self.read().await;
            if frame["id"] == id.as_str() {
                assert_eq!(frame["ok"], true, "{case}: {frame}");
                return;
            }
        }
    }
}

type Change = fn(&mut Value);
type Act = for<'a> fn(&'a World, &'a mut Witness) -> BoxFuture<'a, Client>;

/// What somebody does who is refused.
enum Does {
    /// The first frame is this text.
    Says(&'static str),
    /// Connects as a program, with something changed.
    Connects(Change),
    /// Connects as a device of a person, with something changed before the proof and something after it.
    Proves(Change, Change),
    /// Connects from a page of somebody else.
    Comes(&'static str, fn() -> Value),
    /// Is admitted to read, then sends this text.
    Asks(&'static str),
    /// Something else; the client that it leaves behind is looked at.
    Acts(Act),
}

/// What has to follow.
struct Row {
    case: &'static str,
    does: Does,
    /// `code` of the error; without one nothing is answered.
    code: Option<&'static str>,
    /// What the error has to hold besides, by JSON pointer.
    holds: &'static [(&'static str, &'static str)],
    /// Close code; without one the socket stays open.
    close: Option<u16>,
}

const INVALID: Option<&str> = Some("INVALID_REQUEST");
const CODE: &str = "/details/code";

const fn refused(
    case: &'static str,
    does: Does,
    code: &'static str,
    holds: &'static [(&'static str, &'static str)],
) -> Row {
    Row { case, does, code: Some(code), holds, close: Some(1008) }
}

const fn answered(
    case: &'static str,
    text: &'static str,
    code: &'static str,
    holds: &'static [(&'static str, &'static str)],
) -> Row {
    Row { case, does: Does::Asks(text), code: Some(code), holds, close: None }
}

const fn unanswered(case: &'static str, does: Does, close: u16) -> Row {
    Row { case, does, code: None, holds: &[], close: Some(close) }
}

async fn admitted(world: &World) -> Client {
    world.operator(&["operator.read"]).await
}

impl Does {
    async fn begin(&self, world: &World, witness: &mut Witness) -> Client {
        match self {
            Self::Says(text) => {
                let mut client = world.dial().await;
                client.send_text(*text).await;
                client
            }
            Self::Connects(change) => {
                let mut params = cli();
                change(&mut params);
                let mut client = world.dial().await;
                client.ask("connect", params).await;
                client
            }
            Self::Proves(before, after) => {
                let mut params = ui();
                before(&mut params);
                let mut client = world.dial().await;
                sign(&DeviceKey::generate().unwrap(), &mut params, &client.nonce);
                after(&mut params);
                client.ask("connect", params).await;
                client
            }
            Self::Comes(origin, params) => {
                let mut client = world.dial_with(&[("origin", origin)]).await.unwrap();
                client.ask("connect", params()).await;
                client
            }
            Self::Asks(text) => {
                let mut client = admitted(world).await;
                client.send_text(*text).await;
                client
            }
            Self::Acts(act) => act(world, witness).await,
        }
    }
}

async fn holds(row: &Row, world: &World, witness: &mut Witness) {
    let case = row.case;
    let mut client = row.does.begin(world, witness).await;
    if let Some(code) = row.code {
        let answer = loop {
            let frame = client.read().await;
            if frame["type"] == "res" {
                break frame;
            }
        };
        assert_eq!(
            (&answer["ok"], &answer["error"]["code"]),
            (&json!(false), &json!(code)),
            "{case}: {answer}"
        );
        assert!(answer["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{case}: {answer}");
        for (path, expected) in row.holds {
            let found = answer["error"].pointer(path).unwrap_or(&Value::Null);
            let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            let fits = if *path == "/message" { text.contains(expected) } else { text == *expected };
            assert!(fits, "{case}: {path} is {text}, expected {expected}");
        }
    }
    match row.close {
        Some(code) => assert_eq!(client.end().await.code, code, "{case}"),
        None => assert_eq!(client.request("health", Value::Null).await["ok"], true, "{case}: stays open"),
    }
    witness.is_unharmed(world, case).await;
}

async fn all(world: &World, rows: &[Row]) {
    let mut witness = Witness::of(world).await;
    for row in rows {
        holds(row, world, &mut witness).await;
    }
}

const SECRETS: &[Row] = &[
    refused(
        "a wrong token",
        Does::Connects(|p| p["auth"]["token"] = "wrong".into()),
        "INVALID_REQUEST",
        &[(CODE, "AUTH_TOKEN_MISMATCH")],
    ),
    refused(
        "nothing supplied",
        Does::Connects(|p| p["auth"] = json!({})),
        "NOT_PAIRED",
        &[(CODE, "DEVICE_IDENTITY_REQUIRED")],
    ),
    refused(
        "a person's client without a device",
        Does::Connects(|p| *p = ui()),
        "INVALID_REQUEST",
        &[(CODE, "CONTROL_UI_DEVICE_IDENTITY_REQUIRED")],
    ),
    refused(
        "a device token that nobody gave out",
        Does::Proves(|p| p["auth"] = json!({ "deviceToken": "made-up" }), |_| {}),
        "INVALID_REQUEST",
        &[(CODE, "AUTH_DEVICE_TOKEN_MISMATCH")],
    ),
    refused(
        "a device token that allows less",
        Does::Acts(|world, _| {
            Box::pin(async move {
                let key = DeviceKey::generate().unwrap();
                let (hello, _) = world.device_connect(&key, ui()).await;
                let mut params = ui();
                params["auth"] = json!({ "deviceToken": hello["payload"]["auth"]["deviceToken"] });
                params["scopes"] = json!(["operator.admin"]);
                let mut client = world.dial().await;
                sign(&key, &mut params, &client.nonce);
                client.ask("connect", params).await;
                client
            })
        }),
        "INVALID_REQUEST",
        &[(CODE, "AUTH_SCOPE_MISMATCH")],
    ),
    refused(
        "another platform than before",
        Does::Acts(|world, _| {
            Box::pin(async move {
                let key = DeviceKey::generate().unwrap();
                world.device_connect(&key, ui()).await;
                let mut params = ui();
                params["client"]["platform"] = "another".into();
                let mut client = world.dial().await;
                sign(&key, &mut params, &client.nonce);
                client.ask("connect", params).await;
                client
            })
        }),
        "NOT_PAIRED",
        &[(CODE, "PAIRING_REQUIRED"), ("/details/requestId", "request-1")],
    ),
    refused(
        "a program from a foreign page",
        Does::Comes("http://evil.example", cli),
        "INVALID_REQUEST",
        &[(CODE, "CONTROL_UI_ORIGIN_NOT_ALLOWED")],
    ),
    refused(
        "a person's client from a foreign page",
        Does::Comes("http://evil.example", ui),
        "INVALID_REQUEST",
        &[(CODE, "CONTROL_UI_ORIGIN_NOT_ALLOWED")],
    ),
];

const PROOFS: &[Row] = &[
    refused(
        "no nonce",
        Does::Proves(|_| {}, |p| p["device"]["nonce"] = "".into()),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_NONCE_REQUIRED")],
    ),
    refused(
        "another nonce",
        Does::Proves(|_| {}, |p| p["device"]["nonce"] = "11111111-1111-4111-8111-111111111111".into()),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_NONCE_MISMATCH")],
    ),
    refused(
        "something changed after the signature",
        Does::Proves(|_| {}, |p| p["scopes"] = json!(["operator.admin"])),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_SIGNATURE_INVALID")],
    ),
    refused(
        "signed too long ago",
        Does::Acts(|world, _| {
            Box::pin(async move {
                let mut params = ui();
                let mut client = world.dial().await;
                let key = DeviceKey::generate().unwrap();
                sign_at(&key, &mut params, &client.nonce, now_ms() - 121_000);
                client.ask("connect", params).await;
                client
            })
        }),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_SIGNATURE_EXPIRED")],
    ),
    refused(
        "another device's id",
        Does::Proves(|_| {}, |p| p["device"]["id"] = "00".repeat(32).into()),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_DEVICE_ID_MISMATCH")],
    ),
    refused(
        "no public key",
        Does::Proves(|_| {}, |p| p["device"]["publicKey"] = "not a key".into()),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_PUBLIC_KEY_INVALID")],
    ),
];

const FRAMES: &[Row] = &[
    Row {
        case: "a protocol that is too new",
        does: Does::Connects(|p| (p["minProtocol"], p["maxProtocol"]) = (5.into(), 6.into())),
        code: INVALID,
        holds: &[
            (CODE, "PROTOCOL_MISMATCH"),
            ("/details/clientMinProtocol", "5"),
            ("/details/clientMaxProtocol", "6"),
            ("/details/expectedProtocol", "4"),
            ("/details/minimumProbeProtocol", "3"),
        ],
        close: Some(1002),
    },
    Row {
        case: "a protocol that is too old",
        does: Does::Connects(|p| (p["minProtocol"], p["maxProtocol"]) = (3.into(), 3.into())),
        code: INVALID,
        holds: &[(CODE, "PROTOCOL_MISMATCH"), ("/details/clientMaxProtocol", "3")],
        close: Some(1002),
    },
    refused(
        "another request first",
        Does::Says(r#"{"type":"req","id":"1","method":"health"}"#),
        "INVALID_REQUEST",
        &[("/message", "connect")],
    ),
    refused(
        "parameters that are missing",
        Does::Connects(|p| *p = json!({})),
        "INVALID_REQUEST",
        &[("/message", "minProtocol")],
    ),
    refused(
        "a client that nobody knows",
        Does::Connects(|p| p["client"]["id"] = "curl".into()),
        "INVALID_REQUEST",
        &[("/message", "client.id")],
    ),
    refused(
        "a role that nobody has",
        Does::Connects(|p| p["role"] = "king".into()),
        "INVALID_REQUEST",
        &[("/message", "role")],
    ),
    unanswered("JSON that is no request", Does::Says(r#"{"type":"event","event":"hello"}"#), 1008),
    unanswered("no JSON", Does::Says("hello"), 1000),
    unanswered(
        "64 KiB and a byte before connect",
        Does::Acts(|world, _| Box::pin(async move { oversized(world.dial().await, 64 * 1024 + 1).await })),
        1009,
    ),
    unanswered(
        "25 MiB and a byte after it",
        Does::Acts(|world, _| Box::pin(async move { oversized(admitted(world).await, 26_214_401).await })),
        1009,
    ),
    answered(
        "connect once more",
        r#"{"type":"req","id":"1","method":"connect","params":{}}"#,
        "INVALID_REQUEST",
        &[],
    ),
    answered("a request without a method", r#"{"type":"req","id":"1"}"#, "INVALID_REQUEST", &[]),
    answered("no JSON after connect", "hello", "INVALID_REQUEST", &[]),
    answered(
        "a scope that is missing",
        r#"{"type":"req","id":"1","method":"config.patch","params":{}}"#,
        "FORBIDDEN",
        &[
            (CODE, "MISSING_SCOPE"),
            ("/details/missingScope", "operator.admin"),
            ("/details/requiredScopes", r#"["operator.admin"]"#),
        ],
    ),
    answered(
        "a method that nobody serves",
        r#"{"type":"req","id":"1","method":"make.coffee"}"#,
        "INVALID_REQUEST",
        &[("/message", "unknown method: make.coffee")],
    ),
    unanswered(
        "who came by a secret that was changed",
        Does::Acts(|world, _| {
            Box::pin(async move {
                let client = admitted(world).await;
                world.hub.close_shared_secret();
                client
            })
        }),
        4001,
    ),
];

/// Sends a frame of `size` bytes; the server may stop reading before everything is there.
async fn oversized(mut client: Client, size: usize) -> Client {
    let empty = r#"{"type":"req","id":"big","method":"health","params":""}"#;
    let text = empty.replace("\"\"", &format!("\"{}\"", "x".repeat(size - empty.len())));
    let _ = client.ws.send(Message::Text(text.into())).await;
    client
}

#[tokio::test]
async fn secrets_devices_and_origins() {
    all(&world().await, SECRETS).await;
}

#[tokio::test]
async fn proofs() {
    all(&world().await, PROOFS).await;
}

#[tokio::test]
async fn frames_and_requests() {
    all(&world().await, FRAMES).await;
}

#[tokio::test]
async fn a_wrong_password() {
    let world = with_policy(|policy| policy.mode = AuthMode::Password).await;
    let wrong: Change = |p| p["auth"] = json!({ "password": "wrong" });
    let holds: &[_] = &[(CODE, "AUTH_PASSWORD_MISMATCH")];
    all(&world, &[refused("a wrong password", Does::Connects(wrong), "INVALID_REQUEST", holds)]).await;
}

#[tokio::test]
async fn silence() {
    let world = limited(Limits { pre_auth_silence: Duration::from_millis(100), ..quick() }).await;
    let says_nothing: Act = |world, _| Box::pin(world.dial());
    all(&world, &[unanswered("silence before connect", Does::Acts(says_nothing), 1000)]).await;
}

#[tokio::test]
async fn a_slow_reader() {
    let world =
        limited(Limits { max_buffered_bytes: 1_000_000, close_patience: crate::world::PATIENCE, ..quick() })
            .await;
    // The witness reads while the other one does not.
    let does_not_read: Act = |world, witness| {
        Box::pin(async move {
            let slow = admitted(world).await;
            let payload = "x".repeat(200_000);
            for n in 0..200 {
                let event = json!({ "n": n, "text": payload });
                world.hub.broadcast("chat", &event, &Audience::scope(Scope::OperatorRead), None);
                while witness.read().await["payload"]["n"] != n {}
            }
            slow
        })
    };
    all(&world, &[unanswered("a slow reader", Does::Acts(does_not_read), 1008)]).await;
}

#[tokio::test]
async fn while_it_starts() {
    let world = starting().await;
    let (error, end) = world.refused(cli()).await;
    assert_eq!((&error["code"], &error["retryable"]), (&json!("UNAVAILABLE"), &json!(true)));
    assert_eq!(
        (&error["retryAfterMs"], &error["details"]["reason"]),
        (&json!(500), &json!("startup-sidecars"))
    );
    assert_eq!(end.code, 1013);
    // Nobody is connected yet; whoever comes a moment later is served.
    world.info.lifecycle().set_started();
    Witness::of(&world).await.is_unharmed(&world, "started").await;
}

#[tokio::test]
async fn the_end_is_told_to_everybody_without_a_gap() {
    let world = world().await;
    let mut witness = Witness::of(&world).await;
    let mut other = admitted(&world).await;
    witness.is_unharmed(&world, "before the end").await;
    world.stop.cancel();
    while witness.read().await["event"] != "shutdown" {}
    assert_eq!(witness.client.end().await.code, 1012);
    assert_eq!(other.end().await.code, 1012);
}
