//! Scopes without a device, origins, hosts, proxies, failed attempts.

use std::time::{Duration, Instant};

use bulkhead_server::{AuthMode, Limits};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::http::get;
use crate::world::{TOKEN, cli, limited, quick, ui, with_policy, world, world_with};

fn wrong() -> Value {
    let mut params = cli();
    params["auth"]["token"] = "wrong".into();
    params
}

#[tokio::test]
async fn who_keeps_scopes_without_a_device() {
    let world = world().await;
    for (id, mode, keeps) in [
        ("cli", "cli", true),
        ("gateway-client", "backend", true),
        ("cli", "probe", false),
        ("gateway-client", "cli", false),
        ("test", "test", false),
    ] {
        let mut params = cli();
        params["client"]["id"] = id.into();
        params["client"]["mode"] = mode.into();
        let mut client = world.dial().await;
        let hello = client.request("connect", params).await;
        let scopes = if keeps { json!(["operator.read"]) } else { json!([]) };
        assert_eq!(hello["payload"]["auth"]["scopes"], scopes, "{id}/{mode}");
        assert_eq!(client.request("health", Value::Null).await["ok"], true);
        let answer = client.request("chat.history", json!({})).await;
        assert_eq!(answer["ok"], keeps, "{id}/{mode}: {answer}");
        if !keeps {
            assert_eq!(
                answer["error"],
                json!({
                    "code": "FORBIDDEN", "message": "missing scope: operator.read",
                    "details": { "code": "MISSING_SCOPE", "missingScope": "operator.read", "requiredScopes": ["operator.read"] },
                })
            );
        }
    }
}

#[tokio::test]
async fn clients_with_a_person_need_a_device() {
    let world = world().await;
    for (id, mode) in [("openclaw-control-ui", "webchat"), ("openclaw-tui", "ui"), ("webchat-ui", "webchat")]
    {
        let mut params = ui();
        params["client"]["id"] = id.into();
        params["client"]["mode"] = mode.into();
        let (error, end) = world.refused(params).await;
        assert_eq!(error["code"], "INVALID_REQUEST");
        assert_eq!(error["details"]["code"], "CONTROL_UI_DEVICE_IDENTITY_REQUIRED");
        assert_eq!(end.code, 1008);
    }
}

#[tokio::test]
async fn a_node_needs_a_device() {
    let world = world().await;
    let mut params = cli();
    params["role"] = "node".into();
    params["client"]["id"] = "node-host".into();
    params["client"]["mode"] = "node".into();
    let (error, _) = world.refused(params).await;
    assert_eq!(error["details"]["code"], "DEVICE_IDENTITY_REQUIRED");
}

#[tokio::test]
async fn a_gateway_without_a_secret_asks_for_none() {
    let world = with_policy(|policy| {
        policy.mode = AuthMode::None;
        policy.shared_secret = None;
    })
    .await;
    let mut params = cli();
    params.as_object_mut().unwrap().remove("auth");
    assert_eq!(world.dial().await.request("connect", params).await["ok"], true);
    assert_eq!(get(&world, "/v1/models", &[]).await.status, 200);
}

#[tokio::test]
async fn a_gateway_whose_secret_is_missing_admits_nobody_by_it() {
    let world = with_policy(|policy| policy.shared_secret = None).await;
    for token in ["", "x"] {
        let mut params = cli();
        params["auth"]["token"] = token.into();
        let (error, end) = world.refused(params).await;
        assert_eq!(end.code, 1008, "{error}");
    }
    assert_eq!(get(&world, "/v1/models", &[("authorization", "Bearer ")]).await.status, 401);
}

#[tokio::test]
async fn foreign_origins_are_refused_whoever_asks() {
    let world = with_policy(|policy| policy.allowed_origins = vec!["https://ok.example".into()]).await;
    let port = world.addr.port();
    for foreign in
        ["http://evil.example", "null", "http://localhost:1", "https://127.0.0.1", "tauri://localhost"]
    {
        let mut client = world.dial_with(&[("origin", foreign)]).await.unwrap();
        let (error, end) = client.refused(cli()).await;
        assert_eq!(error["code"], "INVALID_REQUEST", "{foreign}");
        assert_eq!(error["details"]["code"], "CONTROL_UI_ORIGIN_NOT_ALLOWED", "{foreign}");
        assert_eq!(end.code, 1008);
        assert_eq!(get(&world, "/", &[("origin", foreign)]).await.status, 403);
    }
    for own in
        [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}"), "https://ok.example".into()]
    {
        let mut client = world.dial_with(&[("origin", &own)]).await.unwrap();
        assert_eq!(client.request("connect", cli()).await["ok"], true, "{own}");
        assert_eq!(get(&world, "/", &[("origin", &own)]).await.status, 200);
    }
}

#[tokio::test]
async fn a_rebound_host_is_refused() {
    let world = world().await;
    let port = world.addr.port();
    for host in ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1", "169.254.169.254"] {
        let host = if host == "evil.example" { format!("evil.example:{port}") } else { host.to_owned() };
        let refused = world.dial_with(&[("host", &host)]).await;
        let Err(Error::Http(response)) = refused else { panic!("{host} was not refused") };
        assert_eq!(response.status(), 403, "{host}");
        for path in ["/", "/healthz", "/v1/models"] {
            let answer = get(&world, path, &[("host", &host)]).await;
            assert_eq!(answer.status, 403, "{host} {path}");
            assert!(answer.text().contains("host_not_allowed"), "{}", answer.text());
        }
    }
    let local = format!("localhost:{port}");
    assert_eq!(get(&world, "/healthz", &[("host", &local)]).await.status, 200);
    assert!(world.dial_with(&[("host", &local)]).await.is_ok());
}

#[tokio::test]
async fn proxies_that_nobody_trusts_are_refused() {
    let world = world().await;
    for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "x-real-ip"] {
        let answer = get(&world, "/healthz", &[(name, "203.0.113.7")]).await;
        assert_eq!(answer.status, 403, "{name}");
        assert!(answer.text().contains("proxy_attribution_required"));
        let Err(Error::Http(response)) = world.dial_with(&[(name, "203.0.113.7")]).await else {
            panic!("{name}")
        };
        assert_eq!(response.status(), 403);
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_nobody_is_local() {
    let world = with_policy(|policy| policy.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let mut client = world.dial_with(&[("x-forwarded-for", "203.0.113.7")]).await.unwrap();
    let hello = client.request("connect", cli()).await;
    assert_eq!(hello["payload"]["auth"]["scopes"], json!([]));
    assert_eq!(world.hub.connections()[0].remote.to_string(), "203.0.113.7");
}

#[tokio::test]
async fn failures_from_this_machine_are_slowed_down_on_both_ways_in() {
    let limits = Limits {
        loopback_delay: Duration::from_millis(30),
        loopback_delay_max: Duration::from_millis(240),
        ..Limits::default()
    };
    let world = limited(limits).await;
    let mut took = Vec::new();
    for n in 0..5 {
        let begin = Instant::now();
        if n % 2 == 0 {
            world.refused(wrong()).await;
        } else {
            assert_eq!(get(&world, "/v1/models", &[("authorization", "Bearer wrong")]).await.status, 401);
        }
        took.push(begin.elapsed());
    }
    for (took, least) in took.iter().zip([30, 60, 120, 240, 240]) {
        assert!(*took >= Duration::from_millis(least), "{took:?} < {least} ms");
    }
    // A missing secret is no failed attempt, and the right one ends the slowness.
    assert_eq!(get(&world, "/v1/models", &[]).await.status, 401);
    world.admin().await;
    let begin = Instant::now();
    world.refused(wrong()).await;
    assert!(begin.elapsed() < Duration::from_millis(240), "forgotten after success");
}

#[tokio::test]
async fn remote_addresses_are_locked_out_on_both_ways_in() {
    let world =
        world_with(quick(), |policy| policy.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let from = [("x-forwarded-for", "203.0.113.7")];
    let bad = [("x-forwarded-for", "203.0.113.7"), ("authorization", "Bearer wrong")];
    for n in 0..10 {
        if n % 2 == 0 {
            let (error, _) = world.dial_with(&from).await.unwrap().refused(wrong()).await;
            assert_eq!(error["details"]["code"], "AUTH_TOKEN_MISMATCH", "attempt {n}");
        } else {
            assert_eq!(get(&world, "/v1/models", &bad).await.status, 401, "attempt {n}");
        }
    }
    let (error, end) = world.dial_with(&from).await.unwrap().refused(cli()).await;
    assert_eq!(error["details"]["code"], "AUTH_RATE_LIMITED", "even the right token waits");
    assert!(error["retryAfterMs"].as_u64().unwrap() > 290_000);
    assert_eq!(end.code, 1008);
    let right = format!("Bearer {TOKEN}");
    let answer = get(&world, "/v1/models", &[from[0], ("authorization", &right)]).await;
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some());
    // Others are not concerned, nor is this machine.
    let other = [("x-forwarded-for", "203.0.113.8"), ("authorization", right.as_str())];
    assert_eq!(get(&world, "/v1/models", &other).await.status, 200);
    world.admin().await;
}
