//! Conversations on Telegram.

use bulkhead_fakes::model::Fault;
use bulkhead_fakes::model::fault::PlannedFault;
use serde_json::json;

use crate::harness::World;

/// Pairs `user` and answers the code that it was told.
async fn pair(world: &World, client: &bulkhead_client::Client, user: i64) -> String {
    world.bot.say(user, "hello?");
    let told = world.bot.wait_for_messages(user, 1).await.remove(0);
    let waiting = client.request("channels.pairing.list", json!({})).await.unwrap();
    let request = waiting["requests"][0].clone();
    let code = request["metadata"]["code"].as_str().unwrap().to_owned();
    assert!(told.now.text.contains(&code), "{told:?}");
    let params = json!({"channel": "telegram", "accountId": "default", "requestId": request["requestId"]});
    let approved = client.request("channels.pairing.approve", params).await.unwrap();
    assert_eq!(approved["senderId"], user.to_string());
    code
}

#[tokio::test]
async fn a_stranger_is_paired_and_then_answered() {
    let world = World::with_telegram().await;
    let gateway = world.start().await;
    world.bot.expect_poll().await;
    let (client, _) = gateway.client().await;
    pair(&world, &client, 42).await;
    world.bot.say(42, "REMEMBER 20");
    world.bot.wait_for_messages(42, 2).await;
    world.bot.say(42, "DO: say recall + 3");
    world.bot.wait_for_text(42, "23").await;
    let sessions = client.request("sessions.list", json!({"includeLastMessage": true})).await.unwrap();
    assert_eq!(sessions["sessions"][0]["key"], "agent:main:telegram:direct:42");
    assert_eq!(sessions["sessions"][0]["lastMessagePreview"], "23");
    // Another stranger gets a code and nothing else.
    world.bot.say(43, "DO: say 99");
    let told = world.bot.wait_for_messages(43, 1).await;
    world.bot.expect_drained().await;
    assert_eq!(world.bot.messages_to(43).len(), 1);
    assert!(!told[0].now.text.contains("99"));
}

#[tokio::test]
async fn commands_work_beside_a_running_answer_and_without_a_model() {
    let world = World::with_telegram().await;
    let gateway = world.start().await;
    world.bot.expect_poll().await;
    let (client, _) = gateway.client().await;
    pair(&world, &client, 42).await;
    world.model.control.fail_next(Fault::Never);
    world.bot.say(42, "think hard");
    world.model.control.wait_for_requests(1).await;
    world.bot.say(42, "/status");
    world.bot.wait_for_text(42, "fake/fake-1").await;
    world.bot.say(42, "/stop");
    world.bot.wait_for_text(42, "Stopped").await;
    world.bot.say(42, "ECHO afterwards");
    world.bot.wait_for_text(42, "afterwards").await;
}

#[tokio::test]
async fn kill_9_in_the_middle_loses_nothing_and_answers_once() {
    let world = World::with_telegram().await;
    let mut gateway = world.start().await;
    world.bot.expect_poll().await;
    let (client, _) = gateway.client().await;
    pair(&world, &client, 42).await;
    drop(client);
    world.model.control.fail_next(Fault::Never);
    world.bot.say(42, "ECHO one answer only");
    world.model.control.wait_for_requests(1).await;
    gateway.process.kill().await;
    world.bot.say(42, "ECHO said meanwhile");
    let _gateway = world.start().await;
    world.bot.wait_for_text(42, "one answer only").await;
    world.bot.wait_for_text(42, "said meanwhile").await;
    world.bot.expect_drained().await;
    let answers = |part: &str| world.bot.messages_to(42).iter().filter(|m| m.now.text.contains(part)).count();
    assert_eq!((answers("one answer only"), answers("said meanwhile")), (1, 1));
}

#[tokio::test]
async fn an_answer_that_was_shown_in_part_is_said_to_be_interrupted_and_can_be_gone_on_with() {
    let world = World::with_telegram().await;
    let mut gateway = world.start().await;
    world.bot.expect_poll().await;
    let (client, _) = gateway.client().await;
    pair(&world, &client, 42).await;
    drop(client);
    world.model.control.fail_next(Fault::Stall);
    world.bot.say(42, "ECHO thirteen-words-of-which-one-is-seen");
    world.bot.wait_for_text(42, "thirteen").await;
    gateway.process.kill().await;
    let gateway = world.start().await;
    let said = world.bot.wait_for_text(42, "interrupted").await;
    assert!(said.now.text.starts_with("thirteen"), "what was seen stays: {}", said.now.text);
    world.bot.expect_drained().await;
    assert_eq!(world.model.control.chat_requests().len(), 1, "no model was asked again");
    // The conversation knows how far it came, and the next question stands apart.
    world.bot.say(42, r#"DO: say "turn-number-" . turns"#);
    world.bot.wait_for_text(42, "turn-number-2").await;
    let asked = world.model.control.chat_requests().pop().unwrap();
    let messages = asked.body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    let (client, _) = gateway.client().await;
    let params = json!({"sessionKey": "agent:main:telegram:direct:42", "limit": 10});
    let history = client.request("chat.history", params).await.unwrap();
    assert_eq!(history["messages"][1]["interrupted"], true, "{history:#}");
}

#[tokio::test]
async fn a_tool_call_of_a_killed_attempt_is_told_and_not_repeated_by_itself() {
    let world = World::with_telegram().await;
    let mut gateway = world.start().await;
    world.bot.expect_poll().await;
    let (client, _) = gateway.client().await;
    pair(&world, &client, 42).await;
    drop(client);
    // The tool has run; the turn after it never comes.
    world.model.control.plan(PlannedFault { skip: 1, ..PlannedFault::next(Fault::Never) });
    world.bot.say(42, r#"DO: tool write {"path":"once.txt","content":"x"}; say 5 + 5"#);
    world.model.control.wait_for_requests(2).await;
    gateway.process.kill().await;
    let _gateway = world.start().await;
    world.bot.wait_for_text(42, "10").await;
    let asked = world.model.control.chat_requests();
    let system = asked[2].body["messages"][0]["content"].to_string();
    assert!(system.contains("An earlier attempt") && system.contains("once.txt"), "{system}");
}

#[tokio::test]
async fn a_stop_lets_a_running_answer_finish_and_keeps_an_endless_one_for_later() {
    let world = World::with_telegram().await;
    let mut gateway = world.start().await;
    world.bot.expect_poll().await;
    let (client, mut events) = gateway.client().await;
    pair(&world, &client, 42).await;
    world.model.control.fail_next(Fault::Hold);
    world.bot.say(42, "ECHO finished while stopping");
    world.model.control.wait_for_requests(1).await;
    gateway.process.terminate();
    events.next("the farewell", |event, _| event == "shutdown").await;
    world.model.control.release();
    assert_eq!(gateway.process.exit().await, Some(0));
    world.bot.wait_for_text(42, "finished while stopping").await;
}

#[tokio::test]
async fn groups_and_menus_are_as_the_configuration_says() {
    const GROUP: i64 = -100_777;
    let world = World::with_telegram().await;
    let mut config = world.config();
    config["channels"]["telegram"] = world.telegram_config();
    config["channels"]["telegram"]["allowFrom"] = json!([42]);
    config["channels"]["telegram"]["groups"] =
        json!({"-100777": {"requireMention": true}, "*": {"enabled": false}});
    config["commands"]["ownerAllowFrom"] = json!([42]);
    world.write_config(&config);
    let gateway = world.start().await;
    world.bot.expect_poll().await;
    world.bot.say_in_group(42, GROUP, "ECHO among ourselves");
    world.bot.say_in_group(43, GROUP, "@it_bot ECHO me too");
    world.bot.say_in_group(42, GROUP - 1, "@it_bot ECHO elsewhere");
    world.bot.say_in_group(42, GROUP, "@it_bot\nECHO heard");
    world.bot.wait_for_text(GROUP, "heard").await;
    assert_eq!(world.bot.messages().len(), 1, "{:?}", world.bot.messages());
    let (client, _) = gateway.client().await;
    let sessions = client.request("sessions.list", json!({})).await.unwrap();
    assert_eq!(sessions["sessions"][0]["key"], "agent:main:telegram:group:-100777");
    // A private chat of an owner shows more, once the bot knows it.
    let names = |menu: &serde_json::Value| {
        let rows = menu.as_array().unwrap().iter();
        rows.map(|row| row["command"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(names(&world.bot.commands()).contains(&"think".to_owned()));
    world.bot.say(42, "/status");
    let owners = async {
        while !names(&world.bot.commands_for(42)).contains(&"send".to_owned()) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, owners).await.unwrap();
    assert!(!names(&world.bot.commands_for(43)).contains(&"send".to_owned()));
}

#[tokio::test]
async fn channels_follow_the_configuration() {
    let world = World::new().await;
    let gateway = world.start().await;
    gateway.until_ready(&[]).await;
    let mut config = world.config();
    config["channels"]["telegram"] = world.telegram_config();
    world.write_config(&config);
    world.bot.expect_poll().await;
    let (client, _) = gateway.client().await;
    pair(&world, &client, 42).await;
    config["channels"]["telegram"]["dmPolicy"] = json!("disabled");
    world.write_config(&config);
    let polls = world.bot.calls_of("getMe").len();
    let off = async {
        loop {
            let status = client.request("channels.status", json!({})).await.unwrap();
            if status["channels"]["telegram"]["dmPolicy"] == "disabled" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, off).await.unwrap();
    // Only a rule changed, so the connection stayed.
    assert_eq!(world.bot.calls_of("getMe").len(), polls);
}
