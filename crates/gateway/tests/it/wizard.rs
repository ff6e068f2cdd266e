//! Setting up over the protocol.

use serde_json::{Value, json};

use crate::harness::{Gateway, World};
use crate::schema;

async fn start(gateway: &Gateway, params: Value) -> (bulkhead_client::Client, Value) {
    let (client, _) = gateway.client().await;
    let begun = client.request("wizard.start", params).await.unwrap();
    schema::is("WizardStartResult", &begun);
    (client, begun)
}

async fn answer(client: &bulkhead_client::Client, id: &Value, step: &str, value: Value) -> Value {
    let params = json!({"sessionId": id, "answer": {"stepId": step, "value": value}});
    let next = client.request("wizard.next", params).await.unwrap();
    schema::is("WizardNextResult", &next);
    next
}

#[tokio::test]
async fn a_wizard_asks_and_then_changes_the_configuration_once() {
    let world = World::with_telegram().await;
    let gateway = world.start().await;
    let (client, begun) = start(&gateway, json!({"mode": "local"})).await;
    let id = &begun["sessionId"];
    assert_eq!((&begun["step"]["type"], &begun["done"]), (&json!("note"), &json!(false)));
    assert!(begun["step"]["message"].as_str().unwrap().contains("bulkhead secrets set"));

    let step = answer(&client, id, "local", Value::Null).await;
    assert_eq!(step["step"]["initialValue"], "fake/fake-1");
    let wrong = answer(&client, id, "model", json!("none/such")).await;
    assert!(wrong["error"].as_str().unwrap().contains("fake/fake-2"), "{wrong}");
    assert_eq!(wrong["step"], step["step"], "the question stays");
    answer(&client, id, "model", json!("fake/fake-2")).await;
    answer(&client, id, "fallbacks", json!(["fake/fake-1"])).await;
    answer(&client, id, "agent-name", json!("Ada")).await;
    answer(&client, id, "telegram-policy", json!("allowlist")).await;
    answer(&client, id, "telegram-people", json!("42")).await;
    let last = answer(&client, id, "heartbeat", json!("1h")).await;
    assert!(last["step"]["message"].as_str().unwrap().contains("fake/fake-1 → fake/fake-2"), "{last}");
    let unchanged = std::fs::read_to_string(world.config_path()).unwrap();
    assert!(!unchanged.contains("Ada"), "nothing before the last answer");
    let status = client.request("wizard.status", json!({"sessionId": id})).await.unwrap();
    assert_eq!(status, json!({"status": "running"}));

    let done = answer(&client, id, "apply", json!(true)).await;
    assert_eq!((&done["done"], &done["status"]), (&json!(true), &json!("done")), "{done}");
    let config = client.request("config.get", json!({})).await.unwrap()["config"].clone();
    assert_eq!(
        config["agents"]["defaults"]["model"],
        json!({"primary": "fake/fake-2", "fallbacks": ["fake/fake-1"]})
    );
    assert_eq!(config["agents"]["defaults"]["heartbeat"]["every"], "1h");
    assert_eq!(config["channels"]["telegram"]["dmPolicy"], "allowlist");
    assert_eq!(config["channels"]["telegram"]["allowFrom"], json!(["42"]));
    let agents = client.request("agents.list", json!({})).await.unwrap();
    assert_eq!(agents["agents"][0]["name"], "Ada", "{agents}");
    let gone = client.request("wizard.status", json!({"sessionId": id})).await.unwrap_err().to_string();
    assert!(gone.contains("wizard not found"), "{gone}");
}

#[tokio::test]
async fn a_wizard_that_is_cancelled_or_overtaken_changes_nothing() {
    let world = World::new().await;
    let gateway = world.start().await;
    let before = std::fs::read_to_string(world.config_path()).unwrap();
    let (client, begun) = start(&gateway, json!({})).await;
    let id = &begun["sessionId"];
    answer(&client, id, "local", Value::Null).await;
    answer(&client, id, "model", json!("fake/fake-2")).await;
    let other_step = json!({"sessionId": id, "answer": {"stepId": "apply", "value": true}});
    assert!(client.request("wizard.next", other_step).await.unwrap_err().to_string().contains("fallbacks"));
    let cancelled = client.request("wizard.cancel", json!({"sessionId": id})).await.unwrap();
    assert_eq!(cancelled, json!({"status": "cancelled"}));
    assert!(client.request("wizard.next", json!({"sessionId": id})).await.is_err());
    assert_eq!(std::fs::read_to_string(world.config_path()).unwrap(), before);

    // Somebody else changes the file while it asks.
    let (client, begun) = start(&gateway, json!({})).await;
    let id = &begun["sessionId"];
    for (step, value) in [
        ("local", Value::Null),
        ("model", json!("fake/fake-2")),
        ("fallbacks", json!([])),
        ("agent-name", json!("main")),
        ("heartbeat", json!("0m")),
    ] {
        answer(&client, id, step, value).await;
    }
    let hash = client.request("config.get", json!({})).await.unwrap()["hash"].clone();
    let patch = json!({"raw": r#"{"logging":{"level":"debug"}}"#, "baseHash": hash});
    client.request("config.patch", patch).await.unwrap();
    let late = answer(&client, id, "apply", json!(true)).await;
    assert_eq!((&late["status"], &late["done"]), (&json!("error"), &json!(true)));
    assert!(late["error"].as_str().unwrap().contains("config changed since"), "{late}");
    assert!(!std::fs::read_to_string(world.config_path()).unwrap().contains("fake/fake-2\""));

    for (params, says) in [
        (json!({"mode": "remote"}), "on the machine itself"),
        (json!({"installDaemon": true}), "gateway install"),
        (json!({"flow": "channels", "channel": "discord"}), "telegram"),
        (json!({"workspace": "/tmp"}), "agents.update"),
    ] {
        let refused = client.request("wizard.start", params).await.unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
}
