//! Notifications of the desktop: somebody at the computer is told what the watch sees, and a click opens the page.

use std::time::{Duration, Instant};

use anyhow::Result;
use bulkhead_tests::World;
use bulkhead_tests::desk::Desk;
use bulkhead_tests::notifications::{Notifications, Shown};
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::screen::Screen;
use bulkhead_tests::tray::Tray;
use bulkhead_tests::world::text;

use serde_json::json;

use crate::app_life::{app, create, signal};
use crate::outside::Outside;

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_main_is_told_on_the_screen_and_so_is_its_return() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main", "rescue"], "keychain");
    let out = world.bulkhead(&["--profile", "rescue", "config", "set", "rescue.watch", "main"]);
    assert!(out.status.success(), "{}", text(&out));
    let screen = Screen::start(&mut world);
    let (desk, desktop) = (Desk::new(&screen)?, Notifications::start(&world).await?);
    let mut app = app(&world, &["--hidden", "--verbose"]);
    for profile in &profiles {
        profile.answers().await;
    }
    let main = profiles[0].gateway_pid(&world);
    signal(main, rustix::process::Signal::STOP);
    let frozen = Instant::now();
    let told = desktop.wait("main is frozen", |one| one.title.contains("main")).await;
    let told = told.map_err(|error| error.context(app.output()))?;
    assert!(frozen.elapsed() < Duration::from_secs(10), "told after {:?}", frozen.elapsed());
    assert!(!told.silent && !told.text.is_empty(), "{told:?}");

    // The app listens a moment after it was told the notification's number; a person is never as quick as that.
    let clicked = Instant::now();
    while desk.windows()?.is_empty() {
        anyhow::ensure!(clicked.elapsed() < PATIENCE, "no window after the click: {}", app.output());
        desktop.click(told.id).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    signal(main, rustix::process::Signal::CONT);
    let over = desktop.wait("main is well again", |one| one.title.contains("well again")).await?;
    assert!(over.title.contains("main"), "{over:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_can_be_read_whole_is_decided_where_it_is_shown() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main"], "keychain");
    let screen = Screen::start(&mut world);
    let (desk, desktop) = (Desk::new(&screen)?, Notifications::start(&world).await?);
    let tray = Tray::start(&world).await?;
    let _app = app(&world, &["--hidden", "--verbose"]);
    profiles[0].answers().await;
    tray.line("main · running").await?;
    let ask = |id: &str, command: &str| {
        let params =
            json!({ "id": id, "command": command, "cwd": "/srv", "twoPhase": true, "timeoutMs": 120_000 });
        world.bulkhead_json(&[
            "gateway",
            "call",
            "exec.approval.request",
            "--params",
            &params.to_string(),
            "--json",
        ]);
    };
    let outcome = |id: &str| {
        let params = json!({ "id": id }).to_string();
        world
            .bulkhead_json(&["gateway", "call", "exec.approval.waitDecision", "--params", &params, "--json"])
            .to_string()
    };
    let buttons = |shown: &Shown| shown.actions.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();

    // Allowed there.
    ask("one", "rm -r <build> & more");
    let shown = desktop.wait("it is asked", |one| one.text.contains("rm -r <build> & more")).await?;
    assert!(shown.text.contains("/srv"), "{shown:?}");
    assert_eq!(buttons(&shown), ["default", "show", "allow-once", "deny"]);
    let left = || world.bulkhead_json(&["gateway", "call", "exec.approval.list", "--json"]).to_string();
    let asked = Instant::now();
    while left().contains("\"one\"") {
        anyhow::ensure!(asked.elapsed() < PATIENCE, "nothing was decided by the click");
        desktop.choose(shown.id, "allow-once").await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(outcome("one").contains("allow-once"));

    // Answered elsewhere: nothing is left to click.
    ask("two", "ls");
    let shown = desktop.wait("it is asked", |one| one.text.starts_with("ls")).await?;
    let params = json!({ "id": "two", "decision": "deny" }).to_string();
    world.bulkhead_json(&["gateway", "call", "exec.approval.resolve", "--params", &params, "--json"]);
    desktop.gone(shown.id).await?;

    // What can't be read whole can only be looked at.
    let long = format!("echo {}", "x".repeat(400));
    ask("three", &long);
    let shown = desktop.wait("it is asked", |one| one.text.contains("too long")).await?;
    assert_eq!(buttons(&shown), ["default", "show"]);
    let asked = Instant::now();
    while desk.windows()?.is_empty() {
        anyhow::ensure!(asked.elapsed() < PATIENCE, "no window after the click");
        desktop.choose(shown.id, "show").await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
