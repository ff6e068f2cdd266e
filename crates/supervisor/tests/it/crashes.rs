//! Crashes: restarts, the ladder, what is kept.

use std::time::{Duration, Instant};

use bulkhead_process::ProcessIdentity;
use bulkhead_supervisor::{GatewayState, GatewayStatus, Rung, Supervisor, recent_crashes};

use crate::world::{GOOD, World, until};

#[tokio::test]
async fn a_killed_gateway_is_back_at_once() {
    let world = World::new();
    let gateway = world.spawn(GOOD);
    let first = until(&gateway, GatewayStatus::is_running).await;
    let killed = ProcessIdentity::of(first.pid.unwrap()).unwrap();
    let began = Instant::now();
    std::thread::spawn(move || killed.kill()).join().unwrap().unwrap();
    let second = until(&gateway, |status| status.is_running() && status.pid != first.pid).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!((second.restarts, second.last_exit.unwrap().signal), (1, Some(9)));
    gateway.shutdown().await;
}

#[tokio::test]
async fn up_the_ladder_and_then_stopped_and_told() {
    let world = World::new();
    std::fs::write(world.place.last_good_config_path(), "{}").unwrap();
    let gateway = world.spawn("echo \"$@\" >> \"$HERE/starts\"\necho boom >&2\nexit 3\n");
    let status = until(&gateway, |status| status.state == GatewayState::Failed).await;
    assert_eq!(status.problem.unwrap().code, "crash-loop");
    assert_eq!(status.rung, Rung::Safe);
    let exit = status.last_exit.unwrap();
    assert_eq!((exit.code, exit.last_lines), (Some(3), vec!["boom".to_owned()]));
    let starts = world.read("starts");
    let starts: Vec<&str> = starts.lines().collect();
    let of = |word: &str| starts.iter().filter(|line| line.ends_with(word)).count();
    assert_eq!((of("--sidecar"), of("--last-good"), of("--safe")), (4, 4, 4));
    assert_eq!(starts[0], "--profile main gateway run --sidecar");
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_refused_configuration_is_not_tried_again_until_somebody_asks() {
    let world = World::new();
    let script = "echo x >> \"$HERE/starts\"\nif [ -e \"$HERE/repaired\" ]; then\nread first; echo '{\"type\":\"ready\",\"pid\":1,\"port\":1,\"version\":\"1\",\"readyMs\":1}'; cat > /dev/null; exit 0; fi\necho 'bulkhead.json: line 3: broken' >&2; exit 78\n";
    let gateway = world.spawn(script);
    let status = until(&gateway, |status| status.state == GatewayState::Failed).await;
    let problem = status.problem.unwrap();
    assert_eq!(problem.code, "config-refused");
    assert!(problem.message.contains("bulkhead.json: line 3: broken"), "{}", problem.message);
    assert_eq!(world.read("starts"), "x\n");
    std::fs::write(world.file("repaired"), "").unwrap();
    gateway.start().await.unwrap();
    let status = until(&gateway, GatewayStatus::is_running).await;
    assert_eq!(status.problem, None);
    gateway.shutdown().await;
}

#[tokio::test]
async fn first_and_last_lines_are_kept() {
    let world = World::new();
    let script = "read first\ni=0; while [ $i -lt 100 ]; do echo \"line $i\" >&2; i=$((i+1)); done\nexit 1\n";
    let gateway = world.spawn(script);
    until(&gateway, |status| status.state == GatewayState::Failed).await;
    gateway.shutdown().await;
    let kept = recent_crashes(&world.place);
    assert!(!kept.is_empty());
    let report = &kept[0];
    assert_eq!((report.first_lines.len(), report.omitted, report.last_lines.len()), (10, 40, 50));
    assert_eq!((report.first_lines[0].as_str(), report.last_lines[49].as_str()), ("line 0", "line 99"));
    assert_eq!(report.code, Some(1));
}

#[tokio::test]
async fn one_that_never_gets_ready_is_ended() {
    let world = World::new();
    let mut options = world.options("read first\ncat > /dev/null\n");
    options.start_limit = Duration::from_millis(50);
    let gateway = Supervisor::spawn(options).unwrap();
    let status = until(&gateway, |status| status.state == GatewayState::Failed).await;
    assert!(status.last_exit.unwrap().last_lines.iter().any(|line| line.contains("not ready after")));
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_missing_program_is_told() {
    let world = World::new();
    let mut options = world.options(GOOD);
    options.program = Some("/nowhere/bulkhead".into());
    let gateway = Supervisor::spawn(options).unwrap();
    let status = until(&gateway, |status| status.state == GatewayState::Failed).await;
    let problem = status.problem.unwrap();
    assert_eq!(problem.code, "gateway-not-startable");
    assert!(
        problem.message.starts_with("/nowhere/bulkhead: the gateway cannot be started"),
        "{}",
        problem.message
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn one_that_ignores_the_asking_is_killed_with_its_children() {
    let world = World::new();
    let script = "trap '' TERM\nread first\n(trap '' TERM; while :; do sleep 5; done) &\necho $! > \"$HERE/child\"\necho '{\"type\":\"ready\",\"pid\":1,\"port\":1,\"version\":\"1\",\"readyMs\":1}'\nwhile :; do sleep 5; done\n";
    let mut options = world.options(script);
    options.stop_limit = Duration::from_millis(50);
    let gateway = Supervisor::spawn(options).unwrap();
    until(&gateway, GatewayStatus::is_running).await;
    let child = ProcessIdentity::of(world.read("child").trim().parse().unwrap()).unwrap();
    gateway.stop().await.unwrap();
    assert_eq!(gateway.status().state, GatewayState::Stopped);
    while child.is_alive() {
        tokio::task::yield_now().await;
    }
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_new_supervisor_goes_on_where_a_killed_one_was_on_the_ladder() {
    let world = World::new();
    std::fs::write(world.place.last_good_config_path(), "{ logging: { level: 'info' } }").unwrap();
    // Crashes on its configuration, runs on the last good one.
    let script =
        format!("echo \"$@\" >> \"$HERE/starts\"\ncase \"$*\" in *--last-good*) ;; *) exit 3;; esac\n{GOOD}");
    let gateway = world.spawn(&script);
    let status = until(&gateway, GatewayStatus::is_running).await;
    assert_eq!(
        (status.rung, status.problem.unwrap().code.as_str()),
        (Rung::LastGood, "running-on-last-good")
    );
    // Not a stop that somebody asked for: the service manager ends and starts the supervisor.
    gateway.shutdown().await;
    let gateway = world.spawn(&script);
    let status = until(&gateway, GatewayStatus::is_running).await;
    assert_eq!(
        (status.rung, status.problem.unwrap().code.as_str()),
        (Rung::LastGood, "running-on-last-good")
    );
    assert_eq!(world.read("starts").lines().filter(|line| !line.ends_with("--last-good")).count(), 4);
    // Only a restart that somebody asks for goes back to its configuration.
    std::fs::write(world.file("starts"), "").unwrap();
    gateway.restart().await.unwrap();
    until(&gateway, |status| status.is_running() && status.rung == Rung::LastGood).await;
    assert_eq!(world.read("starts").lines().filter(|line| !line.ends_with("--last-good")).count(), 4);
    gateway.stop().await.unwrap();
    gateway.shutdown().await;
    assert!(!world.place.state_dir().join("ladder.json").exists(), "a planned stop forgets");
}

#[tokio::test]
async fn a_program_that_comes_back_is_started_without_climbing() {
    let world = World::new();
    let script = world.script(GOOD);
    let away = world.file("away.sh");
    std::fs::rename(&script, &away).unwrap();
    let mut options = world.options(GOOD);
    std::fs::remove_file(&script).unwrap();
    options.ladder.backoff = vec![Duration::from_millis(40)];
    let gateway = Supervisor::spawn(options).unwrap();
    let status = until(&gateway, |status| status.problem.is_some()).await;
    assert_eq!(status.problem.unwrap().code, "gateway-not-startable", "told at once");
    std::fs::rename(&away, &script).unwrap();
    let status = until(&gateway, GatewayStatus::is_running).await;
    assert_eq!((status.rung, status.problem), (Rung::Normal, None));
    gateway.shutdown().await;
}

#[tokio::test]
async fn one_that_stands_still_is_restarted_soon() {
    let world = World::new();
    // It lets itself be stopped again and again.
    let script = "read first\necho '{\"type\":\"ready\",\"pid\":1,\"port\":1,\"version\":\"1\",\"readyMs\":1}'\ntrap 'kill -STOP $$' CONT TERM\nwhile :; do sleep 1; done\n";
    for (script, limit) in [(GOOD, 2), (script, 5)] {
        let gateway = world.spawn(script);
        let first = until(&gateway, GatewayStatus::is_running).await;
        let pid = first.pid.unwrap();
        std::process::Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap();
        while !bulkhead_process::stands_still(pid) {
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        gateway.restart().await.unwrap();
        until(&gateway, |status| status.is_running() && status.pid != Some(pid)).await;
        assert!(began.elapsed() < Duration::from_secs(limit), "{:?}", began.elapsed());
        let last = gateway.status().pid.unwrap();
        // The second script would take its time again.
        std::process::Command::new("kill").args(["-KILL", &last.to_string()]).status().unwrap();
        gateway.shutdown().await;
    }
}
