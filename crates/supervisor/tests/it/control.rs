//! The control socket, the desired state, and one supervisor per profile.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use bulkhead_supervisor::{
    ControlClient, ControlRequest, Desired, GatewayState, GatewayStatus, Supervisor, SupervisorError,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::world::{GOOD, World, until};

#[tokio::test]
async fn others_ask_over_a_private_socket() {
    let world = World::new();
    let client = ControlClient::new(&world.place);
    assert_eq!(client.status().await.unwrap(), None);
    let gateway = world.spawn(GOOD);
    let status = client.wait_for(Duration::from_secs(30), GatewayStatus::is_running).await.unwrap();
    assert_eq!((status.profile.as_str(), status.ready.unwrap().port), ("main", 18789));
    let mode = std::fs::metadata(world.place.control_socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let status = client.ask(&ControlRequest::Stop).await.unwrap();
    assert_eq!((status.state, status.desired, status.pid), (GatewayState::Stopped, Desired::Stopped, None));
    assert_eq!(Desired::read(&world.place.desired_path()), Desired::Stopped);
    client.ask(&ControlRequest::Start).await.unwrap();
    client.wait_for(Duration::from_secs(30), GatewayStatus::is_running).await.unwrap();
    let before = gateway.status().pid;
    client.ask(&ControlRequest::Restart).await.unwrap();
    client
        .wait_for(Duration::from_secs(30), |status| status.is_running() && status.pid != before)
        .await
        .unwrap();
    client.ask(&ControlRequest::SafeMode).await.unwrap();
    let safe = client.wait_for(Duration::from_secs(30), GatewayStatus::is_running).await.unwrap();
    assert_eq!(safe.rung, bulkhead_supervisor::Rung::Safe);
    gateway.shutdown().await;
    assert_eq!(client.status().await.unwrap(), None);
    assert!(matches!(client.ask(&ControlRequest::Start).await, Err(SupervisorError::NotSupervised { .. })));
}

#[tokio::test]
async fn nonsense_on_the_socket_is_answered_and_harmless() {
    let world = World::new();
    let gateway = world.spawn(GOOD);
    until(&gateway, GatewayStatus::is_running).await;
    let mut stream = tokio::net::UnixStream::connect(world.place.control_socket()).await.unwrap();
    stream.write_all(b"{\"op\":\"explode\"}\nnot json\n{\"op\":\"status\"}\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let answers: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 3);
    assert_eq!(
        (answers[0]["code"].as_str(), answers[1]["code"].as_str()),
        (Some("bad-request"), Some("bad-request"))
    );
    assert_eq!(answers[2]["status"]["state"], "running");
    let mut flood = tokio::net::UnixStream::connect(world.place.control_socket()).await.unwrap();
    let _ = flood.write_all(&vec![b'x'; 1024 * 1024]).await;
    assert!(gateway.status().is_running());
    gateway.shutdown().await;
}

#[tokio::test]
async fn two_supervisors_of_one_profile_never_run() {
    let world = World::new();
    let gateway = world.spawn(GOOD);
    let second = Supervisor::spawn(world.options(GOOD));
    assert_eq!(second.err().unwrap().code(), "already-supervised");
    gateway.shutdown().await;
    let third = world.spawn(GOOD);
    until(&third, GatewayStatus::is_running).await;
    third.shutdown().await;
}

#[tokio::test]
async fn a_socket_left_by_a_killed_supervisor_is_replaced() {
    let world = World::new();
    std::fs::create_dir_all(world.place.control_socket().parent().unwrap()).unwrap();
    drop(std::os::unix::net::UnixListener::bind(world.place.control_socket()).unwrap());
    let gateway = world.spawn(GOOD);
    until(&gateway, GatewayStatus::is_running).await;
    assert!(ControlClient::new(&world.place).status().await.unwrap().is_some());
    gateway.shutdown().await;
}

/// Killed while it is asked: what it leaves is a connection that breaks, and that is no fault of a directory.
#[tokio::test]
async fn a_supervisor_that_ends_in_the_middle_of_an_answer_is_not_there() {
    let world = World::new();
    std::fs::create_dir_all(world.place.control_socket().parent().unwrap()).unwrap();
    let listener = tokio::net::UnixListener::bind(world.place.control_socket()).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The request is there, and stays unread.
            stream.readable().await.unwrap();
            drop(stream);
        }
    });
    let asked = ControlClient::new(&world.place).ask(&ControlRequest::Restart).await;
    assert!(matches!(asked, Err(SupervisorError::NotSupervised { .. })), "{asked:?}");
}

#[tokio::test]
async fn a_planned_stop_outlives_the_supervisor_and_a_pause_ends() {
    let world = World::new();
    let gateway = world.spawn(GOOD);
    until(&gateway, GatewayStatus::is_running).await;
    gateway.stop().await.unwrap();
    gateway.shutdown().await;
    let gateway = world.spawn(GOOD);
    gateway.pause(Duration::from_millis(30)).await.unwrap();
    let status = until(&gateway, GatewayStatus::is_running).await;
    assert_eq!(status.desired, Desired::Running);
    gateway.stop().await.unwrap();
    gateway.shutdown().await;
    let gateway = world.spawn(GOOD);
    let answer = ControlClient::new(&world.place).status().await.unwrap().unwrap();
    assert_eq!((answer.state, answer.desired), (GatewayState::Stopped, Desired::Stopped));
    gateway.shutdown().await;
    assert_eq!(Desired::read(&world.place.desired_path()), Desired::Stopped, "a shutdown is no wish");
}

#[tokio::test]
async fn a_watcher_is_told_every_change_and_the_end() {
    let world = World::new();
    let client = ControlClient::new(&world.place);
    assert!(matches!(client.watch().await, Err(SupervisorError::NotSupervised { .. })));
    let gateway = world.spawn(GOOD);
    until(&gateway, GatewayStatus::is_running).await;
    let mut watch = client.watch().await.unwrap();
    let first = watch.next().await.unwrap();
    assert!(first.is_running(), "the present status comes at once");
    gateway.stop().await.unwrap();
    let stopped = loop {
        let status = watch.next().await.unwrap();
        if status.is_down() && status.desired == Desired::Stopped {
            break status;
        }
    };
    assert!(stopped.pid.is_none());
    gateway.shutdown().await;
    let end = async { while watch.next().await.is_some() {} };
    assert!(tokio::time::timeout(Duration::from_secs(10), end).await.is_ok(), "the end is told");
}

#[tokio::test]
async fn a_gateway_that_does_not_come_up_is_not_blamed_on_its_supervisor() {
    let world = World::new();
    // It reads its secrets and says nothing more.
    let gateway = world.spawn("read first\ncat > /dev/null\n");
    until(&gateway, |status| status.state == GatewayState::Starting).await;
    let client = ControlClient::new(&world.place);
    let waited = client.wait_for(Duration::from_secs(1), GatewayStatus::is_running).await.unwrap_err();
    assert_eq!(waited.code(), "gateway-unsettled");
    assert!(waited.to_string().contains("still starting"), "{waited}");
    gateway.shutdown().await;
}

#[tokio::test]
async fn watchers_are_few_and_never_in_the_way() {
    let world = World::new();
    let gateway = world.spawn(GOOD);
    until(&gateway, GatewayStatus::is_running).await;
    let client = ControlClient::new(&world.place);
    let mut watchers = Vec::new();
    for _ in 0..8 {
        watchers.push(client.watch().await.unwrap());
    }
    let refused = client.watch().await.unwrap_err();
    assert_eq!(refused.code(), "too-many-watchers");
    // None of them reads, and remedies go on.
    for _ in 0..3 {
        client.ask(&ControlRequest::Stop).await.unwrap();
        client.ask(&ControlRequest::Start).await.unwrap();
    }
    drop(watchers);
    // The places of those who left are free again.
    let again = async {
        loop {
            match client.watch().await {
                Ok(watch) => return watch,
                Err(error) => assert_eq!(error.code(), "too-many-watchers"),
            }
        }
    };
    let mut watch = tokio::time::timeout(Duration::from_secs(10), again).await.unwrap();
    assert!(watch.next().await.is_some());
    gateway.shutdown().await;
}

const BEFORE: &str =
    "{ gateway: { mode: 'local', port: 18789, bind: 'loopback' }, logging: { level: 'info' } }\n";
const AFTER: &str =
    "{ gateway: { mode: 'local', port: 19000, bind: 'loopback' }, logging: { level: 'info' } }\n";

#[tokio::test]
async fn a_rollback_restores_restarts_and_does_nothing_the_second_time() {
    let world = World::new();
    let store = bulkhead_config::ConfigStore::new(&world.place);
    let put = |text: &str| {
        std::fs::write(store.path(), text).unwrap();
        store.hash().unwrap()
    };
    let good = put(BEFORE);
    assert!(store.remember_good(&good).unwrap());
    // It starts on anything but this file.
    let gateway = world.spawn(&format!("grep -q 19000 '{}' && exit 78\n{GOOD}", store.path().display()));
    let first = until(&gateway, GatewayStatus::is_running).await;
    let bad = put(AFTER);
    gateway.restart().await.unwrap();
    until(&gateway, |status| status.state == GatewayState::Failed).await;
    let client = ControlClient::new(&world.place);
    let stale = client.rollback(None, Some("sha256:0".to_owned())).await.unwrap_err();
    assert_eq!(stale.code(), "config.stale");
    let unknown = client.rollback(Some("sha256:00000000".to_owned()), None).await.unwrap_err();
    assert_eq!(unknown.code(), "config.no-such-version");
    assert_eq!(store.hash().unwrap(), bad, "a refusal changes nothing");
    let done = client.rollback(None, Some(bad.clone())).await.unwrap();
    assert_eq!((done.from.as_str(), done.to.as_str()), (bad.as_str(), good.as_str()));
    assert_eq!(std::fs::read_to_string(done.rejected.unwrap()).unwrap(), AFTER);
    let second = until(&gateway, GatewayStatus::is_running).await;
    assert_ne!(first.pid, second.pid);
    assert_eq!(second.problem, None);
    // The same tap again: the file is not written, the gateway not restarted.
    let again = client.rollback(None, Some(bad)).await.unwrap();
    assert!(!again.changed() && again.rejected.is_none());
    assert_eq!(gateway.status().pid, second.pid);
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_rollback_leaves_a_stopped_gateway_stopped() {
    let world = World::new();
    let store = bulkhead_config::ConfigStore::new(&world.place);
    std::fs::write(store.path(), BEFORE).unwrap();
    store.remember_good(&store.hash().unwrap()).unwrap();
    std::fs::write(store.path(), "").unwrap();
    let gateway = world.spawn(GOOD);
    until(&gateway, GatewayStatus::is_running).await;
    gateway.stop().await.unwrap();
    let client = ControlClient::new(&world.place);
    assert!(client.rollback(None, None).await.unwrap().changed());
    assert_eq!(gateway.status().state, GatewayState::Stopped);
    assert_eq!(std::fs::read_to_string(store.path()).unwrap(), BEFORE);
    gateway.shutdown().await;
}
