//! Book and desk under anything that a watched gateway and a messenger may do: never a storm, never two alerts for one
//! thing, never a forgotten end.

use std::collections::BTreeMap;
use std::time::Duration;

use bulkhead_rescue::{
    Aspect, Book, Cause, Change, Desk, Diagnosis, Hush, Incident, IncidentId, MessageKind, MessageRef, Now,
    Recipient, RepairTime, Severity, Standing, TellError,
};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scene {
    Healthy,
    Degraded,
    Down,
    Planned,
    Suspect,
}

fn scene() -> impl Strategy<Value = (Scene, u64)> {
    let scenes = prop_oneof![
        3 => Just(Scene::Healthy),
        2 => Just(Scene::Degraded),
        2 => Just(Scene::Down),
        1 => Just(Scene::Planned),
        1 => Just(Scene::Suspect),
    ];
    (scenes, prop_oneof![1u64..10, 1u64..600])
}

fn diagnosis(scene: Scene, at: u64) -> Diagnosis {
    let (cause, severity) = match scene {
        Scene::Down => (Cause::Down, Severity::Down),
        _ => (Cause::ModelKeyRevoked { provider: None }, Severity::Degraded),
    };
    // Particulars change all the time; that alone must not ring anybody's bell.
    Diagnosis { cause, severity, evidence: vec![format!("seen at {at}")] }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn one_incident_few_messages_and_an_end(
        scenes in proptest::collection::vec(scene(), 1..40),
        deaf in proptest::collection::vec((0u64..6000, 1u64..900), 0..4),
    ) {
        let mut book = Book::new("main", RepairTime(Duration::from_secs(30)));
        let mut desk = Desk::default();
        let to = Recipient { teller: "telegram".to_owned(), operator: "42".to_owned() };
        let mut second = 1000_u64;
        let (mut healthy_since, mut over) = (second, Vec::<Incident>::new());
        let (mut new_at, mut updates) = (Vec::<u64>::new(), 0_u64);
        let mut rung: BTreeMap<IncidentId, (u32, u32, u32)> = BTreeMap::new();
        let scenes = scenes.into_iter().chain([(Scene::Healthy, 4500)]);
        for (scene, length) in scenes {
            for _ in 0..length {
                second += 1;
                let now = Now {
                    monotonic: Duration::from_secs(second),
                    boottime: Duration::from_secs(second),
                    wall_ms: second * 1000,
                };
                if scene != Scene::Healthy {
                    healthy_since = second + 1;
                }
                let standing = match scene {
                    Scene::Healthy => Standing::Healthy { since: Duration::from_secs(healthy_since) },
                    Scene::Planned => Standing::Hushed(Hush::Planned),
                    Scene::Suspect => Standing::Suspect(vec![Aspect::Http]),
                    Scene::Degraded | Scene::Down => {
                        Standing::Bad { aspects: vec![Aspect::Http], since: now.monotonic }
                    }
                };
                for change in book.step(now, &standing, || diagnosis(scene, second), None) {
                    let current = book.current().cloned();
                    match (change, current) {
                        (Change::Over { .. }, _) => {
                            let ended = book.last().cloned().unwrap();
                            desk.changed(&ended.id, true);
                            over.retain(|old| old.id != ended.id);
                            over.push(ended);
                        }
                        (Change::Changed { major }, Some(incident)) => desk.changed(&incident.id, major),
                        (_, Some(incident)) => {
                            over.retain(|old| old.id != incident.id);
                            desk.changed(&incident.id, true);
                        }
                        _ => {}
                    }
                }
                let current = book.current().cloned();
                let incidents: Vec<&Incident> = over.iter().chain(current.as_ref()).collect();
                let silent = deaf.iter().any(|(from, length)| (*from..from + length).contains(&(second - 1000)));
                for errand in desk.errands(now, &incidents, std::slice::from_ref(&to)) {
                    let result = if silent {
                        Err(TellError::Later { why: "no network".to_owned(), after: None })
                    } else {
                        Ok(errand.existing.clone().unwrap_or_else(|| MessageRef(second.to_string())))
                    };
                    if result.is_ok() {
                        let told = rung.entry(errand.incident.clone()).or_default();
                        match (&errand.existing, errand.kind) {
                            (Some(_), _) => updates += 1,
                            (None, MessageKind::FollowUp) => told.1 += 1,
                            (None, _) => told.0 += 1,
                        }
                        if errand.existing.is_none() {
                            new_at.push(second);
                        }
                    }
                    desk.delivered(now, &errand, &result);
                }
                if let Some(current) = &current {
                    rung.entry(current.id.clone()).or_default().2 = current.returns;
                }
            }
        }
        for (index, start) in new_at.iter().enumerate() {
            let hour = new_at[index..].iter().take_while(|at| **at < start + 3600).count();
            prop_assert!(hour <= 8, "{} new messages in an hour", hour);
        }
        // Once, again when it is worse, and for the first two returns; the end once per beginning.
        for (id, (alerts, ends, returns)) in &rung {
            prop_assert!(*alerts <= 4, "{} alerts for {}", alerts, id);
            prop_assert!(*ends <= returns + 1, "{} ends for {} beginnings", ends, returns + 1);
        }
        prop_assert!(updates <= (second - 1000) / 5 + 60, "{} updates in {} s", updates, second - 1000);
        prop_assert!(book.current().is_none(), "health ends every incident");
        for incident in &over {
            prop_assert!(desk.is_settled(incident, std::slice::from_ref(&to)), "an end that nobody was told");
        }
    }
}
