//! A real OpenClaw from npm: imported while it runs and after it was stopped, and kept as main.

use crate::outside::Outside;
use base64::Engine as _;
use bulkhead_tests::openclaw::{OpenClaw, state_dir, tree};
use bulkhead_tests::world::text;
use bulkhead_tests::{World, ports};
use serde_json::Value;

const GATEWAY_TOKEN: &str = "oc-planted-gateway-token-0123456789";
const ANN: i64 = 424_242;

fn outcomes(report: &Value) -> Vec<(String, String)> {
    let lines = report["report"].as_array().expect("a report");
    let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    lines.iter().map(|line| (word(line, "item"), word(line, "result"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs openclaw 2026.9.6 and node 24 from npm (768 MB): BULKHEAD_TEST_OPENCLAW names their folder"]
async fn a_real_openclaw_is_imported_and_stays_as_it_was() {
    let outside = Outside::new().await;
    let world = World::with_keychain();
    let openclaw = OpenClaw::installed();
    let bot = outside.bot("claw_bot");
    let port = ports::base();
    openclaw.onboard(
        &world,
        port,
        GATEWAY_TOKEN,
        (&outside.model.openai_url(), &outside.key),
        (&bot.token, &outside.telegram.base_url),
    );
    std::fs::write(state_dir(&world).join("workspace/MEMORY.md"), "Ann likes ships.\n").expect("written");
    let mut gateway = openclaw.start(&world);
    bot.control.say(ANN, &format!("the first words. {}", "They are long enough to be packed. ".repeat(60)));
    bot.control.wait_for_messages(ANN, 1).await;

    let running = world.bulkhead_json(&["import", "openclaw", "--dry-run", "--json"]);
    let found = outcomes(&running);
    for (item, result) in
        [("gateway.auth.token", "changed"), ("channels.telegram.enabled", "changed"), ("meta", "skipped")]
    {
        assert!(found.contains(&(item.to_owned(), result.to_owned())), "{item}: {found:?}");
    }
    assert!(!world.path(".bulkhead").exists(), "a look writes nothing");
    let refused = world.bulkhead(&["import", "openclaw", "--yes", "--take-over", "--json"]);
    assert_eq!(refused.status.code(), Some(78), "{}", text(&refused));
    assert!(text(&refused).contains("openclaw-running"), "{}", text(&refused));

    gateway.signal("TERM");
    tokio::task::spawn_blocking(move || gateway.wait()).await.expect("it ends");
    let before = tree(&state_dir(&world));
    let imported = world.bulkhead_json(&["import", "openclaw", "--yes", "--json"]);
    let after = tree(&state_dir(&world));
    assert_eq!(before.len(), after.len(), "no file more, none less");
    for (one, other) in before.iter().zip(&after) {
        assert_eq!((&one.0, &one.1, one.2.modified().ok()), (&other.0, &other.1, other.2.modified().ok()));
        assert_eq!(one.2.permissions(), other.2.permissions(), "{}", one.0.display());
    }
    let found = outcomes(&imported);
    assert!(found.iter().any(|(item, result)| item == "agent:main:main" && result == "taken"), "{found:?}");

    let secrets = [bot.token.as_str(), outside.key.as_str(), GATEWAY_TOKEN];
    for (path, bytes, _) in tree(world.home()) {
        let theirs =
            path.starts_with(state_dir(&world)) || path.starts_with(world.path(".local/share/keyrings"));
        for secret in secrets.iter().filter(|_| !theirs) {
            let encoded = base64::engine::general_purpose::STANDARD.encode(secret);
            let percent = secret.replace(':', "%3A");
            for word in [secret.to_owned(), &encoded[..encoded.len() - 4], percent.as_str()] {
                assert!(!bytes.windows(word.len()).any(|part| part == word.as_bytes()), "{}", path.display());
            }
        }
    }
    assert_eq!(
        std::fs::read_to_string(world.path(".bulkhead/workspace/MEMORY.md")).expect("copied"),
        "Ann likes ships.\n"
    );

    let base = imported["profiles"][0]["port"].as_u64().expect("a port");
    assert!(base.abs_diff(u64::from(port)) > 110, "{base} beside {port}");
    let mut ours = world.start(&["gateway"]);
    ours.wait_for("ready");
    let history = world.bulkhead_json(&[
        "gateway",
        "call",
        "chat.history",
        "--params",
        r#"{"sessionKey":"agent:main:main"}"#,
        "--json",
    ]);
    assert!(history.to_string().contains("the first words."), "{history}");
    ours.signal("TERM");
    assert!(tokio::task::spawn_blocking(move || ours.wait()).await.expect("it ends").success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs openclaw 2026.9.6 and node 24 from npm (768 MB): BULKHEAD_TEST_OPENCLAW names their folder"]
async fn a_real_openclaw_stays_main_and_gets_a_rescue() {
    let outside = Outside::new().await;
    let world = World::new();
    let openclaw = OpenClaw::installed();
    let (bot, rescue) = (outside.bot("claw_bot"), outside.bot("rescue_bot"));
    let port = ports::base();
    let model = outside.model.openai_url();
    openclaw.onboard(
        &world,
        port,
        GATEWAY_TOKEN,
        (&model, &outside.key),
        (&bot.token, &outside.telegram.base_url),
    );
    let attach = |token: &str| {
        let flags = [
            "onboard",
            "--rescue-for",
            "openclaw",
            "--non-interactive",
            "--accept-risk",
            "--skip-health",
            "--no-install-daemon",
        ];
        let rest = [
            "--secrets",
            "file",
            "--telegram-bot-token",
            "-",
            "--telegram-api-root",
            &outside.telegram.base_url,
            "--json",
        ];
        world.bulkhead_with_input(&[&flags[..], &rest[..]].concat(), token)
    };
    let twice = attach(&bot.token);
    assert!(!twice.status.success() && text(&twice).contains("bot-shared"), "{}", text(&twice));
    let made = attach(&rescue.token);
    assert!(made.status.success(), "{}", text(&made));
    let config =
        std::fs::read_to_string(world.path(".bulkhead-rescue/bulkhead.json")).expect("its configuration");
    assert!(
        config.contains(&format!("ws://127.0.0.1:{port}")) && config.contains("\"kind\": \"openclaw\""),
        "{config}"
    );
    assert!(!world.path(".bulkhead/bulkhead.json").exists(), "no main of ours");
}
