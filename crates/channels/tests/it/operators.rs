//! What operators may do whatever the policy says, and although nothing can be recorded.

use bulkhead_channels::{ChannelState, Telegram, TelegramSettings};
use bulkhead_config::DmPolicy;
use serde_json::Value;

use crate::world::{ALICE, MALLORY, OPERATOR_COMMANDS, Scripted, World, until};

/// Alice is an operator and nothing else: nobody is let in.
fn strict(world: &World) -> TelegramSettings {
    TelegramSettings {
        dm_policy: DmPolicy::Disabled,
        allow_from: Vec::new(),
        operators: [ALICE].into(),
        operator_commands: OPERATOR_COMMANDS,
        ..world.settings()
    }
}

#[tokio::test]
async fn commands_of_operators_are_taken_in_private_and_their_messages_are_not() {
    let world = World::new().await;
    let handler = Scripted::echo();
    let _telegram = Telegram::start(strict(&world), world.store(), handler.clone());
    world.bot.say(MALLORY, "/rescue");
    world.bot.say_in_group(ALICE, -100, "/rescue@ref_test_bot");
    world.bot.say(ALICE, "hello");
    world.bot.say(ALICE, "/rescue");
    world.bot.wait_for_text(ALICE, "main is well, 111222333").await;
    world.bot.expect_drained().await;
    assert_eq!(*handler.commanded.lock().unwrap(), ["rescue"]);
    assert_eq!(handler.texts(), [] as [&str; 0]);
    assert_eq!(world.bot.messages().len(), 1);
}

#[tokio::test]
async fn operators_see_their_commands_and_former_ones_do_not() {
    let world = World::new().await;
    world.bot.open_chat(ALICE);
    let telegram = Telegram::start(strict(&world), world.store(), Scripted::echo());
    let names = |menu: &Value| -> Vec<String> {
        let commands = menu.as_array().cloned().unwrap_or_default();
        commands.iter().map(|one| one["command"].as_str().unwrap().to_owned()).collect()
    };
    let has_menu = |user: i64| {
        move |bot: &bulkhead_fakes::telegram::BotControl| {
            names(&bot.commands_for(user)).contains(&"rescue".to_owned()).then_some(())
        }
    };
    world.bot.expect("Alice's menu", has_menu(ALICE)).await;
    assert_eq!(names(&world.bot.commands_for(ALICE)), ["help", "new", "stop", "rescue", "status"]);

    // Mallory never wrote: the bot knows no chat to put a menu into, until there is one.
    let other = TelegramSettings { operators: [MALLORY].into(), ..strict(&world) };
    telegram.reload(other).await;
    world
        .bot
        .expect("the menu of everybody", |bot| {
            (!names(&bot.commands_for(ALICE)).contains(&"rescue".to_owned())).then_some(())
        })
        .await;
    world.bot.say(MALLORY, "/rescue");
    world.bot.expect("Mallory's menu", has_menu(MALLORY)).await;
}

#[tokio::test]
async fn presses_and_commands_work_although_nothing_can_be_recorded() {
    let world = World::new().await;
    let handler = Scripted::echo();
    let database = world.dir.path().join("bulkhead.sqlite");
    let telegram = Telegram::start(
        TelegramSettings {
            allow_from: vec![ALICE.to_string()],
            dm_policy: DmPolicy::Pairing,
            ..strict(&world)
        },
        world.store(),
        handler.clone(),
    );
    until(&telegram, ChannelState::Connected).await;
    world.bot.expect_poll().await;
    // From now on nothing that comes in can be recorded, as on a full disk, and reading works.
    let disk = rusqlite::Connection::open(&database).unwrap();
    disk.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON inbox BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
    )
    .unwrap();
    world.bot.press(ALICE, 5, "r:1");
    world.bot.say(ALICE, "/rescue");
    world.bot.say(ALICE, "hello");
    world.bot.wait_for_text(ALICE, "main is well").await;
    world.bot.wait_for_calls("answerCallbackQuery", 1).await;
    assert_eq!(until(&telegram, ChannelState::Degraded).await.code, Some("store_query"));
    assert_eq!(world.bot.waiting_updates(), 3, "nothing is acknowledged");
    disk.execute_batch("DROP TRIGGER full").unwrap();
    world.bot.wait_for_text(ALICE, "answer to hello").await;
    world.bot.expect_drained().await;
    assert_eq!(handler.pressed.lock().unwrap().len(), 1, "handed out once");
    assert_eq!(handler.pressed.lock().unwrap()[0].attempt, 0);
    assert_eq!(*handler.commanded.lock().unwrap(), ["rescue"]);
    assert_eq!(handler.texts(), ["hello"], "what could wait waited, and was not lost");
}
