//! Drills: main is really taken down, and the times that are told are those of somebody who looks on from outside.

use crate::outside::{Profile, client};
use crate::rescue::{OPERATOR, Pair};
use anyhow::{Context, Result, ensure};
use bulkhead_tests::page::{click, find, state};
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::screen::{Screen, Window};
use bulkhead_tests::world::text;
use bulkhead_tests::{World, programs};
use serde_json::Value;
use std::process::Output;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const LOOK: Duration = Duration::from_millis(5);
/// A gateway that takes longer to answer is not ready.
const ANSWER: Duration = Duration::from_millis(300);
/// So close the told times are to the seen ones, in milliseconds.
const CLOSE: i64 = 500;

/// What was seen of a drill from outside, in milliseconds since 1970.
#[derive(Debug)]
struct Seen {
    /// Its process ended, or stood still.
    down: i64,
    /// It did so by standing still.
    stood_still: bool,
    /// The first new message to the operator.
    told: i64,
    /// Another process answered that it is ready: one that stood still may answer once more before it is ended.
    ready: i64,
}

/// Looks at main from outside of everything, from before the drill on.
struct Onlooker {
    down: tokio::task::JoinHandle<(i64, bool)>,
    ready: tokio::task::JoinHandle<i64>,
    messages: usize,
}

impl Onlooker {
    fn new(pair: &Pair) -> Self {
        let pid = pair.main.gateway_pid(&pair.world);
        let (down_at, mut is_down) = tokio::sync::watch::channel(false);
        let down = tokio::task::spawn_blocking(move || {
            let still = wait_until_down(pid);
            let _ = down_at.send(true);
            (now(), still)
        });
        let ready = tokio::spawn({
            let url = readyz(&pair.main);
            async move {
                is_down.wait_for(|down| *down).await.expect("it goes down");
                let deadline = Instant::now() + PATIENCE;
                while is_alive(pid) || !is_ready(&url).await {
                    assert!(Instant::now() < deadline, "it did not come back");
                    tokio::time::sleep(LOOK).await;
                }
                now()
            }
        });
        Self { down, ready, messages: pair.bot.control.messages_to(OPERATOR).len() }
    }

    async fn saw(self, pair: &Pair) -> Seen {
        let (down, stood_still) = self.down.await.expect("the watch of its process");
        let ready = self.ready.await.expect("the watch of its answers");
        let messages = pair.bot.control.wait_for_messages(OPERATOR, self.messages + 1).await;
        let told = i64::try_from(messages[self.messages].revisions[0].at).expect("a time");
        Seen { down, stood_still, told, ready }
    }
}

fn readyz(profile: &Profile) -> String {
    format!("http://127.0.0.1:{}/readyz", profile.port)
}

async fn is_ready(url: &str) -> bool {
    client().get(url).timeout(ANSWER).send().await.is_ok_and(|response| response.status().is_success())
}

/// Waits until a process is gone or stands still; whether it stands still.
fn wait_until_down(pid: u32) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match state_of(pid) {
            None => return false,
            Some('T' | 't') => return true,
            Some(_) => {}
        }
        assert!(Instant::now() < deadline, "nothing happened to it");
        std::thread::sleep(LOOK);
    }
}

/// The letter of `/proc` for a process that has not ended.
fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next().filter(|state| !matches!(state, 'Z' | 'X'))
}

fn is_alive(pid: u32) -> bool {
    state_of(pid).is_some()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    i64::try_from(since.as_millis()).expect("a time")
}

fn close(what: &str, told: i64, seen: i64, all: &impl std::fmt::Debug) {
    assert!(
        (told - seen).abs() <= CLOSE,
        "{what}: told {told}, seen {seen} ({} ms apart); {all:?}",
        told - seen
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_of_the_command_line_takes_main_down_and_tells_the_times_that_are_seen() {
    let pair = Pair::new().await;
    for how in ["kill", "stop"] {
        pair.until("main is seen well", |status| status["health"] == "good").await;
        let onlooker = Onlooker::new(&pair);
        let mut command = pair.world.command(programs::bulkhead());
        command.args(["rescue", "drill", "--how", how, "--yes", "--json"]);
        let drill = tokio::task::spawn_blocking(move || command.output().expect("bulkhead starts"));
        let seen = onlooker.saw(&pair).await;
        drill_is_as_seen(how, &drill.await.expect("its end"), &seen);
    }
    // It is a drill in the books, too, and nothing is left to repair.
    let incidents = pair.world.bulkhead_json(&["rescue", "incidents", "--json"]);
    let incidents = incidents["incidents"].as_array().expect("a list");
    assert!(
        !incidents.is_empty() && incidents.iter().all(|incident| incident["drill"] == true),
        "{incidents:#?}"
    );
    assert!(incidents.iter().all(|incident| incident["phase"]["phase"] == "over"), "{incidents:#?}");
    let again = pair.world.bulkhead(&["rescue", "drill"]);
    assert!(!again.status.success(), "nobody to ask, and no --yes: {}", text(&again));
}

fn drill_is_as_seen(how: &str, out: &Output, seen: &Seen) {
    let report: Value =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(out)));
    assert!(out.status.success() && report["ok"] == true, "{}", text(out));
    assert_eq!(seen.stood_still, how == "stop", "{seen:?}");
    let began = report["beganMs"].as_i64().expect("a time");
    #[allow(clippy::cast_possible_truncation, reason = "some seconds")]
    let at = |field: &str| {
        let seconds = report[field].as_f64().unwrap_or_else(|| panic!("{field}: {report:#}"));
        began + (seconds * 1000.0) as i64
    };
    let all = (&report, seen);
    close("down", began, seen.down, &all);
    if how == "kill" {
        close("noticed", at("noticedSeconds"), seen.down, &all);
    } else {
        // A gateway that stands still is noticed by its silence, before anybody is told.
        assert!(at("noticedSeconds") >= seen.down - CLOSE && at("noticedSeconds") <= seen.told, "{all:?}");
    }
    close("told", at("toldSeconds"), seen.told, &all);
    close("repaired", at("repairedSeconds"), seen.ready, &all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_of_the_window_takes_main_down_and_shows_the_times_that_are_seen() -> Result<()> {
    let mut world = World::with_keychain();
    let _screen = Screen::start(&mut world);
    let pair = Pair::in_world(world).await;
    let window = Window::open(&pair.world, &[]).await?;
    let driver = &window.driver;
    state(driver, "card-main-state", "data-state", "running").await?;
    state(driver, "card-rescue-state", "data-state", "running").await?;
    click(driver, "nav-rescue").await?;
    // It stands still, which is what is chosen from the beginning; then it is killed.
    for how in ["stop", "kill"] {
        state(driver, "rescue-status", "data-health", "good").await?;
        click(driver, "drill-open").await?;
        find(driver, "drill-start").await?;
        if how == "kill" {
            driver.execute("document.querySelector('dialog input[value=kill]').click()", Vec::new()).await?;
        }
        ensure!(is_ready(&readyz(&pair.main)).await, "nothing was confirmed yet");
        let onlooker = Onlooker::new(&pair);
        click(driver, "drill-start").await?;
        let seen = onlooker.saw(&pair).await;
        // The last step is measured when it has been well for a while; then the others are as measured, too.
        state(driver, "drill-repaired", "data-state", "done").await?;
        let mut shown = Vec::new();
        for step in ["noticed", "told", "repaired"] {
            let step = state(driver, &format!("drill-{step}"), "data-state", "done").await?;
            shown.push(after(&step.text().await?)?);
        }
        window.screenshot(&format!("app-rescue-drill-{how}")).await?;
        let [noticed, told, repaired] = shown[..] else { unreachable!("three steps") };
        let all = (how, &shown, &seen);
        assert_eq!(seen.stood_still, how == "stop", "{all:?}");
        assert!(noticed <= told, "{all:?}");
        close("told", seen.down + told, seen.told, &all);
        close("repaired", seen.down + repaired, seen.ready, &all);
    }
    window.close().await
}

/// The milliseconds in "Told the operators 1.7 s" or "350 ms".
fn after(words: &str) -> Result<i64> {
    let mut parts = words.split_whitespace().rev();
    let (unit, number) = (parts.next().context("a unit")?, parts.next().context("a number")?);
    let number: f64 = number.parse().with_context(|| words.to_owned())?;
    #[allow(clippy::cast_possible_truncation, reason = "some seconds")]
    match unit {
        "ms" => Ok(number as i64),
        "s" | "sec" => Ok((number * 1000.0) as i64),
        _ => anyhow::bail!("no time in {words:?}"),
    }
}
