//! What a gateway finds out about its model, and tells.

use serde_json::json;

use crate::harness::{Gateway, KEY, World};

async fn ask(gateway: &Gateway, run: &str) -> serde_json::Value {
    let (client, mut events) = gateway.client().await;
    let params = json!({"sessionKey": "main", "message": "ECHO hi", "idempotencyKey": run});
    client.request("chat.send", params).await.unwrap();
    events.end_of(run).await
}

#[tokio::test]
async fn a_revoked_key_is_told_after_a_run_and_forgotten_after_the_next_good_one() {
    let world = World::new().await;
    let gateway = world.start().await;
    gateway.until_ready(&[]).await;
    world.model.control.set_keys(vec!["another-key".to_owned()]);
    assert_eq!(ask(&gateway, "r1").await["state"], "error");
    gateway.until_ready(&["model"]).await;
    let body = gateway.get("/readyz").await;
    assert_eq!(body["details"]["model"]["code"], "model-key-rejected");
    assert!(!body.to_string().contains(KEY), "{body}");
    world.model.control.set_keys(vec![KEY.to_owned()]);
    assert_eq!(ask(&gateway, "r2").await["state"], "final");
    gateway.until_ready(&[]).await;
}

#[tokio::test]
async fn a_watched_gateway_asks_for_the_list_of_models_and_for_no_answer() {
    let world = World::new().await;
    let mut config = world.config();
    config["rescue"] = json!({"watch": "rescue"});
    world.write_config(&config);
    let gateway = world.start().await;
    gateway.until_ready(&[]).await;
    world.model.control.set_keys(vec!["another-key".to_owned()]);
    gateway.until_ready(&["model"]).await;
    assert_eq!(gateway.get("/readyz").await["details"]["model"]["code"], "model-key-rejected");
    world.model.control.set_keys(vec![KEY.to_owned()]);
    gateway.until_ready(&[]).await;
    assert!(world.model.control.chat_requests().is_empty(), "an answer costs money");
}

#[tokio::test]
async fn an_unwatched_gateway_asks_nobody() {
    let world = World::new().await;
    let gateway = world.start().await;
    gateway.until_ready(&[]).await;
    // A watched one would have asked with its start.
    ask(&gateway, "r1").await;
    let lists =
        world.model.control.requests().into_iter().filter(|one| one.path.ends_with("/models")).count();
    assert_eq!(lists, 0);
}
