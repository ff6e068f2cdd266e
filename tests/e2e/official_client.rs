//! The official client from npm: connects, pairs, chats, aborts, reconnects, and every frame fits the published schema.

use crate::outside::Outside;
use bulkhead_tests::{Running, World, node};
use serde_json::Value;
use std::io::Write;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_works_and_every_frame_validates() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let gateway = main.running(&world).await;

    let mut command = node::script(&world, "official-client.mjs", &[&main.port.to_string()]);
    let mut input = tempfile::tempfile().expect("file");
    writeln!(input, "{}", main.token).expect("write");
    std::io::Seek::rewind(&mut input).expect("rewind");
    command.stdin(input);
    let (mut client, mut gateway) = tokio::task::spawn_blocking(move || {
        let mut client = Running::start(command);
        client.wait_for(r#""step":"ready for shutdown""#);
        gateway.signal("TERM");
        (client, gateway)
    })
    .await
    .expect("client");
    let line = client.wait_for(r#""verdict""#);
    let verdict: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(verdict["verdict"], "passed", "{verdict:#}\n{}", client.output());
    assert_eq!(verdict["mutationCaught"], true);
    for event in ["chat", "agent", "presence", "tick", "health", "shutdown"] {
        assert!(verdict["seen"]["events"][event].as_u64() > Some(0), "no {event}: {verdict:#}");
    }
    assert!(gateway.wait().success());
}
