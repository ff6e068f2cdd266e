//! What a crash leaves.

use std::sync::atomic::Ordering;

use bulkhead_protocol::methods::cron::RunStatusWord;
use serde_json::json;

use crate::world::{NOON, World, at, every, turn};

#[tokio::test]
async fn a_run_that_a_crash_cut_off_is_said_to_be_interrupted_and_never_begun_again() {
    let world = World::new();
    world.host.0.hold.store(true, Ordering::SeqCst);
    let life = world.start().await;
    life.add(turn("once", at(NOON + 1000))).await;
    life.add(turn("often", every(60_000))).await;
    world.clock.forward(1000);
    life.until("it runs", |script| script.held.load(Ordering::SeqCst) == 1).await;
    life.kill().await;
    world.host.0.hold.store(false, Ordering::SeqCst);
    let life = world.start().await;
    let jobs = life.engine.jobs().await.unwrap();
    let once = jobs.iter().find(|job| job.name == "once").unwrap();
    assert!(!once.enabled && once.state.running_at_ms.is_none() && once.state.next_run_at_ms.is_none());
    assert!(once.state.last_error.as_deref().unwrap().contains("not begun again"));
    let runs = life.runs().await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].status, Some(RunStatusWord::Error));
    world.clock.forward(600_000);
    life.finished(1).await;
    assert_eq!(life.begun(), 2, "the interrupted one, and one of the other job");
    // Another start finds nothing more to say.
    life.stop().await;
    let life = world.start().await;
    assert_eq!(life.runs().await.len(), 2);
}

#[tokio::test]
async fn an_orderly_stop_records_the_same() {
    let world = World::new();
    world.host.0.hold.store(true, Ordering::SeqCst);
    let life = world.start().await;
    let job = life.add(turn("often", every(60_000))).await;
    world.clock.forward(60_000);
    life.until("it runs", |script| script.held.load(Ordering::SeqCst) == 1).await;
    life.stop().await;
    let life = world.start().await;
    let job = life.engine.get(&job.id).await.unwrap();
    assert_eq!(job.state.last_run_status, Some(RunStatusWord::Error));
    assert_eq!(
        job.state.next_run_at_ms,
        Some(NOON + 120_000),
        "its next time, without a pause of its own before"
    );
}

#[tokio::test]
async fn what_waits_for_its_turn_at_a_crash_is_forgotten() {
    let world = World::new();
    let life = world.start().await;
    let job = life.add(turn("often", every(60_000))).await;
    let store = life.store.clone();
    life.kill().await;
    let queued = bulkhead_store::CronRunRow {
        id: "manual:x".into(),
        job_id: job.id.clone(),
        agent_id: None,
        state: bulkhead_store::CronRunState::Queued,
        at: NOON,
        status: None,
        delivery: None,
        entry: json!({}),
    };
    store.cron().decide(&job.id, move |_| (vec![bulkhead_store::CronWrite::Run(queued)], ())).await.unwrap();
    let life = world.start().await;
    assert!(life.store.cron().open_runs().await.unwrap().is_empty());
    assert_eq!(life.begun(), 0);
}
