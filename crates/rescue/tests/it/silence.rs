//! The state machine alone: what is told within ten seconds, and what is never told.

use std::time::Duration;

use bulkhead_rescue::{
    Answer, Aspect, Hush, KeeperReport, Kept, KeptState, Now, Observation, Patience, ProcessSeen, ReadySeen,
    Reason, ServiceActivity, ServiceSeen, Sighting, Standing, Wanted, Watch,
};
use proptest::prelude::*;

use crate::world::{but, failed, healthy, hung, kept, present};

/// Plays time: ticks twice a second, looks four times a second.
struct Play {
    watch: Watch,
    now: Now,
    scene: Vec<Observation>,
    told: Option<Duration>,
}

impl Play {
    fn new(patience: Patience) -> Self {
        let start = Duration::from_secs(1000);
        let now = Now { monotonic: start, boottime: start, wall_ms: 1_000_000_000 };
        let mut play = Self { watch: Watch::new(patience), now, scene: healthy(), told: None };
        play.pass(5.0);
        assert!(matches!(play.watch.standing(play.now), Standing::Healthy { .. }));
        play
    }

    fn look(&mut self) {
        for what in self.scene.clone() {
            self.watch.see(self.now, Sighting { began: self.now.monotonic, what });
        }
        if matches!(self.watch.standing(self.now), Standing::Bad { .. }) {
            self.told.get_or_insert(self.now.monotonic);
        }
    }

    fn go(&mut self, step: Duration) {
        self.now.monotonic += step;
        self.now.boottime += step;
        self.now.wall_ms += u64::try_from(step.as_millis()).unwrap();
    }

    fn pass(&mut self, seconds: f64) {
        let end = self.now.monotonic + Duration::from_secs_f64(seconds);
        while self.now.monotonic < end {
            self.go(Duration::from_millis(250));
            if self.now.monotonic.as_millis().is_multiple_of(500) {
                self.watch.tick(self.now);
            }
            self.look();
        }
    }

    /// Seconds from now until it is visible.
    fn until_told(&mut self, scene: Vec<Observation>) -> f64 {
        let from = self.now.monotonic;
        self.scene = scene;
        self.told = None;
        self.pass(15.0);
        self.told.map_or(f64::INFINITY, |at| at.saturating_sub(from).as_secs_f64())
    }

    fn silent(&mut self, scene: Vec<Observation>, seconds: f64) {
        self.scene = scene;
        self.told = None;
        self.pass(seconds);
        assert_eq!(self.told, None, "{:?}", self.watch.standing(self.now));
    }
}

fn bundled() -> Play {
    Play::new(Patience::bundled())
}

#[test]
fn real_breakages_are_visible_in_time() {
    let failing = |name: &str, code: &str| {
        let reason = Reason { code: code.to_owned(), message: String::new() };
        Observation::Ready(ReadySeen { failing: [(name.to_owned(), reason)].into() })
    };
    let gone = Observation::Process(ProcessSeen::Gone { pid: 7, asked: false });
    let stopped = Observation::Process(ProcessSeen::Stopped { pid: 7 });
    for (name, scene, most) in [
        ("given up", failed(), 1.5),
        ("gone and not back", vec![gone, Observation::Http(Answer::Refused)], 4.0),
        ("hung", hung(), 6.0),
        ("frozen", vec![stopped, Observation::Http(Answer::Silent)], 4.0),
        ("config", but(healthy(), failing("config", "invalid")), 3.0),
        ("disk", but(healthy(), failing("disk", "full")), 3.0),
        ("bot", but(healthy(), failing("channels.telegram.default", "unauthorized")), 3.0),
        ("model key", but(healthy(), failing("model", "auth")), 3.0),
        ("provider", but(healthy(), failing("model", "unreachable")), 3.0),
        ("safe mode", but(healthy(), failing("safe-mode", "")), 3.0),
    ] {
        let seconds = bundled().until_told(scene);
        assert!(seconds <= most, "{name}: {seconds} s");
    }
}

#[test]
fn killed_and_back_within_a_second_is_no_alarm_in_a_loop_it_is() {
    let mut play = bundled();
    let back = |restarts| but(healthy(), present(Kept { state: KeptState::Running, restarts, ..kept() }));
    play.silent(
        vec![
            Observation::Process(ProcessSeen::Gone { pid: 7, asked: false }),
            Observation::Http(Answer::Refused),
        ],
        1.0,
    );
    play.silent(back(1), 30.0);
    let from = play.now.monotonic;
    play.told = None;
    for restarts in 2..6 {
        play.scene = vec![
            Observation::Process(ProcessSeen::Gone { pid: 7, asked: false }),
            Observation::Http(Answer::Refused),
        ];
        play.pass(0.5);
        play.scene = back(restarts);
        play.pass(1.0);
    }
    assert!(play.told.expect("a loop is told").saturating_sub(from) < Duration::from_secs(6));
    play.pass(20.0);
    assert!(
        matches!(play.watch.standing(play.now), Standing::Healthy { .. }),
        "and it is over when it stays up"
    );
}

#[test]
fn planned_stops_pauses_and_updates_are_silent() {
    let stopped = |wanted| {
        vec![
            Observation::Process(ProcessSeen::Gone { pid: 7, asked: true }),
            Observation::Http(Answer::Refused),
            present(Kept { state: KeptState::Stopped, wanted, ..kept() }),
        ]
    };
    bundled().silent(stopped(Wanted::Stopped), 600.0);

    let mut play = bundled();
    let until_ms = play.now.wall_ms + 60_000;
    // A clock that is set during the pause changes nothing.
    play.silent(stopped(Wanted::Paused { until_ms }), 30.0);
    play.now.wall_ms += 86_400_000;
    play.silent(stopped(Wanted::Paused { until_ms }), 30.0);
    assert!(play.until_told(stopped(Wanted::Paused { until_ms })) < 16.0, "a pause that never ends is told");

    // An update: stopped as asked, another version starts.
    let mut play = bundled();
    let stopping = present(Kept { state: KeptState::Stopping, ..kept() });
    play.silent(but(healthy(), stopping.clone()), 1.0);
    play.silent(
        vec![
            Observation::Process(ProcessSeen::Gone { pid: 7, asked: true }),
            Observation::Http(Answer::Refused),
            stopping,
        ],
        4.0,
    );
    play.silent(vec![present(Kept { state: KeptState::Starting, ..kept() })], 4.0);
    play.silent(healthy(), 10.0);
}

#[test]
fn a_service_that_somebody_stopped_is_silent_one_that_was_disabled_is_not() {
    let service = |enabled, activity| {
        Observation::Service(ServiceSeen {
            name: "openclaw-gateway.service".to_owned(),
            installed: true,
            enabled,
            activity,
            ended_well: true,
            ..ServiceSeen::default()
        })
    };
    let none = Observation::Keeper(KeeperReport::None);
    let up = || but(but(healthy(), none.clone()), service(true, ServiceActivity::Active));
    let down = |enabled| {
        vec![
            none.clone(),
            Observation::Process(ProcessSeen::Gone { pid: 7, asked: true }),
            Observation::Http(Answer::Refused),
            service(enabled, ServiceActivity::Inactive),
        ]
    };
    let mut play = Play::new(Patience::openclaw());
    play.silent(up(), 5.0);
    play.silent(down(true), 300.0);
    play.silent(up(), 20.0);
    assert!(play.until_told(down(false)) < 5.0);
    // Its restart takes longer than any patience for a crash.
    let mut play = Play::new(Patience::openclaw());
    play.silent(up(), 5.0);
    let mut restarting = down(true);
    restarting.push(service(true, ServiceActivity::Stopping));
    play.silent(restarting, 3.0);
    play.silent(
        vec![
            Observation::Process(ProcessSeen::Running { pid: 8, starved: false }),
            service(true, ServiceActivity::Active),
            Observation::Http(Answer::Refused),
        ],
        8.0,
    );
}

#[test]
fn sleep_and_freezing_are_silent() {
    // The machine slept for an hour; what was in flight fails, then everything comes back.
    let mut play = bundled();
    play.now.boottime += Duration::from_secs(3600);
    play.now.wall_ms += 3_600_000;
    play.silent(hung(), 8.0);
    assert_eq!(play.watch.standing(play.now), Standing::Hushed(Hush::Slept));
    play.silent(healthy(), 30.0);

    // Everything here was frozen for twenty seconds, and its answers come late.
    let mut play = bundled();
    play.go(Duration::from_secs(20));
    let began = play.now.monotonic.saturating_sub(Duration::from_secs(19));
    play.watch.tick(play.now);
    play.watch.see(play.now, Sighting { began, what: Observation::Http(Answer::Silent) });
    assert!(!matches!(play.watch.standing(play.now), Standing::Bad { .. }));
    play.silent(healthy(), 30.0);
}

#[test]
fn starvation_is_silent() {
    // This program gets the processor every three seconds only: looks time out, ticks are late.
    let mut play = bundled();
    play.scene = hung();
    for _ in 0..20 {
        play.go(Duration::from_secs(3));
        play.watch.tick(play.now);
        play.look();
    }
    assert_eq!(play.told, None);
    play.silent(healthy(), 10.0);

    // Only the other one gets none.
    let mut play = bundled();
    let starved = Observation::Process(ProcessSeen::Running { pid: 7, starved: true });
    play.silent(but(hung(), starved), 40.0);
    play.silent(healthy(), 10.0);
}

#[test]
fn a_messenger_that_nobody_reaches_is_nobodys_fault() {
    let reason = Reason { code: "unreachable".to_owned(), message: String::new() };
    let channel =
        Observation::Ready(ReadySeen { failing: [("channels.telegram.default".to_owned(), reason)].into() });
    let mut play = bundled();
    play.silent(but(but(healthy(), channel.clone()), Observation::OwnNetwork { reachable: false }), 600.0);
    let mut play = bundled();
    play.silent(but(healthy(), channel.clone()), 30.0);
    play.scene = but(but(healthy(), channel), Observation::OwnNetwork { reachable: true });
    play.pass(60.0);
    assert!(play.told.is_some(), "one that only this gateway reaches is told after a minute");
}

#[test]
fn clocks_that_jump_say_nothing() {
    let mut play = bundled();
    for jump in [86_400_000_i64, -172_800_000, 3_600_000] {
        play.now.wall_ms = play.now.wall_ms.checked_add_signed(jump).unwrap();
        play.silent(healthy(), 5.0);
    }
}

/// Anything that a healthy gateway on a busy, sleeping, jumping machine may look like.
#[derive(Debug, Clone)]
enum Trouble {
    Late(u64),
    Slept(u64),
    Jump(i64),
    SlowAnswer,
    OneRefusal,
    Restart,
    Planned(u32),
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        (2100u64..30_000).prop_map(Trouble::Late),
        (2000u64..10_000_000).prop_map(Trouble::Slept),
        (-10_000_000i64..10_000_000).prop_map(Trouble::Jump),
        Just(Trouble::SlowAnswer),
        Just(Trouble::OneRefusal),
        Just(Trouble::Restart),
        (1u32..100).prop_map(Trouble::Planned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// However these follow each other: nobody is woken up.
    #[test]
    fn harmless_troubles_never_alarm(troubles in proptest::collection::vec(trouble(), 1..20)) {
        let mut play = bundled();
        for trouble in troubles {
            match trouble {
                Trouble::Late(ms) => {
                    play.go(Duration::from_millis(ms));
                    let began = play.now.monotonic.saturating_sub(Duration::from_millis(ms - 100));
                    play.watch.tick(play.now);
                    play.watch.see(play.now, Sighting { began, what: Observation::Http(Answer::Silent) });
                }
                Trouble::Slept(ms) => {
                    play.now.boottime += Duration::from_millis(ms);
                    play.now.wall_ms += ms;
                    play.watch.tick(play.now);
                    play.scene = hung();
                    play.pass(2.0);
                }
                Trouble::Jump(ms) => play.now.wall_ms = play.now.wall_ms.saturating_add_signed(ms),
                Trouble::SlowAnswer => { play.scene = hung(); play.pass(2.0); }
                Trouble::OneRefusal => {
                    play.scene = vec![Observation::Http(Answer::Refused)];
                    play.pass(1.0);
                }
                Trouble::Restart => {
                    play.scene = vec![present(Kept { state: KeptState::Stopping, ..kept() }), Observation::Http(Answer::Refused)];
                    play.pass(3.0);
                }
                Trouble::Planned(seconds) => {
                    play.scene = vec![
                        Observation::Process(ProcessSeen::Gone { pid: 7, asked: true }),
                        Observation::Http(Answer::Refused),
                        present(Kept { state: KeptState::Stopped, wanted: Wanted::Stopped, ..kept() }),
                    ];
                    play.pass(f64::from(seconds));
                }
            }
            prop_assert_eq!(play.told, None);
            play.scene = healthy();
            play.pass(3.0);
            prop_assert_eq!(play.told, None);
        }
    }

    /// Whatever came before: what is really down is told within ten seconds of undisturbed time.
    #[test]
    fn what_is_down_is_always_told(troubles in proptest::collection::vec(0u64..4000, 0..10), frozen: bool) {
        let mut play = bundled();
        for ms in troubles {
            play.go(Duration::from_millis(ms));
            play.watch.tick(play.now);
            play.look();
        }
        play.pass(12.0);
        let seconds = play.until_told(if frozen { hung() } else { failed() });
        prop_assert!(seconds <= 7.0, "{} s", seconds);
        let Standing::Bad { aspects, .. } = play.watch.standing(play.now) else { panic!("it is bad") };
        let expected = if frozen { Aspect::Http } else { Aspect::Process };
        prop_assert!(aspects.contains(&expected));
    }
}

/// Back within a moment: the supervisor names the new process, whose own record is not there yet.
#[test]
fn a_process_that_its_supervisor_has_replaced_keeps_nothing_unwell() {
    let mut play = bundled();
    let gone = |pid| Observation::Process(ProcessSeen::Gone { pid, asked: false });
    let by = |pid| present(Kept { state: KeptState::Running, pid: Some(pid), ..kept() });
    let health = |scene: Vec<Observation>, play: &mut Play| {
        play.scene = scene;
        play.pass(1.0);
        matches!(play.watch.standing(play.now), Standing::Healthy { .. })
    };
    assert!(!health(but(but(healthy(), by(7)), gone(7)), &mut play), "nobody runs");
    assert!(health(but(but(healthy(), by(8)), gone(7)), &mut play), "another one runs");
    let backing_off = present(Kept { pid: Some(8), state: KeptState::BackingOff, ..kept() });
    assert!(!health(but(but(healthy(), backing_off), gone(7)), &mut play), "that one is not up either");
}
