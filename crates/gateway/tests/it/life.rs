//! Starting, refusing to start, stopping.

use std::net::TcpListener;

use serde_json::json;

use crate::harness::World;

#[tokio::test]
async fn the_second_one_is_refused_with_pid_and_profile_and_a_killed_one_leaves_nothing() {
    let world = World::new().await;
    let mut gateway = world.start().await;
    assert_eq!(
        (&gateway.ready["type"], gateway.ready["pid"].as_u64()),
        (&json!("ready"), Some(u64::from(gateway.process.pid())))
    );
    let mut second = world.spawn("", &[]);
    let refused = second.line().await;
    assert_eq!(refused["code"], "gateway.already_running");
    let text = refused["message"].as_str().unwrap();
    assert!(
        text.contains(&format!("pid {}", gateway.process.pid())) && text.contains("profile main"),
        "{text}"
    );
    assert_eq!(second.exit().await, Some(1));
    gateway.process.kill().await;
    world.start().await;
}

#[tokio::test]
async fn force_takes_over_from_our_own_gateway() {
    let world = World::new().await;
    let mut first = world.start().await;
    let second = world.start_with("force", &[]).await;
    assert_eq!(first.process.exit().await, Some(0));
    assert_eq!(second.get("/healthz").await["ok"], true);
}

#[tokio::test]
async fn without_a_configuration_it_says_so_with_78() {
    let world = World::new().await;
    std::fs::remove_file(world.config_path()).unwrap();
    let mut refused = world.spawn("", &[]);
    let line = refused.line().await;
    assert_eq!(line["code"], "gateway.unconfigured");
    assert!(line["message"].as_str().unwrap().contains("onboard"), "{line}");
    assert_eq!(refused.exit().await, Some(78));
    let allowed = world.start_with("allow-unconfigured", &[]).await;
    assert!(world.bot.calls().is_empty());
    allowed.until_ready(&["unconfigured"]).await;
}

#[tokio::test]
async fn a_broken_configuration_is_78_without_and_degraded_with_a_good_one() {
    let world = World::new().await;
    std::fs::write(world.config_path(), "{ gateway: { port: \"no\" } }").unwrap();
    let mut refused = world.spawn("", &[]);
    let line = refused.line().await;
    assert_eq!(line["code"], "gateway.config_broken");
    let text = line["message"].as_str().unwrap();
    assert!(text.contains("gateway.port") && text.contains("line 1"), "{text}");
    assert_eq!(refused.exit().await, Some(78));

    world.write_config(&world.config());
    let mut gateway = world.start().await;
    let env = bulkhead_profile::Environment::for_test(world.home.path());
    let last_good = bulkhead_profile::Place::resolve(None, &env).unwrap().last_good_config_path();
    let kept = async {
        // The good version is kept a moment after "ready".
        while std::fs::read(&last_good).ok() != std::fs::read(world.config_path()).ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, kept).await.unwrap();
    gateway.process.kill().await;
    std::fs::write(world.config_path(), "").unwrap();
    let gateway = world.start().await;
    gateway.until_ready(&["config"]).await;
    assert_eq!(std::fs::read_to_string(world.config_path()).unwrap(), "");
}

#[tokio::test]
async fn a_taken_port_is_told_with_its_holder() {
    let world = World::new().await;
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let flag = format!("port={port}");
    let mut refused = world.spawn(&flag, &[]);
    refused.hand_over(&json!({"v": 1, "type": "secrets", "secrets": World::secrets()})).await;
    let line = refused.line().await;
    assert_eq!(line["code"], "gateway.port_taken", "{line}");
    let text = line["message"].as_str().unwrap();
    assert!(
        text.contains(&port.to_string()) && text.contains(&format!("process {}", std::process::id())),
        "{text}"
    );
    assert!(text.contains("--port"), "{text}");
}

#[tokio::test]
async fn the_end_of_stdin_and_sigterm_stop_it() {
    let world = World::new().await;
    let mut gateway = world.start().await;
    let (_client, mut events) = gateway.client().await;
    gateway.process.let_go();
    events.next("the farewell", |event, _| event == "shutdown").await;
    assert_eq!(gateway.process.exit().await, Some(0));
    let mut gateway = world.start().await;
    gateway.process.terminate();
    assert_eq!(gateway.process.exit().await, Some(0));
    assert!(!world.state().join("run.json").exists());
}

#[tokio::test]
async fn without_secrets_it_waits_and_goes_on_when_they_come() {
    let world = World::with_telegram().await;
    let mut process = world.spawn("", &[]);
    let waiting = json!({"code": "keychain.locked", "message": "the keychain is locked; unlock it"});
    let known = json!({"gateway/token": crate::harness::TOKEN});
    process.hand_over(&json!({"v": 1, "type": "secrets", "secrets": known, "waiting": waiting})).await;
    let mut gateway = process.ready().await.unwrap();
    gateway.until_ready(&["waiting-for-keychain"]).await;
    assert!(world.bot.calls().is_empty());
    let (client, _) = gateway.client().await;
    let params = json!({"sessionKey": "main", "message": "hello", "idempotencyKey": "x"});
    let refused = client.request("chat.send", params).await.unwrap_err().to_string();
    assert!(refused.contains("the keychain is locked; unlock it"), "{refused}");
    let line = json!({"v": 1, "type": "update", "secrets": World::secrets()});
    gateway.process.hand_over(&line).await;
    world.bot.expect_poll().await;
    gateway.until_ready(&[]).await;
    let (client, _) = gateway.client().await;
    assert_eq!(client.request("health", json!({})).await.unwrap()["ok"], true);
}

#[tokio::test]
async fn safe_mode_serves_and_answers_nobody() {
    let world = World::with_telegram().await;
    let gateway = world.start_with("safe", &[]).await;
    gateway.until_ready(&["safe-mode"]).await;
    let (client, _) = gateway.client().await;
    let params = json!({"sessionKey": "main", "message": "hello", "idempotencyKey": "x"});
    let refused = client.request("chat.send", params).await.unwrap_err().to_string();
    assert!(refused.contains("safe mode"), "{refused}");
    assert!(world.bot.calls().is_empty());
    assert_eq!(client.request("config.get", json!({})).await.unwrap()["valid"], true);
}
