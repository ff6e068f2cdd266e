//! A disk that takes nothing for a while, and a clock that is set back: nothing is lost, nothing is said twice, and no
//! restart is needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bulkhead_channels::Telegram;
use bulkhead_fakes::telegram::{BotControl, Fault};
use bulkhead_store::{Store, StoreOptions};
use rusqlite::Connection;

use crate::world::{ALICE, Scripted, World};

/// Makes every change that `on` describes fail, and counts the tries: a trigger that fails keeps what was changed before.
struct Refusal(Connection);

impl Refusal {
    fn of(world: &World, on: &str) -> Self {
        let db = Connection::open(world.dir.path().join("bulkhead.sqlite")).unwrap();
        db.busy_timeout(Duration::from_secs(5)).unwrap();
        db.execute_batch(&format!(
            "CREATE TABLE tries (at INTEGER);
             CREATE TRIGGER refuse BEFORE {on} BEGIN
               INSERT INTO tries VALUES (1); SELECT RAISE(FAIL, 'no space left');
             END"
        ))
        .unwrap();
        Self(db)
    }

    /// Waits until so many tries failed.
    async fn tried(&self, times: i64) {
        let count =
            || -> i64 { self.0.query_row("SELECT count(*) FROM tries", [], |row| row.get(0)).unwrap() };
        let waiting = async {
            while count() < times {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
    }

    fn end(self) {
        self.0.execute_batch("DROP TRIGGER refuse").unwrap();
    }
}

fn said(bot: &BotControl) -> Vec<String> {
    bot.messages_to(ALICE).into_iter().map(|message| message.now.text).collect()
}

#[tokio::test]
async fn a_disk_that_refuses_the_id_of_a_placeholder_does_not_cost_one_per_try() {
    let world = World::new().await;
    let store = world.store();
    let refusal = Refusal::of(&world, "UPDATE OF message_id ON outbox");
    let telegram = Telegram::start(world.settings(), store, Scripted::echo());
    world.bot.say(ALICE, "x");
    refusal.tried(3).await;
    assert_eq!(said(&world.bot), ["…"], "one message, however often its number could not be recorded");
    refusal.end();
    world.bot.wait_for_text(ALICE, "answer to x").await;
    world.bot.expect_drained().await;
    assert_eq!(said(&world.bot), ["answer to x"]);
    telegram.stop().await;
}

#[tokio::test]
async fn an_answer_that_could_not_be_recorded_goes_out_as_soon_as_it_can() {
    let world = World::new().await;
    let store = world.store();
    let refusal = Refusal::of(&world, "UPDATE OF state ON inbox");
    let handler = Scripted::new(|message, reply| async move {
        let _ = reply.finish(&format!("answer to {}", message.text)).await;
    });
    let telegram = Telegram::start(world.settings(), store, handler.clone());
    world.bot.say(ALICE, "x");
    let tried_again = async {
        while handler.texts().len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), tried_again).await.unwrap();
    assert!(said(&world.bot).is_empty(), "nothing is said that is not on record");
    assert!(handler.seen.lock().unwrap().iter().all(|message| message.attempt == 1), "no try was wasted");
    refusal.end();
    world.bot.wait_for_text(ALICE, "answer to x").await;
    assert_eq!(said(&world.bot), ["answer to x"]);
    telegram.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_no_message_up() {
    let world = World::new().await;
    let ahead = Arc::new(AtomicI64::new(2 * 24 * 60 * 60 * 1000));
    let clock = ahead.clone();
    let options = StoreOptions {
        clock: Arc::new(move || {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            i64::try_from(now.as_millis()).unwrap() + clock.load(Ordering::SeqCst)
        }),
    };
    let store = Store::open_with(world.dir.path().join("bulkhead.sqlite"), options).unwrap();
    world.bot.fail_next("sendMessage", Fault::HtmlPage { status: 502 });
    let telegram = Telegram::start(world.settings(), store.clone(), Scripted::echo());
    world.bot.say(ALICE, "x");
    world.bot.wait_for_calls("sendMessage", 1).await;
    // It is to be tried again in a moment, by a clock that is then two days behind.
    ahead.store(0, Ordering::SeqCst);
    world.bot.wait_for_text(ALICE, "answer to x").await;
    telegram.stop().await;
}
