//! The tray: what it shows, and that every entry does what it says.

use crate::app_life::{app, create};
use crate::outside::{Outside, Profile};
use crate::processes::{sidecars, until};
use anyhow::{Context, Result};
use bulkhead_tests::desk::Desk;
use bulkhead_tests::page::{self, state};
use bulkhead_tests::screen::{Screen, Window};
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
    // Main and rescue watch each other; of rescue that is what one wants to know.
    let watching = line("rescue", "watching main", rescue.port);
    tray.line(&watching).await?;
    tray.shows(&picture("well")).await?;
    let (revision, menu) = tray.menu().await?;
    assert_eq!(
        menu.labels()[2..],
        [
            "Pause for an hour",
            "Pending approvals (0)",
            "Open Bulkhead",
            "Start at login",
            "Check for updates",
            "Quit (stops the gateways that the app runs)"
        ]
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
    tray.click_under(&watching, "Stop").await?;
    tray.shows(&picture("idle")).await?;
    until("both are gone", || sidecars(world).is_empty()).await;
    tray.click_under(&stopped, "Start").await?;
    tray.line(&running).await?;
    main.answers().await;
    tray.shows(&picture("well")).await?;
    assert!(tray.menu().await?.0 > revision);

    // The pages.
    for (under, label) in [
        (None, "Open Bulkhead"),
        (None, "Check for updates"),
        (Some(&running), "Open chat"),
        (Some(&running), "Logs"),
    ] {
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

/// What the owner of a profile wants of it, as its supervisor keeps it.
fn wish(world: &World, state: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(world.path(state).join("desired.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_stops_what_runs_and_ends_by_itself_or_by_a_click() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main", "rescue"], "keychain");
    let _screen = Screen::start(&mut world);
    let tray = Tray::start(&world).await?;
    // One is run by a supervisor of its own: it is asked, and nobody else.
    let mut rescue = profiles[1].supervised(&world).await;
    let mut app = app(&world, &["--hidden", "--verbose"]);
    profiles[0].answers().await;
    tray.line("main · running").await?;
    tray.line("rescue · watching main").await?;
    tray.click("Pause for an hour").await?;
    tray.line("main · paused until ").await.with_context(|| app.output())?;
    tray.line("rescue · paused until ").await.with_context(|| app.output())?;
    until("both are gone", || sidecars(&world).is_empty()).await;
    for state in [".bulkhead", ".bulkhead-rescue"] {
        let wish = wish(&world, state);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
        let left = u128::from(wish["untilMs"].as_u64().unwrap_or(0)).saturating_sub(now);
        assert!(wish["desired"] == "paused-until" && (3_500_000..=3_600_000).contains(&left), "{wish}");
    }
    tray.click("Resume (paused until ").await?;
    for profile in &profiles {
        profile.answers().await;
    }
    tray.line("main · running").await?;
    tray.line("rescue · watching main").await?;
    tray.menu_where("it can be paused again", |menu| menu.entry("Pause for an hour").is_some()).await?;
    for state in [".bulkhead", ".bulkhead-rescue"] {
        assert_eq!(wish(&world, state)["desired"], "running");
    }
    tray.click("Quit").await?;
    assert!(app.wait().success());
    profiles[1].answers().await;
    rescue.signal("TERM");
    rescue.wait();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_person_is_counted_and_one_click_away() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main"], "keychain");
    let screen = Screen::start(&mut world);
    let (desk, tray) = (Desk::new(&screen)?, Tray::start(&world).await?);
    let app = app(&world, &["--hidden", "--verbose"]);
    profiles[0].answers().await;
    tray.menu_where("nothing waits", |menu| menu.entry("Pending approvals (0)").is_some()).await?;
    let params = serde_json::json!({
        "command": "rm -r build", "cwd": "/srv", "agentId": "main", "twoPhase": true, "timeoutMs": 120_000,
    });
    let mut ids = Vec::new();
    for number in 1..=2 {
        let out = world.bulkhead_json(&[
            "gateway",
            "call",
            "exec.approval.request",
            "--params",
            &params.to_string(),
            "--json",
        ]);
        ids.push(out.pointer("/id").or_else(|| out.pointer("/result/id")).cloned().context(out.to_string())?);
        let label = format!("Pending approvals ({number})");
        tray.menu_where(&label, |menu| menu.entry(&label).is_some()).await?;
    }
    tray.click("Pending approvals").await?;
    let window = desk.has(1).await?[0];
    desk.close(window)?;
    desk.has(0).await?;
    for (left, id) in [(1, &ids[0]), (0, &ids[1])] {
        let params = serde_json::json!({ "id": id, "decision": "deny" });
        world.bulkhead_json(&[
            "gateway",
            "call",
            "exec.approval.resolve",
            "--params",
            &params.to_string(),
            "--json",
        ]);
        let label = format!("Pending approvals ({left})");
        tray.menu_where(&label, |menu| menu.entry(&label).is_some()).await?;
    }
    drop(app);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desktop_without_a_tray_gets_the_window_and_is_told_once() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    create(&outside, &world, &["main"], "keychain");
    let screen = Screen::start(&mut world);
    let desk = Desk::new(&screen)?;
    // Nobody shows icons: what was asked to be hidden shows all the same, and says why.
    let window = Window::open(&world, &["--hidden"]).await?;
    state(&window.driver, "card-main-state", "data-state", "running").await?;
    page::find(&window.driver, "announcement-no-tray").await?;
    let shown = desk.has(1).await?[0];
    // It can't be closed into nowhere.
    desk.close(shown)?;
    until("it is put away", || desk.is_minimised(shown).unwrap_or(false)).await;
    assert_eq!(desk.windows()?, [shown]);
    assert!(app(&world, &[]).wait().success());
    until("it is back", || !desk.is_minimised(shown).unwrap_or(true)).await;
    page::click(&window.driver, "announcement-no-tray-dismiss").await?;
    page::gone(&window.driver, "announcement-no-tray").await?;
    // A panel appears later: so does the icon, and the window may go.
    let tray = Tray::start(&world).await?;
    tray.line("main · running").await?;
    window.close().await?;
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
