//! Requests of other programs.

use bulkhead_fakes::model::Fault;
use serde_json::{Value, json};

use crate::harness::{Gateway, TOKEN, World, http};

const HOOKS: &str = "hooks-token-0123456789abcdef";

async fn world(hooks: Value) -> World {
    let world = World::new().await;
    let mut config = world.config();
    config["hooks"] = hooks;
    config["hooks"]["token"] = HOOKS.into();
    world.write_config(&config);
    world
}

async fn post(gateway: &Gateway, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let answer = http().post(gateway.url(path)).bearer_auth(token).json(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn nothing_is_there_until_hooks_are_on_and_only_their_own_token_opens_them() {
    let off = World::new().await;
    let gateway = off.start().await;
    assert_eq!(post(&gateway, "/hooks/wake", TOKEN, &json!({"text": "x"})).await.0, 404);
    drop(gateway);
    let world = world(json!({"enabled": true})).await;
    let gateway = world.start().await;
    let body = json!({"text": "x", "mode": "next-heartbeat"});
    assert_eq!(post(&gateway, "/hooks/wake", TOKEN, &body).await.0, 401, "the gateway's own token");
    let (status, answer) = post(&gateway, "/hooks/wake", HOOKS, &body).await;
    assert_eq!(
        (status, answer),
        (200, json!({"ok": true, "mode": "next-heartbeat", "eventOutcome": "queued"}))
    );
    assert_eq!(post(&gateway, "/hooks/wake", HOOKS, &body).await.1["eventOutcome"], "coalesced");
    // And the other way round.
    let answer = http().get(gateway.url("/control-ui-config.json")).bearer_auth(HOOKS).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let header = http().post(gateway.url("/hooks/wake")).header("x-openclaw-token", HOOKS).json(&body);
    assert_eq!(header.send().await.unwrap().status(), 200);
    let by_query =
        http().post(gateway.url(&format!("/hooks/wake?token={HOOKS}"))).bearer_auth(HOOKS).json(&body);
    assert_eq!(by_query.send().await.unwrap().status(), 400);
    let got = http().get(gateway.url("/hooks/wake")).bearer_auth(HOOKS).send().await.unwrap();
    assert_eq!((got.status().as_u16(), got.headers()["allow"].to_str().unwrap()), (405, "POST"));
    assert_eq!(post(&gateway, "/hooks/nothing", HOOKS, &body).await.0, 404);
    assert_eq!(post(&gateway, "/hooks/agent", HOOKS, &json!({"message": "x".repeat(300_000)})).await.0, 413);
    for (path, body, field) in [
        ("/hooks/wake", json!({"text": " "}), "text"),
        ("/hooks/wake", json!({"text": "x", "agentId": "ghost"}), "agentId"),
        ("/hooks/wake", json!({"text": "x", "sessionKey": "hook:x"}), "sessionKey"),
        ("/hooks/agent", json!({"message": "x", "channel": "telegram"}), "channel"),
        ("/hooks/agent", json!({}), "message"),
    ] {
        let (status, answer) = post(&gateway, path, HOOKS, &body).await;
        assert!(status == 400 && answer["error"].as_str().unwrap().contains(field), "{body}: {answer}");
    }
    for _ in 0..20 {
        assert_eq!(post(&gateway, "/hooks/wake", "wrong", &body).await.0, 401);
    }
    let locked =
        http().post(gateway.url("/hooks/wake")).bearer_auth("wrong").json(&body).send().await.unwrap();
    assert!(locked.status() == 429 && locked.headers().contains_key("retry-after"));
    // Else whoever guesses would see which guess is right.
    assert_eq!(post(&gateway, "/hooks/wake", HOOKS, &body).await.0, 429, "even the right token waits");
    assert!(world.model.control.chat_requests().is_empty());
}

#[tokio::test]
async fn a_question_is_asked_once_and_answered_without_its_text() {
    let world = world(json!({
        "enabled": true,
        "mappings": [{"match": {"path": "git"}, "messageTemplate": "ECHO {{payload.repo.name}} {{headers.x-event}}", "deliver": false}],
    }))
    .await;
    let gateway = world.start().await;
    let ask = |key: &'static str| {
        let body =
            json!({"message": "ECHO a secret", "deliver": false, "waitForCompletion": true, "name": "Build"});
        let request =
            http().post(gateway.url("/hooks/agent")).bearer_auth(HOOKS).header("idempotency-key", key);
        async move { request.json(&body).send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let first = ask("one").await;
    assert_eq!(first["completion"]["status"], "ok", "{first}");
    assert_eq!(first["completion"]["replyDisposition"], "visible");
    assert!(!first.to_string().contains("secret"));
    assert_eq!(ask("one").await["runId"], first["runId"]);
    assert_eq!(world.model.control.chat_requests().len(), 1);
    let asked = world.model.control.chat_requests().remove(0).body.to_string();
    assert!(asked.contains("information from outside") && asked.contains("Build"), "{asked}");
    let (status, answer) = {
        let request = http().post(gateway.url("/hooks/git")).bearer_auth(HOOKS).header("x-event", "push");
        let answer = request.json(&json!({"repo": {"name": "tree"}})).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    assert!(status == 200 && answer["runId"].is_string(), "{answer}");
    world.model.control.wait_for_requests(2).await;
    let asked = world.model.control.chat_requests().remove(1).body.to_string();
    assert!(asked.contains("ECHO tree push"), "{asked}");
    world.model.control.fail_next(Fault::Never);
}

#[tokio::test]
async fn a_hook_may_not_run_commands() {
    let world = world(json!({"enabled": true})).await;
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(world.config_path()).unwrap()).unwrap();
    config["tools"]["exec"]["enabled"] = true.into();
    world.write_config(&config);
    let gateway = world.start().await;
    let body = json!({"message": "ECHO x", "deliver": false, "waitForCompletion": true});
    assert_eq!(post(&gateway, "/hooks/agent", HOOKS, &body).await.0, 200);
    let asked = world.model.control.chat_requests().remove(0).body;
    let tools: Vec<&str> = asked["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert!(tools.contains(&"read") && !tools.contains(&"exec") && !tools.contains(&"cron"), "{tools:?}");
}

#[tokio::test]
async fn each_entry_of_a_list_is_one_message() {
    let world = world(json!({
        "enabled": true,
        "mappings": [
            {"match": {"path": "mail"}, "forEach": "messages", "messageTemplate": "ECHO {{messages[0].subject}}", "deliver": false},
            {"match": {"path": "bell"}, "forEach": "rings", "action": "wake", "wakeMode": "next-heartbeat", "textTemplate": "{{rings[0]}}"},
        ],
    }))
    .await;
    let gateway = world.start().await;
    let mail = json!({"messages": [{"subject": "one"}, {"subject": "two"}]});
    let (status, first) = post(&gateway, "/hooks/mail", HOOKS, &mail).await;
    assert_eq!((status, &first["dispatched"], &first["runId"]), (200, &json!(2), &first["runIds"][0]));
    world.model.control.wait_for_requests(2).await;
    let mut asked: Vec<String> =
        world.model.control.chat_requests().iter().map(|one| one.body.to_string()).collect();
    asked.sort_by_key(|body| body.contains("ECHO two"));
    assert!(asked[0].contains("ECHO one") && asked[1].contains("ECHO two") && !asked[1].contains("ECHO one"));
    // The same list again asks nothing twice, and a new entry beside an old one is asked.
    assert_eq!(post(&gateway, "/hooks/mail", HOOKS, &mail).await.1["runIds"], first["runIds"]);
    let more = json!({"messages": [{"subject": "two"}, {"subject": "three"}]});
    let (_, third) = post(&gateway, "/hooks/mail", HOOKS, &more).await;
    assert_eq!(third["runIds"][0], first["runIds"][1]);
    let single = json!({"messages": [{"subject": "one"}]});
    let (_, single) = post(&gateway, "/hooks/mail", HOOKS, &single).await;
    assert_eq!(single, json!({"ok": true, "runId": first["runId"]}));
    for nothing in [json!({}), json!({"messages": []}), json!({"messages": "none"})] {
        assert_eq!(post(&gateway, "/hooks/mail", HOOKS, &nothing).await.0, 204, "{nothing}");
    }
    assert_eq!(post(&gateway, "/hooks/mail", HOOKS, &json!({"messages": [{}, 7]})).await.0, 200);
    let (status, told) = post(&gateway, "/hooks/bell", HOOKS, &json!({"rings": ["a", "a"]})).await;
    assert_eq!(
        (status, told),
        (200, json!({"ok": true, "mode": "next-heartbeat", "eventOutcome": "queued"}))
    );
}
