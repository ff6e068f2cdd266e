//! The app's life: hidden until asked, one instance, gateways as sidecars, and nothing left when it dies.

use crate::outside::{Outside, Profile, client};
use crate::processes::{sidecars, until};
use anyhow::Result;
use bulkhead_tests::desk::Desk;
use bulkhead_tests::page::{self, state};
use bulkhead_tests::screen::{Screen, Window};
use bulkhead_tests::tray::Tray;
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, ports, programs};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Creates profiles that the app runs, through the machine interface that its wizard uses.
pub fn create(outside: &Outside, world: &World, names: &[&str], secrets: &str) -> Vec<Profile> {
    let profiles: Vec<Profile> = names
        .iter()
        .map(|name| Profile {
            name: (*name).to_owned(),
            port: ports::base(),
            token: format!("gw-{}", crate::outside::word(40)),
        })
        .collect();
    let planned: Vec<Value> = profiles
        .iter()
        .map(|p| json!({ "name": p.name, "port": p.port, "owner": "desktop", "gatewayToken": p.token }))
        .collect();
    let request = json!({
        "version": 1, "action": "create", "checks": ["ports"],
        "plan": {
            "secrets": secrets,
            "model": { "provider": "fake", "api": "openai", "baseUrl": outside.model.openai_url(), "modelId": "fake-1", "apiKey": outside.key },
            "profiles": planned,
        },
    });
    let out = world.bulkhead_with_input(&["onboard", "--plan", "-", "--json"], &format!("{request}\n"));
    assert!(out.status.success(), "create: {}", text(&out));
    profiles
}

/// Starts the app.
pub fn app(world: &World, args: &[&str]) -> Running {
    app_at(world, &programs::app(), args)
}

/// Starts another copy of the app.
pub fn app_at(world: &World, program: &std::path::Path, args: &[&str]) -> Running {
    let mut command = world.command(program);
    command.args(args);
    Running::start(command)
}

/// Living processes of this world whose command line contains a word.
pub fn running(world: &World, word: &str) -> Vec<u32> {
    let home = world.home().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("proc").filter_map(Result::ok) {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let read = |name: &str| {
            String::from_utf8_lossy(&std::fs::read(entry.path().join(name)).unwrap_or_default()).into_owned()
        };
        let ours = read("cmdline").contains(word)
            && format!("{}{}", read("environ"), read("cmdline")).contains(&home);
        if ours && !read("status").contains("State:\tZ") {
            found.push(pid);
        }
    }
    found
}

fn web_processes(world: &World) -> Vec<u32> {
    let mut found = running(world, "WebKitWebProcess");
    found.extend(running(world, "WebKitNetworkProcess"));
    found
}

pub fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("pid")).expect("pid");
    rustix::process::kill_process(pid, signal).expect("it lives");
}

async fn answers_now(profile: &Profile) -> bool {
    let url = format!("http://127.0.0.1:{}/readyz", profile.port);
    client().get(url).send().await.is_ok_and(|response| response.status().is_success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_app_leaves_no_gateway_and_no_browser() {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main", "rescue"], "keychain");
    let out = world.bulkhead(&["config", "set", "browser.headless", "true"]);
    assert!(out.status.success(), "{}", text(&out));
    let _screen = Screen::start(&mut world);
    let mut app = app(&world, &["--hidden"]);
    for profile in &profiles {
        profile.answers().await;
    }
    assert_eq!(sidecars(&world).len(), 2, "{}", app.output());
    // The browser seat opens a moment after the gateway.
    until("a browser starts", || world.bulkhead(&["browser", "start", "--json"]).status.success()).await;
    assert!(!running(&world, "--user-data-dir=").is_empty());

    app.signal("KILL");
    app.wait();
    until("no gateway is left", || sidecars(&world).is_empty()).await;
    until("no browser is left", || running(&world, "--user-data-dir=").is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_is_back_within_a_second() {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main", "rescue"], "keychain");
    let _screen = Screen::start(&mut world);
    let mut app = app(&world, &["--hidden"]);
    for profile in &profiles {
        profile.answers().await;
    }
    let [main, rescue] = [&profiles[0], &profiles[1]].map(|profile| profile.gateway_pid(&world));
    signal(main, rustix::process::Signal::KILL);
    let killed = Instant::now();
    until("another gateway runs", || !sidecars(&world).contains(&main) && sidecars(&world).len() == 2).await;
    profiles[0].answers().await;
    let back = killed.elapsed();
    assert!(back < Duration::from_secs(1), "it took {back:?}; {}", app.output());
    assert_eq!(profiles[1].gateway_pid(&world), rescue, "rescue went on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_app_drains_its_gateways_and_ends() {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main"], "keychain");
    let _screen = Screen::start(&mut world);
    let mut app = app(&world, &["--hidden"]);
    profiles[0].answers().await;
    app.signal("TERM");
    let status = app.wait();
    assert!(status.success(), "{status}: {}", app.output());
    // Ended in order: nothing is left for the pipe to end afterwards.
    assert!(sidecars(&world).is_empty());
    let log = std::fs::read_to_string(world.path(".bulkhead/logs/gateway.jsonl")).expect("log");
    assert!(!log.contains("panic"), "{log}");
    assert!(!world.path(".bulkhead/run.json").exists(), "a drained gateway takes its run record along");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_gateway_does_not_outlive_the_app() {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main"], "keychain");
    let _screen = Screen::start(&mut world);
    let mut app = app(&world, &["--hidden"]);
    profiles[0].answers().await;
    signal(profiles[0].gateway_pid(&world), rustix::process::Signal::STOP);
    app.signal("TERM");
    app.wait();
    assert!(sidecars(&world).is_empty(), "{}", app.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_app_has_no_web_process_before_and_after_its_window() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main"], "keychain");
    let screen = Screen::start(&mut world);
    let (desk, tray) = (Desk::new(&screen)?, Tray::start(&world).await?);
    let mut first = app(&world, &["--hidden"]);
    tray.appears().await?;
    profiles[0].answers().await;
    assert_eq!((web_processes(&world), desk.windows()?), (vec![], vec![]));

    // A second hidden start ends and shows nothing; a plain one shows the window of the first.
    assert!(app(&world, &["--hidden"]).wait().success());
    assert_eq!(desk.windows()?.len(), 0);
    for _ in 0..3 {
        assert!(app(&world, &[]).wait().success());
        let window = desk.has(1).await?[0];
        desk.is_painted(window, 20).await?;
        assert!(!running(&world, "WebKitWebProcess").is_empty());
        until("it has the focus", || desk.is_active(window).unwrap_or(false)).await;
        // Asked again while it is open: the same window.
        assert!(app(&world, &[]).wait().success());
        assert_eq!(desk.windows()?, [window]);
        desk.close(window)?;
        desk.has(0).await?;
        until("no web process is left", || web_processes(&world).is_empty()).await;
    }
    assert_eq!(sidecars(&world).len(), 1, "gateways go on without a window: {}", first.output());
    tray.click("Quit").await?;
    assert!(first.wait().success());
    assert!(sidecars(&world).is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_app_finds_what_the_command_line_makes_and_removes() {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let _screen = Screen::start(&mut world);
    // Without somebody who shows its icon the app would show its window.
    let _tray = Tray::start(&world).await.expect("a tray");
    let [main] = <[Profile; 1]>::try_from(create(&outside, &world, &["main"], "keychain")).ok().expect("one");
    let _app = app(&world, &["--hidden"]);
    main.answers().await;
    let [second] =
        <[Profile; 1]>::try_from(create(&outside, &world, &["second"], "keychain")).ok().expect("one");
    second.answers().await;
    assert!(web_processes(&world).is_empty(), "no window was needed for that");
    let out = world.bulkhead(&["--profile", "second", "gateway", "stop"]);
    assert!(out.status.success(), "{}", text(&out));
    let out = world.bulkhead(&["profiles", "remove", "second", "--yes"]);
    assert!(out.status.success(), "{}", text(&out));
    main.answers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_of_others_is_attached_to_and_left_alone() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    // One that nobody owns, and one that the app owns but that runs in a terminal already.
    let external = outside.onboard(&world, "main", None, "keychain");
    let owned = create(&outside, &world, &["rescue"], "keychain").remove(0);
    let mut gateways = [external.running(&world).await, owned.running(&world).await];
    let pids = [external.gateway_pid(&world), owned.gateway_pid(&world)];
    let _screen = Screen::start(&mut world);
    let tray = Tray::start(&world).await?;
    let mut app = app(&world, &["--hidden"]);
    tray.line(&format!("main · running · {}", external.port)).await?;
    tray.line(&format!("rescue · watching main · {}", owned.port)).await?;
    assert!(sidecars(&world).is_empty(), "nothing is started twice");
    tray.click("Quit").await?;
    assert!(app.wait().success());
    for (profile, pid) in [(&external, pids[0]), (&owned, pids[1])] {
        assert!(answers_now(profile).await, "{} was stopped", profile.name);
        assert_eq!(profile.gateway_pid(&world), pid);
    }
    for gateway in &mut gateways {
        gateway.signal("TERM");
        gateway.wait();
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keychain_that_is_shut_never_holds_the_app_up() -> Result<()> {
    let outside = Outside::new().await;
    for (mut world, words) in
        [(World::with_keychain(), "keychain"), (World::with_bus(), "missing"), (World::new(), "bus")]
    {
        if words == "keychain" {
            create(&outside, &world, &["main"], "keychain");
            world.lock_keychain();
        } else {
            // Its secrets are said to be in a keychain that this machine has not.
            create(&outside, &world, &["main"], "file");
            let config = world.path(".bulkhead/bulkhead.json");
            let text = std::fs::read_to_string(&config)?;
            assert!(text.contains("\"file\""), "{text}");
            std::fs::write(&config, text.replace("\"file\"", "\"keychain\""))?;
        }
        let screen = Screen::start(&mut world);
        let window = Window::open(&world, &[]).await?;
        state(&window.driver, "card-main-state", "data-state", "degraded").await?;
        let problem = page::find(&window.driver, "card-main-problem").await?.text().await?;
        assert!(problem.to_lowercase().contains(words), "{words}: {problem}");
        // The rest of the app works, and the gateway's control plane is up.
        page::click(&window.driver, "nav-settings").await?;
        page::find(&window.driver, "settings-autostart").await?;
        until("the gateway waits", || sidecars(&world).len() == 1).await;
        if words == "keychain" {
            // It goes on at the unlock by itself.
            page::click(&window.driver, "nav-home").await?;
            world.unlock_keychain();
            state(&window.driver, "card-main-state", "data-state", "running").await?;
        }
        window.close().await?;
        until("its gateway ends with it", || sidecars(&world).is_empty()).await;
        drop(screen);
    }
    Ok(())
}

#[test]
fn without_a_screen_the_app_says_so() {
    let world = World::new();
    let out = world.command(programs::app()).output().expect("the app starts");
    assert_eq!(out.status.code(), Some(1));
    let said = text(&out);
    assert!(said.contains("DISPLAY is not set") && said.contains("gateway supervise"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

/// How often the threads of a process went to sleep by themselves: each is a wake-up before.
fn wakes(pid: u32) -> std::collections::BTreeMap<String, u64> {
    let mut found = std::collections::BTreeMap::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).expect("tasks").filter_map(Result::ok) {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().to_owned())
        };
        let count = field("voluntary_ctxt_switches:").and_then(|text| text.parse().ok()).unwrap_or(0);
        let name = format!("{} {}", task.file_name().to_string_lossy(), field("Name:").unwrap_or_default());
        found.insert(name, count);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_app_rests() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main", "rescue"], "keychain");
    let _screen = Screen::start(&mut world);
    let tray = Tray::start(&world).await?;
    let app = app(&world, &["--hidden"]);
    for profile in &profiles {
        profile.answers().await;
    }
    tray.line("main · running").await?;
    tray.line("rescue · watching main").await?;
    // What a start brings along is over.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let span = Duration::from_secs(20);
    let before = wakes(app.id());
    tokio::time::sleep(span).await;
    let after = wakes(app.id());
    let woken: Vec<(String, u64)> = after
        .iter()
        .map(|(task, count)| (task.clone(), count - before.get(task).copied().unwrap_or(0)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let all: u64 = woken.iter().map(|(_, count)| count).sum();
    assert!(all <= span.as_secs(), "{all} wake-ups in {span:?}: {woken:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn start_at_login_is_written_starts_hidden_and_is_removed() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profile = create(&outside, &world, &["main"], "keychain").remove(0);
    let screen = Screen::start(&mut world);
    let (desk, tray) = (Desk::new(&screen)?, Tray::start(&world).await?);
    let file = world.path(".config/autostart/Bulkhead.desktop");
    let window = Window::open(&world, &[]).await?;
    page::click(&window.driver, "nav-settings").await?;
    page::click(&window.driver, "settings-autostart").await?;
    until("the entry is written", || file.exists()).await;
    tray.menu_where("it is ticked", |menu| {
        menu.entry("Start at login").is_some_and(|entry| entry.checked == Some(true))
    })
    .await?;
    window.close().await?;
    until("its gateway ends with it", || sidecars(&world).is_empty()).await;

    // As a session starts it: nothing to be seen but the icon, and the gateways run.
    let text = std::fs::read_to_string(&file)?;
    let line = text.lines().find_map(|line| line.strip_prefix("Exec=")).expect("what to start");
    let mut session = world.command("sh");
    session.args(["-c", &format!("exec {line}")]);
    let mut started = Running::start(session);
    profile.answers().await;
    tray.line("main · running").await?;
    assert!(desk.windows()?.is_empty());
    until("no web process is left of the first", || web_processes(&world).is_empty()).await;
    // One instance: a second start only shows the window of the first.
    assert!(app(&world, &[]).wait().success());
    let window = desk.has(1).await?[0];
    desk.close(window)?;
    desk.has(0).await?;

    // Turned off elsewhere, as desktops do it.
    std::fs::write(&file, text.replace("X-GNOME-Autostart-enabled=true", "X-GNOME-Autostart-enabled=false"))?;
    tray.click("Start at login").await?;
    until("it is on again", || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("X-GNOME-Autostart-enabled=true"))
    })
    .await;
    tray.click("Start at login").await?;
    until("the entry is removed", || !file.exists()).await;
    tray.click("Quit").await?;
    assert!(started.wait().success(), "{}", started.output());
    Ok(())
}
