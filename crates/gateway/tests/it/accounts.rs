//! Several Telegram accounts in one gateway.

use bulkhead_fakes::telegram::BotControl;
use serde_json::{Value, json};

use crate::harness::{Gateway, World};

/// The second bot's token.
const SECOND: &str = "700000002:AAplanted-other-token_0123456789abcdef";

/// A running gateway with two bots, the second one's messages bound to an agent of its own.
async fn two_bots(second: &str) -> (World, BotControl, Gateway) {
    let world = World::with_telegram().await;
    let other = world.telegram.control.add_bot(SECOND, "other_bot");
    let mut config = world.config();
    config["channels"]["telegram"] = world.telegram_config();
    config["channels"]["telegram"]["accounts"] = json!({"work": {
        "botToken": {"source": "keychain", "id": "telegram/work/bot-token"},
        "dmPolicy": "open", "allowFrom": ["*"],
    }});
    config["agents"]["entries"] = json!({"main": {"default": true}, "ops": {"model": "fake/fake-2"}});
    config["bindings"] = json!([{"agentId": "ops", "match": {"channel": "telegram", "accountId": "work"}}]);
    world.write_config(&config);
    let mut process = world.spawn("", &[]);
    let mut secrets = World::secrets();
    secrets["telegram/work/bot-token"] = second.into();
    process.hand_over(&json!({"v": 1, "type": "secrets", "secrets": secrets})).await;
    let gateway = process.ready().await.unwrap();
    (world, other, gateway)
}

fn account<'a>(status: &'a Value, id: &str) -> &'a Value {
    status["channelAccounts"]["telegram"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["accountId"] == id)
        .unwrap()
}

#[tokio::test]
async fn each_bot_has_its_policy_its_agent_and_its_conversations() {
    let (world, other, gateway) = two_bots(SECOND).await;
    world.bot.expect_poll().await;
    other.expect_poll().await;
    let (client, _) = gateway.client().await;
    // A stranger is answered by the open bot, by the bound agent; the other bot only tells a code.
    other.say(42, "DO: say model");
    other.wait_for_text(42, "fake-2").await;
    world.bot.say(42, "hello?");
    world.bot.wait_for_messages(42, 1).await;
    let waiting = client.request("channels.pairing.list", json!({})).await.unwrap();
    assert_eq!(waiting["requests"][0]["accountId"], "default");
    let sessions = client.request("sessions.list", json!({})).await.unwrap();
    assert_eq!(sessions["sessions"][0]["key"], "agent:ops:telegram:work:direct:42");

    // One is stopped alone, and started again.
    let one = json!({"channel": "telegram", "accountId": "work"});
    let stopped = client.request("channels.stop", one.clone()).await.unwrap();
    assert_eq!(stopped, json!({"channel": "telegram", "accountId": "work", "stopped": true}));
    let status = client.request("channels.status", json!({})).await.unwrap();
    assert_eq!(
        (&account(&status, "work")["running"], &account(&status, "default")["running"]),
        (&json!(false), &json!(true))
    );
    gateway.until_ready(&[]).await;
    assert_eq!(client.request("channels.start", one).await.unwrap()["started"], true);
    other.say(42, "ECHO here again");
    other.wait_for_text(42, "here again").await;
    let wrong = client.request("channels.stop", json!({"channel": "telegram", "accountId": "nobody"})).await;
    assert!(wrong.unwrap_err().to_string().contains("default, work"));

    // A message goes out once for each key, by the account that is named.
    let send = |key: &str| json!({"to": "telegram:42", "message": "by hand", "accountId": "work", "idempotencyKey": key});
    let sent = client.request("send", send("s1")).await.unwrap();
    assert_eq!((&sent["runId"], &sent["chatId"]), (&json!("s1"), &json!("42")));
    assert!(sent["messageId"].is_string(), "{sent}");
    assert_eq!(client.request("send", send("s1")).await.unwrap()["messageId"], sent["messageId"]);
    let by_hand = other.messages_to(42).iter().filter(|message| message.now.text == "by hand").count();
    assert_eq!(by_hand, 1);
    assert!(
        client.request("send", json!({"to": "@name", "message": "x", "idempotencyKey": "s2"})).await.is_err()
    );

    // Logging one out leaves the other.
    let out =
        client.request("channels.logout", json!({"channel": "telegram", "accountId": "work"})).await.unwrap();
    assert_eq!(out["cleared"], true);
    let status = client.request("channels.status", json!({})).await.unwrap();
    assert_eq!(status["channelAccounts"]["telegram"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn one_bot_in_two_accounts_runs_once_and_is_told() {
    let (world, _other, gateway) = two_bots(crate::harness::BOT).await;
    world.bot.expect_poll().await;
    let (client, _) = gateway.client().await;
    let status = client.request("channels.status", json!({})).await.unwrap();
    assert_eq!(account(&status, "default")["running"], true);
    let twice = account(&status, "work");
    assert_eq!((&twice["running"], &twice["code"]), (&json!(false), &json!("channels.telegram.bot_twice")));
    assert!(status["statusIssues"][0]["message"].as_str().unwrap().contains("same bot"), "{status}");
    gateway.until_ready(&["channels.telegram"]).await;
}
