//! Frames: before connect, connect itself, and after it.

use futures::SinkExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{CODE, Does, INVALID, Row, admitted, all, answered, refused, unanswered};
use crate::world::{Client, world};

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
async fn frames_and_requests() {
    all(&world().await, FRAMES).await;
}
