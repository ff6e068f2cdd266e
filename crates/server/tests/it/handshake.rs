//! Challenge, connect, hello-ok; everything about the first frame.

use serde_json::{Value, json};

use crate::world::{End, TOKEN, cli, limited, quick, world};

#[tokio::test]
async fn challenge_connect_hello() {
    let world = world().await;
    let mut client = world.dial().await;
    assert_eq!(client.nonce.len(), 36, "the nonce is a uuid");
    let hello = client.request("connect", cli()).await;
    assert_eq!(hello["ok"], true, "{hello}");
    let hello = &hello["payload"];
    assert_eq!(hello["type"], "hello-ok");
    assert_eq!(hello["protocol"], 4);
    assert_eq!(hello["server"]["version"], "1.2.3");
    assert_eq!(hello["server"]["connId"].as_str().unwrap().len(), 36);
    assert_eq!(hello["features"]["methods"], json!(["health"]));
    assert_eq!(hello["auth"], json!({ "role": "operator", "scopes": ["operator.read"] }));
    assert_eq!(
        hello["policy"],
        json!({
            "maxPayload": 26_214_400, "maxBufferedBytes": 52_428_800, "tickIntervalMs": 30000,
            "attachments": { "maxBytes": 19_464_192, "maxImageBytes": 6_291_456 },
        })
    );
    assert_eq!(hello["pluginSurfaceUrls"]["canvas"], "http://127.0.0.1/cap");
    assert_eq!(client.request("health", Value::Null).await["payload"]["client"], "cli");
}

#[tokio::test]
async fn ipv6_is_served_too() {
    let world = world().await;
    let Some(v6) = world.addrs.iter().find(|addr| addr.is_ipv6()) else { return };
    let (_, response) = tokio_tungstenite::connect_async(format!("ws://{v6}/")).await.unwrap();
    assert_eq!(response.status(), 101);
}

#[tokio::test]
async fn the_first_request_must_be_connect() {
    let world = world().await;
    let mut client = world.dial().await;
    let answer = client.request("health", Value::Null).await;
    assert_eq!(answer["error"]["code"], "INVALID_REQUEST");
    assert!(answer["error"]["message"].as_str().unwrap().contains("connect"));
    assert_eq!(client.end().await.code, 1008);
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let world = world().await;
    let change = |path: &[&str], value: Value| {
        let mut params = cli();
        let mut place = &mut params;
        for part in path {
            place = &mut place[*part];
        }
        *place = value;
        params
    };
    for (params, field) in [
        (change(&["client", "id"], json!("curl")), "client.id"),
        (change(&["client", "mode"], json!("telepathy")), "client.mode"),
        (change(&["client", "version"], json!("")), "client.version"),
        (change(&["client", "platform"], json!(7)), "client.platform"),
        (change(&["role"], json!("king")), "role"),
        (change(&["maxProtocol"], json!("4")), "maxProtocol"),
        (change(&["scopes"], json!("operator.read")), "scopes"),
        (json!({}), "minProtocol"),
        (json!([]), "connect"),
        (json!(null), "minProtocol"),
    ] {
        let (error, end) = world.refused(params).await;
        assert_eq!(error["code"], "INVALID_REQUEST");
        assert!(error["message"].as_str().unwrap().contains(field), "{field}: {error}");
        assert_eq!(end.code, 1008, "{field}");
    }
}

#[tokio::test]
async fn protocol_ranges() {
    let world = world().await;
    let with = |min: u32, max: u32, mode: &str| {
        let mut params = cli();
        params["minProtocol"] = min.into();
        params["maxProtocol"] = max.into();
        params["client"]["mode"] = mode.into();
        params
    };
    for (min, max, mode) in [(4, 4, "cli"), (3, 4, "cli"), (3, 9, "cli"), (3, 3, "probe"), (3, 4, "probe")] {
        let answer = world.dial().await.request("connect", with(min, max, mode)).await;
        assert_eq!(answer["payload"]["protocol"], 4, "{min}–{max} {mode}: {answer}");
    }
    for (min, max, mode) in [(3, 3, "cli"), (5, 6, "cli"), (1, 2, "probe"), (5, 5, "probe")] {
        let (error, end) = world.refused(with(min, max, mode)).await;
        assert_eq!(
            error["details"],
            json!({
                "code": "PROTOCOL_MISMATCH", "clientMinProtocol": min, "clientMaxProtocol": max,
                "expectedProtocol": 4, "minimumProbeProtocol": 3,
            })
        );
        assert_eq!((error["code"].as_str(), end.code), (Some("INVALID_REQUEST"), 1002));
    }
}

#[tokio::test]
async fn frames_that_are_no_requests_get_no_reply() {
    let world = world().await;
    for (text, code) in [
        ("not json", 1000),
        ("", 1000),
        ("{\"type\":\"req\"", 1000),
        ("[]", 1008),
        ("{}", 1008),
        ("{\"type\":\"event\",\"event\":\"x\"}", 1008),
        ("{\"type\":\"req\",\"id\":1,\"method\":\"connect\"}", 1008),
    ] {
        let mut client = world.dial().await;
        client.send_text(text).await;
        assert_eq!(client.end().await.code, code, "{text}");
    }
}

#[tokio::test]
async fn while_it_starts_clients_are_told_to_come_back() {
    let world = crate::world::starting().await;
    let (error, end) = world.refused(cli()).await;
    assert_eq!(error["code"], "UNAVAILABLE");
    assert_eq!((error["retryable"].as_bool(), error["retryAfterMs"].as_u64()), (Some(true), Some(500)));
    assert_eq!(error["details"]["reason"], "startup-sidecars");
    assert_eq!(end.code, 1013);
    world.info.lifecycle().set_started();
    world.admin().await;
}

#[tokio::test]
async fn silence_before_connect_ends_the_socket() {
    let world = limited(bulkhead_server::Limits {
        pre_auth_silence: std::time::Duration::from_millis(50),
        ..quick()
    })
    .await;
    assert_eq!(world.dial().await.end().await.code, 1000);
}

#[tokio::test]
async fn a_binary_frame_of_text_is_text() {
    use futures::SinkExt as _;
    use tokio_tungstenite::tungstenite::Message;

    let world = world().await;
    let mut client = world.dial().await;
    let frame = json!({ "type": "req", "id": "b", "method": "connect", "params": cli() }).to_string();
    client.ws.send(Message::Binary(frame.into_bytes().into())).await.unwrap();
    assert_eq!(client.response("b").await["ok"], true);
    client.ws.send(Message::Binary(vec![0xff, 0xfe].into())).await.unwrap();
    assert_eq!(client.response("invalid").await["error"]["code"], "INVALID_REQUEST");
}

#[tokio::test]
async fn the_secret_goes_in_either_field_and_mode() {
    for mode in [bulkhead_server::AuthMode::Token, bulkhead_server::AuthMode::Password] {
        let world = crate::world::with_policy(|policy| policy.mode = mode).await;
        for field in ["token", "password"] {
            let mut params = cli();
            params["auth"] = json!({ field: TOKEN });
            assert_eq!(world.dial().await.request("connect", params).await["ok"], true, "{mode:?} {field}");
        }
        let mut params = cli();
        params["auth"] = json!({ "token": TOKEN, "password": TOKEN });
        assert_eq!(world.dial().await.request("connect", params).await["ok"], true);
        let mut params = cli();
        params["auth"] = json!({ "password": "wrong" });
        let (error, end) = world.refused(params).await;
        let code = match mode {
            bulkhead_server::AuthMode::Password => "AUTH_PASSWORD_MISMATCH",
            _ => "AUTH_TOKEN_MISMATCH",
        };
        assert_eq!(error["code"], "INVALID_REQUEST");
        assert_eq!(error["details"]["code"], code);
        assert_eq!(end.code, 1008);
        assert!(error["message"].as_str().unwrap().starts_with(end.reason.get(..40).unwrap()), "{end:?}");
    }
}

#[tokio::test]
async fn nothing_supplied() {
    let world = world().await;
    for auth in [json!({}), json!({ "token": "" }), json!({ "deviceToken": "only-a-device-token" })] {
        let mut params = cli();
        params["auth"] = auth;
        let (error, end) = world.refused(params).await;
        assert_eq!(error["code"], "NOT_PAIRED");
        assert_eq!(error["details"]["code"], "DEVICE_IDENTITY_REQUIRED");
        assert_eq!(end.code, 1008);
    }
    assert!(matches!(world.dial().await.refused(json!(null)).await.1, End { code: 1008, .. }));
}
