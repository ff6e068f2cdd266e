//! From facts to one cause, and from a cause to what is offered and said.

use std::collections::BTreeSet;
use std::time::Duration;

use bulkhead_rescue::{
    Answer, Aspect, BinarySeen, ConfigSeen, ConfigTrouble, CredentialSeen, DiskSeen, Facts, KeeperReport,
    Kept, KeptState, LastExit, Now, Observation, Patience, PortHolder, PortSeen, ProcessSeen, ReadySeen,
    Reason, Reception, RemedyKind, ServiceSeen, Severity, Sighting, Standing, Wanted, Watch, diagnose, offer,
    text,
};

use crate::world::{failed, healthy, hung, kept, present};

fn facts(scenes: impl IntoIterator<Item = Vec<Observation>>) -> Facts {
    let mut facts = Facts::default();
    for what in scenes.into_iter().flatten() {
        facts.take(what);
    }
    facts
}

const DOWN: &[Aspect] = &[Aspect::Process, Aspect::Http];

fn config(trouble: ConfigTrouble) -> Observation {
    Observation::Config(ConfigSeen {
        path: "/x/bulkhead.json".to_owned(),
        hash: None,
        trouble: Some(trouble),
    })
}

fn taken(ours: bool) -> Observation {
    let holder = PortHolder { port: 18789, pid: Some(9), program: Some("python3".to_owned()), ours };
    Observation::Port(PortSeen::Taken(holder))
}

fn disk(free: u64, writable: bool) -> Observation {
    let seen = DiskSeen { path: "/x".to_owned(), free: Some(free), total: 1 << 40, writable: Some(writable) };
    Observation::Disk(seen)
}

fn failing(name: &str, code: &str) -> Observation {
    let reason = Reason { code: code.to_owned(), message: "It said so.".to_owned() };
    Observation::Ready(ReadySeen { failing: [(name.to_owned(), reason)].into() })
}

#[test]
fn every_breakage_has_its_own_name() {
    let invalid = || ConfigTrouble::Invalid { problem: "gateway.port".to_owned() };
    let node = BinarySeen::Missing { what: "/usr/bin/node".to_owned(), node: true };
    let binary = BinarySeen::Missing { what: "/usr/bin/bulkhead".to_owned(), node: false };
    let disabled = ServiceSeen { name: "x.service".to_owned(), installed: true, ..ServiceSeen::default() };
    let absent = KeeperReport::Absent {
        wanted: Wanted::Running,
        owner: Some("desktop".to_owned()),
        why: "closed".to_owned(),
    };
    let stopped =
        vec![Observation::Process(ProcessSeen::Stopped { pid: 7 }), Observation::Http(Answer::Silent)];
    let killed = Kept {
        state: KeptState::Failed,
        last_exit: Some(LastExit { signal: Some(9), ..LastExit::default() }),
        ..kept()
    };
    let rejected = |of: &str| CredentialSeen { of: of.to_owned(), how: Reception::Rejected };
    let lost = |of: &str| CredentialSeen { of: of.to_owned(), how: Reception::Failed };
    for (expected, scene, bad) in [
        ("config-emptied", vec![failed(), vec![config(ConfigTrouble::Empty)]], DOWN),
        ("config-invalid", vec![failed(), vec![config(invalid())]], DOWN),
        ("config-invalid", vec![healthy(), vec![config(invalid())]], &[Aspect::Config]),
        ("config-invalid", vec![healthy(), vec![failing("config", "invalid")]], &[Aspect::Config]),
        ("model-key-revoked", vec![healthy(), vec![failing("model", "model-auth")]], &[Aspect::Model]),
        ("model-key-revoked", vec![healthy(), vec![Observation::Model(rejected("fake"))]], &[Aspect::Model]),
        ("provider-down", vec![healthy(), vec![failing("model", "unreachable")]], &[Aspect::Model]),
        ("provider-down", vec![healthy(), vec![Observation::Model(lost("fake"))]], &[Aspect::Model]),
        (
            "bot-token-revoked",
            vec![healthy(), vec![failing("channels.telegram.default", "telegram-bad-token")]],
            &[Aspect::Channels],
        ),
        (
            "bot-token-revoked",
            vec![healthy(), vec![Observation::Bot(rejected("channels.telegram.default"))]],
            &[Aspect::Channels],
        ),
        (
            "channel-down",
            vec![healthy(), vec![failing("channels.telegram.default", "unreachable")]],
            &[Aspect::Channels],
        ),
        ("port-stolen", vec![failed(), vec![taken(false)]], DOWN),
        ("disk-full", vec![failed(), vec![disk(0, true)]], &[Aspect::Process, Aspect::Disk]),
        ("disk-full", vec![healthy(), vec![disk(0, true)]], &[Aspect::Disk]),
        ("state-read-only", vec![healthy(), vec![disk(1 << 39, false)]], &[Aspect::State]),
        (
            "state-read-only",
            vec![failed(), vec![disk(0, false)]],
            &[Aspect::Process, Aspect::State, Aspect::Disk],
        ),
        ("crash-loop", vec![healthy()], &[Aspect::Stability]),
        ("hung", vec![stopped], DOWN),
        ("hung", vec![hung()], &[Aspect::Http]),
        ("killed", vec![failed(), vec![present(killed)]], DOWN),
        ("binary-missing", vec![failed(), vec![Observation::Binary(binary)]], DOWN),
        ("node-broken", vec![failed(), vec![Observation::Binary(node.clone())]], DOWN),
        ("node-broken", vec![healthy(), vec![Observation::Binary(node)]], &[Aspect::Binary]),
        (
            "service-disabled",
            vec![failed(), vec![Observation::Service(disabled)]],
            &[Aspect::Process, Aspect::Service],
        ),
        ("supervisor-gone", vec![failed(), vec![Observation::Keeper(absent)]], DOWN),
        ("limited", vec![healthy(), vec![failing("safe-mode", "")]], &[Aspect::Mode]),
    ] {
        let facts = facts(scene);
        let seen = diagnose(&facts, bad);
        assert_eq!(seen.cause.code(), expected, "{bad:?}");
        let down = bad.iter().any(|aspect| aspect.is_vital()) || expected == "crash-loop";
        assert_eq!(seen.severity == Severity::Down, down, "{expected}");
        assert!(!text::headline("main", &seen.cause).is_empty());
    }
}

#[test]
fn the_root_is_told_not_what_follows_from_it() {
    let all = [failed(), vec![config(ConfigTrouble::Empty), disk(0, true), taken(false)]];
    assert_eq!(diagnose(&facts(all), DOWN).cause.code(), "port-stolen");
    let config_and_loop = [failed(), vec![config(ConfigTrouble::Empty)]];
    let bad = &[Aspect::Process, Aspect::Stability, Aspect::Config];
    assert_eq!(diagnose(&facts(config_and_loop), bad).cause.code(), "config-emptied");
}

#[test]
fn remedies_fit_the_cause_and_what_can_be_done() {
    let all: BTreeSet<RemedyKind> = RemedyKind::ALL.into_iter().collect();
    let offers = |scene: Vec<Vec<Observation>>, bad: &[Aspect], able: &BTreeSet<RemedyKind>| {
        let facts = facts(scene);
        offer(&diagnose(&facts, bad).cause, able)
    };
    let ours = offers(vec![failed(), vec![taken(true)]], DOWN, &all);
    assert_eq!(ours.remedies[0], RemedyKind::EndHolder);
    let strangers = offers(vec![failed(), vec![taken(false)]], DOWN, &all);
    assert!(
        !strangers.remedies.contains(&RemedyKind::EndHolder)
            && strangers.remedies.contains(&RemedyKind::OtherPort)
    );
    assert!(strangers.advice.contains("python3") && strangers.advice.contains("left alone"));
    let config = vec![failed(), vec![config(ConfigTrouble::Empty)]];
    assert_eq!(offers(config.clone(), DOWN, &all).remedies[0], RemedyKind::Rollback);
    let nothing = offers(config, DOWN, &BTreeSet::new());
    assert_eq!(nothing.remedies, [RemedyKind::Quiet]);
    assert!(nothing.advice.contains("no good version"));
    let key = offers(vec![healthy(), vec![failing("model", "auth")]], &[Aspect::Model], &all);
    assert!(key.remedies.iter().all(|kind| !kind.is_repair()) && key.advice.contains("No button"));
}

#[test]
fn remedies_have_names_that_can_be_read_back() {
    for kind in RemedyKind::ALL {
        assert_eq!(RemedyKind::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(RemedyKind::parse("format-disk"), None);
}

/// An OpenClaw whose bot was refused once does not try again, however good the token is now.
#[test]
fn a_channel_that_was_given_up_is_told_soon_and_restart_is_offered() {
    let mut watch = Watch::new(Patience::openclaw());
    let at = |secs: u64| {
        let now = Duration::from_secs(secs);
        Now { monotonic: now, boottime: now, wall_ms: secs * 1000 }
    };
    let accepted = CredentialSeen { of: "channels.telegram.default".to_owned(), how: Reception::Accepted };
    for secs in 0..60 {
        watch.tick(at(secs));
        let seen = [
            Observation::Http(Answer::Good),
            Observation::Bot(accepted.clone()),
            if secs < 10 {
                Observation::Ready(ReadySeen::default())
            } else {
                failing("channels.telegram", "")
            },
        ];
        for what in seen {
            watch.see(at(secs), Sighting { began: at(secs).monotonic, what });
        }
        let bad = matches!(watch.standing(at(secs)), Standing::Bad { .. });
        assert_eq!(bad, secs >= 40, "second {secs}");
    }
    let cause = diagnose(watch.facts(), &[Aspect::Channels]).cause;
    assert_eq!(cause.code(), "channel-down");
    let offered = offer(&cause, &BTreeSet::from([RemedyKind::Restart, RemedyKind::Logs]));
    assert_eq!(offered.remedies[0], RemedyKind::Restart);
}
