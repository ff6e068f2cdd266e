//! A gateway under its supervisor that is asked over the protocol: to restart, and to take its secrets anew.

use crate::outside::{Outside, Profile};
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, node};
use serde_json::{Value, json};
use std::io::{Seek, Write};
use std::path::Path;

fn call(world: &World, main: &Profile, method: &str) -> Value {
    let words = ["gateway", "call", method, "--json"].map(str::to_owned);
    let out = world.bulkhead(&main.flags(&words));
    assert!(out.status.success(), "{method}: {}", text(&out));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_waits_for_answers_and_clients_come_back() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _supervised = main.supervised(&world).await;
    let before = main.gateway_pid(&world);
    let mut command = node::script(&world, "restart.mjs", &[&main.port.to_string()]);
    let mut input = tempfile::tempfile().expect("file");
    writeln!(input, "{}", main.token).expect("write");
    input.rewind().expect("rewind");
    command.stdin(input);
    let line = tokio::task::spawn_blocking(move || Running::start(command).wait_for(r#""verdict""#))
        .await
        .expect("client");
    let told: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(told["preflight"]["safe"], false, "{told:#}");
    assert_eq!((&told["asked"], &told["again"]), (&json!("deferred"), &json!("coalesced")), "{told:#}");
    assert_eq!(told["order"], json!(["answer", "goodbye"]), "{told:#}");
    assert!(told["shutdown"]["restartExpectedMs"].as_u64() > Some(0), "{told:#}");
    let said = told["said"].to_string();
    assert!(said.contains("word1 word2") && said.contains("word20"), "the whole answer is kept: {said}");
    main.answers().await;
    assert_ne!(main.gateway_pid(&world), before, "another process");
}

/// Puts another value into a store that is a file, as another program would.
fn rotate(world: &World, id: &str, value: &str) {
    let path = world.path(".config/bulkhead/secrets/main.json");
    let mut stored: Value = serde_json::from_slice(&std::fs::read(&path).expect("the store")).expect("JSON");
    assert!(stored["secrets"][id].is_string(), "{id} is not stored");
    stored["secrets"][id] = value.into();
    replace(&path, &stored.to_string());
}

fn replace(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let beside = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new();
    let mut file = file.write(true).create_new(true).mode(0o600).open(&beside).expect("a new file");
    file.write_all(text.as_bytes()).expect("written");
    std::fs::rename(beside, path).expect("in its place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_reaches_the_gateway_when_it_is_asked_to_look_again() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _supervised = main.supervised(&world).await;
    let pid = main.gateway_pid(&world);
    let ask = || world.bulkhead(&["agent", "--message", "ECHO hello", "--timeout", "20"]);
    assert!(ask().status.success(), "the first key is right");
    let fresh = format!("sk-rotated-{}", crate::outside::word(24));
    rotate(&world, "models/fake/api-key", &fresh);
    let seen = || format!("{:?}", outside.model.control.requests()).contains(&fresh);
    let _ = ask();
    assert!(!seen(), "nobody said that there is another one");
    let answer = call(&world, &main, "secrets.reload");
    assert_eq!(answer, json!({"ok": true, "warningCount": 0}));
    let _ = ask();
    assert!(seen(), "the model is asked with the new key");
    assert_eq!(main.gateway_pid(&world), pid, "without a restart");
    assert!(!format!("{answer}").contains(&fresh));
}
