//! When things run.

use serde_json::json;

use crate::world::{NOON, World, at, every, policy, turn};

#[tokio::test]
async fn an_interval_runs_at_its_times_and_a_one_shot_goes_when_it_is_done() {
    let world = World::new();
    let life = world.start().await;
    let job = life.add(turn("often", every(60_000))).await;
    assert_eq!(job.state.next_run_at_ms, Some(NOON + 60_000));
    life.add(turn("once", at(NOON + 30_000))).await;
    world.clock.forward(29_999);
    assert_eq!(life.begun(), 0);
    world.clock.forward(1);
    life.finished(1).await;
    life.until("gone", |script| script.told.lock().unwrap().contains(&("once".into(), "removed"))).await;
    assert_eq!(life.engine.jobs().await.unwrap().len(), 1);
    world.clock.forward(30_000);
    life.finished(2).await;
    let job = life.engine.get(&job.id).await.unwrap();
    assert_eq!(job.state.next_run_at_ms, Some(NOON + 120_000));
    assert_eq!(
        job.state.last_run_status.map(bulkhead_protocol::methods::cron::RunStatusWord::as_str),
        Some("ok")
    );
    let runs = life.runs().await;
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].completion_status, Some(bulkhead_protocol::methods::cron::CompletionWord::Succeeded));
}

#[tokio::test]
async fn what_was_missed_runs_once_after_a_restart_and_not_at_once() {
    let world = World::new();
    let life = world.start().await;
    life.add(turn("often", every(60_000))).await;
    life.add(turn("once", at(NOON + 30_000))).await;
    life.stop().await;
    world.clock.forward(3_600_000);
    let life = world.start().await;
    assert_eq!(life.begun(), 0, "a start has more urgent things to do");
    world.clock.forward(130_000);
    life.finished(2).await;
    let job = &life.engine.jobs().await.unwrap()[0];
    assert_eq!(job.state.next_run_at_ms, Some(NOON + 3_780_000), "one run for all that was missed");
    life.stop().await;
    let life = world.start().await;
    assert_eq!(life.begun(), 2);
}

#[tokio::test]
async fn missed_times_can_be_left_out() {
    let world = World::new();
    let life = world.start().await;
    let job = life.add(turn("often", every(60_000))).await;
    life.stop().await;
    world.clock.forward(90_000);
    *world.host.0.policy.lock().unwrap() = Some(bulkhead_schedule::Policy { skip_missed: true, ..policy() });
    let life = world.start().await;
    assert_eq!(life.engine.get(&job.id).await.unwrap().state.next_run_at_ms, Some(NOON + 120_000));
}

#[tokio::test]
async fn a_clock_that_was_wrong_does_not_stop_a_job_for_years() {
    let world = World::new();
    let wrong = NOON + 4 * 366 * 86_400_000;
    world.clock.set(wrong);
    let life = world.start().await;
    let job = life.add(turn("often", every(60_000))).await;
    assert_eq!(job.state.next_run_at_ms, Some(wrong + 60_000));
    world.clock.set(NOON);
    life.add(turn("other", every(3_600_000))).await;
    // The engine is woken by the clock itself.
    let mut next = None;
    for _ in 0..1000 {
        next = life.engine.get(&job.id).await.unwrap().state.next_run_at_ms;
        if next < Some(wrong) {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(next, Some(NOON + 60_000));
    world.clock.forward(60_000);
    life.finished(1).await;
}

#[tokio::test]
async fn no_more_runs_than_allowed_and_the_next_one_when_there_is_room() {
    let world = World::new();
    *world.host.0.policy.lock().unwrap() = Some(bulkhead_schedule::Policy { most_runs: 1, ..policy() });
    world.host.0.hold.store(true, std::sync::atomic::Ordering::SeqCst);
    let life = world.start().await;
    for name in ["one", "two"] {
        life.add(turn(name, at(NOON + 1000))).await;
    }
    world.clock.forward(1000);
    life.until("one is held", |script| script.held.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
    tokio::task::yield_now().await;
    assert_eq!(life.begun(), 1);
    world.host.0.gate.notify_one();
    life.until("two is held", |script| script.held.load(std::sync::atomic::Ordering::SeqCst) == 2).await;
    world.host.0.gate.notify_one();
    life.finished(2).await;
}

#[tokio::test]
async fn off_is_off_and_by_hand_still_works() {
    let world = World::new();
    *world.host.0.policy.lock().unwrap() = Some(bulkhead_schedule::Policy { enabled: false, ..policy() });
    let life = world.start().await;
    let job = life.add(turn("often", every(60_000))).await;
    world.clock.forward(60_000);
    let mode = |mode: &str| serde_json::from_value(json!(mode)).unwrap();
    let asked = life.engine.run_now(&job.id, mode("force")).await.unwrap();
    assert!(matches!(asked, bulkhead_schedule::RunNow::Enqueued(_)));
    life.finished(1).await;
    assert_eq!(life.begun(), 1);
}
