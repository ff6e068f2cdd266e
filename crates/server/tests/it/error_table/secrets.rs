//! Secrets, device tokens, where a page comes from, which build it is of, and who failed too often.

use bulkhead_protocol::device_auth::DeviceKey;
use bulkhead_server::AuthMode;
use serde_json::json;

use super::{CODE, Change, Does, Row, all, refused};
use crate::world::{cli, sign, ui, with_build, with_policy, world};

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

#[tokio::test]
async fn secrets_devices_and_origins() {
    all(&world().await, SECRETS).await;
}

#[tokio::test]
async fn a_wrong_password() {
    let world = with_policy(|policy| policy.mode = AuthMode::Password).await;
    let wrong: Change = |p| p["auth"] = json!({ "password": "wrong" });
    let holds: &[_] = &[(CODE, "AUTH_PASSWORD_MISMATCH")];
    all(&world, &[refused("a wrong password", Does::Connects(wrong), "INVALID_REQUEST", holds)]).await;
}

/// A page of another build than the gateway's is told to load itself again; other programs have no build.
const BUILDS: &[Row] = &[Row {
    case: "a page of another build",
    does: Does::Proves(
        |p| {
            p["client"]["id"] = "openclaw-control-ui".into();
            p["client"]["buildId"] = "build-1".into();
        },
        |_| {},
    ),
    code: Some("INVALID_REQUEST"),
    holds: &[
        (CODE, "PROTOCOL_MISMATCH"),
        ("/details/reloadRequired", "true"),
        ("/details/gatewayBuildId", "build-2"),
        ("/details/clientBuildId", "build-1"),
    ],
    close: Some(1008),
}];

#[tokio::test]
async fn a_page_of_another_build() {
    all(&with_build(Some("build-2")).await, BUILDS).await;
    // Of the same build it is let in, and a gateway that names none does not ask.
    for build in [Some("build-1"), None] {
        let world = with_build(build).await;
        let mut params = ui();
        params["client"]["id"] = "openclaw-control-ui".into();
        params["client"]["buildId"] = "build-1".into();
        let (hello, _) = world.device_connect(&DeviceKey::generate().unwrap(), params).await;
        assert_eq!(hello["ok"], true, "{build:?}: {hello}");
    }
}

/// After ten failures of its address.
const LOCKED: &[Row] = &[refused(
    "the right token after too many wrong ones",
    Does::Acts(|world, _| {
        Box::pin(async move {
            let from = [("x-forwarded-for", "203.0.113.7")];
            for _ in 0..10 {
                let mut params = cli();
                params["auth"]["token"] = "wrong".into();
                world.dial_with(&from).await.unwrap().refused(params).await;
            }
            let mut client = world.dial_with(&from).await.unwrap();
            client.ask("connect", cli()).await;
            client
        })
    }),
    "INVALID_REQUEST",
    &[(CODE, "AUTH_RATE_LIMITED"), ("/retryable", "true")],
)];

#[tokio::test]
async fn an_address_that_failed_too_often() {
    let world = with_policy(|policy| policy.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    all(&world, LOCKED).await;
}
