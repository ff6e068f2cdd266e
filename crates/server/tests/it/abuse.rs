//! Bytes that nobody should send.

use std::time::Duration;

use bulkhead_server::Limits;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::{get, raw};
use crate::world::{PATIENCE, World, limited, quick, world};

/// An upgraded socket, the challenge read, for bytes of our own.
pub(crate) async fn upgraded(world: &World) -> TcpStream {
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nhost: {}\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        world.addr
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\"capabilities\":[]}}") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        seen.push(byte[0]);
    }
    stream
}

/// One text frame, masked with zeros.
pub(crate) async fn send_masked(stream: &mut TcpStream, payload: &[u8]) {
    let mut frame = vec![0x81, 0xfe];
    frame.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    stream.write_all(&frame).await.unwrap();
}

/// Everything up to the end of the stream; the close code in it, if there is one.
async fn close_code(mut stream: TcpStream) -> Option<u16> {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("the socket ends in time");
    let at = bytes.iter().position(|byte| *byte == 0x88)?;
    Some(u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?]))
}

async fn still_serves(world: &World) {
    assert_eq!(get(world, "/healthz", &[]).await.status, 200);
    assert_eq!(world.admin().await.request("health", Value::Null).await["ok"], true);
}

#[tokio::test]
async fn garbage_instead_of_http() {
    let world = world().await;
    for garbage in [
        &b"\x00\x01\x02\x03\xff\xfe\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ =
            tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end in time");
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{garbage:?}");
    }
    let mut long = b"GET / HTTP/1.1\r\nx: ".to_vec();
    long.resize(200_000, b'a');
    assert!(!raw(&world, &long).await.starts_with(b"HTTP/1.1 200"));
    let mut many = b"GET / HTTP/1.1\r\n".to_vec();
    for n in 0..500 {
        many.extend_from_slice(format!("h{n}: v\r\n").as_bytes());
    }
    many.extend_from_slice(b"\r\n");
    assert!(!raw(&world, &many).await.starts_with(b"HTTP/1.1 200"));
    still_serves(&world).await;
}

#[tokio::test]
async fn half_handshakes() {
    let world = limited(Limits { header_timeout: Duration::from_millis(200), ..quick() }).await;
    let mut open = Vec::new();
    for part in
        ["", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n"]
    {
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        stream.write_all(part.as_bytes()).await.unwrap();
        open.push(stream);
    }
    still_serves(&world).await;
    for mut stream in open {
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("an end in time");
    }
}

#[tokio::test]
async fn frames_that_break_the_rules() {
    let world = world().await;
    let mut large_ping = vec![0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0];
    large_ping.resize(8 + 256, b'p');
    let cases: [(&str, &[u8], u16); 7] = [
        ("not masked", &[0x81, 0x02, b'{', b'}'], 1002),
        ("reserved bits", &[0xf1, 0x80, 0, 0, 0, 0], 1002),
        ("unknown opcode", &[0x83, 0x80, 0, 0, 0, 0], 1002),
        ("a continuation of nothing", &[0x80, 0x80, 0, 0, 0, 0], 1002),
        ("a large ping", &large_ping, 1002),
        ("no UTF-8", &[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007),
        ("a huge frame", &[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009),
    ];
    for (what, bytes, code) in cases {
        let mut stream = upgraded(&world).await;
        stream.write_all(bytes).await.unwrap();
        assert_eq!(close_code(stream).await, Some(code), "{what}");
    }
    still_serves(&world).await;
}

#[tokio::test]
async fn a_message_in_endless_pieces() {
    let world = world().await;
    let mut stream = upgraded(&world).await;
    let mut piece = vec![0x01, 0xfe, 0x10, 0x00, 0, 0, 0, 0];
    piece.resize(8 + 4096, b'x');
    for n in 0..100 {
        piece[0] = u8::from(n == 0);
        if stream.write_all(&piece).await.is_err() {
            break;
        }
    }
    assert_eq!(close_code(stream).await, Some(1009));
    still_serves(&world).await;
}

#[tokio::test]
async fn peers_that_vanish() {
    let world = world().await;
    for _ in 0..50 {
        drop(upgraded(&world).await);
    }
    for _ in 0..20 {
        let mut client = world.admin().await;
        client.ask("logs.tail", serde_json::json!(3_000_000)).await;
    }
    while !world.hub.is_empty() {
        tokio::task::yield_now().await;
    }
    still_serves(&world).await;
}

#[tokio::test]
async fn deep_and_odd_json() {
    let world = world().await;
    let mut client = world.admin().await;
    let deep = format!(
        r#"{{"type":"req","id":"d","method":"health","params":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    client.send_text(deep).await;
    let answer = client.read().await;
    assert_eq!(answer["type"], "res");
    let long = "m".repeat(1_000_000);
    let answer = client.request(&long, Value::Null).await;
    assert!(answer["error"]["message"].as_str().unwrap().len() < 500, "a long name is not echoed whole");
    let twice = r#"{"type":"req","id":"t","id":"u","method":"health"}"#;
    client.send_text(twice).await;
    assert_eq!(client.read().await["error"]["code"], "INVALID_REQUEST");
    assert_eq!(client.request("health", Value::Null).await["ok"], true);
}
