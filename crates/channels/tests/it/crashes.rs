//! `kill -9` at every step of a message's way, and at random: nothing is lost, nothing is said twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bulkhead_channels::Telegram;
use bulkhead_fakes::telegram::{BotControl, Fault, PlannedFault};
use tokio::runtime::{Builder, Runtime};

use crate::world::{ALICE, Scripted, World, open_store, settings};

const CHILD: &str = "BULKHEAD_CHANNELS_TEST_CHILD";

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A gateway in a runtime of its own; ending that runtime ends it between two instructions, as a kill does.
fn gateway(world: &World, handler: Arc<Scripted>) -> Runtime {
    let runtime = runtime();
    let (settings, dir) = (world.settings(), world.dir.path().to_owned());
    runtime.spawn(async move {
        let _telegram = Telegram::start(settings, open_store(&dir), handler);
        std::future::pending::<()>().await;
    });
    runtime
}

/// Messages that say `text`, and empty placeholders.
fn count(bot: &BotControl, text: &str) -> (usize, usize) {
    let messages = bot.messages_to(ALICE);
    let of = |text: &str| messages.iter().filter(|message| message.now.text == text).count();
    assert_eq!(messages.len(), of(text) + of("…"), "{messages:#?}");
    (of(text), of("…"))
}

/// Kills the gateway while `method` is held, before or after it took effect, and starts another.
async fn killed_at(method: &str, fault: Fault) -> (usize, usize, usize) {
    let world = World::new().await;
    let handler = Scripted::echo();
    world.bot.plan(PlannedFault::next(method, fault.clone()));
    let first = gateway(&world, handler.clone());
    world.bot.say(ALICE, "x");
    world.bot.expect("held call", |bot| (!bot.calls_of(method).is_empty()).then_some(())).await;
    if fault == Fault::HoldAnswer {
        // What it does is visible before its answer is held.
        world.bot.expect("effect", |bot| (!bot.messages_to(ALICE).is_empty()).then_some(())).await;
    }
    first.shutdown_background();
    world.bot.release();
    let second = gateway(&world, handler.clone());
    world.bot.wait_for_text(ALICE, "answer to x").await;
    world.bot.expect_drained().await;
    world.bot.say(ALICE, "/start");
    let hello = world.bot.wait_for_text(ALICE, "Hello!").await;
    world.bot.delete(hello.message_id);
    second.shutdown_background();
    let (answers, placeholders) = count(&world.bot, "answer to x");
    (answers, placeholders, handler.seen.lock().unwrap().len())
}

#[tokio::test]
async fn killed_before_the_placeholder_is_sent() {
    // The held call is carried out when it is released, after the kill: the server may do that.
    let (answers, placeholders, runs) = killed_at("sendMessage", Fault::Hold).await;
    assert_eq!((answers, runs), (1, 1));
    assert!(placeholders <= 1);
}

#[tokio::test]
async fn killed_before_the_placeholders_id_is_recorded() {
    let (answers, placeholders, runs) = killed_at("sendMessage", Fault::HoldAnswer).await;
    assert_eq!((answers, placeholders, runs), (1, 1, 1));
}

#[tokio::test]
async fn killed_before_the_edit() {
    let (answers, placeholders, runs) = killed_at("editMessageText", Fault::Hold).await;
    assert_eq!((answers, placeholders, runs), (1, 0, 1));
}

#[tokio::test]
async fn killed_before_the_row_is_deleted() {
    let (answers, placeholders, runs) = killed_at("editMessageText", Fault::HoldAnswer).await;
    assert_eq!((answers, placeholders, runs), (1, 0, 1));
}

#[tokio::test]
async fn killed_while_an_answer_is_shown_growing() {
    let world = World::new().await;
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let handler = Scripted::new(move |message, mut reply| {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            assert_eq!(message.attempt == 1, first);
            // Whoever answers decides by what the chat saw.
            let shown = (!first).then(|| "half an answer".to_owned());
            assert_eq!(message.shown, shown);
            reply.stream("half an answer").await;
            if first {
                std::future::pending::<()>().await;
            }
            reply.finish("whole answer").await.unwrap();
        }
    });
    let first = gateway(&world, handler.clone());
    world.bot.say(ALICE, "x");
    world.bot.wait_for_text(ALICE, "half an answer").await;
    first.shutdown_background();
    let second = gateway(&world, handler);
    let message = world.bot.wait_for_text(ALICE, "whole answer").await;
    assert_eq!(message.message_id, world.bot.all_messages()[0].message_id, "the same message is completed");
    second.shutdown_background();
    assert_eq!(count(&world.bot, "whole answer"), (1, 0));
}

#[tokio::test]
async fn what_brings_every_try_down_is_given_up() {
    let world = World::new().await;
    let handler = Scripted::new(|message, reply| async move {
        assert_ne!(message.text, "poison", "down with it");
        reply.finish("fine").await.unwrap();
    });
    let _telegram = world.start(handler.clone());
    world.bot.say(ALICE, "poison");
    world.bot.say(ALICE, "water");
    world.bot.wait_for_text(ALICE, "I began to answer this 5 times").await;
    world.bot.wait_for_text(ALICE, "fine").await;
    assert_eq!(handler.texts().len(), 6);
}

/// Runs as a process of its own and answers until it is killed.
#[test]
fn child_that_answers_until_killed() {
    let Ok(setup) = std::env::var(CHILD) else { return };
    let (base_url, dir) = setup.split_once(' ').unwrap();
    let handler = Scripted::new(|message, mut reply| async move {
        reply.stream(&format!("working on {}", message.text)).await;
        reply.finish(&format!("answer to {}", message.text)).await.unwrap();
    });
    runtime().block_on(async {
        let _telegram = Telegram::start(settings(base_url), open_store(Path::new(dir)), handler);
        std::future::pending::<()>().await;
    });
}

fn spawn_child(world: &World) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crashes::child_that_answers_until_killed", "--nocapture"])
        .env(CHILD, format!("{} {}", world.server.base_url, world.dir.path().display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn killed_again_and_again_every_message_is_answered_once() {
    const KILLS: usize = 8;
    const EACH: usize = 5;
    let world = World::new().await;
    let mut said = 0;
    for round in 0..KILLS {
        let mut child = spawn_child(&world);
        for _ in 0..EACH {
            world.bot.say(ALICE, &format!("#{said}#"));
            said += 1;
        }
        // Another moment in each round: after so many calls of the API.
        let enough = world.bot.calls().len() + 8 + 2 * round;
        let last = format!("answer to #{}#", said - 1);
        let moment = |bot: &BotControl| {
            let idle = bot.messages_to(ALICE).iter().any(|message| message.now.text == last);
            (idle || bot.calls().len() >= enough).then_some(())
        };
        world.bot.expect("moment to kill", moment).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut child = spawn_child(&world);
    world.bot.wait_for_text(ALICE, &format!("answer to #{}#", said - 1)).await;
    let done = |bot: &BotControl| {
        let answered = bot.messages_to(ALICE).iter().filter(|m| m.now.text.starts_with("answer to")).count();
        (answered >= said).then_some(())
    };
    world.bot.expect("an answer to each", done).await;
    world.bot.say(ALICE, "/start");
    world.bot.wait_for_text(ALICE, "Hello!").await;
    child.kill().unwrap();
    child.wait().unwrap();

    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    for message in world.bot.messages_to(ALICE) {
        *answers.entry(message.now.text).or_default() += 1;
    }
    let strays = answers.remove("…").unwrap_or(0);
    answers.retain(|text, _| !text.starts_with("Hello!"));
    assert!(strays <= KILLS, "{strays} stray placeholders after {KILLS} kills");
    let expected: BTreeMap<String, usize> = (0..said).map(|n| (format!("answer to #{n}#"), 1)).collect();
    assert_eq!(answers, expected);
}
