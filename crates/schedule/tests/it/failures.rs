//! Failures one after another, and who hears of them.

use bulkhead_protocol::methods::cron::DeliveryStatus;
use bulkhead_schedule::{AlertKind, Outcome};

use crate::world::{NOON, World, at, every, turn};

fn fails(world: &World, why: &str, times: usize) {
    let mut outcomes = world.host.0.outcomes.lock().unwrap();
    outcomes.extend(std::iter::repeat_n(Outcome::failed(why), times));
}

#[tokio::test]
async fn failures_pause_longer_are_told_once_and_turn_the_job_off_in_the_end() {
    let world = World::new();
    let life = world.start().await;
    let id = life.add(turn("often", every(1000))).await.id;
    fails(&world, "the model said no", 10);
    let mut pauses = Vec::new();
    for count in 1..=10 {
        let next = life.engine.get(&id).await.unwrap().state.next_run_at_ms.unwrap();
        pauses.push((next - bulkhead_schedule::WallClock::now_ms(&world.clock)) / 1000);
        world.clock.set(next);
        life.finished(count).await;
    }
    assert_eq!(pauses, [1, 30, 60, 300, 900, 3600, 3600, 3600, 3600, 3600]);
    let job = life.engine.get(&id).await.unwrap();
    assert!(!job.enabled);
    assert_eq!(job.state.auto_disabled.unwrap().reason, "consecutive-failures");
    let alerts = world.host.0.alerts.lock().unwrap();
    let kinds: Vec<_> = alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::Failing, AlertKind::TurnedOff]);
    assert!(alerts[0].text.contains("the model said no"));
}

#[tokio::test]
async fn recovery_is_told_once() {
    let world = World::new();
    let life = world.start().await;
    let id = life.add(turn("often", every(1000))).await.id;
    fails(&world, "no", 2);
    for count in 1..=4 {
        let next = life.engine.get(&id).await.unwrap().state.next_run_at_ms.unwrap();
        world.clock.set(next);
        life.finished(count).await;
    }
    let kinds: Vec<_> = world.host.0.alerts.lock().unwrap().iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::Failing, AlertKind::Recovered]);
    assert_eq!(life.engine.get(&id).await.unwrap().state.consecutive_errors, Some(0));
}

#[tokio::test]
async fn a_one_shot_is_tried_again_only_where_that_may_help() {
    let world = World::new();
    let life = world.start().await;
    let id = life.add(turn("once", at(NOON + 1000))).await.id;
    fails(&world, "HTTP 503: overloaded", 1);
    fails(&world, "the key is wrong", 1);
    world.clock.forward(1000);
    life.finished(1).await;
    let job = life.engine.get(&id).await.unwrap();
    assert_eq!(job.state.next_run_at_ms, Some(NOON + 31_000));
    world.clock.forward(30_000);
    life.finished(2).await;
    let job = life.engine.get(&id).await.unwrap();
    assert!(!job.enabled && job.state.next_run_at_ms.is_none());
}

#[tokio::test]
async fn what_could_not_be_delivered_stays_and_is_not_done_again() {
    let world = World::new();
    let life = world.start().await;
    let id = life.add(turn("once", at(NOON + 1000))).await.id;
    world.host.0.outcomes.lock().unwrap().push_back(Outcome {
        delivery: Some(DeliveryStatus::NotDelivered),
        delivery_error: Some("no chat".into()),
        ..Outcome::ok()
    });
    world.clock.forward(1000);
    life.finished(1).await;
    let job = life.engine.get(&id).await.unwrap();
    assert!(!job.enabled && job.state.consecutive_errors == Some(0));
    assert_eq!(
        life.runs().await[0].completion_status.map(|word| serde_json::to_value(word).unwrap()),
        Some("failed".into())
    );
}
