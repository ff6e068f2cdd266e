//! Commands that wait for a person's yes.

use bulkhead_client::Client;
use serde_json::{Value, json};

use crate::harness::{Events, Gateway, World, text};

const KEY: &str = "agent:main:main";

async fn world(exec: Value) -> World {
    let world = World::new().await;
    let mut config = world.config();
    config["tools"]["exec"] = exec;
    world.write_config(&config);
    std::fs::create_dir_all(world.state().join("workspace")).unwrap();
    world
}

/// An agent that asks before it runs anything.
async fn asking() -> World {
    world(json!({"mode": "ask"})).await
}

fn exec(command: &str) -> String {
    format!("DO: tool exec {}; say toolresult", json!({"command": command}))
}

async fn send(client: &Client, run: &str, message: &str) {
    let params = json!({"sessionKey": KEY, "message": message, "idempotencyKey": run});
    client.request("chat.send", params).await.unwrap();
}

async fn requested(events: &mut Events) -> Value {
    events.next("a question", |event, _| event == "exec.approval.requested").await
}

async fn resolve(client: &Client, id: &Value, decision: &str) -> Result<Value, String> {
    let params = json!({"id": id, "decision": decision});
    client.request("exec.approval.resolve", params).await.map_err(|error| error.to_string())
}

fn ran(world: &World) -> bool {
    world.state().join("workspace/ran").exists()
}

async fn start(world: &World) -> (Gateway, Client, Events) {
    // What a program's name means is looked up there.
    let path = std::env::var("PATH").unwrap();
    let gateway = world.start_with("", &[("PATH", &path)]).await;
    let (client, events) = gateway.client().await;
    (gateway, client, events)
}

#[tokio::test]
async fn a_command_waits_for_a_yes_and_runs_once() {
    let world = asking().await;
    let (gateway, client, mut events) = start(&world).await;
    send(&client, "r", &exec("mkdir ran")).await;
    let asked = requested(&mut events).await;
    assert_eq!(asked["request"]["command"], "mkdir ran");
    assert_eq!(asked["request"]["allowedDecisions"], json!(["allow-once", "allow-always", "deny"]));
    assert_eq!(asked["request"]["sessionKey"], KEY);
    assert!(!ran(&world));
    let list = client.request("exec.approval.list", json!({})).await.unwrap();
    assert_eq!(list, json!([asked]));
    assert_eq!(client.request("plugin.approval.list", json!({})).await.unwrap(), json!([]));
    let unified = client.request("approval.get", json!({"id": asked["id"]})).await.unwrap();
    assert_eq!(unified["approval"]["status"], "pending");
    let bad = resolve(&client, &asked["id"], "maybe").await.unwrap_err();
    assert!(bad.contains("invalid decision"), "{bad}");

    // Two answer at once: one counts, and the other is told so.
    let (other, _) = gateway.client().await;
    let (yes, no) =
        tokio::join!(resolve(&client, &asked["id"], "allow-once"), resolve(&other, &asked["id"], "deny"));
    assert!(yes.is_ok() ^ no.is_ok(), "{yes:?} {no:?}");
    let allowed = yes.is_ok();
    let lost = if allowed { no } else { yes }.unwrap_err();
    assert!(lost.contains("already resolved"), "{lost}");
    let over = events.next("the end", |event, _| event == "exec.approval.resolved").await;
    assert_eq!(over["decision"], if allowed { "allow-once" } else { "deny" });
    let end = events.end_of("r").await;
    assert_eq!(ran(&world), allowed, "{end}");
    let again = resolve(&client, &asked["id"], if allowed { "allow-once" } else { "deny" }).await;
    assert_eq!(again.unwrap(), json!({"ok": true}), "the same answer again is fine");
    let history = client.request("approval.history", json!({})).await.unwrap();
    assert_eq!(history["items"][0]["reason"], "user");
}

#[tokio::test]
async fn a_no_is_told_to_the_model_and_nothing_runs() {
    let world = asking().await;
    let (_gateway, client, mut events) = start(&world).await;
    send(&client, "r", &exec("mkdir ran")).await;
    let asked = requested(&mut events).await;
    let params = json!({"id": asked["id"], "kind": "exec", "decision": "deny"});
    let resolved = client.request("approval.resolve", params).await.unwrap();
    assert_eq!((&resolved["applied"], &resolved["approval"]["status"]), (&json!(true), &json!("denied")));
    let end = events.end_of("r").await;
    assert!(text(&end).contains("user-denied"), "{end}");
    assert!(!ran(&world));
}

#[tokio::test]
async fn always_asks_no_second_time_for_the_same_and_only_for_that() {
    let world = asking().await;
    let (mut gateway, client, mut events) = start(&world).await;
    send(&client, "one", &exec("uname -s")).await;
    let asked = requested(&mut events).await;
    resolve(&client, &asked["id"], "allow-always").await.unwrap();
    events.end_of("one").await;
    send(&client, "two", &exec("uname -s")).await;
    let end = events.end_of("two").await;
    assert!(text(&end).contains("Linux") || text(&end).contains("Darwin"), "{end}");
    assert_eq!(client.request("exec.approval.list", json!({})).await.unwrap(), json!([]));
    let document = client.request("exec.approvals.get", json!({})).await.unwrap();
    let entry = &document["file"]["agents"]["main"]["allowlist"][0];
    assert_eq!(entry["source"], "allow-always");
    assert!(entry["lastUsedAt"].is_u64(), "{document}");
    // Other arguments are another command; so is one whose programs cannot be read.
    send(&client, "three", &exec("uname -a")).await;
    let asked = requested(&mut events).await;
    resolve(&client, &asked["id"], "deny").await.unwrap();
    events.end_of("three").await;
    send(&client, "four", &exec("uname -s; echo $(uname -s)")).await;
    let asked = requested(&mut events).await;
    assert_eq!(asked["request"]["allowedDecisions"], json!(["allow-once", "deny"]));
    let refused = resolve(&client, &asked["id"], "allow-always").await.unwrap_err();
    assert!(refused.contains("unavailable"), "{refused}");
    resolve(&client, &asked["id"], "deny").await.unwrap();
    events.end_of("four").await;
    // It outlives the process.
    drop(client);
    gateway.process.kill().await;
    let (_gateway, client, mut events) = start(&world).await;
    send(&client, "five", &exec("uname -s")).await;
    assert!(!text(&events.end_of("five").await).contains("denied"));
}

#[tokio::test]
async fn nobody_answers_and_it_does_not_run() {
    let world = world(json!({"mode": "ask", "approvalTimeoutSeconds": 1})).await;
    let (_gateway, client, mut events) = start(&world).await;
    send(&client, "r", &exec("mkdir ran")).await;
    let asked = requested(&mut events).await;
    let end = events.end_of("r").await;
    assert!(text(&end).contains("approval-timeout"), "{end}");
    assert!(!ran(&world));
    let late = resolve(&client, &asked["id"], "allow-once").await.unwrap_err();
    assert!(late.contains("unknown or expired"), "{late}");
    let over = client.request("approval.get", json!({"id": asked["id"]})).await.unwrap();
    assert_eq!(
        (&over["approval"]["status"], &over["approval"]["reason"]),
        (&json!("expired"), &json!("timeout"))
    );
    assert!(!ran(&world));
}

#[tokio::test]
async fn an_abort_and_a_restart_take_the_question_back() {
    let world = asking().await;
    let (mut gateway, client, mut events) = start(&world).await;
    send(&client, "stopped", &exec("mkdir ran")).await;
    let asked = requested(&mut events).await;
    client.request("chat.abort", json!({"sessionKey": KEY})).await.unwrap();
    let over = events.next("the end", |event, _| event == "exec.approval.resolved").await;
    assert_eq!((&over["id"], &over["decision"]), (&asked["id"], &Value::Null));
    let snapshot = client.request("approval.get", json!({"id": asked["id"]})).await.unwrap();
    assert_eq!(snapshot["approval"]["reason"], "run-aborted");
    assert!(resolve(&client, &asked["id"], "allow-once").await.is_err());

    send(&client, "killed", &exec("mkdir ran")).await;
    let asked = requested(&mut events).await;
    drop(client);
    gateway.process.kill().await;
    let (_gateway, client, _) = start(&world).await;
    assert_eq!(client.request("exec.approval.list", json!({})).await.unwrap(), json!([]));
    let snapshot = client.request("approval.get", json!({"id": asked["id"]})).await.unwrap();
    assert_eq!(
        (&snapshot["approval"]["status"], &snapshot["approval"]["reason"]),
        (&json!("cancelled"), &json!("gateway-restart"))
    );
    assert!(resolve(&client, &asked["id"], "allow-once").await.is_err());
    assert!(!ran(&world));
}

#[tokio::test]
async fn a_client_asks_and_another_answers() {
    let world = World::new().await;
    let (gateway, client, mut events) = start(&world).await;
    let (asker, _) = gateway.client().await;
    let asking = tokio::spawn(async move {
        asker
            .request("exec.approval.request", json!({"id": "mine", "command": "ls", "timeoutMs": 60_000}))
            .await
    });
    requested(&mut events).await;
    let waiting = client.request("exec.approval.waitDecision", json!({"id": "mine"}));
    let mine = json!("mine");
    let answering = resolve(&client, &mine, "allow-once");
    let (waited, answered) = tokio::join!(waiting, answering);
    answered.unwrap();
    assert_eq!(waited.unwrap()["decision"], "allow-once");
    assert_eq!(asking.await.unwrap().unwrap()["decision"], "allow-once");
    assert!(client.request("exec.approval.waitDecision", json!({"id": "none"})).await.is_err());
}

#[tokio::test]
async fn the_document_is_written_only_by_who_read_it() {
    let world = asking().await;
    let (_gateway, client, mut events) = start(&world).await;
    let before = client.request("exec.approvals.get", json!({})).await.unwrap();
    assert_eq!((&before["exists"], &before["file"]["agents"]), (&json!(false), &json!({})));
    let file = json!({"version": 1, "agents": {"*": {"allowlist": [{"pattern": "uname"}]}}});
    let set = |hash: Value| {
        let mut params = json!({"file": file});
        if hash.is_string() {
            params["baseHash"] = hash;
        }
        client.request("exec.approvals.set", params)
    };
    let after = set(before["hash"].clone()).await.unwrap();
    assert_eq!(after["exists"], true);
    assert!(set(Value::Null).await.unwrap_err().to_string().contains("base hash required"));
    assert!(set(before["hash"].clone()).await.unwrap_err().to_string().contains("changed since"));
    send(&client, "r", &exec("uname -s | cat")).await;
    let asked = requested(&mut events).await;
    assert!(asked["request"]["warningText"].as_str().unwrap().contains("cat"), "{asked}");
    resolve(&client, &asked["id"], "deny").await.unwrap();
    events.end_of("r").await;
    send(&client, "s", &exec("uname -s")).await;
    assert!(!text(&events.end_of("s").await).contains("denied"));
}

/// A paired person who owns the agent, and one who does not.
async fn on_telegram() -> (World, Gateway, Client, Events) {
    let world = World::with_telegram().await;
    let mut config = world.config();
    config["channels"]["telegram"] = world.telegram_config();
    config["channels"]["telegram"]["dmPolicy"] = json!("allowlist");
    config["channels"]["telegram"]["allowFrom"] = json!([42, 43]);
    config["commands"]["ownerAllowFrom"] = json!(["telegram:42"]);
    config["tools"]["exec"]["enabled"] = json!(true);
    world.write_config(&config);
    std::fs::create_dir_all(world.state().join("workspace")).unwrap();
    let (gateway, client, events) = start(&world).await;
    world.bot.expect_poll().await;
    (world, gateway, client, events)
}

#[tokio::test]
async fn an_owner_answers_with_a_button_that_is_good_once_and_for_nobody_else() {
    let (world, _gateway, client, mut events) = on_telegram().await;
    world.bot.say(42, &exec("mkdir ran"));
    let asked = requested(&mut events).await;
    let question = world.bot.wait_for_text(42, "Allow this command?").await;
    assert_eq!(question.now.labels(), ["Allow once", "Always", "Deny"]);
    assert!(question.now.text.contains("mkdir ran"), "{}", question.now.text);
    let yes = question.now.button("Allow once").unwrap();

    // A stranger, another allowed person, a group, and made-up data: nothing.
    for user in [99, 43] {
        world.bot.press(user, question.message_id, &yes);
    }
    world.bot.press_in_group(42, -100, question.message_id, &yes);
    world.bot.press(42, question.message_id, "ask:00000000000000000000000000000000");
    world.bot.expect("four answers", |bot| (bot.press_answers().len() >= 4).then_some(())).await;
    assert!(!ran(&world));
    let pending = client.request("exec.approval.list", json!({})).await.unwrap();
    assert_eq!(pending[0]["id"], asked["id"]);

    world.bot.press(42, question.message_id, &yes);
    let over = events.next("the end", |event, _| event == "exec.approval.resolved").await;
    assert_eq!(over["decision"], "allow-once");
    world.bot.wait_for_text(42, "Allowed once").await;
    let settled = world.bot.expect("the message changed", |bot| {
        bot.messages_to(42)
            .into_iter()
            .find(|one| one.message_id == question.message_id && one.now.labels().is_empty())
    });
    assert!(settled.await.now.text.contains("mkdir ran"));
    world.bot.wait_for_text(42, "(no output)").await;
    assert!(ran(&world));
    // Replayed: nothing is done twice.
    std::fs::remove_dir(world.state().join("workspace/ran")).unwrap();
    let answers = world.bot.press_answers().len();
    world.bot.press(42, question.message_id, &yes);
    world.bot.expect("an answer", |bot| (bot.press_answers().len() > answers).then_some(())).await;
    assert!(!ran(&world));
}

#[tokio::test]
async fn a_command_in_the_chat_answers_too_and_others_have_no_commands_at_all() {
    let (world, _gateway, _client, mut events) = on_telegram().await;
    // Not the owner: the agent has no such tool.
    world.bot.say(43, "DO: say 1 + 1");
    world.bot.wait_for_text(43, "2").await;
    let offered = world.model.control.chat_requests()[0].body["tools"].to_string();
    assert!(!offered.contains("\"exec\""), "{offered}");
    world.bot.say(42, &exec("mkdir ran"));
    let asked = requested(&mut events).await;
    let id = &asked["id"].as_str().unwrap()[..8];
    world.bot.say(43, &format!("/approve {id} allow-once"));
    world.bot.wait_for_text(43, "Only owners").await;
    assert!(!ran(&world));
    world.bot.say(42, &format!("/approve {id} deny"));
    let over = events.next("the end", |event, _| event == "exec.approval.resolved").await;
    assert_eq!(over["decision"], "deny");
    world.bot.wait_for_text(42, "user-denied").await;
    assert!(!ran(&world));
}
