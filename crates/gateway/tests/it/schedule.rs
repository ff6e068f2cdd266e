//! Jobs and heartbeats of a real gateway.

use bulkhead_client::Client;
use bulkhead_fakes::model::Fault;
use serde_json::{Value, json};

use crate::harness::{Events, World};

#[allow(clippy::needless_pass_by_value, reason = "it is made for the call")]
fn job(name: &str, schedule: Value, message: &str) -> Value {
    json!({
        "name": name, "schedule": schedule, "sessionTarget": "isolated", "wakeMode": "now",
        "payload": {"kind": "agentTurn", "message": message}, "delivery": {"mode": "none"},
    })
}

fn every(ms: i64) -> Value {
    json!({"kind": "every", "everyMs": ms})
}

async fn add(client: &Client, job: Value) -> Value {
    client.request("cron.add", job).await.unwrap()
}

async fn finished(events: &mut Events, id: &str) -> Value {
    events
        .next("a finished run", |event, payload| {
            event == "cron" && payload["action"] == "finished" && payload["jobId"] == id
        })
        .await
}

async fn runs(client: &Client, id: &str) -> Vec<Value> {
    let answer = client.request("cron.runs", json!({"id": id})).await.unwrap();
    answer["entries"].as_array().unwrap().clone()
}

/// A world whose bot writes to 42 by itself.
async fn with_owner(heartbeat: Value) -> World {
    let world = World::with_telegram().await;
    let mut config = world.config();
    config["channels"]["telegram"] = world.telegram_config();
    config["channels"]["telegram"]["allowFrom"] = json!([42]);
    config["agents"]["defaults"]["heartbeat"] = heartbeat;
    world.write_config(&config);
    world
}

#[tokio::test]
async fn a_job_is_made_runs_and_its_answer_reaches_the_chat() {
    let world = with_owner(json!({"every": "0m"})).await;
    let gateway = world.start().await;
    world.bot.expect_poll().await;
    // A bot may write only to those who wrote first.
    world.bot.say(42, "/status");
    world.bot.wait_for_messages(42, 1).await;
    let (client, mut events) = gateway.client().await;
    let mut asked =
        job("Brief", json!({"kind": "cron", "expr": "0 7 * * *", "tz": "Europe/Berlin"}), "ECHO the brief");
    asked["delivery"] = json!({"mode": "announce", "channel": "telegram", "to": "42"});
    let made = add(&client, asked).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["deliveryPreview"], json!({"label": "announce -> telegram:42", "detail": "explicit"}));
    assert_eq!(made["payload"]["toolsAllow"], json!(["*"]));
    assert_eq!(made["scheduledToolPolicy"], json!({"version": 1, "mode": "trusted"}));
    let told = events.next("added", |event, payload| event == "cron" && payload["action"] == "added").await;
    assert_eq!(told["job"]["id"], made["id"]);
    let asked = client.request("cron.run", json!({"id": id})).await.unwrap();
    assert_eq!(asked["enqueued"], true);
    let end = finished(&mut events, id).await;
    assert_eq!((&end["status"], &end["deliveryStatus"]), (&json!("ok"), &json!("delivered")), "{end}");
    world.bot.wait_for_text(42, "the brief").await;
    let runs = runs(&client, id).await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["runId"], asked["runId"]);
    assert_eq!(runs[0]["completionStatus"], "succeeded");
    assert!(runs[0]["sessionKey"].as_str().unwrap().starts_with(&format!("agent:main:cron:{id}:run:")));
    // By hand, the next time stays what it was.
    let now = client.request("cron.get", json!({"id": id})).await.unwrap();
    assert_eq!(now["nextRunAtMs"], made["nextRunAtMs"]);
    let list = client.request("cron.list", json!({"compact": true, "query": "brief"})).await.unwrap();
    assert_eq!((&list["total"], &list["jobs"][0]["lastRunStatus"]), (&json!(1), &json!("ok")));
    let all = client.request("cron.list", json!({"includeDisabled": true})).await.unwrap();
    assert_eq!(all["total"], 2, "and the heartbeat, which is off: {all}");
    let kept =
        all["jobs"].as_array().unwrap().iter().find(|job| job["payload"]["kind"] == "heartbeat").unwrap();
    let refused = client.request("cron.remove", json!({"id": kept["id"]})).await.unwrap_err().to_string();
    assert!(refused.contains("agents.defaults.heartbeat"), "{refused}");
    assert_eq!(
        client.request("cron.remove", json!({"jobId": id})).await.unwrap(),
        json!({"ok": true, "removed": true})
    );
    let gone = client.request("cron.get", json!({"id": id})).await.unwrap_err().to_string();
    assert!(gone.contains("not found"), "{gone}");
}

#[tokio::test]
async fn kill_9_in_the_middle_of_a_run_never_runs_it_twice() {
    let world = World::new().await;
    let mut gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    world.model.control.fail_next(Fault::Never);
    let id =
        add(&client, job("slow", every(3_600_000), "ECHO once")).await["id"].as_str().unwrap().to_owned();
    client.request("cron.run", json!({"id": id})).await.unwrap();
    events.next("started", |event, payload| event == "cron" && payload["action"] == "started").await;
    world.model.control.wait_for_requests(1).await;
    gateway.process.kill().await;
    let gateway = world.start_with("missed-after-ms=0", &[]).await;
    let (client, mut events) = gateway.client().await;
    let seen = runs(&client, &id).await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0]["status"], "error");
    assert!(seen[0]["error"].as_str().unwrap().contains("not begun again"));
    let now = client.request("cron.get", json!({"id": id})).await.unwrap();
    assert!(now["state"].get("runningAtMs").is_none(), "{now}");
    // It still runs when it is asked to.
    client.request("cron.run", json!({"id": id})).await.unwrap();
    assert_eq!(finished(&mut events, &id).await["status"], "ok");
    assert_eq!(runs(&client, &id).await.len(), 2);
}

#[tokio::test]
async fn what_was_due_while_nobody_was_there_runs_once() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    let soon = after(1_500);
    let once = add(&client, job("once", json!({"kind": "at", "at": soon}), "ECHO late")).await;
    let id = once["id"].as_str().unwrap().to_owned();
    assert_eq!(once["deleteAfterRun"], true);
    let mut process = gateway.process;
    process.kill().await;
    tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
    let gateway = world.start_with("missed-after-ms=300", &[]).await;
    let (client, mut events) = gateway.client().await;
    assert_eq!(finished(&mut events, &id).await["status"], "ok");
    events.next("removed", |event, payload| event == "cron" && payload["action"] == "removed").await;
    assert_eq!(runs(&client, &id).await.len(), 1);
    assert_eq!(world.model.control.chat_requests().len(), 1);
}

fn after(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(jiff::Timestamp::now().as_millisecond() + ms).unwrap();
    at.to_string()
}

#[tokio::test]
async fn a_heartbeat_swallows_silence_and_tells_the_owner_the_rest() {
    let world = with_owner(json!({"every": "24h", "prompt": "ECHO NO_REPLY"})).await;
    let gateway = world.start().await;
    world.bot.expect_poll().await;
    // A bot may write only to those who wrote first.
    world.bot.say(42, "/status");
    world.bot.wait_for_messages(42, 1).await;
    let (client, mut events) = gateway.client().await;
    assert_eq!(client.request("last-heartbeat", json!({})).await.unwrap(), Value::Null);
    let wake = |text: &'static str| client.request("wake", json!({"mode": "now", "text": text}));
    assert_eq!(wake("the disk is full").await.unwrap(), json!({"ok": true}));
    let beat = events.next("a heartbeat", |event, _| event == "heartbeat").await;
    assert_eq!(beat["status"], "ok-token", "{beat}");
    let asked = world.model.control.chat_requests().pop().unwrap();
    assert!(asked.body.to_string().contains("the disk is full"), "{asked:?}");
    let history = client.request("chat.history", json!({"sessionKey": "main"})).await.unwrap();
    assert_eq!(history["messages"], json!([]), "a quiet heartbeat leaves nothing");
    let mut config = world.config();
    config["channels"]["telegram"] = world.telegram_config();
    config["channels"]["telegram"]["allowFrom"] = json!([42]);
    config["agents"]["defaults"]["heartbeat"] = json!({"every": "24h", "prompt": "ECHO look at this"});
    world.write_config(&config);
    events.next("reloaded", |event, _| event == "config.changed").await;
    wake("again").await.unwrap();
    let beat = events
        .next("a heartbeat", |event, payload| event == "heartbeat" && payload["status"] == "sent")
        .await;
    assert_eq!((&beat["channel"], &beat["to"]), (&json!("telegram"), &json!("42")), "{beat}");
    world.bot.wait_for_text(42, "look at this").await;
    assert_eq!(client.request("last-heartbeat", json!({})).await.unwrap()["status"], "sent");
    client.request("set-heartbeats", json!({"enabled": false})).await.unwrap();
    wake("silence").await.unwrap();
    let beat = events
        .next("a heartbeat", |event, payload| event == "heartbeat" && payload["status"] == "skipped")
        .await;
    assert_eq!(beat["reason"], "disabled");
}

#[tokio::test]
async fn the_time_of_a_heartbeat_asks_nobody_without_a_reader_and_no_one_in_safe_mode() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let list = client.request("cron.list", json!({})).await.unwrap();
    let beat = list["jobs"][0].clone();
    assert_eq!(beat["declarationKey"], "heartbeat:main");
    assert_eq!(beat["schedule"]["everyMs"], 1_800_000);
    client.request("cron.run", json!({"id": beat["id"]})).await.unwrap();
    let told = events.next("a heartbeat", |event, _| event == "heartbeat").await;
    assert_eq!((&told["status"], &told["reason"]), (&json!("skipped"), &json!("no-route")));
    assert!(world.model.control.chat_requests().is_empty());
    drop(gateway);
    let gateway = world.start_with("safe", &[]).await;
    let (client, _) = gateway.client().await;
    assert_eq!(client.request("cron.status", json!({})).await.unwrap()["enabled"], false);
    let refused = client.request("cron.run", json!({"id": beat["id"]})).await.unwrap_err().to_string();
    assert!(refused.contains("safe mode"), "{refused}");
}

#[tokio::test]
async fn notes_are_replaced_only_as_they_were_read() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    let id = add(&client, job("x", every(3_600_000), "ECHO x")).await["id"].clone();
    let get = || client.request("cron.scratch.get", json!({"id": id}));
    assert_eq!(get().await.unwrap(), json!({"scratch": null, "currentRevision": 0, "maxBytes": 262_144}));
    let set = |content: &'static str, revision: i64| {
        client
            .request("cron.scratch.set", json!({"id": id, "content": content, "expectedRevision": revision}))
    };
    assert_eq!(set("one", 0).await.unwrap()["scratch"]["content"], "one");
    assert_eq!(
        set("two", 0).await.unwrap(),
        json!({"ok": false, "reason": "revision-conflict", "currentRevision": 1})
    );
}

#[tokio::test]
async fn an_outcome_is_posted_to_a_receiver_that_was_named() {
    use axum::http::HeaderMap;
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: axum::Json<Value>| {
        let token = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        told.send((token, body.0)).unwrap();
        async { "fine" }
    };
    let app = axum::Router::new().route("/hidden/path", axum::routing::post(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hidden/path", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let mut asked = job("Report", every(3_600_000), "ECHO the report");
    asked["delivery"] = json!({"mode": "webhook", "to": url});
    let id = add(&client, asked).await["id"].as_str().unwrap().to_owned();
    let run = async |events: &mut Events| {
        client.request("cron.run", json!({"id": id})).await.unwrap();
        finished(events, &id).await
    };
    let end = run(&mut events).await;
    assert_eq!(end["deliveryStatus"], "not-delivered", "nothing of this machine is reached unasked: {end}");
    assert!(end["deliveryError"].as_str().unwrap().contains("this computer itself"), "{end}");
    assert!(!end["delivery"].to_string().contains("hidden"), "{end}");

    let mut config = world.config();
    config["cron"] =
        json!({"webhookToken": "receiver-token", "webhookSsrfPolicy": {"allowedHostnames": ["127.0.0.1"]}});
    world.write_config(&config);
    events.next("the new configuration", |event, _| event == "config.changed").await;
    let end = run(&mut events).await;
    assert_eq!(end["deliveryStatus"], "delivered", "{end}");
    let (token, body) = heard.recv().await.unwrap();
    assert_eq!(token.as_deref(), Some("Bearer receiver-token"));
    assert_eq!(
        (&body["jobName"], &body["status"], &body["summary"], &body["action"]),
        (&json!("Report"), &json!("ok"), &json!("the report"), &json!("finished"))
    );
    assert!(heard.try_recv().is_err(), "once");
    server.abort();
}
