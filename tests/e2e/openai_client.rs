//! The client of OpenAI from npm: lists, asks, streams, calls tools of its own, leaves; every answer is one that it reads.

use crate::outside::Outside;
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, node};
use serde_json::{Value, json};
use std::io::Write;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_openai_works() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    for endpoint in ["chatCompletions", "responses"] {
        let path = format!("gateway.http.endpoints.{endpoint}.enabled");
        let words = ["config", "set", &path, "true"].map(str::to_owned);
        let set = world.bulkhead(&main.flags(&words));
        assert!(set.status.success(), "{}", text(&set));
    }
    let mut gateway = main.running(&world).await;

    let mut command = node::script(&world, "openai-client.mjs", &[&main.port.to_string()]);
    let mut input = tempfile::tempfile().expect("file");
    writeln!(input, "{}", main.token).expect("write");
    std::io::Seek::rewind(&mut input).expect("rewind");
    command.stdin(input);
    let line = tokio::task::spawn_blocking(move || Running::start(command).wait_for(r#""verdict""#))
        .await
        .expect("client");
    let verdict: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(verdict["verdict"], json!("passed"), "{verdict:#}");
    // The one that it left is not answered any more.
    outside.model.control.wait_for_abandoned(1).await;
    gateway.signal("TERM");
    assert!(gateway.wait().success());
}
