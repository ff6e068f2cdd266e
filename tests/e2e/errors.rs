//! What bad input gets: place, found, expected, next step, and the exit code.

use crate::outside::Outside;
use bulkhead_tests::World;
use bulkhead_tests::world::text;

#[test]
fn wrong_flags_exit_2() {
    let world = World::new();
    for args in [
        &["--nonsense"][..],
        &["gateway", "run", "--port", "many"],
        &["--profile", "Not A Name", "status"],
        &["nonsense"],
    ] {
        let out = world.bulkhead(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out));
    }
}

#[test]
fn a_gateway_without_configuration_exits_78_and_says_what_to_do() {
    let world = World::new();
    let out = world.bulkhead(&["gateway", "run"]);
    assert_eq!(out.status.code(), Some(78), "{}", text(&out));
    assert!(text(&out).contains("onboard`"), "{}", text(&out));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_without_a_good_one_exits_78_and_names_the_place() {
    let outside = Outside::new().await;
    let world = World::new();
    outside.onboard(&world, "main", None, "file");
    let config = world.path(".bulkhead/bulkhead.json");
    for entry in std::fs::read_dir(world.path(".bulkhead")).expect("state").filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().contains("good") {
            std::fs::remove_file(entry.path()).expect("remove");
        }
    }
    std::fs::write(&config, "{\n  gateway: { port: \"often\" },\n}\n").expect("write");
    let out = world.bulkhead(&["gateway", "run"]);
    assert_eq!(out.status.code(), Some(78), "{}", text(&out));
    let said = text(&out);
    for part in ["bulkhead.json", "2", "gateway.port", "often"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_bot_token_is_told_without_the_token() {
    let outside = Outside::new().await;
    let world = World::new();
    let out = world.bulkhead(&[
        "onboard",
        "--non-interactive",
        "--accept-risk",
        "--auth-choice",
        "skip",
        "--telegram-bot-token",
        "123456:AAnotABotAtAllButLongEnoughToLookRight",
        "--telegram-api-root",
        &outside.telegram.base_url,
        "--gateway-port",
        &bulkhead_tests::ports::base().to_string(),
        "--secrets",
        "file",
        "--no-install-daemon",
        "--json",
    ]);
    assert!(!out.status.success(), "{}", text(&out));
    assert!(!text(&out).contains("AAnotABotAtAll"), "{}", text(&out));
    assert!(text(&out).to_lowercase().contains("telegram"), "{}", text(&out));
}

#[test]
fn a_missing_keychain_is_told_by_its_cause() {
    let world = World::new();
    let out = world.bulkhead(&[
        "onboard",
        "--non-interactive",
        "--accept-risk",
        "--auth-choice",
        "skip",
        "--secrets",
        "keychain",
        "--gateway-port",
        &bulkhead_tests::ports::base().to_string(),
        "--no-install-daemon",
        "--json",
    ]);
    assert!(!out.status.success(), "{}", text(&out));
    let said = text(&out);
    assert!(said.contains("keychain") && said.contains("secrets file"), "names the other ways: {said}");
    assert!(!world.path(".config/bulkhead/secrets").exists(), "never silently to a file");
}
