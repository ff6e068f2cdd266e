//! The tray: what it shows, and that every entry does what it says.

use crate::app_life::{app, create};
use crate::outside::{Outside, Profile};
use crate::processes::{sidecars, until};
use anyhow::{Context, Result};
use bulkhead_tests::desk::Desk;
use bulkhead_tests::screen::Screen;
use bulkhead_tests::tray::Tray;
use bulkhead_tests::{World, programs};

fn picture(name: &str) -> std::path::PathBuf {
    programs::checkout().join(format!("icons/tray/{name}.png"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_of_the_menu_does_what_it_says() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main", "rescue"], "keychain");
    let screen = Screen::start(&mut world);
    let (desk, tray) = (Desk::new(&screen)?, Tray::start(&world).await?);
    let mut app = app(&world, &["--hidden", "--verbose"]);
    let outcome = click_through(&world, &desk, &tray, [&profiles[0], &profiles[1]]).await;
    outcome.with_context(|| format!("the app said: {}", app.output()))?;
    tray.click("Quit").await?;
    assert!(app.wait().success(), "{}", app.output());
    assert!(sidecars(&world).is_empty());
    Ok(())
}

async fn click_through(world: &World, desk: &Desk, tray: &Tray, [main, rescue]: [&Profile; 2]) -> Result<()> {
    let line = |name: &str, state: &str, port: u16| format!("{name} · {state} · {port}");

    let running = line("main", "running", main.port);
    let entry = tray.line(&running).await?;
    assert_eq!(entry.labels(), ["Open chat", "Restart", "Stop", "Logs"]);
    tray.line(&line("rescue", "running", rescue.port)).await?;
    tray.shows(&picture("well")).await?;
    let (revision, menu) = tray.menu().await?;
    assert_eq!(
        menu.labels()[2..],
        ["Open Bulkhead", "Start at login", "Quit (stops the gateways that the app runs)"]
    );

    // Restart: another process, the other gateway untouched.
    let before = [main, rescue].map(|profile| profile.gateway_pid(world));
    tray.click_under(&running, "Restart").await?;
    until("main is another process", || {
        let pids = sidecars(world);
        pids.len() == 2 && !pids.contains(&before[0])
    })
    .await;
    main.answers().await;
    assert_eq!(rescue.gateway_pid(world), before[1]);

    // Stop, then Start, of one only.
    tray.click_under(&running, "Stop").await?;
    let stopped = line("main", "stopped", main.port);
    let entry = tray.line(&stopped).await?;
    assert_eq!(entry.labels(), ["Open chat", "Restart", "Start", "Logs"]);
    assert!(!entry.entry("Open chat").context("it is there")?.enabled);
    until("only rescue is left", || sidecars(world) == [before[1]]).await;
    tray.shows(&picture("well")).await?;
    tray.click_under(&line("rescue", "running", rescue.port), "Stop").await?;
    tray.shows(&picture("idle")).await?;
    until("both are gone", || sidecars(world).is_empty()).await;
    tray.click_under(&stopped, "Start").await?;
    tray.line(&running).await?;
    main.answers().await;
    tray.shows(&picture("well")).await?;
    assert!(tray.menu().await?.0 > revision);

    // The pages.
    for (under, label) in [(None, "Open Bulkhead"), (Some(&running), "Open chat"), (Some(&running), "Logs")] {
        match under {
            Some(line) => tray.click_under(line, label).await?,
            None => tray.click(label).await?,
        }
        let window = desk.has(1).await.with_context(|| label.to_owned())?[0];
        desk.close(window)?;
        desk.has(0).await.with_context(|| format!("{label}, closed"))?;
    }

    // Start at login: written, ticked, removed.
    let file = world.path(".config/autostart/Bulkhead.desktop");
    assert!(!file.exists());
    tray.click("Start at login").await?;
    let ticked = |on: bool| {
        move |menu: &bulkhead_tests::tray::Entry| {
            menu.entry("Start at login").is_some_and(|entry| entry.checked == Some(on))
        }
    };
    until("the entry is written", || file.exists()).await;
    tray.menu_where("it is ticked", ticked(true)).await?;
    let text = std::fs::read_to_string(&file)?;
    let exec = format!("Exec=\"{}\" --hidden", programs::app().display());
    assert!(text.lines().any(|line| line == exec), "{text}");
    tray.click("Start at login").await?;
    until("the entry is removed", || !file.exists()).await;
    tray.menu_where("it is not ticked", ticked(false)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_down_shows_after_it_has_lasted() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main"], "keychain");
    // A configuration that no gateway takes, and no earlier one to fall back on.
    std::fs::write(world.path(".bulkhead/bulkhead.json"), "{ gateway: { port: \"no\" } }")?;
    let good = world.path(".bulkhead/bulkhead.last-good.json");
    if good.exists() {
        std::fs::remove_file(good)?;
    }
    let _screen = Screen::start(&mut world);
    let tray = Tray::start(&world).await?;
    let _app = app(&world, &["--hidden"]);
    tray.line(&format!("main · down · {}", profiles[0].port)).await?;
    tray.shows(&picture("down")).await?;
    Ok(())
}
