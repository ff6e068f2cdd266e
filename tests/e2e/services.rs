//! Services in a real systemd user manager: they come back, tell the truth, are repaired, and leave nothing behind.

use crate::app_life::{app, create, running};
use crate::interleavings::watch::Watch;
use crate::outside::{Outside, Profile};
use crate::units::{gateway, property, ready, systemctl, unit, until};
use bulkhead_tests::World;
use bulkhead_tests::screen::Screen;
use bulkhead_tests::world::text;
use serde_json::{Value, json};
use std::time::Duration;

fn refused(world: &World, profile: &Profile, args: &[&str]) -> (Option<i32>, Value) {
    let out = world.bulkhead(&[&["--profile", profile.name.as_str(), "--json", "gateway"], args].concat());
    let value = serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("no JSON: {}", text(&out)));
    (out.status.code(), value)
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("pid")).expect("pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lives");
}

/// Nobody ever held a lock beside another, nor served without one. (Two processes may live at a time: one that dies and
/// one that waits for its lock.)
fn never_two(watch: Watch) {
    let seen = watch.end();
    assert!(seen.violations.is_empty(), "{seen}: {:#?}", seen.violations);
}

#[tokio::test(flavor = "multi_thread")]
async fn services_come_back_tell_the_truth_and_leave_nothing() {
    let Some(world) = World::with_user_manager() else { return };
    let outside = Outside::new().await;
    let main = outside.onboard(&world, "main", None, "file");
    let rescue = outside.onboard(&world, "rescue", None, "file");
    let profiles = [&main, &rescue];

    for profile in profiles {
        let done = gateway(&world, profile, &["install"]);
        assert_eq!(
            (&done["result"], &done["owner"], &done["ownerBefore"]),
            (&json!("installed"), &json!("service"), &json!("external"))
        );
        assert_eq!(property(&world, &unit(profile), "ActiveState"), "active", "{done}");
        assert_eq!(property(&world, &unit(profile), "UnitFileState"), "enabled");
        profile.answers().await;
        let verified = world
            .command("systemd-analyze")
            .args(["--user", "verify", "--man=no"])
            .arg(world.path(".config/systemd/user").join(unit(profile)))
            .output()
            .expect("systemd-analyze starts");
        assert_eq!(text(&verified), "", "systemd has nothing to say about the unit");
        let unit_text =
            std::fs::read_to_string(world.path(".config/systemd/user").join(unit(profile))).expect("unit");
        assert!(!unit_text.contains(&profile.token) && !unit_text.contains(&outside.key), "{unit_text}");
        assert_eq!(gateway(&world, profile, &["install"])["result"], "unchanged");
    }

    // The gateway is killed: its supervisor has it back within two seconds.
    let observer = Watch::begin(&world, &main);
    let before = main.gateway_pid(&world);
    kill(before);
    let back = until("the gateway is back", async || {
        ready(&main).await.is_some_and(|body| body["ready"] == true) && main.gateway_pid(&world) != before
    })
    .await;
    assert!(back < Duration::from_secs(2), "back after {back:?}");

    // The supervisor is killed: systemd brings both back.
    let supervisor: u32 = property(&world, &unit(&main), "MainPID").parse().expect("pid");
    let before = main.gateway_pid(&world);
    kill(supervisor);
    until("systemd brings the supervisor back", async || {
        let now = property(&world, &unit(&main), "MainPID").parse::<u32>().unwrap_or_default();
        now != 0 && now != supervisor && property(&world, &unit(&main), "ActiveState") == "active"
    })
    .await;
    main.answers().await;
    assert_ne!(main.gateway_pid(&world), before);
    assert_eq!(property(&world, &unit(&main), "NRestarts"), "1");
    never_two(observer);

    planned_stop(&world, &main).await;
    drift_is_told_and_repaired(&world, &main).await;
    broken_configurations(&world, &main, &rescue).await;
    others_are_told(&world, &main);

    for profile in profiles {
        let gone = gateway(&world, profile, &["uninstall"]);
        assert_eq!(
            (&gone["result"], &gone["owner"], &gone["left"]),
            (&json!("uninstalled"), &json!("external"), &json!([]))
        );
        assert_eq!(gateway(&world, profile, &["uninstall"])["result"], "not-installed");
    }
    let units = systemctl(&world, &["list-units", "--all", "--plain", "--no-legend", "bulkhead*"]);
    assert_eq!(String::from_utf8_lossy(&units.stdout), "", "no unit is left");
    let files =
        world.command("find").args([".config/systemd", "-name", "*bulkhead*"]).output().expect("find");
    assert_eq!(String::from_utf8_lossy(&files.stdout), "", "no file and no link is left");
    assert_eq!(running(&world, "gateway"), Vec::<u32>::new(), "no process is left");
}

/// A planned stop: the service is down, it is no failure, and it stays down until somebody starts it.
async fn planned_stop(world: &World, main: &Profile) {
    assert_eq!(gateway(world, main, &["stop"])["result"], "stopped");
    assert_eq!(property(world, &unit(main), "ActiveState"), "inactive");
    assert!(ready(main).await.is_none());
    // As after a new log-in: the supervisor comes up, the gateway stays stopped, and systemd calls that started.
    assert!(systemctl(world, &["start", &unit(main)]).status.success());
    assert_eq!(property(world, &unit(main), "StatusText"), "stopped on purpose");
    assert!(ready(main).await.is_none());
    assert_eq!(gateway(world, main, &["start"])["supervisor"]["state"], "running");
    main.answers().await;
}

async fn drift_is_told_and_repaired(world: &World, main: &Profile) {
    let path = world.path(".config/systemd/user").join(unit(main));
    let edited =
        std::fs::read_to_string(&path).expect("unit").replace("TimeoutStopSec=30", "TimeoutStopSec=1");
    std::fs::write(&path, &edited).expect("write");
    let status = gateway(world, main, &["status", "--no-probe"]);
    assert_eq!(status["service"]["drift"][0]["kind"], "edited", "{status}");
    let done = gateway(world, main, &["install"]);
    assert_eq!((&done["result"], &done["repaired"][0]["kind"]), (&json!("repaired"), &json!("edited")));
    let kept =
        std::fs::read_to_string(done["kept"].as_str().expect("the edited text is kept")).expect("kept");
    assert_eq!(kept, edited);
    let status = gateway(world, main, &["status"]);
    assert_eq!(status["service"]["drift"], json!([]), "{status}");
    assert_eq!((&status["service"]["active"], &status["probe"]["ok"]), (&json!(true), &json!(true)));
    main.answers().await;
}

/// With a good version the gateway runs on it and says so; without one the unit has failed with 78 and stays down.
async fn broken_configurations(world: &World, main: &Profile, rescue: &Profile) {
    let config = |profile: &Profile| {
        let dir = if profile.name == "main" {
            ".bulkhead".to_owned()
        } else {
            format!(".bulkhead-{}", profile.name)
        };
        world.path(&dir).join("bulkhead.json")
    };
    let good = std::fs::read_to_string(config(main)).expect("configuration");
    std::fs::write(config(main).with_file_name("bulkhead.last-good.json"), &good).expect("write");
    std::fs::write(config(main), "{ this is no configuration").expect("write");
    kill(main.gateway_pid(world));
    until("main runs on the good version and says so", async || {
        ready(main).await.is_some_and(|body| {
            body["failing"].as_array().is_some_and(|failing| failing.contains(&json!("config")))
        })
    })
    .await;
    assert_eq!(property(world, &unit(main), "ActiveState"), "active");
    std::fs::write(config(main), good).expect("write");

    let good = std::fs::read_to_string(config(rescue)).expect("configuration");
    std::fs::write(config(rescue), "{ this is no configuration").expect("write");
    let _ = std::fs::remove_file(config(rescue).with_file_name("bulkhead.last-good.json"));
    let before = property(world, &unit(rescue), "NRestarts");
    kill(rescue.gateway_pid(world));
    until("rescue's unit has failed", async || property(world, &unit(rescue), "ActiveState") == "failed")
        .await;
    assert_eq!(property(world, &unit(rescue), "ExecMainStatus"), "78");
    assert_eq!(property(world, &unit(rescue), "NRestarts"), before, "not started again");
    let (code, told) = refused(world, rescue, &["start"]);
    assert_eq!((code, told["error"]["code"].as_str()), (Some(78), Some("config-refused")), "{told}");
    let status = gateway(world, rescue, &["status", "--no-probe"]);
    assert_eq!((&status["service"]["state"], &status["service"]["lastExit"]), (&json!("failed"), &json!(78)));
    std::fs::write(config(rescue), good).expect("write");
    gateway(world, rescue, &["start"]);
    rescue.answers().await;
}

fn others_are_told(world: &World, main: &Profile) {
    let stale = world.path(".config/systemd/user/openclaw-gateway.service");
    std::fs::write(&stale, "[Service]\nExecStart=/nowhere/node /nowhere/openclaw.mjs gateway --port 18789\n")
        .expect("write");
    let status = gateway(world, main, &["status", "--deep"]);
    let others = status["otherServices"].as_array().expect("others").clone();
    let of = |name: &str| {
        others
            .iter()
            .find(|other| other["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {status}"))
            .clone()
    };
    assert_eq!(of("bulkhead-gateway-rescue.service")["verdict"], "beside");
    assert_eq!(of("openclaw-gateway.service")["verdict"], "program-missing");
    std::fs::remove_file(stale).expect("remove");
}

#[tokio::test(flavor = "multi_thread")]
async fn onboarding_installs_the_service_and_a_port_that_is_taken_is_told() {
    let Some(world) = World::with_user_manager() else { return };
    let outside = Outside::new().await;
    let main = outside.onboard_with_service(&world, "main", "file");
    assert_eq!(property(&world, &unit(&main), "ActiveState"), "active");
    main.answers().await;
    let observer = Watch::begin(&world, &main);
    // Somebody runs it by hand as well: refused, and the service goes on.
    let out = world.bulkhead(&["gateway", "run"]);
    assert!(!out.status.success(), "{}", text(&out));
    let out = world.bulkhead(&["gateway", "supervise"]);
    assert!(!out.status.success(), "{}", text(&out));
    main.answers().await;
    never_two(observer);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_hands_its_gateway_to_a_service_attaches_to_it_and_gets_it_back() {
    let Some(mut world) = World::with_user_manager() else { return };
    let outside = Outside::new().await;
    let main = create(&outside, &world, &["main"], "file").remove(0);
    // The bus of the user manager: it starts one when somebody connects.
    world.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/0/bus");
    let _screen = Screen::start(&mut world);
    let mut first = app(&world, &["--hidden"]);
    main.answers().await;
    let observer = Watch::begin(&world, &main);
    let by_app = main.gateway_pid(&world);

    let done = gateway(&world, &main, &["install"]);
    assert_eq!((&done["result"], &done["ownerBefore"]), (&json!("installed"), &json!("desktop")));
    main.answers().await;
    let by_service = main.gateway_pid(&world);
    assert_ne!(by_service, by_app);
    assert_eq!(property(&world, &unit(&main), "ActiveState"), "active");

    // The app ends and starts again: the gateway goes on, and the app finds it.
    first.signal("TERM");
    first.wait();
    let mut second = app(&world, &["--hidden"]);
    until("the app is connected", async || {
        let present = world.bulkhead_json(&["gateway", "call", "system-presence", "--json"]);
        let is_app = |entry: &Value| entry["mode"] == "backend" && entry["reason"] == "connect";
        present.as_array().is_some_and(|entries| entries.iter().any(is_app))
    })
    .await;
    assert_eq!(main.gateway_pid(&world), by_service, "attached to, not started again");

    // The owner moves back only because somebody asks for it, and the app takes it up again.
    assert_eq!(gateway(&world, &main, &["uninstall"])["owner"], "desktop");
    until("the app runs it again", async || {
        ready(&main).await.is_some() && running(&world, "--sidecar").iter().any(|pid| *pid != by_service)
    })
    .await;
    never_two(observer);
    second.signal("TERM");
    second.wait();
}

/// The machine starts without anybody who logs in: the service is up, and waits for its secrets.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_a_locked_keychain_waits_and_goes_on_at_the_unlock() {
    const PERSON: i64 = 6161;
    let Some(world) = World::with_user_manager_and_keychain() else { return };
    let outside = Outside::new().await;
    let bot = outside.bot("patient_bot");
    let rescue = outside.onboard(&world, "rescue", Some(&bot), "keychain");
    gateway(&world, &rescue, &["install"]);
    rescue.answers().await;
    bot.pair(&world, &rescue, PERSON).await;

    let down = systemctl(&world, &["stop", &unit(&rescue)]);
    assert!(down.status.success(), "{}", text(&down));
    assert!(ready(&rescue).await.is_none());
    world.lock_keychain();
    bot.control.say(PERSON, "ECHO it was worth the wait");
    // Asked to start everything that is wanted at a log-in; it is told that the service is up, and goes on.
    let up = systemctl(&world, &["start", "default.target", &unit(&rescue)]);
    assert!(up.status.success(), "{}", text(&up));
    assert_eq!(property(&world, &unit(&rescue), "ActiveState"), "active");
    let body = ready(&rescue).await.expect("the control plane is up");
    let failing = body["failing"].as_array().expect("a list");
    assert!(body["ready"] == false && failing.contains(&json!("waiting-for-keychain")), "{body}");
    let status = gateway(&world, &rescue, &["status", "--no-probe"]);
    assert_eq!(status["supervisor"]["state"], "waiting-for-keychain", "{status}");
    let waiting = rescue.gateway_pid(&world);
    let polls = bot.control.calls_of("getUpdates").len();

    world.unlock_keychain();
    bot.control.wait_for_text(PERSON, "it was worth the wait").await;
    rescue.answers().await;
    assert!(bot.control.calls_of("getUpdates").len() > polls);
    assert_eq!(rescue.gateway_pid(&world), waiting, "it went on, and was not started again");
    assert_eq!(property(&world, &unit(&rescue), "NRestarts"), "0");
}
