use bulkhead_channels::ChannelState;
use bulkhead_fakes::telegram::{Fault, PlannedFault};
use serde_json::json;

use crate::world::{ALICE, Scripted, World, until};

#[tokio::test]
async fn a_429_is_obeyed() {
    let world = World::new().await;
    world.bot.plan(PlannedFault::next("sendMessage", Fault::TooManyRequests { retry_after: 2 }));
    world.bot.plan(PlannedFault::next("editMessageText", Fault::TooManyRequests { retry_after: 1 }));
    let _telegram = world.start(Scripted::echo());
    world.bot.say(ALICE, "x");
    world.bot.wait_for_text(ALICE, "answer to x").await;
    let sends = world.bot.calls_of("sendMessage");
    assert_eq!(sends.iter().map(|call| call.status).collect::<Vec<_>>(), [429, 200]);
    assert!(sends[1].at - sends[0].at >= 2000, "{sends:?}");
    let edits = world.bot.calls_of("editMessageText");
    assert!(edits[1].at - edits[0].at >= 1000, "{edits:?}");
    assert_eq!(world.bot.messages_to(ALICE).len(), 1);
}

/// Each step of an answer goes wrong once.
async fn get_over(fault: Fault, code: &str) {
    let world = World::new().await;
    for method in ["getMe", "getUpdates", "sendMessage", "editMessageText"] {
        world.bot.plan(PlannedFault::next(method, fault.clone()));
    }
    let telegram = world.start(Scripted::echo());
    let status = until(&telegram, ChannelState::Degraded).await;
    assert_eq!(status.code, Some(code));
    world.bot.say(ALICE, "x");
    world.bot.wait_for_text(ALICE, "answer to x").await;
    until(&telegram, ChannelState::Connected).await;
    assert_eq!(world.bot.messages_to(ALICE).len(), 1);
}

#[tokio::test]
async fn a_server_in_trouble_is_got_over() {
    get_over(Fault::Refuse { status: 502, description: "Bad Gateway".into() }, "telegram-server-trouble")
        .await;
}

#[tokio::test]
async fn a_page_of_something_in_between_is_got_over() {
    get_over(Fault::HtmlPage { status: 503 }, "telegram-server-trouble").await;
}

#[tokio::test]
async fn a_captive_portal_is_got_over() {
    get_over(Fault::HtmlPage { status: 200 }, "telegram-not-the-api").await;
}

#[tokio::test]
async fn a_cut_connection_is_got_over() {
    get_over(Fault::CutCall, "telegram-unreachable").await;
}

#[tokio::test]
async fn an_edit_whose_answer_was_lost_is_repeated_without_harm() {
    let world = World::new().await;
    world.bot.fail_next("editMessageText", Fault::CutAnswer);
    let telegram = world.start(Scripted::echo());
    world.bot.say(ALICE, "x");
    world.bot.wait_for_calls("editMessageText", 2).await;
    let edits: Vec<_> = world.bot.calls_of("editMessageText").iter().map(|call| call.status).collect();
    assert_eq!(edits, [200, 400], "the second one changed nothing");
    telegram.drain(std::time::Duration::from_secs(5)).await;
    assert_eq!(world.bot.messages_to(ALICE).len(), 1);
}

#[tokio::test]
async fn a_poll_that_was_cut_loses_nothing_and_repeated_updates_are_answered_once() {
    let world = World::new().await;
    let handler = Scripted::echo();
    let telegram = world.start(handler.clone());
    until(&telegram, ChannelState::Connected).await;
    world.bot.plan(PlannedFault::next("getUpdates", Fault::CutAnswer));
    world.bot.say(ALICE, "one");
    world.bot.wait_for_text(ALICE, "answer to one").await;
    world.bot.plan(PlannedFault::next("getUpdates", Fault::RepeatUpdates { count: 5 }));
    world.bot.say(ALICE, "two");
    world.bot.wait_for_text(ALICE, "answer to two").await;
    world.bot.expect_drained().await;
    assert_eq!(handler.texts(), ["one", "two"]);
    assert_eq!(world.bot.messages_to(ALICE).len(), 2);
}

#[tokio::test]
async fn unknown_updates_are_passed_over_and_do_not_stop_the_line() {
    let world = World::new().await;
    let handler = Scripted::echo();
    let _telegram = world.start(handler.clone());
    world.bot.push_update(json!({"kind_of_next_year": {"anything": [1, 2]}}));
    world.bot.push_update(json!({"message": "of an unknown form"}));
    world.bot.push_update(
        json!({"message": {"message_id": 1, "date": 1, "chat": {"id": ALICE, "type": "private"}}}),
    );
    world.bot.push_update(json!({"message": {
        "message_id": "not a number", "text": "strange but readable", "brand_new": {},
        "chat": {"id": ALICE}, "from": {"id": ALICE},
    }}));
    world.bot.say(ALICE, "after");
    world.bot.wait_for_text(ALICE, "answer to after").await;
    assert_eq!(handler.texts(), ["strange but readable", "after"]);
}

#[tokio::test]
async fn html_that_telegram_can_not_read_goes_out_as_plain_text() {
    let world = World::new().await;
    let refused = Fault::Refuse {
        status: 400,
        description: "Bad Request: can't parse entities: Unsupported start tag \"x\" at byte offset 0".into(),
    };
    world.bot.plan(PlannedFault::next("editMessageText", refused));
    let _telegram = world.start(Scripted::echo());
    world.bot.say(ALICE, "*x* & y");
    let message = world.bot.wait_for_text(ALICE, "answer to *x* & y").await;
    assert_eq!(message.now.parse_mode, None);
}

#[tokio::test]
async fn a_placeholder_that_somebody_deleted_is_placed_anew() {
    let world = World::new().await;
    let bot = world.bot.clone();
    let handler = Scripted::new(move |_, mut reply| {
        let bot = bot.clone();
        async move {
            reply.stream("half").await;
            let shown = bot.wait_for_text(ALICE, "half").await;
            bot.delete(shown.message_id);
            reply.finish("whole").await.unwrap();
        }
    });
    let _telegram = world.start(handler);
    world.bot.say(ALICE, "x");
    world.bot.wait_for_text(ALICE, "whole").await;
    assert_eq!(world.bot.messages_to(ALICE).len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::new().await;
    let other = World::new().await;
    world.bot.fail_next("getMe", Fault::Redirect { location: other.server.base_url.clone() });
    let telegram = world.start(Scripted::echo());
    let status = until(&telegram, ChannelState::Degraded).await;
    assert_eq!(status.code, Some("telegram-not-the-api"));
    until(&telegram, ChannelState::Connected).await;
    assert_eq!(other.bot.calls(), []);
}
