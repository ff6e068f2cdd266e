//! One snapshot per provoked error: what people read.

use std::fs;

use bulkhead_setup::Trouble;
use serde_json::{Value, json};

use crate::machine::{MAIN_BOT, Machine, check, create, pair};

async fn checked(machine: &Machine, plan: &Value) -> String {
    let (outcome, _) = machine.run(check(plan)).await;
    assert_eq!(outcome.ok, !outcome.findings.iter().any(bulkhead_profile::Finding::is_error));
    machine.findings(&outcome)
}

fn one(profile: &Value) -> Value {
    json!({ "secrets": "keychain", "profiles": [profile] })
}

#[tokio::test]
async fn a_good_plan_has_no_findings_and_writes_nothing() {
    let machine = Machine::new();
    let before = machine.files();
    let (outcome, progress) = machine.run(check(&pair())).await;
    assert!(outcome.ok && outcome.findings.is_empty(), "{}", machine.findings(&outcome));
    assert_eq!(machine.files(), before);
    assert_eq!(machine.keychain.len(), 0);
    let text: Vec<String> = progress
        .iter()
        .filter(|step| step.code != "running")
        .map(|step| {
            let mut detail = step.detail.clone();
            if let Some(detail) = detail.as_object_mut() {
                detail.remove("latencyMs");
            }
            machine.show(&format!(
                "{:?} {:?} {:?} {} | {}",
                step.step, step.profile, step.state, step.message, detail
            ))
        })
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[tokio::test]
async fn model_down_and_key_rejected() {
    let mut machine = Machine::new();
    machine.outside.model = Some(Trouble {
        code: "model-unreachable".to_owned(),
        what: "model provider custom at http://127.0.0.1:18999".to_owned(),
        found: "connection refused".to_owned(),
        expected: "a connection".to_owned(),
        next_step: "Check that the provider runs".to_owned(),
    });
    insta::assert_snapshot!(checked(&machine, &pair()).await);
}

#[tokio::test]
async fn a_bad_bot_token() {
    let mut machine = Machine::new();
    machine.outside.bot = Some(Trouble {
        code: "telegram_bad_token".to_owned(),
        what: "Telegram bot token".to_owned(),
        found: "it refused (401 from api.telegram.org)".to_owned(),
        expected: "a token that @BotFather gave".to_owned(),
        next_step: "ask @BotFather for it with /token".to_owned(),
    });
    let refused =
        checked(&machine, &one(&json!({ "name": "main", "telegram": { "botToken": MAIN_BOT } }))).await;
    let malformed =
        checked(&machine, &one(&json!({ "name": "main", "telegram": { "botToken": "s3cret" } }))).await;
    assert!(!malformed.contains("s3cret"));
    insta::assert_snapshot!(format!("{refused}\n\n{malformed}"));
}

#[tokio::test]
async fn one_bot_twice() {
    let machine = Machine::new();
    let bot = json!({ "botToken": MAIN_BOT });
    let in_one_plan = json!({ "secrets": "keychain", "profiles": [{ "name": "main", "telegram": bot }, { "name": "rescue", "telegram": bot }] });
    let mut report = vec![checked(&machine, &in_one_plan).await];
    let (outcome, _) = machine.run(create(&one(&json!({ "name": "main", "telegram": bot })))).await;
    assert!(outcome.ok);
    report.push(checked(&machine, &one(&json!({ "name": "rescue", "telegram": bot }))).await);
    let (refused, _) = machine.run(create(&one(&json!({ "name": "rescue", "telegram": bot })))).await;
    assert!(!refused.ok && !machine.home.path().join(".bulkhead-rescue").exists());
    let openclaw = Machine::new();
    openclaw.put(
        ".openclaw/openclaw.json",
        &format!("{{ channels: {{ telegram: {{ botToken: '{MAIN_BOT}' }} }} }}"),
    );
    report.push(checked(&openclaw, &one(&json!({ "name": "rescue", "telegram": bot }))).await);
    insta::assert_snapshot!(report.join("\n\n"));
}

#[tokio::test]
async fn ports_taken_close_and_overlapping() {
    let mut machine = Machine::new();
    machine.listens(18789, "python3", None);
    machine.listens(19791, "nginx", None);
    let mut report = vec![
        checked(&machine, &one(&json!({ "name": "main", "port": 18789 }))).await,
        checked(&machine, &one(&json!({ "name": "rescue", "port": 19789 }))).await,
    ];
    let machine = Machine::new();
    for (main, rescue) in [(18789, 18805), (18789, 18820), (18789, 18789)] {
        let plan = json!({ "secrets": "keychain", "profiles": [{ "name": "main", "port": main }, { "name": "rescue", "port": rescue }] });
        report.push(checked(&machine, &plan).await);
    }
    report.push(checked(&machine, &one(&json!({ "name": "main", "port": 80 }))).await);
    report.push(checked(&machine, &one(&json!({ "name": "main", "port": 65500 }))).await);
    insta::assert_snapshot!(report.join("\n\n"));
}

#[tokio::test]
async fn our_own_gateway_on_its_port_is_no_stranger() {
    let mut machine = Machine::new();
    machine.listens(18789, "bulkhead", Some("main"));
    assert_eq!(checked(&machine, &one(&json!({ "name": "main", "port": 18789 }))).await, "nothing");
}

#[tokio::test]
async fn keychain_locked_missing_and_not_chosen() {
    let machine = Machine::new();
    let mut report = Vec::new();
    let causes: [fn() -> keyring_core::Error; 3] = [
        || keyring_core::Error::NoStorageAccess("Prompt".into()),
        || keyring_core::Error::PlatformFailure("org.freedesktop.DBus.Error.ServiceUnknown".into()),
        || keyring_core::Error::PlatformFailure("InputOutput(NotFound)".into()),
    ];
    for cause in causes {
        *machine.keychain.failure.lock().unwrap() = Some(cause);
        report.push(checked(&machine, &one(&json!({ "name": "main" }))).await);
        let (outcome, _) = machine.run(create(&one(&json!({ "name": "main" })))).await;
        assert!(!outcome.ok && !machine.home.path().join(".bulkhead").exists());
    }
    *machine.keychain.failure.lock().unwrap() = None;
    report.push(checked(&machine, &json!({ "profiles": [{ "name": "main" }] })).await);
    insta::assert_snapshot!(report.join("\n\n"));
}

#[tokio::test]
async fn places_that_cannot_be() {
    let machine = Machine::new();
    machine.put("file", "");
    let in_file = machine.home.path().join("file").join("workspace").display().to_string();
    let mut report = vec![checked(&machine, &one(&json!({ "name": "main", "workspace": in_file }))).await];
    // Where only trying tells: everything that was begun is taken back.
    let before = machine.files();
    let plan = one(&json!({ "name": "main", "workspace": "/proc/nowhere" }));
    let (outcome, _) = machine.run(create(&plan)).await;
    assert_eq!(machine.keychain.len(), 0);
    let left: Vec<String> = machine.files().into_keys().filter(|path| !before.contains_key(path)).collect();
    assert_eq!(left, [".config/", ".config/bulkhead/", ".config/bulkhead/profiles.json"]);
    report.push(machine.findings(&outcome));
    let mut beside = Machine::new();
    beside.put(".openclaw/openclaw.json", "{}");
    beside.put(".openclaw/agents/main/x", "");
    let real = beside.home.path().join(".openclaw").display().to_string();
    beside.env = beside.env.clone().with_var("OPENCLAW_STATE_DIR", &real);
    report.push(checked(&beside, &one(&json!({ "name": "main" }))).await);
    insta::assert_snapshot!(report.join("\n\n"));
}

#[tokio::test]
async fn a_broken_configuration_is_left_alone() {
    let machine = Machine::new();
    let path = machine.put(".bulkhead/bulkhead.json", "{ gateway: { port: } }");
    let text = checked(&machine, &one(&json!({ "name": "main" }))).await;
    let (outcome, _) = machine.run(create(&one(&json!({ "name": "main" })))).await;
    assert!(!outcome.ok);
    assert_eq!(fs::read_to_string(path).unwrap(), "{ gateway: { port: } }");
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn plans_that_make_no_sense() {
    let machine = Machine::new();
    let mut report = Vec::new();
    for plan in [
        json!({ "secrets": "keychain", "profiles": [] }),
        one(&json!({ "name": "Main" })),
        one(&json!({ "name": "main", "bind": "everywhere" })),
        one(&json!({ "name": "main", "proxy": "proxy.example:8080" })),
        json!({ "secrets": "keychain", "profiles": [{ "name": "a" }, { "name": "a" }] }),
        json!({ "secrets": "keychain", "profiles": [{ "name": "a" }], "model": { "modelId": "x" } }),
        json!({ "secrets": "keychain", "profiles": [{ "name": "a" }], "model": { "modelId": "", "provider": "openai" } }),
        json!({ "secrets": "keychain", "profiles": [{ "name": "a" }], "model": { "modelId": "x", "api": "telepathy", "baseUrl": "http://h" } }),
        json!({ "secrets": "keychain", "profiles": [{ "name": "a" }], "model": { "modelId": "x", "baseUrl": "h:1" } }),
    ] {
        report.push(format!("{plan}\n{}", checked(&machine, &plan).await));
    }
    insta::assert_snapshot!(report.join("\n\n"));
}
