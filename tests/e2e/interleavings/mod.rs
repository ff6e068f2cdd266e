//! App, service, command line and updates at once over one profile, in random orders: never two that hold its lock, and
//! never two that poll its bot.
//!
//! `BULKHEAD_INTERLEAVINGS=200` for more than the usual few, `BULKHEAD_INTERLEAVINGS_SEED=…` for the same once more.

mod acts;
pub mod watch;

use self::acts::{Act, Stage};
use self::watch::Watch;
use crate::app_life::running;
use crate::outside::Outside;
use crate::units::{gateway, property, unit, until};
use bulkhead_tests::World;
use bulkhead_tests::screen::Screen;
use bulkhead_tests::world::text;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::time::{Duration, Instant};

const PERSON: i64 = 2202;
/// Fits in the usual run.
const USUAL: u64 = 12;
/// The second of two acts begins at most so long after the first one: a command takes about that long.
const APART: u64 = 400;

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: no number: {text:?}")))
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stderr, reason = "the seed is what a failure is repeated with")]
async fn whoever_runs_it_there_are_never_two() {
    let Some(mut world) = World::with_user_manager() else { return };
    let steps = number("BULKHEAD_INTERLEAVINGS").unwrap_or(USUAL);
    let seed = number("BULKHEAD_INTERLEAVINGS_SEED").unwrap_or_else(|| rand::rng().random());
    eprintln!("BULKHEAD_INTERLEAVINGS={steps} BULKHEAD_INTERLEAVINGS_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let outside = Outside::new().await;
    let bot = outside.bot("contested_bot");
    let main = outside.onboard(&world, "main", Some(&bot), "file");
    // The bus of the user manager: it starts one when somebody connects.
    world.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/0/bus");
    let _screen = Screen::start(&mut world);
    {
        let mut gateway = main.supervised(&world).await;
        bot.pair(&world, &main, PERSON).await;
        gateway.signal("TERM");
        gateway.wait();
    }
    let watch = Watch::begin(&world, &main);
    let stage = Stage::new(world);
    stage.run(Act::ToDesktop);

    let begun = Instant::now();
    for step in 1..=steps {
        let first = Act::any(&mut random);
        let second = random.random_bool(0.7).then(|| Act::any(&mut random)).filter(|second| *second != first);
        let apart = Duration::from_millis(random.random_range(0..APART));
        tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                scope.spawn(|| stage.run(first));
                if let Some(second) = second {
                    std::thread::sleep(apart);
                    let stage = &stage;
                    scope.spawn(move || stage.run(second));
                }
            });
        });
        let conflicts = bot.control.calls_of("getUpdates").iter().filter(|call| call.status == 409).count();
        let seen = watch.violations();
        assert!(
            conflicts == 0 && seen.is_empty(),
            "seed {seed}, step {step} ({first:?}, {second:?} {apart:?} later): {conflicts} times 409; {seen:#?}\n{}",
            stage.told()
        );
    }
    let took = begun.elapsed();

    // Everybody goes home; then it is a service that works.
    tokio::task::block_in_place(|| stage.end_all());
    let world = stage.world();
    let done = gateway(world, &main, &["install"]);
    assert_eq!(done["owner"], "service", "{done}");
    let started = world.bulkhead(&["gateway", "restart", "--json"]);
    assert!(started.status.success(), "{}\n{}", text(&started), stage.told());
    assert_eq!(property(world, &unit(&main), "ActiveState"), "active");
    main.answers().await;
    assert_eq!(bot.ask(PERSON, "ECHO it has settled", "it has settled").await.trim(), "it has settled");
    until("one gateway is left", async || running(world, "--sidecar").len() == 1).await;
    assert_eq!(running(world, "bulkhead-app"), Vec::<u32>::new());
    let conflicts = bot.control.calls_of("getUpdates").iter().filter(|call| call.status == 409).count();
    let summary = watch.end();
    eprintln!("{steps} steps in {took:?}; {summary}; {conflicts} times 409\n{}", stage.counts());
    assert_eq!((summary.violations.as_slice(), conflicts), (&[][..], 0), "seed {seed}\n{}", stage.told());
    assert!(summary.gateways > 1, "nothing was seen: {summary}");
}
