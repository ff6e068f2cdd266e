//! Planted secrets reach their servers, and nothing else.

use crate::outside::{Outside, client};
use bulkhead_fakes::telegram::Fault;
use bulkhead_tests::{World, search};
use serde_json::json;

const PERSON: i64 = 9001;

#[tokio::test(flavor = "multi_thread")]
async fn planted_secrets_are_found_nowhere() {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let bot = outside.bot("planted_bot");
    let main = outside.onboard(&world, "main", Some(&bot), "keychain");
    world.set("BULKHEAD_LOG_LEVEL", "trace");
    let mut gateway = main.supervised(&world).await;
    bot.pair(&world, &main, PERSON).await;

    // Trouble of every kind, at trace level.
    bot.control.fail_next("sendMessage", Fault::HtmlPage { status: 502 });
    bot.ask(PERSON, "FAULT 500", "recovered").await;
    bot.ask(PERSON, "FAULT 429", "recovered").await;
    bot.ask(PERSON, "ECHO all is well", "all is well").await;
    let http = client();
    let base = format!("http://127.0.0.1:{}", main.port);
    let refused = http
        .post(format!("{base}/v1/chat/completions"))
        .bearer_auth("wrong-token")
        .json(&json!({ "model": "x", "messages": [] }))
        .send()
        .await
        .expect("answer");
    assert!(refused.status().is_client_error());

    assert!(
        outside
            .model
            .control
            .chat_requests()
            .iter()
            .any(|r| format!("{:?}", r.headers).contains(&outside.key))
    );
    assert!(!bot.control.calls().is_empty());

    let secrets = [bot.token.as_str(), outside.key.as_str(), main.token.as_str()];
    let keyring = world.path(".local/share/keyrings");
    for secret in secrets {
        let processes: Vec<String> = search::processes_with(secret);
        assert!(processes.is_empty(), "in processes: {processes:?}");
        let files = search::files_with(world.home(), secret, |path| path.starts_with(&keyring));
        assert!(files.is_empty(), "in files: {files:?}");
        assert!(!search::leaks(gateway.output().as_bytes(), secret), "in output");
    }
    let main_token = bot.token.split(':').nth(1).expect("token");
    assert!(search::files_with(world.home(), main_token, |path| path.starts_with(&keyring)).is_empty());
}
