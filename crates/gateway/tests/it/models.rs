//! Models, what they take, and what is read of machine and gateway.

use bulkhead_fakes::model::Fault;
use serde_json::{Value, json};

use crate::harness::{World, text};

async fn ask(client: &bulkhead_client::Client, run: &str, message: &str) {
    let params = json!({"sessionKey": "main", "message": message, "idempotencyKey": run, "deliver": false});
    client.request("chat.send", params).await.unwrap();
}

#[tokio::test]
async fn a_model_that_failed_rests_and_the_next_one_is_asked_first() {
    let world = World::new().await;
    let mut config = world.config();
    config["agents"]["defaults"]["model"] = json!({"primary": "fake/fake-1", "fallbacks": ["fake/fake-2"]});
    world.write_config(&config);
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;

    // Longer than anybody waits: the run goes on with the next model, and the first one rests.
    world.model.control.fail_next(Fault::Status { status: 429, retry_after: Some("90".to_owned()) });
    ask(&client, "r1", "ECHO one").await;
    let told = events
        .next("the change of model", |event, payload| {
            event == "agent" && payload["data"]["phase"] == "fallback"
        })
        .await;
    assert_eq!(
        (&told["data"]["selectedModel"], &told["data"]["activeModel"]),
        (&json!("fake-1"), &json!("fake-2"))
    );
    assert_eq!(text(&events.end_of("r1").await), "one");
    let list = client.request("models.list", json!({"view": "configured"})).await.unwrap();
    let row = |list: &Value, id: &str| {
        list["models"].as_array().unwrap().iter().find(|row| row["id"] == id).cloned().unwrap()
    };
    let resting = row(&list, "fake-1");
    assert_eq!(
        (&resting["available"], &resting["unavailableReason"]),
        (&json!(false), &json!("cooldown")),
        "{resting}"
    );
    assert!(resting["unavailableUntil"].as_u64() > Some(0));
    assert_eq!(row(&list, "fake-2")["tags"], json!(["fallback#1", "configured"]));

    ask(&client, "r2", "ECHO two").await;
    assert_eq!(text(&events.end_of("r2").await), "two");
    let asked = world.model.control.chat_requests();
    let models: Vec<&str> = asked.iter().map(|request| request.body["model"].as_str().unwrap()).collect();
    assert_eq!(models, ["fake-1", "fake-2", "fake-2"], "the second question did not run into the same wall");
}

#[tokio::test]
async fn what_answers_took_is_told_by_day_session_and_model() {
    let world = World::new().await;
    let mut config = world.config();
    config["models"]["providers"]["fake"]["models"][0]["cost"] =
        json!({"input": 1_000_000, "output": 2_000_000});
    world.write_config(&config);
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    ask(&client, "r1", "ECHO one").await;
    events.end_of("r1").await;

    let cost = client.request("usage.cost", json!({"days": 2, "mode": "utc"})).await.unwrap();
    let totals = &cost["totals"];
    let (input, output) = (totals["input"].as_u64().unwrap(), totals["output"].as_u64().unwrap());
    assert!(input > 0 && output > 0, "{cost:#}");
    assert_eq!(totals["totalCost"].as_f64(), u32::try_from(input + 2 * output).ok().map(f64::from));
    assert_eq!((cost["daily"].as_array().unwrap().len(), &totals["missingCostEntries"]), (2, &json!(0)));

    let sessions = client.request("sessions.usage", json!({"range": "7d"})).await.unwrap();
    assert_eq!(sessions["totals"], *totals);
    let row = &sessions["sessions"][0];
    assert_eq!(
        (&row["key"], &row["usage"]["totalTokens"]),
        (&json!("agent:main:main"), &totals["totalTokens"])
    );
    assert_eq!(sessions["aggregates"]["byModel"][0]["model"], "fake-1");
    let curve = client.request("sessions.usage.timeseries", json!({"key": "main"})).await.unwrap();
    assert_eq!(curve["points"][0]["cumulativeTokens"], totals["totalTokens"]);
    let logs = client.request("sessions.usage.logs", json!({"key": "main"})).await.unwrap();
    assert_eq!(logs["logs"][1]["tokens"], totals["totalTokens"], "{logs:#}");

    // It is still there when the session is gone, and nonsense is refused by name.
    client.request("sessions.delete", json!({"key": "agent:main:main"})).await.ok();
    let after = client.request("usage.cost", json!({"days": 2, "mode": "utc"})).await.unwrap();
    assert_eq!(after["totals"], *totals);
    let refused =
        client.request("usage.cost", json!({"startDate": "2026-02-30", "endDate": "2026-03-01"})).await;
    assert!(refused.unwrap_err().to_string().contains("startDate"));
}

#[tokio::test]
async fn tools_are_listed_by_policy_and_called_by_hand_once_per_key() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let ask_rpc = async |method: &str, params: Value| client.request(method, params).await.unwrap();
    let names = |groups: &Value| -> Vec<String> {
        let tools = groups.as_array().unwrap().iter().flat_map(|group| group["tools"].as_array().unwrap());
        tools.map(|tool| tool["id"].as_str().unwrap().to_owned()).collect()
    };
    let catalog = ask_rpc("tools.catalog", json!({})).await;
    assert!(names(&catalog["groups"]).contains(&"exec".to_owned()));
    ask(&client, "r1", "ECHO one").await;
    events.end_of("r1").await;
    let effective = ask_rpc("tools.effective", json!({"sessionKey": "main"})).await;
    let allowed = names(&effective["groups"]);
    assert!(allowed.contains(&"read".to_owned()) && !allowed.contains(&"exec".to_owned()), "{allowed:?}");

    let write = json!({"name": "write", "args": {"path": "a.txt", "content": "one"}, "idempotencyKey": "k"});
    let first = ask_rpc("tools.invoke", write.clone()).await;
    assert_eq!(first["ok"], true, "{first}");
    let edit = json!({"name": "edit", "args": {"path": "a.txt", "old_text": "one", "new_text": "two"}, "idempotencyKey": "e"});
    let edited = ask_rpc("tools.invoke", edit.clone()).await;
    assert_eq!(ask_rpc("tools.invoke", edit).await, edited, "the second call is the first one's result");
    assert_eq!(ask_rpc("tools.invoke", write).await, first);
    let read = ask_rpc("tools.invoke", json!({"name": "read", "args": {"path": "a.txt"}})).await;
    let said = read["output"]["content"][0]["text"].as_str().unwrap_or_default();
    assert!(said.contains("two"), "written over by a repeated call: {read} {edited}");
    for (params, code) in [
        (json!({"name": "exec", "args": {"command": "id"}}), "forbidden"),
        (json!({"name": "nope"}), "not_found"),
        (json!({"name": "read", "args": {"path": "/etc/passwd"}}), "tool_error"),
    ] {
        let refused = ask_rpc("tools.invoke", params).await;
        assert_eq!((&refused["ok"], &refused["error"]["code"]), (&json!(false), &json!(code)), "{refused}");
    }
}

#[tokio::test]
async fn clients_read_machine_version_lanes_and_keys() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    let ask = async |method: &str, params: Value| client.request(method, params).await.unwrap();
    let info = ask("system.info", json!({})).await;
    assert_eq!(
        (info["pid"].as_u64(), info["port"].as_u64()),
        (Some(gateway.process.pid().into()), Some(gateway.port.into()))
    );
    assert!(info["memoryTotalBytes"].as_u64() > Some(0) && info["diskTotalBytes"].as_u64() > Some(0));
    assert_eq!(ask("update.status", json!({})).await["updateAvailable"], Value::Null);
    assert_eq!(ask("diagnostics.lanes", json!({})).await["lanes"][0]["activeCount"], 0);
    let auth = ask("models.authStatus", json!({"agentId": "main"})).await;
    assert_eq!(auth["providers"][0]["apiKey"], json!({"source": "config"}));
    assert!(!auth.to_string().contains(crate::harness::KEY));
    let all = ask("models.list", json!({"view": "all", "refresh": true})).await;
    assert_eq!(all["providerOutcomes"], json!([{"provider": "fake", "status": "ready"}]));
    let preflight = ask("gateway.restart.preflight", json!({})).await;
    assert_eq!((&preflight["safe"], &preflight["counts"]["totalActive"]), (&json!(true), &json!(0)));
    // Nobody supervises it: that is said, and it goes on.
    let refused = client.request("gateway.restart.request", json!({"reason": "test"})).await.unwrap_err();
    assert!(refused.to_string().contains("no supervisor"), "{refused}");
    assert_eq!(ask("health", json!({})).await["ok"], true);
    let refused = client.request("logs.tail", json!({"limit": 0})).await.unwrap_err();
    assert!(refused.to_string().contains("limit"), "{refused}");
}
