//! Which configuration is in force, and which is worth going back to.

use bulkhead_config::ConfigStore;
use serde_json::{Value, json};

use crate::harness::{Gateway, PATIENCE, World, text};

fn with_model(world: &World, model: &str) -> Value {
    let mut config = world.config();
    config["agents"]["defaults"]["model"]["primary"] = json!(format!("fake/{model}"));
    config
}

/// Which model answers.
async fn model(gateway: &Gateway, run: &str) -> String {
    let (client, mut events) = gateway.client().await;
    let params = json!({"sessionKey": "main", "message": "DO: say model", "idempotencyKey": run});
    client.request("chat.send", params).await.unwrap();
    text(&events.end_of(run).await).to_owned()
}

async fn until(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
}

#[tokio::test]
async fn a_version_is_good_after_it_ran_healthy_and_not_before() {
    let world = World::new().await;
    let store = ConfigStore::new(&world.place());
    let gateway = world.start_with("healthy-after-ms=300", &[]).await;
    until("a good version", || store.history().len() == 1).await;
    assert!(store.history()[0].current);
    // The next one proves itself as well; a broken one never does.
    world.write_config(&with_model(&world, "fake-2"));
    until("the second good version", || store.history().len() == 2).await;
    std::fs::write(world.config_path(), "{ torn").unwrap();
    gateway.until_ready(&["config"]).await;
    let body = gateway.get("/readyz").await;
    assert_eq!(body["details"]["config"]["code"], "config.syntax");
    assert!(body["details"]["config"]["message"].as_str().unwrap().contains("line 1"), "{body}");
    // What ran when the file broke goes on, and the way back clears it.
    assert_eq!(model(&gateway, "r1").await, "fake-2");
    let done = store.rollback_to(None, None).unwrap();
    gateway.until_ready(&[]).await;
    assert_eq!(std::fs::read_to_string(done.rejected.unwrap()).unwrap(), "{ torn");
    assert_eq!(store.history().len(), 2);
}

#[tokio::test]
async fn a_deleted_file_is_told_and_clears_when_it_is_back() {
    let world = World::new().await;
    let gateway = world.start().await;
    gateway.until_ready(&[]).await;
    std::fs::remove_file(world.config_path()).unwrap();
    gateway.until_ready(&["config"]).await;
    assert_eq!(gateway.get("/readyz").await["details"]["config"]["code"], "config.missing");
    world.write_config(&world.config());
    gateway.until_ready(&[]).await;
}

#[tokio::test]
async fn after_crashes_the_last_good_version_runs_and_the_file_is_left_alone_until_it_changes() {
    let world = World::new().await;
    let store = ConfigStore::new(&world.place());
    std::fs::create_dir_all(world.state()).unwrap();
    store.remember_good(&store.hash().unwrap()).unwrap();
    // Valid, and whatever it does, the gateway crashed on it.
    world.write_config(&with_model(&world, "fake-2"));
    let gateway = world.start_with("last-good", &[]).await;
    gateway.until_ready(&["config"]).await;
    assert_eq!(gateway.get("/readyz").await["details"]["config"]["code"], "config.crashed");
    assert_eq!(model(&gateway, "r1").await, "fake-1");
    // Somebody repaired it.
    let mut repaired = with_model(&world, "fake-2");
    repaired["logging"]["level"] = json!("debug");
    world.write_config(&repaired);
    gateway.until_ready(&[]).await;
    assert_eq!(model(&gateway, "r2").await, "fake-2");
}

#[tokio::test]
async fn a_last_good_version_that_is_the_file_itself_is_no_problem() {
    let world = World::new().await;
    let store = ConfigStore::new(&world.place());
    store.remember_good(&store.hash().unwrap()).unwrap();
    let gateway = world.start_with("last-good", &[]).await;
    gateway.until_ready(&[]).await;
}
