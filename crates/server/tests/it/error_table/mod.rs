//! Every way to be refused, one row each: what is done, what is answered, how the socket ends. After each row another
//! client that was there all the time is still answered, and no event of its own is missing.

mod frames;
mod limits;
mod proofs;
mod secrets;

use bulkhead_protocol::Scope;
use bulkhead_protocol::device_auth::DeviceKey;
use bulkhead_server::Audience;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::world::{Client, World, cli, sign, ui};

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
