//! Answers that also go to a chat.

use bulkhead_client::Client;
use bulkhead_fakes::telegram::{Fault, PlannedFault};
use serde_json::{Value, json};

use crate::harness::{PATIENCE, World};

/// A world whose bot knows the chat 42.
async fn with_chat() -> (World, crate::harness::Gateway) {
    let world = World::with_telegram().await;
    let mut config = world.config();
    config["channels"]["telegram"] = world.telegram_config();
    config["channels"]["telegram"]["allowFrom"] = json!([42, 43]);
    world.write_config(&config);
    let gateway = world.start().await;
    world.bot.expect_poll().await;
    for chat in [42, 43] {
        // A bot may write only to those who wrote first.
        world.bot.say(chat, "/status");
        world.bot.wait_for_messages(chat, 1).await;
    }
    (world, gateway)
}

async fn agent(client: &Client, params: Value) -> Result<Value, String> {
    let asked = client.request_streamed("agent", params, PATIENCE).await;
    let answers = asked.map_err(|error| error.to_string())?;
    answers.last().await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn an_answer_reaches_the_chat_that_was_named_once() {
    let (world, gateway) = with_chat().await;
    let (client, _) = gateway.client().await;
    let params = json!({
        "message": "ECHO the report", "sessionId": "report", "deliver": true, "replyChannel": "telegram",
        "replyTo": "telegram:42", "idempotencyKey": "once",
    });
    let ended = agent(&client, params.clone()).await.unwrap();
    let sent =
        json!({"requested": true, "attempted": true, "status": "sent", "succeeded": true, "resultCount": 1});
    assert_eq!(ended["result"]["deliveryStatus"], sent, "{ended:#}");
    assert_eq!(ended["result"]["deliverySucceeded"], true);
    world.bot.wait_for_text(42, "the report").await;
    let again = agent(&client, params).await.unwrap();
    assert_eq!(again["result"]["deliveryStatus"]["status"], "sent");
    assert_eq!(world.bot.messages_to(42).len(), 2, "the answer of /status, and this one");
    // Nothing to say is nothing to send.
    let silent = json!({
        "message": "ECHO NO_REPLY", "sessionId": "report", "deliver": true, "channel": "telegram", "to": "42",
        "idempotencyKey": "silent",
    });
    let ended = agent(&client, silent).await.unwrap();
    assert_eq!(ended["result"]["deliveryStatus"]["reason"], "no_visible_payload", "{ended:#}");
    assert_eq!(world.bot.messages_to(42).len(), 2);
}

#[tokio::test]
async fn a_recipient_names_the_conversation_and_main_goes_to_the_last_chat() {
    let (world, gateway) = with_chat().await;
    let (client, mut events) = gateway.client().await;
    let params = json!({
        "message": "ECHO to ada", "channel": "telegram", "to": "42", "deliver": true, "idempotencyKey": "a",
    });
    agent(&client, params).await.unwrap();
    world.bot.wait_for_text(42, "to ada").await;
    let sessions = client.request("sessions.list", json!({})).await.unwrap();
    assert_eq!(sessions["sessions"][0]["key"], "agent:main:telegram:direct:42", "{sessions:#}");
    // The person goes on in the same conversation.
    world.bot.say(42, r#"DO: say "turn-number-" . turns"#);
    world.bot.wait_for_text(42, "turn-number-2").await;
    let main = json!({"message": "ECHO to the last", "deliver": true, "idempotencyKey": "b"});
    assert_eq!(agent(&client, main).await.unwrap()["result"]["deliverySucceeded"], true);
    world.bot.wait_for_text(42, "to the last").await;
    // A terminal that speaks in the conversation of a chat may have the chat told.
    let said = json!({
        "sessionKey": "agent:main:telegram:direct:42", "message": "ECHO from the terminal", "deliver": true,
        "idempotencyKey": "c",
    });
    client.request("chat.send", said).await.unwrap();
    events.end_of("c").await;
    world.bot.wait_for_text(42, "from the terminal").await;
    let named = json!({
        "sessionKey": "main", "message": "ECHO elsewhere", "deliver": true, "originatingChannel": "telegram",
        "originatingTo": "43", "idempotencyKey": "d",
    });
    client.request("chat.send", named).await.unwrap();
    world.bot.wait_for_text(43, "elsewhere").await;
}

#[tokio::test]
async fn nowhere_to_send_it_is_said_before_anything_runs() {
    let (world, gateway) = with_chat().await;
    let (client, _) = gateway.client().await;
    let refused = [
        (json!({"channel": "pigeon", "to": "42"}), "unknown channel: pigeon"),
        (json!({"sessionId": "x"}), "delivery target is required"),
        (json!({"sessionId": "x", "channel": "webchat"}), "delivery channel is required"),
        (json!({"sessionId": "x", "replyTo": "@ada"}), "number of a chat"),
        (json!({"sessionId": "x", "replyTo": "42", "replyAccountId": "ghost"}), "ghost"),
        (json!({"sessionId": "x", "replyTo": "42", "threadId": "7"}), "threadId"),
    ];
    for (more, expected) in refused {
        let mut params = json!({"message": "ECHO lost", "deliver": true, "idempotencyKey": "never"});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = agent(&client, params).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    assert!(world.model.control.chat_requests().is_empty());
    // Where best effort is enough, the answer stays in its conversation, and that is told.
    let params = json!({
        "message": "ECHO kept", "sessionId": "x", "deliver": true, "bestEffortDeliver": true, "idempotencyKey": "kept",
    });
    let ended = agent(&client, params).await.unwrap();
    assert_eq!(ended["result"]["payloads"][0]["text"], "kept");
    assert_eq!(
        ended["result"]["deliveryStatus"],
        json!({"requested": true, "attempted": false, "status": "failed", "succeeded": false, "error": true,
            "reason": "no_delivery_target"})
    );
    // Somebody who blocked the bot: told as a failure of the delivery, with the place of the answer.
    world.bot.block(42, true);
    let params = json!({
        "message": "ECHO blocked", "sessionId": "x", "deliver": true, "replyTo": "42", "idempotencyKey": "blocked",
    });
    let error = agent(&client, params).await.unwrap_err();
    assert!(error.contains("could not be delivered") && error.contains("explicit:x"), "{error}");
}

#[tokio::test]
async fn a_kill_behind_the_end_of_the_run_neither_loses_nor_repeats_the_answer() {
    let (world, mut gateway) = with_chat().await;
    let (client, mut events) = gateway.client().await;
    world.bot.plan(PlannedFault::next("sendMessage", Fault::CutCall).times(1000));
    let params = json!({
        "message": "ECHO through the kill", "sessionId": "report", "deliver": true, "channel": "telegram", "to": "42",
        "idempotencyKey": "killed",
    });
    let asking = client.request_streamed("agent", params.clone(), PATIENCE).await.unwrap();
    events.end_of("killed").await;
    gateway.process.kill().await;
    drop(asking);
    world.bot.clear_faults();
    let gateway = world.start().await;
    world.bot.wait_for_text(42, "through the kill").await;
    let (client, _) = gateway.client().await;
    let ended = agent(&client, params).await.unwrap();
    assert_eq!(
        (&ended["status"], &ended["result"]["deliverySucceeded"]),
        (&json!("ok"), &json!(true)),
        "{ended:#}"
    );
    let told = world.bot.messages_to(42);
    let times = told.iter().filter(|message| message.now.text.contains("through the kill")).count();
    assert_eq!(times, 1, "{told:?}");
    assert_eq!(world.model.control.chat_requests().len(), 1, "the model was asked once");
}
