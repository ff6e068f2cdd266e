//! The end of a server.

use std::time::Duration;

use bulkhead_server::Limits;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::world::{PATIENCE, limited, quick, world};

#[tokio::test]
async fn everybody_is_told_then_closed() {
    let world = world().await;
    let mut admin = world.admin().await;
    let mut waiting = world.dial().await;
    world.info.lifecycle().set_farewell("update", Some(1500));
    world.stop.cancel();
    let event = admin.event("shutdown").await;
    assert_eq!(event["payload"], serde_json::json!({ "reason": "update", "restartExpectedMs": 1500 }));
    assert_eq!(event["seq"], 1);
    assert_eq!(admin.end().await.code, 1012);
    assert_eq!(waiting.end().await.code, 1012);
    tokio::time::timeout(PATIENCE, world.served).await.expect("the server ends").unwrap();
    assert!(TcpStream::connect(world.addr).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn open_requests_are_answered_first_and_new_ones_refused() {
    let world = world().await;
    let mut client = world.admin().await;
    let open = client.ask("status", Value::Null).await;
    assert_eq!(client.request("health", Value::Null).await["ok"], true);
    world.stop.cancel();
    client.event("shutdown").await;
    let refused = client.request("health", Value::Null).await;
    assert_eq!(refused["error"]["code"], "UNAVAILABLE");
    assert_eq!(refused["error"]["retryable"], true);
    world.handler.release.notify_one();
    assert_eq!(client.response(&open).await["payload"]["released"], true);
    assert_eq!(client.end().await.code, 1012);
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_it_up() {
    let world = limited(Limits { drain: Duration::from_millis(100), ..quick() }).await;
    let mut client = world.admin().await;
    client.ask("status", Value::Null).await;
    assert_eq!(client.request("health", Value::Null).await["ok"], true);
    world.stop.cancel();
    assert_eq!(client.end().await.code, 1012);
    tokio::time::timeout(PATIENCE, world.served).await.expect("the server ends").unwrap();
}

#[tokio::test]
async fn a_client_that_reads_nothing_does_not_hold_it_up() {
    let world = limited(Limits { close_patience: Duration::from_millis(100), ..quick() }).await;
    let mut client = world.admin().await;
    for _ in 0..20 {
        client.ask("logs.tail", serde_json::json!(2_000_000)).await;
    }
    let idle = TcpStream::connect(world.addr).await.unwrap();
    world.stop.cancel();
    tokio::time::timeout(PATIENCE, world.served).await.expect("the server ends").unwrap();
    drop((client, idle));
}
