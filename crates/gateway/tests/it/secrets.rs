//! Planted secrets reach the fake servers and are found nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bulkhead_fakes::model::Fault;
use bulkhead_fakes::telegram::Fault as BotFault;
use serde_json::json;

use crate::harness::{BOT, KEY, TOKEN, World, files};

/// Raw, base64 and URL-encoded.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let percent: String = secret
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    vec![
        secret.as_bytes().to_vec(),
        STANDARD.encode(secret).into_bytes(),
        STANDARD_NO_PAD.encode(secret).into_bytes(),
        URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        percent.into_bytes(),
    ]
}

#[tokio::test]
async fn nothing_secret_is_written_down_at_trace_level_after_faults() {
    let world = World::with_telegram().await;
    let mut config = world.config();
    config["channels"]["telegram"] = world.telegram_config();
    config["logging"]["level"] = json!("trace");
    world.write_config(&config);
    world.bot.fail_next("getMe", BotFault::Refuse { status: 500, description: format!("bad {BOT}") });
    let mut gateway = world.start().await;
    world.bot.expect_poll().await;
    let (client, mut events) = gateway.client().await;
    let faults = [
        Fault::Status { status: 500, retry_after: None },
        Fault::Redirect { location: format!("http://127.0.0.1:1/{KEY}") },
        Fault::Html,
    ];
    for (index, fault) in faults.into_iter().enumerate() {
        world.model.control.fail_next(fault);
        let run = format!("r{index}");
        let params = json!({"sessionKey": "main", "message": "hello", "idempotencyKey": run});
        client.request("chat.send", params).await.unwrap();
        events.end_of(&run).await;
    }
    let wrong =
        crate::harness::http().get(gateway.url("/v1/models")).bearer_auth(format!("{TOKEN}x")).send().await;
    assert_eq!(wrong.unwrap().status(), 401);
    let config = client.request("config.get", json!({})).await.unwrap().to_string();
    assert!(
        world
            .model
            .control
            .requests()
            .iter()
            .any(|request| request.headers.get("authorization").is_some_and(|h| h.contains(KEY)))
    );
    let pid = gateway.process.pid();
    let mut places: Vec<(String, Vec<u8>)> = vec![
        ("config.get".to_owned(), config.into_bytes()),
        ("stdout".to_owned(), gateway.process.heard().as_bytes().to_vec()),
    ];
    for file in ["environ", "cmdline"] {
        places.push((file.to_owned(), std::fs::read(format!("/proc/{pid}/{file}")).unwrap()));
    }
    gateway.process.terminate();
    gateway.process.exit().await;
    for path in files(world.home.path()) {
        places.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    assert!(places.iter().any(|(name, bytes)| name.ends_with("gateway.jsonl") && bytes.len() > 1000));
    for secret in [TOKEN, BOT, KEY] {
        for spelling in spellings(secret) {
            for (name, bytes) in &places {
                let found = bytes.windows(spelling.len()).any(|window| window == spelling);
                assert!(!found, "{} was found in {name}", String::from_utf8_lossy(&spelling));
            }
        }
    }
}
