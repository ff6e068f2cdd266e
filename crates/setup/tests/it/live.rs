//! The live checks against servers that really answer, and the whole of it with a real keyring.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use bulkhead_fakes::telegram::{TelegramServer, TelegramServerOptions};
use bulkhead_profile::Environment;
use bulkhead_setup::{Outcome, Request, World};
use serde_json::{Value, json};

use crate::machine::{MAIN_BOT, Machine, RESCUE_BOT, check};

async fn servers() -> (ModelServer, TelegramServer) {
    let model = ModelServer::start(ModelServerOptions::default().with_key("sk-s3cret-good")).await.unwrap();
    let telegram = TelegramServer::start(TelegramServerOptions::default()).await.unwrap();
    telegram.control.add_bot(MAIN_BOT, "main_test_bot");
    telegram.control.add_bot(RESCUE_BOT, "rescue_test_bot");
    (model, telegram)
}

fn plan(model: &str, key: &str, telegram: &str) -> Value {
    json!({
        "secrets": "keychain",
        "model": { "provider": "custom", "api": "openai", "baseUrl": format!("{model}/v1"), "modelId": "fake-1", "apiKey": key },
        "profiles": [
            { "name": "main", "telegram": { "botToken": MAIN_BOT, "apiRoot": telegram } },
            { "name": "rescue", "telegram": { "botToken": RESCUE_BOT, "apiRoot": telegram } },
        ],
    })
}

async fn run(request: &Value, world: &World) -> (Outcome, String) {
    let request = Request::parse(request.to_string().as_bytes()).unwrap();
    let lines = Mutex::new(String::new());
    let outcome = bulkhead_setup::run(&request, world, &|step| {
        lines.lock().unwrap().push_str(&(serde_json::to_string(&step).unwrap() + "\n"));
    })
    .await;
    (outcome, lines.into_inner().unwrap())
}

#[tokio::test]
async fn a_model_and_two_bots_answer() {
    let (model, telegram) = servers().await;
    let machine = Machine::new();
    let request = check(&plan(&model.base_url, "sk-s3cret-good", &telegram.base_url));
    let (outcome, lines) = run(&request, &machine.world_with_network()).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    assert!(
        lines.contains("\"latencyMs\"")
            && lines.contains("@main_test_bot")
            && lines.contains("rescue_test_bot")
    );
    for secret in ["sk-s3cret-good", MAIN_BOT, RESCUE_BOT] {
        assert!(!lines.contains(secret));
    }
    assert_eq!(model.control.chat_requests().len(), 1);
}

#[tokio::test]
async fn what_people_read_when_they_do_not() {
    let (model, telegram) = servers().await;
    let machine = Machine::new();
    let world = machine.world_with_network();
    let mut report = Vec::new();
    let tidy = |text: String| {
        text.replace(&model.base_url, "http://model")
            .replace(&telegram.base_url, "http://telegram")
            .replace(model.base_url.trim_start_matches("http://"), "model")
            .replace(telegram.base_url.trim_start_matches("http://"), "telegram")
    };
    let mut told = async |name: &str, plan: Value| {
        let (outcome, lines) = run(&check(&plan), &world).await;
        let text = tidy(machine.findings(&outcome));
        for secret in ["s3cret", MAIN_BOT, RESCUE_BOT] {
            assert!(!text.contains(secret) && !lines.contains(secret), "{text}");
        }
        report.push(format!("{name}\n{text}"));
    };
    told("wrong key", plan(&model.base_url, "sk-s3cret-bad", &telegram.base_url)).await;
    let mut wrong_model = plan(&model.base_url, "sk-s3cret-good", &telegram.base_url);
    wrong_model["model"]["modelId"] = json!("gpt-none");
    told("unknown model", wrong_model).await;
    telegram.control.bot(RESCUE_BOT).unwrap().revoke(true);
    told("revoked token", plan(&model.base_url, "sk-s3cret-good", &telegram.base_url)).await;
    told("no Bot API server there", plan(&model.base_url, "sk-s3cret-good", &model.base_url)).await;
    insta::assert_snapshot!(report.join("\n\n"));
}

fn installed(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()));
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// A real keyring daemon, a real home: what `onboard --plan -` does, without the command line around it.
#[test]
fn with_a_real_keyring() {
    use std::os::unix::fs::PermissionsExt as _;
    if !(installed("dbus-run-session") && installed("gnome-keyring-daemon") && installed("secret-tool")) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    for dir in ["run", ".local/share"] {
        fs::create_dir_all(home.path().join(dir)).unwrap();
    }
    fs::set_permissions(home.path().join("run"), fs::Permissions::from_mode(0o700)).unwrap();
    let script = "printf pass | gnome-keyring-daemon --unlock --components=secrets --foreground >/dev/null 2>&1 & DAEMON=$!\n\
         until secret-tool store --label=ready ready yes </dev/null >/dev/null 2>&1; do :; done\n\
         \"$TEST_BINARY\" --exact live::inner_real_keyring --ignored --nocapture; code=$?; kill $DAEMON; exit $code";
    let output = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", script])
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("XDG_CONFIG_HOME")
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path().join("run"))
        .env("XDG_DATA_HOME", home.path().join(".local/share"))
        .env("TEST_BINARY", std::env::current_exe().unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
#[ignore = "runs inside the session that the test above makes"]
async fn inner_real_keyring() {
    let (model, telegram) = servers().await;
    let world = World::of_this_machine(Environment::from_process());
    let plan = plan(&model.base_url, "sk-s3cret-good", &telegram.base_url);
    let request = json!({ "version": 1, "action": "create", "plan": plan, "checks": ["model", "telegram"] });
    let (outcome, lines) = run(&request, &world).await;
    assert!(outcome.ok, "{lines}");
    for (service, token) in [("ai.bulkhead.main", MAIN_BOT), ("ai.bulkhead.rescue", RESCUE_BOT)] {
        let seen = Command::new("secret-tool")
            .args(["lookup", "service", service, "username", "telegram/bot-token"])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&seen.stdout), token);
    }
    let (again, lines) = run(&request, &world).await;
    assert!(again.ok, "{lines}");
    assert_eq!(again.profiles, outcome.profiles);
}

#[tokio::test]
async fn a_model_can_be_asked_before_there_is_a_profile() {
    let (model, telegram) = servers().await;
    let machine = Machine::new();
    let mut plan = plan(&model.base_url, "sk-s3cret-good", &telegram.base_url);
    plan["profiles"] = json!([]);
    let mut request = check(&plan);
    let (outcome, _) = run(&request, &machine.world_with_network()).await;
    assert!(!outcome.ok, "the other checks need a profile");
    request["checks"] = json!(["model"]);
    let (outcome, lines) = run(&request, &machine.world_with_network()).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    assert!(lines.contains("\"latencyMs\""), "{lines}");
}
