//! Conversations by a client.

use bulkhead_fakes::model::Fault;
use serde_json::{Value, json};

use crate::harness::{PATIENCE, World, text};

async fn send(client: &bulkhead_client::Client, key: &str, run: &str, message: &str) -> Value {
    let params = json!({"sessionKey": key, "message": message, "idempotencyKey": run, "deliver": false});
    client.request("chat.send", params).await.unwrap()
}

#[tokio::test]
async fn a_message_is_answered_once_with_what_was_said_before() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    client.request("sessions.subscribe", json!({})).await.unwrap();

    let first = send(&client, "agent:main:main", "r1", "REMEMBER 41").await;
    assert_eq!((&first["status"], &first["messageSeq"]), (&json!("started"), &json!(1)));
    let user = events.next("the user message", |event, _| event == "session.message").await;
    assert_eq!(user["message"]["content"], "REMEMBER 41");
    events.end_of("r1").await;

    let second = send(&client, "main", "r2", "DO: say recall + 1").await;
    assert_eq!(second["status"], "started");
    let delta = events.next("a piece", |event, payload| event == "chat" && payload["state"] == "delta").await;
    assert_eq!(delta["runId"], "r2");
    let end = events.end_of("r2").await;
    assert_eq!((end["state"].as_str(), text(&end)), (Some("final"), "42"));

    // The same key again: no second turn, neither at once nor after a restart.
    let asked = world.model.control.chat_requests().len();
    assert_eq!(send(&client, "main", "r2", "DO: say recall + 1").await["status"], "ok");
    let history = client.request("chat.history", json!({"sessionKey": "main"})).await.unwrap();
    let said: Vec<&str> =
        history["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(said, ["user", "assistant", "user", "assistant"]);
    assert_eq!(history["messages"][3]["usage"]["input"].as_u64().map(|n| n > 0), Some(true));
    drop(client);
    let mut gateway = gateway;
    gateway.process.kill().await;
    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    assert_eq!(send(&client, "main", "r2", "DO: say recall + 1").await["status"], "ok");
    assert_eq!(world.model.control.chat_requests().len(), asked);
}

#[tokio::test]
async fn an_answer_that_kill_9_cut_off_is_told_as_interrupted_once() {
    let world = World::new().await;
    let mut gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    world.model.control.fail_next(Fault::Stall);
    send(&client, "main", "cut", "ECHO thirteen words of which few are seen").await;
    events.next("a piece", |event, payload| event == "chat" && payload["state"] == "delta").await;
    drop(client);
    // Twice: what is told is told once.
    for _ in 0..2 {
        gateway.process.kill().await;
        gateway = world.start().await;
    }
    let (client, mut events) = gateway.client().await;
    let history = client.request("chat.history", json!({"sessionKey": "main"})).await.unwrap();
    let messages = history["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2, "{history:#}");
    assert_eq!((&messages[1]["role"], &messages[1]["interrupted"]), (&json!("assistant"), &json!(true)));
    assert!(messages[1]["errorMessage"].as_str().unwrap().contains("send the message again"));
    assert_eq!(world.model.control.chat_requests().len(), 1, "no model was asked again");
    // Sent again under the same key, it is answered; a new question does not run into the old one.
    send(&client, "main", "next", "DO: say turns").await;
    assert_eq!(text(&events.end_of("next").await), "2");
    let asked = world.model.control.chat_requests().pop().unwrap();
    let roles: Vec<_> =
        asked.body["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!(send(&client, "main", "cut", "ECHO thirteen words").await["status"], "started");
    assert_eq!(text(&events.end_of("cut").await), "thirteen words");
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_recovered_where_it_stands() {
    let world = World::new().await;
    let mut gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    world.model.control.fail_next(Fault::Stall);
    send(&client, "main", "cut", "ECHO all of it").await;
    events.next("a piece", |event, payload| event == "chat" && payload["state"] == "delta").await;
    gateway.process.kill().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let recovered = client.request("sessions.recover", json!({"key": "main"})).await.unwrap();
    assert_eq!(recovered["continuation"], json!({"status": "started", "runId": "cut"}));
    assert_eq!(text(&events.end_of("cut").await), "all of it");
    let history = client.request("chat.history", json!({"sessionKey": "main"})).await.unwrap();
    let said =
        history["messages"].as_array().unwrap().iter().filter(|message| message["role"] == "user").count();
    assert_eq!(said, 1, "{history:#}");
    let nothing = client.request("sessions.recover", json!({"key": "main"})).await.unwrap_err().to_string();
    assert!(nothing.contains("nothing to recover"), "{nothing}");
}

#[tokio::test]
async fn a_running_answer_is_in_flight_and_can_be_stopped() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    send(&client, "main", "slow", "DO: slow 50; piece 2; say words(400)").await;
    events.next("a piece", |event, payload| event == "chat" && payload["state"] == "delta").await;
    assert_eq!(
        send(&client, "main", "slow", "DO: slow 50; piece 2; say words(400)").await["status"],
        "in_flight"
    );
    let stopped = client.request("chat.abort", json!({"sessionKey": "main", "runId": "slow"})).await.unwrap();
    assert_eq!(stopped, json!({"ok": true, "aborted": true, "runIds": ["slow"]}));
    let end = events.end_of("slow").await;
    assert_eq!(end["state"], "aborted");
    assert!(!text(&end).is_empty());
    world.model.control.wait_for_abandoned(1).await;
    let waited = client.request("agent.wait", json!({"runId": "slow"})).await.unwrap();
    assert_eq!(waited["status"], "aborted");
    let nothing = client.request("chat.abort", json!({"sessionKey": "main"})).await.unwrap();
    assert_eq!(nothing["aborted"], false);
}

#[tokio::test]
async fn one_turn_at_a_time_and_the_waiting_one_knows_the_answer_before() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    world.model.control.fail_next(Fault::Hold);
    send(&client, "main", "a", "REMEMBER 7").await;
    world.model.control.wait_for_requests(1).await;
    send(&client, "main", "b", "DO: say recall + turns").await;
    assert_eq!(world.model.control.chat_requests().len(), 1);
    world.model.control.release();
    events.end_of("a").await;
    assert_eq!(text(&events.end_of("b").await), "9");
    let asked = world.model.control.chat_requests().pop().unwrap();
    let roles: Vec<&str> =
        asked.body["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
}

#[tokio::test]
async fn agent_answers_twice_under_one_id_and_tools_work_in_the_workspace() {
    let world = World::new().await;
    let workspace = world.state().join("workspace");
    std::fs::create_dir_all(&workspace).unwrap();
    std::fs::write(workspace.join("AGENTS.md"), "MARKER: 1000").unwrap();
    std::fs::write(workspace.join("n.txt"), "the number is 234").unwrap();
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let params = json!({
        "message": r#"DO: tool read {"path":"n.txt"}; say marker + toolresult"#,
        "sessionId": "job-1",
        "idempotencyKey": "agent-1",
    });
    let mut answers = client.request_streamed("agent", params, PATIENCE).await.unwrap();
    let accepted = answers.next().await.unwrap().unwrap();
    assert_eq!(accepted["status"], "accepted");
    assert_eq!(accepted["sessionKey"], "agent:main:explicit:job-1");
    let tool =
        events.next("the tool", |event, payload| event == "agent" && payload["stream"] == "tool").await;
    assert_eq!(tool["data"]["name"], "read");
    let done = answers.next().await.unwrap().unwrap();
    assert_eq!(done["status"], "ok", "{done}");
    assert_eq!(done["result"]["payloads"][0]["text"], "1234");
    let described =
        client.request("sessions.describe", json!({"key": "agent:main:explicit:job-1"})).await.unwrap();
    assert_eq!(described["session"]["sessionId"], "job-1");
    assert_eq!(described["session"]["status"], "done");
    // Commands are off, so the tool is not even offered.
    let offered = world.model.control.chat_requests()[0].body["tools"].to_string();
    assert!(offered.contains("web_fetch") && !offered.contains("\"exec\""), "{offered}");
}

#[tokio::test]
async fn a_model_that_fails_is_told_and_the_next_message_works() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    world.model.control.set_keys(vec!["another".to_owned()]);
    send(&client, "main", "bad", "hello").await;
    let end = events.end_of("bad").await;
    assert_eq!(end["state"], "error");
    let why = end["errorMessage"].as_str().unwrap();
    assert!(why.contains("fake") && !why.contains(crate::harness::KEY), "{why}");
    world.model.control.set_keys(vec![crate::harness::KEY.to_owned()]);
    send(&client, "main", "good", "ECHO fine").await;
    assert_eq!(text(&events.end_of("good").await), "fine");
}

#[tokio::test]
async fn a_provider_is_asked_live_and_its_refusal_is_told_by_kind() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    let ask = async |provider: &str| client.request("models.probe", json!({"provider": provider})).await;
    let good = ask("fake").await.unwrap();
    assert_eq!((&good["status"], &good["results"][0]["label"]), (&json!("ok"), &json!("fake-1")), "{good}");
    assert!(good["latencyMs"].is_u64());
    world.model.control.set_keys(vec!["another".to_owned()]);
    let refused = ask("fake").await.unwrap();
    assert_eq!(refused["status"], "auth", "{refused}");
    assert!(!refused.to_string().contains(crate::harness::KEY));
    let unknown = ask("nobody").await.unwrap_err().to_string();
    assert!(unknown.contains("nobody") && unknown.contains("fake"), "{unknown}");
}

#[tokio::test]
async fn overviews_answer_in_the_protocols_words() {
    let world = World::with_telegram().await;
    let gateway = world.start().await;
    gateway.until_ready(&[]).await;
    let (client, _) = gateway.client().await;
    let ask = async |method: &str, params: Value| client.request(method, params).await.unwrap();
    let health = ask("health", json!({})).await;
    assert_eq!((&health["ok"], &health["channels"]["telegram"]["configured"]), (&json!(true), &json!(true)));
    assert_eq!(ask("models.list", json!({})).await["models"][0]["id"], "fake-1");
    assert_eq!(ask("agents.list", json!({})).await["defaultId"], "main");
    assert_eq!(ask("sessions.list", json!({})).await["totalCount"], 0);
    let channels = ask("channels.status", json!({})).await;
    assert_eq!(channels["channelAccounts"]["telegram"][0]["accountId"], "default");
    let schema = ask("config.schema", json!({})).await;
    assert!(schema["schema"].is_object() && schema["version"].is_string());
    let log = ask("logs.tail", json!({"limit": 5})).await;
    assert!(
        log["lines"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains("ready")),
        "{log}"
    );
    let presence = ask("system-presence", json!({})).await;
    assert_eq!(presence[0]["mode"], "gateway");
    assert!(ask("status", json!({})).await["runtimeVersion"].is_string());
    assert!(ask("chat.startup", json!({"sessionKey": "main"})).await["metadata"]["models"].is_array());
    let error =
        client.request("sessions.messages.subscribe", json!({"nokey": 1})).await.unwrap_err().to_string();
    assert!(error.contains("key"), "{error}");
}
