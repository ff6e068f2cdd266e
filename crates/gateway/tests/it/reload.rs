//! Another configuration in a running gateway.

use serde_json::json;

use crate::harness::{World, text};

#[tokio::test]
async fn a_change_on_disk_takes_effect_and_a_broken_file_does_not() {
    let world = World::new().await;
    let gateway = world.start().await;
    gateway.until_ready(&[]).await;
    let (client, mut events) = gateway.client().await;
    let mut config = world.config();
    config["agents"]["defaults"]["model"]["primary"] = json!("fake/fake-2");
    world.write_config(&config);
    events.next("the change", |event, _| event == "config.changed").await;
    let send = async |run: &str, message: &str| {
        let params = json!({"sessionKey": "main", "message": message, "idempotencyKey": run});
        client.request("chat.send", params).await.unwrap()
    };
    send("r1", "DO: say model").await;
    assert_eq!(text(&events.end_of("r1").await), "fake-2");

    std::fs::write(world.config_path(), "{ gateway: { port: ").unwrap();
    gateway.until_ready(&["config"]).await;
    send("r2", "ECHO still here").await;
    assert_eq!(text(&events.end_of("r2").await), "still here");
    let got = client.request("config.get", json!({})).await.unwrap();
    assert_eq!((&got["valid"], &got["lastGoodInUse"]), (&json!(false), &json!(true)));
    let patch = json!({"raw": "{logging:{level:\"debug\"}}", "baseHash": got["hash"]});
    assert!(client.request("config.patch", patch).await.is_err());
    assert_eq!(std::fs::read_to_string(world.config_path()).unwrap(), "{ gateway: { port: ");
    world.write_config(&config);
    gateway.until_ready(&[]).await;
}

#[tokio::test]
async fn a_patch_by_protocol_keeps_comments_and_needs_the_present_hash() {
    let world = World::new().await;
    let text = serde_json::to_string_pretty(&world.config()).unwrap().replacen('{', "{ // kept\n", 1);
    std::fs::write(world.config_path(), text).unwrap();
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let before = client.request("config.get", json!({})).await.unwrap();
    assert!(before["raw"].as_str().unwrap().contains("// kept"));
    let patch = |raw: &str, hash: &serde_json::Value| json!({"raw": raw, "baseHash": hash});
    let done =
        client.request("config.patch", patch("{ui:{seamColor:'#123456'}}", &before["hash"])).await.unwrap();
    assert_eq!((&done["ok"], &done["changedPaths"]), (&json!(true), &json!(["ui"])));
    events
        .next("the change", |event, payload| event == "config.changed" && payload["hash"] == done["hash"])
        .await;
    assert!(std::fs::read_to_string(world.config_path()).unwrap().contains("// kept"));
    let again =
        client.request("config.patch", patch("{ui:null}", &before["hash"])).await.unwrap_err().to_string();
    assert!(again.contains("config changed since last load"), "{again}");
    let bind =
        client.request("config.patch", patch("{gateway:{bind:'lan'}}", &done["hash"])).await.unwrap_err();
    assert!(bind.to_string().contains("gateway.bind"), "{bind}");
    let port = client.request("config.patch", patch("{gateway:{port:20789}}", &done["hash"])).await.unwrap();
    assert_eq!(port["sentinel"]["payload"]["stats"]["requiresRestart"], true);
}

#[tokio::test]
async fn a_whole_configuration_comes_back_redacted_and_loses_no_secret() {
    let world = World::new().await;
    let mut config = world.config();
    config["models"]["providers"]["fake"]["apiKey"] = json!("sk-plain-in-the-file-0123");
    let text = serde_json::to_string_pretty(&config).unwrap().replacen('{', "{ // kept\n", 1);
    std::fs::write(world.config_path(), text).unwrap();
    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    let before = client.request("config.get", json!({})).await.unwrap();
    assert!(!before.to_string().contains("sk-plain"), "{before}");
    assert_eq!(before["warnings"][0]["path"], "models.providers.fake.apiKey");
    // What a form sends: the redacted content with one change, as plain JSON.
    let mut wanted = before["config"].clone();
    wanted["logging"] = json!({"level": "debug"});
    let params = |value: &serde_json::Value, hash: &serde_json::Value| json!({"raw": value.to_string(), "baseHash": hash});
    for method in ["config.set", "config.apply"] {
        let bare = client.request(method, json!({"raw": "{}"})).await.unwrap_err().to_string();
        assert!(bare.contains("config base hash required"), "{bare}");
    }
    let done = client.request("config.set", params(&wanted, &before["hash"])).await.unwrap();
    assert_eq!(done["changedPaths"], json!(["logging"]));
    let file = std::fs::read_to_string(world.config_path()).unwrap();
    assert!(file.contains("// kept") && file.contains("sk-plain-in-the-file-0123"), "{file}");
    assert!(!file.contains(bulkhead_config::REDACTED), "{file}");
    wanted["logging"]["level"] = json!("info");
    wanted["gateway"]["bind"] = json!("lan");
    let local = client.request("config.apply", params(&wanted, &done["hash"])).await.unwrap_err().to_string();
    assert!(local.contains("gateway.bind"), "{local}");
    wanted["gateway"].as_object_mut().unwrap().remove("bind");
    let applied = client.request("config.apply", params(&wanted, &done["hash"])).await.unwrap();
    assert_eq!(applied["sentinel"]["payload"]["kind"], "config-apply");
    assert_eq!(applied["sentinel"]["payload"]["stats"]["restartReasons"], json!(["logging.level"]));
    let place =
        client.request("config.schema.lookup", json!({"path": "channels.telegram.botToken"})).await.unwrap();
    assert_eq!((&place["hint"]["sensitive"], &place["reloadKind"]), (&json!(true), &json!("hot")));
}
