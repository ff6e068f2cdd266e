//! The whole watch in virtual time: one message, updated in place, a follow-up, and no storm.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bulkhead_rescue::{
    Actor, Answer, Ask, Auto, Cause, ChatKind, DrillKind, Kept, KeptState, MessageKind, Observation,
    ProcessSeen, QuietHours, ReadySeen, Reason, RemedyKind, RemedyReply, RemedyRequest, Shade, TellError,
    Verdict,
};

use crate::world::{NOON_MS, World, but, failed, healthy, hung, kept, present, settings};

fn keyless() -> Vec<Observation> {
    let reason = Reason { code: "model-auth".to_owned(), message: "The provider answers 401.".to_owned() };
    but(healthy(), Observation::Ready(ReadySeen { failing: [("model".to_owned(), reason)].into() }))
}

#[tokio::test(start_paused = true)]
async fn one_message_updated_in_place_and_a_follow_up() {
    let world = World::new().await;
    world.show(failed());
    world.pass(4).await;
    let first = world.new_messages(MessageKind::Incident);
    assert_eq!(first.len(), 1);
    assert!(first[0].at <= Duration::from_millis(1003 * 1000 + 2500), "told after {:?}", first[0].at);
    insta::assert_snapshot!(first[0].message.text);
    let labels: Vec<_> =
        first[0].message.buttons.iter().flatten().map(|button| button.label.as_str()).collect();
    assert_eq!(labels, ["Start", "Roll back", "Logs", "Quiet for an hour"]);

    world.show(hung());
    world.pass(30).await;
    assert_eq!(world.new_messages(MessageKind::Incident).len(), 1, "another cause is the same incident");
    let updated = world.last();
    assert!(updated.edited && updated.message.text.contains("hangs"), "{}", updated.message.text);

    world.show(healthy());
    world.pass(10).await;
    let ends = world.new_messages(MessageKind::FollowUp);
    assert_eq!(ends.len(), 1);
    assert!(
        ends[0].message.text.contains("is well again")
            && ends[0].message.text.contains("It recovered without a remedy")
    );
    let updates: Vec<_> =
        world.sent().iter().filter(|sent| sent.message.kind == MessageKind::Incident).cloned().collect();
    let last = updates.last().unwrap();
    assert!(last.edited && last.message.buttons.is_empty() && last.message.title.starts_with('✅'));
    assert!(updates.len() < 12, "{} messages", updates.len());
    world.pass(3600).await;
    assert_eq!(world.new_messages(MessageKind::FollowUp).len(), 1);
    assert!(world.handle.view().incident.is_none() && world.handle.view().shade == Shade::Good);
}

#[tokio::test(start_paused = true)]
async fn what_gets_worse_is_heard_again_once() {
    let world = World::new().await;
    world.show(keyless());
    world.pass(20).await;
    world.show(failed());
    world.pass(20).await;
    world.show(keyless());
    world.pass(20).await;
    world.show(failed());
    world.pass(20).await;
    let told = world.new_messages(MessageKind::Incident);
    assert_eq!(told.len(), 2, "an update in place makes no sound");
    assert!(told[0].message.title.contains("model key") && told[1].message.title.contains("has ended"));
    assert_eq!(world.handle.incidents(9).await.len(), 1, "it is one incident all the same");
}

#[tokio::test(start_paused = true)]
async fn flapping_collapses_into_one_incident_and_few_messages() {
    let world = World::new().await;
    for _ in 0..60 {
        world.show(failed());
        world.pass(5).await;
        world.show(healthy());
        world.pass(20).await;
    }
    let told = world.sent().iter().filter(|sent| !sent.edited).count();
    assert!(told <= 8, "{told} new messages in 25 minutes");
    assert_eq!(world.journal.incidents.lock().unwrap().len(), 1);
    let updates = world.sent().len();
    assert!(updates < 150, "{updates} messages and updates");
}

#[tokio::test(start_paused = true)]
async fn many_incidents_are_told_within_limits() {
    let world = World::new().await;
    for round in 0..30 {
        world.show(if round % 2 == 0 { failed() } else { keyless() });
        world.pass(30).await;
        world.show(healthy());
        // Longer than the window in which it would be the same incident.
        world.pass(310).await;
    }
    let sent = world.sent();
    for start in sent.iter().map(|sent| sent.at) {
        let hour = start..start + Duration::from_secs(3600);
        let new = sent.iter().filter(|sent| !sent.edited && hour.contains(&sent.at)).count();
        assert!(new <= 8, "{new} new messages in an hour");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_the_rescue_gateway_continues_the_incident() {
    let world = World::new().await;
    world.show(failed());
    world.pass(10).await;
    let world = world.restarted().await;
    world.pass(30).await;
    assert_eq!(world.new_messages(MessageKind::Incident).len(), 1, "never a second alert");
    world.show(healthy());
    world.pass(10).await;
    assert_eq!(world.new_messages(MessageKind::FollowUp).len(), 1);
    let world = world.restarted().await;
    world.pass(60).await;
    assert_eq!(world.new_messages(MessageKind::FollowUp).len(), 1);
    assert_eq!(world.journal.incidents.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_is_told_later_once() {
    let world = World::new().await;
    *world.teller.fail.lock().unwrap() = Some(TellError::Later { why: "no network".to_owned(), after: None });
    world.show(failed());
    world.pass(120).await;
    assert!(world.sent().is_empty() && world.handle.view().own_network_down);
    world.show(healthy());
    world.pass(60).await;
    *world.teller.fail.lock().unwrap() = None;
    world.pass(120).await;
    assert_eq!(world.sent().len(), 1, "one message says all of it");
    assert!(
        world.last().message.title.contains("is well again (it took 2 min"),
        "{}",
        world.last().message.title
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_keeps_nobody_from_telling_and_repairing() {
    let world = World::new().await;
    world.journal.full.store(true, Ordering::SeqCst);
    world.show(failed());
    world.pass(5).await;
    assert_eq!(world.new_messages(MessageKind::Incident).len(), 1);
    let button = world.button("42", RemedyKind::Start);
    world.tap("1", "42", ChatKind::Private, &button).await.unwrap();
    world.show(healthy());
    world.pass(10).await;
    assert_eq!(world.new_messages(MessageKind::FollowUp).len(), 1);
    assert!(world.journal.audit.lock().unwrap().is_empty());
    world.journal.full.store(false, Ordering::SeqCst);
    world.pass(15).await;
    assert_eq!(world.audit("accepted").len(), 1, "what was kept in memory is written when there is room");
    assert_eq!(world.audit("repaired").len(), 1);
    assert_eq!(world.handle.incidents(5).await.len(), 1);
    let nonces = world.journal.nonces.lock().unwrap();
    assert!(nonces.values().any(|nonce| nonce.used_ms.is_some()));
}

#[tokio::test(start_paused = true)]
async fn quiet_hours_hold_what_can_wait() {
    let mut night = settings();
    // Noon in UTC is night somewhere.
    night.quiet = QuietHours::parse("22:00", "07:00", Some("Pacific/Auckland"), true);
    let world = World::with(night).await;
    world.show(keyless());
    world.pass(600).await;
    assert!(world.sent().is_empty(), "a missing key can wait");
    world.show(failed());
    world.pass(10).await;
    assert_eq!(world.new_messages(MessageKind::Incident).len(), 1, "what is down cannot");
    assert!(world.last().message.silent);
    world.show(healthy());
    world.pass(600).await;

    world.show(keyless());
    world.pass(600).await;
    world.show(healthy());
    world.pass(60).await;
    let before = world.sent().len();
    // In Auckland it is midnight at the beginning of the test.
    world.pass(8 * 3600).await;
    let held: Vec<_> = world.sent()[before..].iter().filter(|sent| !sent.edited).cloned().collect();
    assert_eq!(held.len(), 1, "in the morning one message says what happened at night");
    assert!(held[0].message.text.contains("model key"), "{}", held[0].message.text);
}

#[tokio::test(start_paused = true)]
async fn a_stop_on_purpose_ends_an_incident_without_a_false_word() {
    let world = World::new().await;
    let stopped = vec![
        Observation::Process(ProcessSeen::Gone { pid: 7, asked: true }),
        Observation::Http(Answer::Refused),
        present(Kept { state: KeptState::Stopped, wanted: bulkhead_rescue::Wanted::Stopped, ..kept() }),
    ];
    world.show(stopped);
    world.pass(3600).await;
    assert!(world.sent().is_empty());
    assert_eq!(world.handle.view().shade, Shade::Planned);
    let strip = world.handle.timeline().await;
    assert!(strip.stretches.iter().any(|stretch| stretch.shade == Shade::Planned && stretch.minutes >= 55));
}

#[tokio::test(start_paused = true)]
async fn one_tap_repairs_and_the_probes_judge() {
    let world = World::new().await;
    let mut events = world.handle.events();
    world.show(hung());
    world.pass(8).await;
    let button = world.button("42", RemedyKind::Restart);
    let reply = world.tap("u1", "42", ChatKind::Private, &button).await.unwrap();
    assert!(matches!(reply, RemedyReply::Accepted { .. }));
    world.pass(2).await;
    assert_eq!(world.calls(), ["restart"]);
    assert!(world.last().message.text.contains("🔧 Restart since"), "{}", world.last().message.text);
    world.show(healthy());
    world.pass(6).await;
    let end = world.new_messages(MessageKind::FollowUp).pop().unwrap();
    assert!(end.message.text.contains("Restart repaired it (telegram:42)."), "{}", end.message.text);
    assert_eq!(world.audit("repaired").len(), 1);
    let mut verdicts = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let bulkhead_rescue::RescueEvent::Remedy { outcome } = event {
            verdicts.push(outcome.verdict);
        }
    }
    assert_eq!(verdicts, [Verdict::Repaired]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_help_is_said() {
    let world = World::new().await;
    world.show(hung());
    world.pass(8).await;
    let button = world.button("42", RemedyKind::Restart);
    world.tap("u1", "42", ChatKind::Private, &button).await.unwrap();
    world.pass(40).await;
    assert!(world.last().message.text.contains("✖ Restart at"), "{}", world.last().message.text);
    assert!(world.last().message.text.contains("did not help"));
    assert!(!world.last().message.buttons.is_empty(), "and there are buttons again");
    assert_eq!(world.audit("no-effect").len(), 1);

    let refusal = bulkhead_rescue::Refusal::new(
        bulkhead_rescue::RefusalKind::OwnerAbsent,
        "The app that runs it is closed.",
    );
    *world.keeper.refuse.lock().unwrap() = Some(refusal);
    let button = world.button("42", RemedyKind::Restart);
    world.tap("u2", "42", ChatKind::Private, &button).await.unwrap();
    world.pass(5).await;
    assert!(
        world.last().message.text.contains("The app that runs it is closed."),
        "{}",
        world.last().message.text
    );
}

#[tokio::test(start_paused = true)]
async fn repairs_without_asking_are_few_and_audited() {
    let mut alone = settings();
    alone.auto = Auto::Restart;
    let world = World::with(alone).await;
    world.show(hung());
    world.pass(1200).await;
    assert_eq!(world.calls(), ["restart"], "once per incident");
    assert_eq!(world.audit("accepted")[0].actor, "auto");
    for _ in 0..6 {
        world.show(healthy());
        world.pass(320).await;
        world.show(hung());
        world.pass(60).await;
    }
    assert!(world.calls().len() <= 4, "{:?}", world.calls());
}

#[tokio::test(start_paused = true)]
async fn nothing_new_is_told_in_a_quiet_hour() {
    let world = World::new().await;
    let ask = Ask::Command { remedy: RemedyKind::Quiet, confirmed: false, version: None };
    let by = Actor::local("cli");
    world.handle.request(RemedyRequest { id: "q".to_owned(), by, ask }).await.unwrap();
    world.show(keyless());
    world.pass(3500).await;
    assert!(world.sent().is_empty());
    world.pass(200).await;
    assert_eq!(world.new_messages(MessageKind::Incident).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_drill_takes_the_times() {
    let world = World::new().await;
    let drill = {
        let handle = world.handle.clone();
        tokio::spawn(async move { handle.drill(DrillKind::Stop, Actor::local("cli")).await })
    };
    world.pass(1).await;
    assert_eq!(world.calls(), ["stop"]);
    world.show(failed());
    world.pass(4).await;
    assert!(world.new_messages(MessageKind::Incident)[0].message.title.contains("Drill: "));
    assert_eq!(world.calls(), ["stop", "start"], "what a drill stopped it starts again");
    world.show(healthy());
    let report = drill.await.unwrap().unwrap();
    let (noticed, told, repaired) =
        (report.noticed_after_ms.unwrap(), report.told_after_ms.unwrap(), report.repaired_after_ms.unwrap());
    assert!(
        (1000..2000).contains(&noticed)
            && (noticed..4000).contains(&told)
            && (5000..6000).contains(&repaired),
        "{report:?}"
    );
    assert_eq!(world.audit("passed").len(), 1);

    // Killed and back at once: no alarm, the drill's own message.
    let drill = {
        let handle = world.handle.clone();
        tokio::spawn(async move { handle.drill(DrillKind::Kill, Actor::local("cli")).await })
    };
    world.pass(30).await;
    let refused = drill.await.unwrap();
    assert!(refused.is_ok(), "{refused:?}");
    let group = Actor { via: "telegram".to_owned(), user: "42".to_owned(), chat: ChatKind::Group };
    assert!(world.handle.drill(DrillKind::Kill, group).await.is_err());
    assert_eq!(world.audit("refused").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_wall_clock_may_jump_during_an_incident() {
    let world = World::new().await;
    world.show(failed());
    world.pass(5).await;
    world.clock.wall_offset_ms.store(NOON_MS - 86_400_000, Ordering::SeqCst);
    world.pass(60).await;
    world.clock.wall_offset_ms.store(NOON_MS + 86_400_000, Ordering::SeqCst);
    world.pass(60).await;
    assert_eq!(world.new_messages(MessageKind::Incident).len(), 1);
    assert!(matches!(
        world.handle.view().incident.as_ref().unwrap().cause,
        Cause::Down | Cause::Killed { .. }
    ));
}
