use bulkhead_channels::{ChannelState, Telegram, TelegramSettings};
use bulkhead_fakes::telegram::{Fault, TelegramServer, TelegramServerOptions};

use crate::world::{ALICE, Scripted, TOKEN, World, settings, until};

#[tokio::test]
async fn a_bad_token_is_told_and_not_tried_again_until_there_is_another() {
    let world = World::new().await;
    let bad = TelegramSettings { bot_token: "777000111:revoked".into(), ..world.settings() };
    let telegram = Telegram::start(bad, world.store(), Scripted::echo());
    let status = until(&telegram, ChannelState::Failed).await;
    assert_eq!(status.code, Some("telegram-bad-token"));
    assert_eq!(
        status.detail,
        format!(
            "Telegram refused the bot token (401 from {}). Expected a token that @BotFather gave and that was not \
             revoked since; ask @BotFather for it with /token, and set it again.",
            world.server.base_url
        )
    );
    telegram.reload(world.settings()).await;
    until(&telegram, ChannelState::Connected).await;
    world.bot.say(ALICE, "x");
    world.bot.wait_for_text(ALICE, "answer to x").await;

    world.bot.revoke(true);
    assert_eq!(until(&telegram, ChannelState::Failed).await.code, Some("telegram-bad-token"));
}

#[tokio::test]
async fn a_revoked_token_is_told_while_a_poll_still_waits() {
    let world = World::new().await;
    let watched = TelegramSettings { token_check: true, ..world.settings() };
    let telegram = Telegram::start(watched, world.store(), Scripted::echo());
    until(&telegram, ChannelState::Connected).await;
    world.bot.expect_poll().await;
    let refuse = Fault::Refuse { status: 401, description: "Unauthorized".to_owned() };
    world.bot.fail_next("getMe", refuse);
    let began = std::time::Instant::now();
    assert_eq!(until(&telegram, ChannelState::Failed).await.code, Some("telegram-bad-token"));
    assert!(began.elapsed() < std::time::Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
async fn settings_that_allow_no_connection_say_why() {
    let world = World::new().await;
    for (settings, code) in [
        (TelegramSettings { bot_token: "nonsense".into(), ..world.settings() }, "telegram-malformed-token"),
        (TelegramSettings { api_root: Some("ftp://x".into()), ..world.settings() }, "telegram-bad-api-root"),
        (TelegramSettings { proxy: Some("nonsense".into()), ..world.settings() }, "telegram-bad-proxy"),
    ] {
        let telegram = Telegram::start(settings, world.store(), Scripted::echo());
        assert_eq!(until(&telegram, ChannelState::Failed).await.code, Some(code));
        telegram.reload(world.settings()).await;
        until(&telegram, ChannelState::Connected).await;
        telegram.stop().await;
    }
}

#[tokio::test]
async fn another_poller_is_told_and_the_line_recovers_what_it_can() {
    let world = World::new().await;
    let first = world.start(Scripted::echo());
    until(&first, ChannelState::Connected).await;
    world.bot.expect_poll().await;
    let other_dir = tempfile::tempdir().unwrap();
    let second =
        Telegram::start(world.settings(), crate::world::open_store(other_dir.path()), Scripted::echo());
    let status = until(&first, ChannelState::Degraded).await;
    assert_eq!(status.code, Some("telegram-conflict"));
    assert!(
        status.detail.starts_with("another program receives the messages of this bot (409 Conflict from ")
    );
    assert!(status.detail.ends_with("or give each profile a bot of its own."), "{}", status.detail);
    second.stop().await;
    world.bot.say(ALICE, "still there?");
    world.bot.wait_for_text(ALICE, "answer to still there?").await;
}

#[tokio::test]
async fn a_server_that_is_away_is_awaited() {
    let world = World::new().await;
    let away = {
        let server = TelegramServer::start(TelegramServerOptions::default()).await.unwrap();
        server.address
    };
    let telegram = Telegram::start(settings(&format!("http://{away}")), world.store(), Scripted::echo());
    let status = until(&telegram, ChannelState::Degraded).await;
    assert_eq!(status.code, Some("telegram-unreachable"));
    assert!(
        status.detail.starts_with(&format!("http://{away} could not be reached for getMe: ")),
        "{}",
        status.detail
    );
    let back = loop {
        if let Ok(server) = TelegramServer::start(TelegramServerOptions::default().at(away)).await {
            break server;
        }
        tokio::task::yield_now().await;
    };
    let bot = back.control.add_bot(TOKEN, "ref_test_bot");
    bot.say(ALICE, "x");
    bot.wait_for_text(ALICE, "answer to x").await;
}

#[tokio::test]
async fn an_answer_begun_for_one_bot_is_not_given_by_another() {
    let world = World::new().await;
    let second = world.server.control.add_bot("888:second_bot_token", "second_bot");
    second.open_chat(ALICE);
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    let opened = gate.clone();
    let handler = Scripted::new(move |message, reply| {
        let gate = opened.clone();
        async move {
            if message.text == "slow" {
                gate.notified().await;
            }
            reply.finish(&format!("answer to {}", message.text)).await.unwrap();
        }
    });
    let telegram = world.start(handler);
    world.bot.say(ALICE, "slow");
    world.bot.wait_for_calls("sendChatAction", 1).await;
    telegram.reload(TelegramSettings { bot_token: second.token().into(), ..world.settings() }).await;
    second.expect_poll().await;
    gate.notify_one();
    second.say(ALICE, "quick");
    second.say(ALICE, "quicker");
    second.wait_for_text(ALICE, "answer to quicker").await;
    assert_eq!(second.messages_to(ALICE).len(), 2);
    assert_eq!(telegram.status().borrow().bot.as_ref().unwrap().id, 888);
    // Back with the first bot, its answer goes out.
    telegram.reload(world.settings()).await;
    world.bot.wait_for_text(ALICE, "answer to slow").await;
}
