use bulkhead_channels::{ChannelState, Groups, Telegram, TelegramSettings};
use bulkhead_config::DmPolicy;

use crate::world::{ALICE, MALLORY, Scripted, World, until};

#[tokio::test]
async fn a_stranger_gets_one_code_and_nothing_else_until_it_is_approved() {
    let world = World::new().await;
    let handler = Scripted::echo();
    let settings = TelegramSettings { profile: Some("rescue".into()), ..world.settings() };
    let store = world.store();
    let _telegram = Telegram::start(settings, store.clone(), handler.clone());

    world.bot.say(MALLORY, "hi");
    let notice = world.bot.wait_for_text(MALLORY, "Pairing code").await;
    let request = &store.pairings().list(Some("telegram")).await.unwrap()[0];
    assert_eq!(
        notice.now.text,
        format!(
            "Bulkhead: access not configured.\n\nYour Telegram user id: 999\nPairing code:\n\n{code}\n\n\
             Ask the bot owner to approve it in the app, or with:\n\nbulkhead --profile rescue pairing approve telegram {code}",
            code = request.code
        )
    );
    assert_eq!(notice.revisions.len(), 1, "told in one message, without placeholder");
    world.bot.say(MALLORY, "hello?");
    world.bot.say(MALLORY, "/status");
    world.bot.expect_drained().await;
    world.bot.say(ALICE, "probe");
    world.bot.wait_for_text(ALICE, "answer to probe").await;
    assert_eq!(world.bot.messages_to(MALLORY).len(), 1);
    assert_eq!(
        world.bot.calls_of("sendChatAction").iter().filter(|call| call.params["chat_id"] == MALLORY).count(),
        0
    );

    store.pairings().approve("telegram", &request.code, "test").await.unwrap();
    world.bot.say(MALLORY, "now");
    world.bot.wait_for_text(MALLORY, "answer to now").await;
    assert_eq!(handler.texts(), ["probe", "now"], "what was said before the approval stays unanswered");
}

#[tokio::test]
async fn policies_hold_and_change_without_a_new_connection() {
    let world = World::new().await;
    let with = |dm_policy, allow_from: &[&str]| TelegramSettings {
        dm_policy,
        allow_from: allow_from.iter().map(ToString::to_string).collect(),
        ..world.settings()
    };
    let telegram = Telegram::start(with(DmPolicy::Disabled, &[]), world.store(), Scripted::echo());
    until(&telegram, ChannelState::Connected).await;
    world.bot.say(MALLORY, "disabled");
    world.bot.expect_drained().await;

    telegram.reload(with(DmPolicy::Allowlist, &["111222333"])).await;
    world.bot.say(MALLORY, "allowlist");
    world.bot.say(ALICE, "allowlist");
    world.bot.wait_for_text(ALICE, "answer to allowlist").await;

    telegram.reload(with(DmPolicy::Open, &[])).await;
    world.bot.say(MALLORY, "open without star");
    world.bot.expect_drained().await;
    telegram.reload(with(DmPolicy::Open, &["*"])).await;
    world.bot.say(MALLORY, "open");
    world.bot.wait_for_text(MALLORY, "answer to open").await;

    assert_eq!(world.bot.messages_to(MALLORY).len(), 1);
    assert_eq!(world.bot.calls_of("getMe").len(), 1, "rules need no new connection");
}

#[tokio::test]
async fn groups_are_silent_unless_configured_and_addressed() {
    const GROUP: i64 = -100_123;
    let world = World::new().await;
    let handler = Scripted::echo();
    let telegram = world.start(handler.clone());
    world.bot.say_in_group(ALICE, GROUP, "hey @ref_test_bot");
    world.bot.say(ALICE, "one");
    world.bot.wait_for_text(ALICE, "answer to one").await;
    assert_eq!(world.bot.messages_to(GROUP), []);

    let groups = |text: &str| Groups { entries: serde_json::from_str(text).unwrap(), ..Groups::default() };
    let with = |text: &str| TelegramSettings { groups: groups(text), ..world.settings() };
    telegram.reload(with(r#"{"-100123": {}}"#)).await;
    world.bot.say_in_group(ALICE, GROUP, "among ourselves");
    world.bot.say_in_group(MALLORY, GROUP, "@ref_test_bot, me too");
    world.bot.say_in_group(ALICE, GROUP, "hey @ref_test_bot");
    world.bot.wait_for_text(GROUP, "answer to hey").await;
    assert_eq!(world.bot.messages().len(), 2);
    let seen = handler.seen.lock().unwrap()[1].clone();
    assert_eq!((seen.peer, seen.is_group), (GROUP.to_string(), true));

    telegram.reload(with(r#"{"*": {"requireMention": false, "allowFrom": [999]}}"#)).await;
    world.bot.say_in_group(ALICE, GROUP, "still me");
    world.bot.say_in_group(MALLORY, GROUP, "and now me");
    world.bot.wait_for_text(GROUP, "answer to and now me").await;
    assert_eq!(world.bot.messages().len(), 3, "the list of a group holds there");
}
