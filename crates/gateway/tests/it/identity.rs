//! Which gateway it is, whose, and what lies in its folders that it does not run.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::harness::World;

#[tokio::test]
async fn a_gateway_has_a_key_and_an_owner_that_stay_the_same() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    let identity = client.request("gateway.identity.get", json!({})).await.unwrap();
    let key = URL_SAFE_NO_PAD.decode(identity["publicKey"].as_str().unwrap()).unwrap();
    assert_eq!(key.len(), 32);
    assert_eq!(identity["deviceId"], hex::encode(Sha256::digest(&key)));
    let owner = client.request("users.self", json!({})).await.unwrap();
    assert_eq!(owner["profile"]["id"], "gateway-owner");
    drop(client);
    drop(gateway);

    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    assert_eq!(client.request("gateway.identity.get", json!({})).await.unwrap(), identity);
    assert_eq!(client.request("users.self", json!({})).await.unwrap(), owner);
}

#[tokio::test]
async fn hooks_are_told_of_and_not_run() {
    let world = World::new().await;
    let folder = world.state().join("hooks/greeter");
    std::fs::create_dir_all(&folder).unwrap();
    let head = "---\nname: greeter\ndescription: Says hello\nmetadata: { openclaw: { events: [\"command:new\"] } }\n---\n";
    std::fs::write(folder.join("HOOK.md"), head).unwrap();
    std::fs::write(folder.join("handler.ts"), "export default () => {}").unwrap();
    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    let status = client.request("hooks.status", json!({})).await.unwrap();
    let hook = &status["hooks"][0];
    assert_eq!(
        (&hook["name"], &hook["events"], &hook["loadable"]),
        (&json!("greeter"), &json!(["command:new"]), &json!(false))
    );
    assert!(hook["handlerPath"].as_str().unwrap().ends_with("handler.ts"));
    assert!(hook["blockedReason"].as_str().unwrap().contains("JavaScript"));
    assert_eq!(status["hooks"].as_array().map(Vec::len), Some(1));
    let refused = client.request("hooks.status", json!({"agentId": "nobody"})).await;
    assert!(refused.is_err());
}
