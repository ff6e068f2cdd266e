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
