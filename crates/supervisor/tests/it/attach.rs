//! A gateway that runs already is attached to, never doubled.

use std::process::{Command, Stdio};

use bulkhead_process::{ProcessIdentity, RunRecord};
use bulkhead_supervisor::{GatewayState, GatewayStatus, Supervisor};

use crate::world::{GOOD, World, until};

fn running_gateway(world: &World) -> (std::process::Child, ProcessIdentity) {
    let child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
    let identity = ProcessIdentity::of(child.id()).unwrap();
    let record = RunRecord {
        identity: identity.clone(),
        profile: "main".into(),
        base_port: 18789,
        state_dir: world.place.state_dir().to_owned(),
        version: "0.1.0".into(),
    };
    record.write(&world.place.run_record_path()).unwrap();
    (child, identity)
}

#[tokio::test]
async fn the_running_one_is_kept_and_replaced_when_it_dies() {
    let world = World::new();
    let (mut child, identity) = running_gateway(&world);
    let gateway = world.spawn(GOOD);
    let status = until(&gateway, GatewayStatus::is_running).await;
    assert!(status.attached && status.pid == Some(identity.pid));
    child.kill().unwrap();
    child.wait().unwrap();
    let status = until(&gateway, |status| status.is_running() && !status.attached).await;
    assert_ne!(status.pid, Some(identity.pid));
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_restart_ends_it_as_the_process_of_its_record() {
    let world = World::new();
    let (mut child, identity) = running_gateway(&world);
    let gateway = world.spawn(GOOD);
    until(&gateway, |status| status.attached).await;
    let reaper = std::thread::spawn(move || child.wait());
    gateway.restart().await.unwrap();
    reaper.join().unwrap().unwrap();
    assert!(!identity.is_alive());
    until(&gateway, |status| status.is_running() && !status.attached).await;
    gateway.shutdown().await;
}

#[tokio::test]
async fn somebody_elses_gateway_is_only_watched() {
    let world = World::new();
    let (mut child, identity) = running_gateway(&world);
    let mut options = world.options(GOOD);
    options.attach_only = true;
    let gateway = Supervisor::spawn(options).unwrap();
    until(&gateway, |status| status.attached).await;
    for refused in [gateway.stop().await, gateway.restart().await] {
        assert_eq!(refused.unwrap_err().code(), "not-owner");
    }
    assert!(identity.is_alive());
    child.kill().unwrap();
    child.wait().unwrap();
    until(&gateway, |status| status.state == GatewayState::Stopped).await;
    assert_eq!(gateway.start().await.unwrap_err().code(), "not-owner");
    gateway.shutdown().await;
}
