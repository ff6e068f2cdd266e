//! Device identities: proofs, silent pairing, tokens, scopes, revocation.

use bulkhead_protocol::device_auth::DeviceKey;
use bulkhead_server::{PairingReason, Role};
use serde_json::{Value, json};

use crate::world::{World, cli, now_ms, sign, sign_at, ui, with_policy, world};

async fn paired(world: &World, key: &DeviceKey, scopes: &[&str]) -> String {
    let mut params = ui();
    params["scopes"] = json!(scopes);
    let (hello, _) = world.device_connect(key, params).await;
    assert_eq!(hello["ok"], true, "{hello}");
    hello["payload"]["auth"]["deviceToken"].as_str().unwrap().to_owned()
}

fn by_device_token(token: &str, field: &str, scopes: &[&str]) -> Value {
    let mut params = ui();
    params["auth"] = json!({ field: token });
    params["scopes"] = json!(scopes);
    params
}

#[tokio::test]
async fn a_new_device_of_this_machine_is_approved_silently_and_gets_a_token() {
    let world = world().await;
    let key = DeviceKey::generate().unwrap();
    let (hello, mut client) = world.device_connect(&key, ui()).await;
    let auth = &hello["payload"]["auth"];
    assert_eq!(auth["role"], "operator");
    assert_eq!(auth["scopes"], json!(["operator.read"]));
    assert_eq!(auth["issuedAtMs"], 1_795_146_967_981_u64);
    let token = auth["deviceToken"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 43);
    let got = client.request("config.get", json!({})).await;
    assert_eq!(got["payload"]["deviceId"], key.id());

    assert_eq!(paired(&world, &key, &["operator.read"]).await, token, "reconnecting returns the same token");
    for field in ["deviceToken", "token"] {
        let (hello, _) = world.device_connect(&key, by_device_token(&token, field, &["operator.read"])).await;
        assert_eq!(hello["ok"], true, "{field}: {hello}");
        assert_eq!(hello["payload"]["auth"]["deviceToken"], token.as_str());
    }
}

#[tokio::test]
async fn wider_scopes_need_the_shared_secret() {
    let world = world().await;
    let key = DeviceKey::generate().unwrap();
    let token = paired(&world, &key, &["operator.read"]).await;
    let mut params = by_device_token(&token, "deviceToken", &["operator.admin"]);
    let mut client = world.dial().await;
    sign(&key, &mut params, &client.nonce);
    let (error, end) = client.refused(params).await;
    assert_eq!(error["details"]["code"], "AUTH_SCOPE_MISMATCH");
    assert_eq!((error["code"].as_str(), end.code), (Some("INVALID_REQUEST"), 1008));

    let token = paired(&world, &key, &["operator.admin"]).await;
    let (hello, _) = world
        .device_connect(&key, by_device_token(&token, "deviceToken", &["operator.read", "operator.admin"]))
        .await;
    assert_eq!(hello["ok"], true, "{hello}");
}

#[tokio::test]
async fn unknown_device_tokens() {
    let world = world().await;
    let key = DeviceKey::generate().unwrap();
    let stranger = DeviceKey::generate().unwrap();
    let token = paired(&world, &key, &["operator.read"]).await;
    for (who, token) in [(&stranger, token.as_str()), (&key, "nonsense"), (&stranger, "nonsense")] {
        let mut params = by_device_token(token, "deviceToken", &["operator.read"]);
        let mut client = world.dial().await;
        sign(who, &mut params, &client.nonce);
        let (error, end) = client.refused(params).await;
        assert_eq!(
            error["details"],
            json!({
                "code": "AUTH_DEVICE_TOKEN_MISMATCH", "authReason": "device_token_mismatch",
                "canRetryWithDeviceToken": false, "recommendedNextStep": "update_auth_credentials",
            })
        );
        assert_eq!(end.code, 1008);
    }
    let mut params = by_device_token("stale", "token", &["operator.read"]);
    let mut client = world.dial().await;
    sign(&key, &mut params, &client.nonce);
    let (error, _) = client.refused(params).await;
    assert_eq!(error["details"]["code"], "AUTH_TOKEN_MISMATCH");
    assert_eq!(error["details"]["canRetryWithDeviceToken"], true);
}

#[tokio::test]
async fn a_device_without_any_secret() {
    let world = world().await;
    let key = DeviceKey::generate().unwrap();
    let mut params = ui();
    params.as_object_mut().unwrap().remove("auth");
    let mut client = world.dial().await;
    sign(&key, &mut params, &client.nonce);
    let (error, end) = client.refused(params).await;
    assert_eq!(error["details"]["code"], "AUTH_TOKEN_MISSING");
    assert_eq!(end.code, 1008);
}

#[tokio::test]
async fn rotation_and_revocation() {
    let world = world().await;
    let key = DeviceKey::generate().unwrap();
    let first = paired(&world, &key, &["operator.read"]).await;
    world.doorman.devices.lock().unwrap().get_mut(&key.id()).unwrap().roles[0].generation = 2;
    let second = paired(&world, &key, &["operator.read"]).await;
    assert_ne!(first, second);
    let (answer, _) =
        world.device_connect(&key, by_device_token(&first, "deviceToken", &["operator.read"])).await;
    assert_eq!(answer["error"]["details"]["code"], "AUTH_DEVICE_TOKEN_MISMATCH");

    let (_, mut client) =
        world.device_connect(&key, by_device_token(&second, "deviceToken", &["operator.read"])).await;
    world.doorman.devices.lock().unwrap().get_mut(&key.id()).unwrap().roles[0].revoked = true;
    world.hub.close_device(&key.id(), Some(Role::Operator));
    assert_eq!(client.end().await.code, 4001);
    let (answer, _) =
        world.device_connect(&key, by_device_token(&second, "deviceToken", &["operator.read"])).await;
    assert_eq!(answer["error"]["details"]["code"], "AUTH_DEVICE_TOKEN_MISMATCH");
}

#[tokio::test]
async fn a_rotated_shared_secret_closes_those_who_came_by_it() {
    let world = world().await;
    let key = DeviceKey::generate().unwrap();
    let token = paired(&world, &key, &["operator.read"]).await;
    let mut by_secret = world.admin().await;
    let (_, mut by_token) =
        world.device_connect(&key, by_device_token(&token, "deviceToken", &["operator.read"])).await;
    world.hub.close_shared_secret();
    assert_eq!(by_secret.end().await.code, 4001);
    assert_eq!(by_token.request("health", Value::Null).await["ok"], true);
}

#[tokio::test]
async fn a_changed_platform_or_family_waits_for_a_person() {
    let world = world().await;
    let key = DeviceKey::generate().unwrap();
    let mut params = ui();
    params["client"]["deviceFamily"] = "Linux".into();
    let (hello, _) = world.device_connect(&key, params.clone()).await;
    assert_eq!(hello["ok"], true);
    params["client"]["platform"] = " LINUX ".into();
    assert_eq!(world.device_connect(&key, params.clone()).await.0["ok"], true, "case and space do not count");
    for (field, value) in [("platform", "macos"), ("deviceFamily", "Mac")] {
        let mut params = params.clone();
        params["client"][field] = value.into();
        let mut client = world.dial().await;
        sign(&key, &mut params, &client.nonce);
        let (error, end) = client.refused(params).await;
        assert_eq!(error["code"], "NOT_PAIRED", "{field}");
        assert_eq!(error["details"]["code"], "PAIRING_REQUIRED");
        assert_eq!(error["details"]["reason"], "metadata-upgrade");
        assert_eq!(error["details"]["requestId"], "request-1");
        assert_eq!(end.code, 1008);
        assert_eq!(
            world.doorman.requests.lock().unwrap().pop().unwrap().reason,
            PairingReason::MetadataUpgrade
        );
    }
}

#[tokio::test]
async fn from_afar_a_person_is_asked() {
    let world = with_policy(|policy| policy.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let key = DeviceKey::generate().unwrap();
    let far = [("x-forwarded-for", "203.0.113.7")];
    let mut client = world.dial_with(&far).await.unwrap();
    let mut params = ui();
    sign(&key, &mut params, &client.nonce);
    let (error, _) = client.refused(params).await;
    assert_eq!(error["details"]["reason"], "not-paired");
    assert_eq!(error["details"]["requestedScopes"], json!(["operator.read"]));

    paired(&world, &key, &["operator.read"]).await;
    let mut client = world.dial_with(&far).await.unwrap();
    let mut params = ui();
    params["scopes"] = json!(["operator.admin"]);
    sign(&key, &mut params, &client.nonce);
    let (error, _) = client.refused(params).await;
    assert_eq!(error["details"]["reason"], "scope-upgrade");
    assert_eq!(error["details"]["approvedScopes"], json!(["operator.read"]));

    let mut client = world.dial_with(&far).await.unwrap();
    let mut params = ui();
    params["role"] = "node".into();
    sign(&key, &mut params, &client.nonce);
    let (error, _) = client.refused(params).await;
    assert_eq!(error["details"]["reason"], "role-upgrade");
}

type Spoil = Box<dyn Fn(&mut Value, &str)>;

#[tokio::test]
async fn proofs_that_do_not_hold() {
    let world = world().await;
    let key = DeviceKey::generate().unwrap();
    let other = DeviceKey::generate().unwrap();
    let spoil = |change: &'static dyn Fn(&mut Value)| -> Spoil { Box::new(move |params, _| change(params)) };
    let cases: Vec<(&str, Spoil)> = vec![
        ("DEVICE_AUTH_NONCE_REQUIRED", spoil(&|p| p["device"]["nonce"] = "".into())),
        (
            "DEVICE_AUTH_NONCE_MISMATCH",
            spoil(&|p| p["device"]["nonce"] = "11111111-1111-4111-8111-111111111111".into()),
        ),
        ("DEVICE_AUTH_SIGNATURE_INVALID", spoil(&|p| p["scopes"] = json!(["operator.admin"]))),
        ("DEVICE_AUTH_SIGNATURE_INVALID", spoil(&|p| p["device"]["signature"] = "AAAA".into())),
        ("DEVICE_AUTH_DEVICE_ID_MISMATCH", spoil(&|p| p["device"]["id"] = "00".repeat(32).into())),
        ("DEVICE_AUTH_PUBLIC_KEY_INVALID", spoil(&|p| p["device"]["publicKey"] = "not a key".into())),
    ];
    for (code, spoil) in cases {
        let mut client = world.dial().await;
        let mut params = ui();
        sign(&key, &mut params, &client.nonce);
        spoil(&mut params, &client.nonce);
        let (error, end) = client.refused(params).await;
        assert_eq!(error["details"]["code"], code, "{error}");
        assert_eq!((error["code"].as_str(), end.code), (Some("INVALID_REQUEST"), 1008));
    }
    for offset in [-121_000_i64, 121_000] {
        let mut client = world.dial().await;
        let mut params = ui();
        sign_at(&key, &mut params, &client.nonce, now_ms().checked_add_signed(offset).unwrap());
        let (error, _) = client.refused(params).await;
        assert_eq!(error["details"]["code"], "DEVICE_AUTH_SIGNATURE_EXPIRED");
    }
    for offset in [-110_000_i64, 110_000] {
        let mut client = world.dial().await;
        let mut params = ui();
        sign_at(&key, &mut params, &client.nonce, now_ms().checked_add_signed(offset).unwrap());
        assert_eq!(client.request("connect", params).await["ok"], true);
    }
    // Another device's proof for the same nonce.
    let mut client = world.dial().await;
    let mut params = ui();
    sign(&other, &mut params, &client.nonce);
    let stolen = params["device"]["signature"].clone();
    sign(&key, &mut params, &client.nonce);
    params["device"]["signature"] = stolen;
    let (error, _) = client.refused(params).await;
    assert_eq!(error["details"]["code"], "DEVICE_AUTH_SIGNATURE_INVALID");
}

#[tokio::test]
async fn a_replayed_connect_is_worth_nothing() {
    let world = world().await;
    let key = DeviceKey::generate().unwrap();
    let mut first = world.dial().await;
    let mut params = cli();
    sign(&key, &mut params, &first.nonce);
    assert_eq!(first.request("connect", params.clone()).await["ok"], true);
    let (error, _) = world.refused(params).await;
    assert_eq!(error["details"]["code"], "DEVICE_AUTH_NONCE_MISMATCH");
}
