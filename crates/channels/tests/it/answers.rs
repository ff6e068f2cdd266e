use std::sync::Arc;

use bulkhead_channels::{Channel, ChannelState, Telegram, TelegramSettings, check_token};
use tokio::sync::{Notify, Semaphore};

use crate::world::{ALICE, MALLORY, Scripted, TOKEN, World, until};

#[tokio::test]
async fn the_start_is_as_the_real_gateway_makes_it() {
    let world = World::new().await;
    let telegram = world.start(Scripted::echo());
    let status = until(&telegram, ChannelState::Connected).await;
    let bot = status.bot.unwrap();
    assert_eq!((bot.id, bot.username.as_deref()), (777_000_111, Some("ref_test_bot")));
    assert_eq!(status.detail, "connected as @ref_test_bot");
    world.bot.expect_poll().await;
    let methods: Vec<_> = world.bot.calls().into_iter().map(|call| call.method).collect();
    assert_eq!(
        methods[..7],
        [
            "getMe",
            "deleteWebhook",
            "deleteMyCommands",
            "deleteMyCommands",
            "setMyCommands",
            "setMyCommands",
            "getUpdates"
        ]
    );
    assert_eq!(world.bot.commands()[1]["command"], "status");
    let polls = world.bot.calls_of("getUpdates");
    assert_eq!((&polls[0].params["timeout"], &polls[1].params["timeout"]), (&0.into(), &30.into()));
}

#[tokio::test]
async fn an_answer_is_typed_placed_and_completed_by_an_edit() {
    let world = World::new().await;
    let handler = Scripted::echo();
    let telegram = world.start(handler.clone());
    world.bot.say(ALICE, "hello *bot*");
    let message = world.bot.wait_for_text(ALICE, "answer to hello bot").await;
    let texts: Vec<_> = message.revisions.iter().map(|revision| revision.text.as_str()).collect();
    assert_eq!(texts, ["…", "answer to hello bot"]);
    assert_eq!(message.now.source, "answer to hello <i>bot</i>");
    let seen = handler.seen.lock().unwrap()[0].clone();
    assert_eq!((seen.peer.clone(), seen.is_group), (ALICE.to_string(), false));
    assert_eq!((seen.attempt, seen.sender.id.as_str()), (1, "111222333"));
    assert!(seen.run_id.starts_with("telegram:default#777000111:"), "{}", seen.run_id);
    telegram.drain(std::time::Duration::from_secs(5)).await;
    let store = world.store();
    let account = "default#777000111";
    assert_eq!(store.outbox().pending("telegram", account).await.unwrap(), []);
    assert_eq!(store.inbox().pending("telegram", account).await.unwrap(), []);
}

#[tokio::test]
async fn an_answer_grows_while_it_is_written() {
    let world = World::new().await;
    let bot = world.bot.clone();
    let handler = Scripted::new(move |_, mut reply| {
        let bot = bot.clone();
        async move {
            let mut text = String::new();
            for word in ["one", " **two", " three**"] {
                text.push_str(word);
                reply.stream(&text).await;
                bot.wait_for_text(ALICE, word.trim_matches([' ', '*'])).await;
                assert_eq!(bot.calls_of("sendChatAction")[0].params["action"], "typing");
            }
            reply.finish(&format!("{text} four")).await.unwrap();
        }
    });
    let _telegram = world.start(handler);
    world.bot.say(ALICE, "count");
    let message = world.bot.wait_for_text(ALICE, "four").await;
    let texts: Vec<_> = message.revisions.iter().map(|revision| revision.text.as_str()).collect();
    assert_eq!(texts, ["…", "one", "one **two", "one two three", "one two three four"]);
    for pair in message.revisions[1..4].windows(2) {
        assert!(pair[1].at - pair[0].at >= 900, "about one edit a second");
    }
    assert_eq!(world.bot.messages_to(ALICE).len(), 1);
}

#[tokio::test]
async fn without_streaming_nothing_is_shown_before_the_end() {
    let world = World::new().await;
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    let handler = Scripted::new(move |_, mut reply| {
        let gate = opened.clone();
        async move {
            reply.stream("half").await;
            gate.notified().await;
            reply.finish("whole").await.unwrap();
        }
    });
    let settings = TelegramSettings { streaming: false, ..world.settings() };
    let _telegram = Telegram::start(settings, world.store(), handler);
    world.bot.say(ALICE, "x");
    world.bot.wait_for_calls("sendChatAction", 2).await;
    assert_eq!(world.bot.messages_to(ALICE), []);
    gate.notify_one();
    let message = world.bot.wait_for_text(ALICE, "whole").await;
    assert_eq!(message.revisions.len(), 2);
}

#[tokio::test]
async fn hostile_markdown_is_shown_and_fetches_nothing() {
    let world = World::new().await;
    let handler = Scripted::new(|_, reply| async move {
        let text = "<img src=x onerror=alert(1)> ![pixel](https://evil.example/p.png) <b>unclosed **and [x](javascript:1)";
        reply.finish(text).await.unwrap();
    });
    let _telegram = world.start(handler);
    world.bot.say(ALICE, "x");
    let message = world.bot.wait_for_text(ALICE, "onerror").await;
    assert_eq!(message.now.text, "<img src=x onerror=alert(1)> 🖼 pixel <b>unclosed **and x");
    assert_eq!(message.now.entities.len(), 1, "only the link to the image");
    let edit = &world.bot.calls_of("editMessageText")[0];
    assert_eq!(edit.params["link_preview_options"]["is_disabled"], true, "Telegram fetches nothing either");
}

#[tokio::test]
async fn long_answers_come_in_several_messages_in_order() {
    let world = World::new().await;
    let long = "Paragraph after paragraph has a few words in it.\n\n".repeat(300);
    let code = format!("```rust\n{}```\nEnd of it.", "let x = 1;\n".repeat(600));
    let answer = format!("{long}{code}");
    let expected = answer.clone();
    let handler = Scripted::new(move |_, mut reply| {
        let answer = answer.clone();
        async move {
            reply.stream(&answer[..3000]).await;
            reply.finish(&answer).await.unwrap();
        }
    });
    let _telegram = world.start(handler);
    world.bot.say(ALICE, "x");
    world.bot.wait_for_text(ALICE, "End of it.").await;
    let messages = world.bot.messages_to(ALICE);
    assert!(messages.len() >= 4, "{}", messages.len());
    assert!(messages.iter().all(|message| message.now.text.encode_utf16().count() <= 4096));
    let text: String = messages.iter().map(|message| message.now.text.clone() + "\n").collect();
    assert_eq!(text.matches("Paragraph after").count(), 300);
    assert_eq!(text.matches("let x = 1;").count(), expected.matches("let x = 1;").count());
    let in_code = messages.iter().filter(|message| message.now.text.contains("let x"));
    assert!(in_code.into_iter().all(|message| message.now.entities.iter().any(|e| e["language"] == "rust")));
}

#[tokio::test]
async fn a_chat_is_answered_in_order_and_does_not_hold_up_another() {
    let world = World::new().await;
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let handler = Scripted::new(move |message, reply| {
        let gate = opened.clone();
        async move {
            if message.sender.id == ALICE.to_string() {
                gate.acquire().await.unwrap().forget();
            }
            reply.finish(&format!("answer to {}", message.text)).await.unwrap();
        }
    });
    let settings =
        TelegramSettings { allow_from: vec![ALICE.to_string(), MALLORY.to_string()], ..world.settings() };
    let _telegram = Telegram::start(settings, world.store(), handler.clone());
    for text in ["first", "second", "third"] {
        world.bot.say(ALICE, text);
    }
    world.bot.say(MALLORY, "other");
    world.bot.wait_for_text(MALLORY, "answer to other").await;
    assert_eq!(world.bot.messages_to(ALICE), []);
    world.bot.say(ALICE, "/status");
    world.bot.wait_for_text(ALICE, "Telegram: connected").await;
    world.bot.say(ALICE, "/new");
    world.bot.wait_for_text(ALICE, "A new conversation in 111222333.").await;
    gate.add_permits(3);
    world.bot.wait_for_text(ALICE, "answer to third").await;
    let alice: Vec<_> = handler.texts().into_iter().filter(|text| text != "other").collect();
    assert_eq!(alice, ["first", "second", "third"]);
}

#[tokio::test]
async fn commands_are_answered_by_whoever_knows_them() {
    let world = World::new().await;
    let handler = Scripted::echo();
    let _telegram = world.start(handler.clone());
    world.bot.say(ALICE, "/start");
    world.bot.wait_for_text(ALICE, "Hello!").await;
    world.bot.say(ALICE, "/help@ref_test_bot");
    world.bot.wait_for_text(ALICE, "• /status: Show how I am").await;
    world.bot.say(ALICE, "/unknown thing");
    world.bot.wait_for_text(ALICE, "answer to /unknown thing").await;
    assert_eq!(handler.texts(), ["/unknown thing"]);
}

#[tokio::test]
async fn no_answer_takes_the_placeholder_away_and_other_kinds_are_told() {
    let world = World::new().await;
    let bot = world.bot.clone();
    let handler = Scripted::new(move |_, mut reply| {
        let bot = bot.clone();
        async move {
            reply.stream("never mind").await;
            bot.wait_for_text(ALICE, "never mind").await;
        }
    });
    let _telegram = world.start(handler);
    world.bot.say(ALICE, "x");
    world.bot.wait_for_calls("deleteMessage", 1).await;
    assert_eq!(world.bot.messages_to(ALICE), []);
    world.bot.push_update(serde_json::json!({"message": {
        "message_id": 77, "date": 1, "voice": {"duration": 3},
        "chat": {"id": ALICE, "type": "private"}, "from": {"id": ALICE, "is_bot": false, "first_name": "a"},
    }}));
    world.bot.wait_for_text(ALICE, "I can read text only").await;
}

#[tokio::test]
async fn a_message_of_its_own_and_what_can_not_be_delivered() {
    let world = World::new().await;
    let telegram = world.start(Scripted::echo());
    let channel: &dyn Channel = &telegram;
    assert_eq!((channel.name(), channel.account()), ("telegram", "default"));
    world.bot.open_chat(ALICE);
    channel.send("5", "to nobody").await.unwrap();
    channel.send("nonsense", "to nobody").await.unwrap();
    world.bot.block(MALLORY, true);
    channel.send("999", "to somebody who blocked the bot").await.unwrap();
    channel.send("111222333", "An **alert**.").await.unwrap();
    let message = world.bot.wait_for_text(ALICE, "An alert.").await;
    assert_eq!(message.now.source, "An <b>alert</b>.");
    channel.stop().await;
    assert_eq!(telegram.status().borrow().state, ChannelState::Stopped);
    let audit = world.store().audit().list(10, None).await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.action == "outbox.undeliverable").count(), 3);
    let account = "default#777000111";
    assert_eq!(world.store().outbox().pending("telegram", account).await.unwrap(), []);
}

#[tokio::test]
async fn a_token_is_checked_for_the_wizard_also_through_a_proxy() {
    let world = World::new().await;
    let root = Some(world.server.base_url.as_str());
    let bot = check_token(root, &TOKEN.into(), None).await.unwrap();
    assert_eq!((bot.id, bot.name.as_str()), (777_000_111, "ref_test_bot"));
    let bad = check_token(root, &"777000111:other".into(), None).await.unwrap_err();
    assert_eq!(bad.code(), "telegram-bad-token");
    assert_eq!(
        check_token(root, &"other".into(), None).await.unwrap_err().code(),
        "telegram-malformed-token"
    );
    // The stand-in answers whatever host it is asked for, so it can stand in for a proxy too.
    let proxy = world.server.base_url.as_str().into();
    let through = check_token(Some("http://telegram.invalid"), &TOKEN.into(), Some(&proxy)).await.unwrap();
    assert_eq!(through.id, 777_000_111);
}
