//! Buttons under messages, and messages that go out past the database.

use std::time::Duration;

use bulkhead_channels::{Button, ChannelState, DirectMessage, Telegram};
use bulkhead_fakes::telegram::{Fault, PlannedFault};

use crate::world::{ALICE, MALLORY, Scripted, World, until};

const PATIENCE: Duration = Duration::from_secs(10);

fn buttons(labels: &[(&str, &str)]) -> Vec<Vec<Button>> {
    labels.iter().map(|(label, data)| vec![Button { label: (*label).into(), data: (*data).into() }]).collect()
}

#[tokio::test]
async fn a_press_is_handed_out_with_who_and_where_and_comes_to_rest() {
    let world = World::new().await;
    let handler = Scripted::echo();
    let telegram = world.start(handler.clone());
    until(&telegram, ChannelState::Connected).await;
    world.bot.open_chat(ALICE);
    let keyboard = buttons(&[("Restart", "r:1"), ("Logs", "l:1")]);
    let message = DirectMessage { text: "main is down", buttons: &keyboard, silent: false };
    let id = telegram.send_direct(ALICE, message, PATIENCE).await.unwrap();
    assert_eq!(world.bot.messages_to(ALICE)[0].now.labels(), ["Restart", "Logs"]);
    world.bot.press_label(ALICE, id, "Restart");
    world.bot.wait_for_calls("answerCallbackQuery", 1).await;
    world.bot.press(MALLORY, id, "r:1");
    world.bot.press_in_group(ALICE, -100, id, "r:1");
    world.bot.wait_for_calls("answerCallbackQuery", 3).await;
    let pressed = handler.pressed.lock().unwrap().clone();
    let seen: Vec<_> = pressed
        .iter()
        .map(|press| (press.sender.id.as_str(), press.peer.as_str(), press.is_private, press.message_id))
        .collect();
    assert_eq!(
        seen,
        [("111222333", "111222333", true, id), ("999", "999", true, id), ("111222333", "-100", false, id)]
    );
    assert_eq!(pressed[0].press_id, format!("telegram:default#777000111:{}", 1000));
    assert_eq!(world.bot.press_answers()[0].text.as_deref(), Some("pressed r:1"));
    assert_eq!(handler.texts(), [] as [&str; 0], "a press is no message");
    telegram.drain(PATIENCE).await;
    assert_eq!(world.store().inbox().pending("telegram", "default#777000111").await.unwrap(), []);
}

#[tokio::test]
async fn a_press_that_comes_twice_is_handed_out_once() {
    let world = World::new().await;
    let handler = Scripted::echo();
    let telegram = world.start(handler.clone());
    until(&telegram, ChannelState::Connected).await;
    world.bot.press(ALICE, 5, "r:1");
    world.bot.wait_for_calls("answerCallbackQuery", 1).await;
    world.bot.expect_drained().await;
    world.bot.plan(PlannedFault::next("getUpdates", Fault::RepeatUpdates { count: 1 }));
    world.bot.say(ALICE, "after it");
    world.bot.wait_for_text(ALICE, "answer to after it").await;
    assert_eq!(handler.pressed.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_is_changed_in_place_and_its_buttons_go() {
    let world = World::new().await;
    let telegram = world.start(Scripted::echo());
    until(&telegram, ChannelState::Connected).await;
    world.bot.open_chat(ALICE);
    let keyboard = buttons(&[("Restart", "r:1")]);
    let down = DirectMessage { text: "<main> is *down*", buttons: &keyboard, silent: true };
    let id = telegram.send_direct(ALICE, down, PATIENCE).await.unwrap();
    assert_eq!(world.bot.calls_of("sendMessage")[0].params["disable_notification"], true);
    let restarting = DirectMessage { text: "restarting", buttons: &keyboard, silent: false };
    telegram.edit_direct(ALICE, id, restarting, PATIENCE).await.unwrap();
    telegram.edit_direct(ALICE, id, restarting, PATIENCE).await.unwrap();
    telegram.edit_buttons_direct(ALICE, id, &[], PATIENCE).await.unwrap();
    telegram.edit_buttons_direct(ALICE, id, &[], PATIENCE).await.unwrap();
    let message = &world.bot.messages_to(ALICE)[0];
    let texts: Vec<_> = message.revisions.iter().map(|one| (one.text.as_str(), one.labels().len())).collect();
    assert_eq!(
        texts,
        [("<main> is *down*", 1), ("restarting", 1), ("restarting", 0)],
        "plain text stays plain"
    );

    world.bot.delete(id);
    let gone = telegram.edit_direct(ALICE, id, down, PATIENCE).await.unwrap_err();
    assert!(gone.is_message_gone() && !gone.may_pass(), "{gone}");
    let stranger = telegram.send_direct(12345, down, PATIENCE).await.unwrap_err();
    assert!(stranger.is_person_out_of_reach(), "{stranger}");
}

#[tokio::test]
async fn a_429_to_a_direct_message_is_obeyed_when_there_is_time_and_told_when_not() {
    let world = World::new().await;
    let telegram = world.start(Scripted::echo());
    until(&telegram, ChannelState::Connected).await;
    world.bot.open_chat(ALICE);
    world.bot.plan(PlannedFault::next("sendMessage", Fault::TooManyRequests { retry_after: 1 }));
    let message = DirectMessage { text: "main is down", ..DirectMessage::default() };
    telegram.send_direct(ALICE, message, PATIENCE).await.unwrap();
    let sends = world.bot.calls_of("sendMessage");
    assert_eq!(sends.iter().map(|call| call.status).collect::<Vec<_>>(), [429, 200]);
    assert!(sends[1].at - sends[0].at >= 1000, "{sends:?}");

    world.bot.plan(PlannedFault::next("sendMessage", Fault::TooManyRequests { retry_after: 600 }));
    let error = telegram.send_direct(ALICE, message, PATIENCE).await.unwrap_err();
    assert_eq!((error.code(), error.may_pass()), ("telegram-too-many-requests", true));
    assert_eq!(world.bot.messages_to(ALICE).len(), 1);
}

#[tokio::test]
async fn without_a_connection_a_direct_message_says_so() {
    let world = World::new().await;
    let settings = bulkhead_channels::TelegramSettings { bot_token: "nonsense".into(), ..world.settings() };
    let telegram = Telegram::start(settings, world.store(), Scripted::echo());
    until(&telegram, ChannelState::Failed).await;
    let message = DirectMessage { text: "x", ..DirectMessage::default() };
    let error = telegram.send_direct(ALICE, message, PATIENCE).await.unwrap_err();
    assert_eq!(error.code(), "telegram-not-connected");
    assert!(error.to_string().contains("does not look like one"), "{error}");
}
