//! Sizes, counts, times; slow readers.

use std::time::Duration;

use bulkhead_protocol::Scope;
use bulkhead_server::{Audience, Limits};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::world::{cli, limited, quick, world};

#[tokio::test]
async fn thirty_two_sockets_may_wait_per_address() {
    let world = world().await;
    let mut waiting = Vec::new();
    for _ in 0..32 {
        waiting.push(world.dial().await);
    }
    let Err(Error::Http(response)) = world.dial_with(&[]).await else { panic!("the 33rd was let in") };
    assert_eq!(response.status(), 503);
    // One is admitted: there is room again.
    let mut first = waiting.remove(0);
    assert_eq!(first.request("connect", cli()).await["ok"], true);
    let mut next = world.dial().await;
    assert_eq!(next.request("connect", cli()).await["ok"], true);
    // One leaves: there is room again.
    waiting.push(world.dial().await);
    waiting.remove(0).ws.close(None).await.unwrap();
    loop {
        match world.dial_with(&[]).await {
            Ok(_) => break,
            Err(Error::Http(response)) => assert_eq!(response.status(), 503),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn pages_of_strangers_do_not_take_the_places_of_programs() {
    let world = world().await;
    let mut pages = Vec::new();
    for _ in 0..32 {
        pages.push(world.dial_with(&[("origin", "http://evil.example")]).await.unwrap());
    }
    assert!(world.dial_with(&[("origin", "http://evil.example")]).await.is_err());
    world.admin().await;
}

#[tokio::test]
async fn before_connect_64_kib() {
    let world = world().await;
    let padded = |size: usize| {
        let mut params = cli();
        params["userAgent"] = "".into();
        let frame = json!({ "type": "req", "id": "p", "method": "connect", "params": params }).to_string();
        frame.replace("\"userAgent\":\"\"", &format!("\"userAgent\":\"{}\"", "x".repeat(size - frame.len())))
    };
    let mut client = world.dial().await;
    client.send_text(padded(64 * 1024)).await;
    assert_eq!(client.response("p").await["ok"], true);
    for size in [64 * 1024 + 1, 80_000, 1_000_000, 20_000_000] {
        let mut client = world.dial().await;
        // The server may stop reading before everything was sent.
        let _ = client.ws.send(Message::Text(padded(size).into())).await;
        assert_eq!(client.end().await.code, 1009, "{size}");
    }
}

#[tokio::test]
async fn after_connect_25_mib() {
    let world = world().await;
    let mut client = world.admin().await;
    let frame = |size: usize| {
        let empty = r#"{"type":"req","id":"big","method":"health","params":""}"#;
        empty.replace("\"\"", &format!("\"{}\"", "x".repeat(size - empty.len())))
    };
    client.send_text(frame(26_214_400)).await;
    assert_eq!(client.response("big").await["ok"], true);
    let _ = client.ws.send(Message::Text(frame(26_214_401).into())).await;
    assert_eq!(client.end().await.code, 1009);
}

#[tokio::test]
async fn large_answers_arrive_whole() {
    let world = world().await;
    let mut client = world.admin().await;
    for size in [1_000_000, 1_048_576, 5_000_001, 24_000_000] {
        let answer = client.request("logs.tail", json!(size)).await;
        assert_eq!(answer["payload"].as_str().unwrap().len(), size);
    }
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_hurts_nobody() {
    let patient = Limits { close_patience: crate::world::PATIENCE, ..quick() };
    let world = limited(Limits { max_buffered_bytes: 1_000_000, ..patient }).await;
    let mut slow = world.admin().await;
    let mut quick = world.admin().await;
    let payload = "x".repeat(200_000);
    let audience = Audience::scope(Scope::OperatorRead);
    // Far more than the kernel takes for one socket.
    for n in 0..200 {
        world.hub.broadcast("chat", &json!({ "n": n, "text": payload }), &audience, None);
        let frame = quick.event("chat").await;
        assert_eq!((frame["payload"]["n"].as_u64(), frame["seq"].as_u64()), (Some(n), Some(n + 1)));
    }
    assert_eq!(slow.end().await, crate::world::End { code: 1008, reason: "slow consumer".into() });
    assert_eq!(quick.request("health", Value::Null).await["ok"], true);
}

#[tokio::test]
async fn who_asks_and_never_reads_is_left() {
    let limits = Limits {
        max_buffered_bytes: 1_000_000,
        close_patience: Duration::from_millis(200),
        ping_interval: Duration::from_mins(10),
        ..quick()
    };
    let world = limited(limits).await;
    let mut deaf = world.admin().await;
    let sending = async {
        let ask = json!({ "type": "req", "id": "1", "method": "logs.tail", "params": 200_000 }).to_string();
        while deaf.ws.send(Message::text(ask.clone())).await.is_ok() {}
    };
    tokio::time::timeout(crate::world::PATIENCE, sending).await.expect("the socket was closed");
    assert_eq!(world.hub.len(), 0);
}

#[tokio::test]
async fn what_a_slow_reader_may_miss_leaves_a_gap() {
    let world = limited(Limits { max_buffered_bytes: 1_000_000, ..quick() }).await;
    let mut slow = world.admin().await;
    let payload = "x".repeat(200_000);
    let audience = Audience::scope(Scope::OperatorRead).droppable();
    for n in 1..=200_u64 {
        world.hub.broadcast("agent", &json!({ "n": n, "text": payload }), &audience, None);
    }
    let mut last = 0;
    let mut seen = 0;
    while seen < 5 || last < 200 {
        let frame = slow.event("agent").await;
        let seq = frame["seq"].as_u64().unwrap();
        assert_eq!(frame["payload"]["n"], seq, "numbers stay with their events");
        assert!(seq > last);
        (last, seen) = (seq, seen + 1);
        if seen == 5 {
            // Room is made by reading: the next ones arrive again.
            for n in 201..=230_u64 {
                world.hub.broadcast("agent", &json!({ "n": n, "text": "short" }), &audience, None);
                tokio::task::yield_now().await;
            }
        }
        if last == 230 {
            break;
        }
    }
    assert!(seen < 200, "some were missed");
    assert_eq!(slow.request("health", Value::Null).await["ok"], true, "the socket stays open");
}

#[tokio::test]
async fn answers_are_never_dropped_for_slowness() {
    let world = limited(Limits { max_buffered_bytes: 500_000, ..quick() }).await;
    let mut slow = world.admin().await;
    for _ in 0..200 {
        slow.ask("logs.tail", json!(200_000)).await;
    }
    // Either every answer is there, or the socket was closed for slowness; never a hole.
    let mut next = 2;
    loop {
        match tokio::time::timeout(crate::world::PATIENCE, slow.ws.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(frame["id"], format!("r{next}"));
                next += 1;
            }
            Some(Ok(Message::Close(Some(close)))) => {
                assert_eq!(u16::from(close.code), 1008);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_silent_peer_is_dropped_and_a_living_one_kept() {
    let world = limited(Limits { ping_interval: Duration::from_millis(200), ..quick() }).await;
    let mut living = world.admin().await;
    let dead = world.admin().await;
    // Reading answers pings; the other one does not read.
    let begin = std::time::Instant::now();
    while begin.elapsed() < Duration::from_secs(2) {
        let _ = tokio::time::timeout(Duration::from_millis(20), living.ws.next()).await;
        if world.hub.len() == 1 {
            break;
        }
    }
    assert_eq!(world.hub.len(), 1);
    assert_eq!(living.request("health", Value::Null).await["ok"], true);
    drop(dead);
}

#[tokio::test]
async fn headers_have_to_come_in_time() {
    let world = limited(Limits { header_timeout: Duration::from_millis(100), ..quick() }).await;
    let answer = crate::http::raw(&world, b"GET / HTTP/1.1\r\nhost: x").await;
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn connections_are_bounded() {
    let world = limited(Limits { connections: 2, ..quick() }).await;
    let first = world.admin().await;
    let second = world.admin().await;
    assert!(world.dial_with(&[]).await.is_err(), "the third is refused");
    drop(first);
    loop {
        if world.dial_with(&[]).await.is_ok() {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(second);
}
