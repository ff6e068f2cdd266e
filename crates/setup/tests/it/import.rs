//! Importing an OpenClaw, and keeping one as main.

use std::fs;
use std::time::Duration;

use base64::Engine as _;
use bulkhead_setup::{ImportLine, ImportResult, Outcome, Request};
use bulkhead_store::{SessionFilter, Store};
use serde_json::{Value, json};

use crate::machine::{MAIN_BOT, Machine, RESCUE_BOT, create};
use crate::openclaw::{
    BOT, GATEWAY_TOKEN, MODEL_KEY, OPENROUTER_KEY, SECOND_BOT, SECRETS, STORED, earlier, present, tree,
};

fn plan(more: &Value) -> Value {
    let mut import = json!({ "kind": "openclaw" });
    for (key, value) in more.as_object().unwrap() {
        import[key] = value.clone();
    }
    json!({ "secrets": "keychain", "profiles": [{ "name": "main" }], "import": import })
}

fn dry(plan: &Value) -> Value {
    json!({ "version": 1, "action": "check", "plan": plan, "checks": ["ports", "isolation"] })
}

fn lines(machine: &Machine, report: &[ImportLine]) -> String {
    let line = |line: &ImportLine| {
        let next = line.next_step.as_ref().map(|next| format!("\n    -> {next}")).unwrap_or_default();
        machine.show(&format!("{:?} {:?} {}: {}{next}", line.area, line.result, line.item, line.detail))
    };
    report.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn good(machine: &Machine, outcome: &Outcome) {
    assert!(outcome.ok, "{}", machine.findings(outcome));
}

/// Neither as it is, nor in base64, nor as part of an address; our own files only.
fn no_secret_on_our_side(machine: &Machine, outcome: &Outcome) {
    let encode = |secret: &str| {
        let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
        // Without its last characters, which depend on what follows.
        [secret.to_owned(), percent, base64[..base64.len() - 4].to_owned()]
    };
    let words: Vec<String> = SECRETS
        .iter()
        .chain(&["AIzaNotTaken", "discord-token-that-stays-0001", "oauth-refresh-that-stays"])
        .flat_map(|secret| encode(secret))
        .collect();
    let holds = |bytes: &[u8]| {
        words.iter().find(|word| bytes.windows(word.len()).any(|window| window == word.as_bytes()))
    };
    for (path, bytes) in machine.files() {
        if path.starts_with(".openclaw/") || path.starts_with("work-agent") {
            continue;
        }
        assert_eq!(holds(&bytes), None, "{path}");
    }
    let told = serde_json::to_vec(outcome).unwrap();
    assert_eq!(holds(&told), None, "in what is told");
}

#[tokio::test]
async fn everything_comes_along_and_the_source_is_as_it_was() {
    let machine = Machine::new();
    let _running = present(&machine);
    let source = machine.home.path().join(".openclaw");
    let before = tree(&source);
    let (looked, _) = machine.run(dry(&plan(&json!({})))).await;
    good(&machine, &looked);
    assert!(
        !machine.home.path().join(".bulkhead").exists() && machine.keychain.len() == 0,
        "a look writes nothing"
    );
    let (outcome, progress) = machine.run(create(&plan(&json!({})))).await;
    good(&machine, &outcome);
    assert_eq!(tree(&source), before, "not a byte, not a time, not a file more");
    assert_eq!(outcome.report, looked.report, "what was told is what was done");
    insta::assert_snapshot!("everything_from_an_openclaw", lines(&machine, &outcome.report));
    insta::assert_snapshot!(
        "the_configuration_that_came_of_it",
        machine.text(".bulkhead/bulkhead.json").replace(&machine.home.path().display().to_string(), "~")
    );
    assert!(progress.iter().any(|step| serde_json::to_value(step.step).unwrap() == "import"));
    let secret = |id: &str| machine.keychain.get("ai.bulkhead.main", id);
    assert_eq!(secret("gateway/token").as_deref(), Some(GATEWAY_TOKEN));
    assert_eq!(secret("telegram/bot-token").as_deref(), Some(BOT));
    assert_eq!(secret("telegram/second/bot-token").as_deref(), Some(SECOND_BOT));
    assert_eq!(secret("models/fakes/api-key").as_deref(), Some(MODEL_KEY));
    assert_eq!(secret("models/openrouter/api-key").as_deref(), Some(OPENROUTER_KEY));
    assert_eq!(secret("models/xai/api-key").as_deref(), Some(STORED));
    no_secret_on_our_side(&machine, &outcome);
    let config = machine.config(".bulkhead/bulkhead.json");
    assert_eq!(config.channels.telegram.enabled, Some(false), "OpenClaw has its bots still");
    assert_eq!(config.channels.telegram.allow_from, ["424242", "434343"]);
    let port = outcome.profiles[0].port.unwrap();
    assert!(!(28_789..=28_899).contains(&port) && !(28_679..=28_789).contains(&port));
    assert_eq!(machine.text(".bulkhead/workspace/MEMORY.md"), "Ann likes ships.\n");
    assert_eq!(machine.text(".bulkhead/agents/work/workspace/AGENTS.md"), "# Work\n");
    assert!(!machine.home.path().join(".bulkhead/workspace/notes.txt").exists(), "a key stands in it");
    let left = machine.text(".bulkhead/imported/openclaw-cron.json");
    assert!(left.contains("tidy") && !left.contains("morning"), "{left}");
    conversations(&machine).await;
}

async fn conversations(machine: &Machine) {
    let place = bulkhead_profile::Place::resolve(None, &machine.env).unwrap();
    let store = Store::open(place.database_path()).unwrap();
    let sessions = store.sessions().list(SessionFilter::default()).await.unwrap();
    let keys: Vec<&str> = sessions.iter().map(|session| session.key.as_str()).collect();
    assert_eq!(keys, ["agent:main:main", "agent:main:telegram:direct:515151"]);
    assert_eq!(sessions[0].label.as_deref(), Some("Hello from the owner"));
    assert_eq!((sessions[0].created_at, sessions[0].updated_at), (1_793_527_200_000, 1_793_527_300_000));
    assert_eq!(sessions[1].peer.as_deref(), Some("515151"));
    let history = store.sessions().history("agent:main:main", 10, None).await.unwrap();
    let said: Vec<String> = history
        .iter()
        .map(|message| format!("{} {} {}", message.role, message.content, message.meta))
        .collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], r#"user "hello" {"senderLabel":"Ann"}"#);
    assert!(said[1].contains("your key is [secret], I think"), "{}", said[1]);
    assert!(said[2].starts_with("user \"packed: a ship and its bulkheads"), "{}", said[2]);
    assert!(store.pairings().is_allowed("telegram", "default", "515151").await.unwrap());
    let jobs = store.cron().all().await.unwrap();
    let brief: Vec<_> = jobs.iter().map(|job| (job.id.as_str(), job.enabled, job.next_run_at)).collect();
    assert_eq!(brief, [("j1", false, None), ("j3", false, None)], "nothing runs while OpenClaw does");
    assert_eq!(jobs[0].body["schedule"]["tz"], "Europe/Berlin");
    assert!(!jobs[1].body.to_string().contains("x.example"));
    store.close().await;
}

#[tokio::test]
async fn files_of_earlier_versions_come_along_too() {
    let machine = Machine::new();
    earlier(&machine);
    let before = tree(&machine.home.path().join(".openclaw"));
    let mut plan = plan(&json!({}));
    plan["secrets"] = "file".into();
    let (outcome, _) = machine.run(create(&plan)).await;
    good(&machine, &outcome);
    assert_eq!(tree(&machine.home.path().join(".openclaw")), before);
    insta::assert_snapshot!("everything_from_files_of_earlier_versions", lines(&machine, &outcome.report));
    let config = machine.config(".bulkhead/bulkhead.json");
    assert_eq!(config.models.providers["anthropic"].api, bulkhead_config::ModelApi::Anthropic);
    let place = bulkhead_profile::Place::resolve(None, &machine.env).unwrap();
    let kept: Value = serde_json::from_slice(&fs::read(place.secrets_file()).unwrap()).unwrap();
    let kept = kept.to_string();
    assert!(kept.contains(BOT) && kept.contains(MODEL_KEY) && kept.contains(GATEWAY_TOKEN));
    let store = Store::open(place.database_path()).unwrap();
    let history = store.sessions().history("agent:main:main", 10, None).await.unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[0].ts, 1_775_037_601_000);
    assert!(store.pairings().is_allowed("telegram", "ops", "616161").await.unwrap());
    store.close().await;
}

/// Runs an import until the keychain hangs on a secret, then drops it: as if the process had been killed there.
async fn killed_at(machine: &Machine, plan: &Value, secret: &str) {
    *machine.keychain.hangs_on.lock().unwrap() = Some(secret.to_owned());
    let request = Request::parse(create(plan).to_string().as_bytes()).unwrap();
    let world = machine.world();
    let run = bulkhead_setup::run(&request, &world, &|_| {});
    assert!(tokio::time::timeout(Duration::from_millis(500), run).await.is_err(), "it hangs");
    *machine.keychain.hangs_on.lock().unwrap() = None;
}

#[tokio::test]
async fn a_killed_import_is_taken_up_again_or_undone() {
    let machine = Machine::new();
    let _running = present(&machine);
    killed_at(&machine, &plan(&json!({})), "models/fakes/api-key").await;
    assert!(machine.keychain.len() > 0);
    let (outcome, _) = machine.run(create(&plan(&json!({})))).await;
    good(&machine, &outcome);
    let whole = machine.files();
    let fresh = Machine::new();
    let _other = present(&fresh);
    good(&fresh, &fresh.run(create(&plan(&json!({})))).await.0);
    assert_eq!(whole.keys().collect::<Vec<_>>(), fresh.files().keys().collect::<Vec<_>>());

    let undone = Machine::new();
    let _third = present(&undone);
    let before = undone.files();
    killed_at(&undone, &plan(&json!({})), "models/fakes/api-key").await;
    let other = json!({ "secrets": "keychain", "profiles": [{ "name": "work" }] });
    good(&undone, &undone.run(create(&other)).await.0);
    let left: Vec<String> = undone
        .files()
        .into_keys()
        .filter(|path| {
            !before.contains_key(path)
                && !path.contains("work")
                && path != ".bulkhead/"
                && !path.starts_with(".config/")
        })
        .collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(undone.keychain.get("ai.bulkhead.main", "telegram/bot-token"), None);
}

#[tokio::test]
async fn a_profile_in_use_a_running_gateway_and_a_broken_source_are_refused() {
    let mut machine = Machine::new();
    let _running = present(&machine);
    let refused = |outcome: &Outcome| {
        assert!(!outcome.ok);
        outcome.findings.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>()
    };
    machine.listens(28_789, "openclaw-gateway", None);
    for more in [json!({ "takeOver": true }), json!({ "takeOverPort": true })] {
        assert_eq!(refused(&machine.run(create(&plan(&more))).await.0), ["openclaw-running"]);
    }
    assert_eq!(
        refused(&machine.run(create(&plan(&json!({ "from": "~/nowhere" })))).await.0),
        ["openclaw-not-found"]
    );
    machine.put("other/openclaw.json", "{ gateway: ");
    assert_eq!(
        refused(&machine.run(create(&plan(&json!({ "from": "~/other" })))).await.0),
        ["openclaw-config-broken"]
    );
    machine.put(".bulkhead/workspace/mine.md", "mine");
    assert_eq!(refused(&machine.run(create(&plan(&json!({})))).await.0), ["workspace-not-empty"]);
    assert_eq!(machine.text(".bulkhead/workspace/mine.md"), "mine");
    assert_eq!(machine.keychain.len(), 0, "all of it was taken back");
    machine.put(".bulkhead/bulkhead.json", "{ gateway: { port: 18789 } }");
    assert_eq!(refused(&machine.run(create(&plan(&json!({})))).await.0), ["import-profile-exists"]);
    assert_eq!(machine.text(".bulkhead/bulkhead.json"), "{ gateway: { port: 18789 } }");
}

#[tokio::test]
async fn bots_and_port_are_taken_over_from_one_that_does_not_run() {
    let machine = Machine::new();
    let _running = present(&machine);
    let (outcome, _) = machine
        .run(create(&plan(&json!({ "takeOver": true, "takeOverPort": true, "sessions": false }))))
        .await;
    good(&machine, &outcome);
    assert_eq!(outcome.profiles[0].port, Some(28_789));
    let config = machine.config(".bulkhead/bulkhead.json");
    assert_eq!((config.gateway.port, config.channels.telegram.enabled), (Some(28_789), Some(true)));
    let place = bulkhead_profile::Place::resolve(None, &machine.env).unwrap();
    let entry = bulkhead_profile::Register::open(&machine.env).find(&place).unwrap().unwrap();
    assert_eq!(entry.bot_ids, [7_000_000_001, 7_000_000_002]);
    let skipped = outcome.report.iter().find(|line| line.item == "all conversations").unwrap();
    assert_eq!(skipped.result, ImportResult::Skipped);
    let store = Store::open(place.database_path()).unwrap();
    let jobs = store.cron().all().await.unwrap();
    assert!(jobs.iter().all(|job| job.enabled && job.next_run_at.is_some()), "OpenClaw's gateway is gone");
    store.close().await;
}

#[tokio::test]
async fn what_comes_along_goes_into_the_first_profile_of_several() {
    let machine = Machine::new();
    let _running = present(&machine);
    let mut plan = plan(&json!({}));
    plan["profiles"] =
        json!([{ "name": "main" }, { "name": "rescue", "telegram": { "botToken": RESCUE_BOT } }]);
    plan["model"] = json!({ "provider": "fakes", "api": "openai", "baseUrl": "http://127.0.0.1:18999/v1", "modelId": "fake-2", "apiKey": "given-by-a-person" });
    let (outcome, _) = machine.run(create(&plan)).await;
    good(&machine, &outcome);
    assert!(
        outcome
            .profiles
            .iter()
            .all(|profile| profile.port.is_some_and(|port| !(28_679..=28_899).contains(&port)))
    );
    let key = |profile: &str| {
        machine.keychain.get(&format!("ai.bulkhead.{profile}"), "models/fakes/api-key").unwrap()
    };
    assert_eq!((key("main").as_str(), key("rescue").as_str()), ("given-by-a-person", "given-by-a-person"));
    assert_eq!(machine.keychain.get("ai.bulkhead.rescue", "telegram/bot-token").as_deref(), Some(RESCUE_BOT));
    let rescue = machine.config(".bulkhead-rescue/bulkhead.json");
    assert!(rescue.channels.telegram.allow_from.is_empty() && rescue.models.providers.len() == 1);
    assert_eq!(
        machine.config(".bulkhead/bulkhead.json").agents.defaults.model.primary.as_deref(),
        Some("fakes/fake-2")
    );
}

#[tokio::test]
async fn an_openclaw_stays_main_and_only_rescue_is_made() {
    let machine = Machine::new();
    let _running = present(&machine);
    let before = tree(&machine.home.path().join(".openclaw"));
    let unit = machine.put(".config/systemd/user/openclaw-gateway.service", "[Service]\n");
    let plan = |name: &str, bot: &str| json!({ "secrets": "keychain", "main": { "kind": "openclaw" }, "profiles": [{ "name": name, "telegram": { "botToken": bot } }] });
    let (outcome, _) = machine.run(create(&plan("main", RESCUE_BOT))).await;
    assert_eq!(outcome.findings[0].code, "attach-into-main");
    let (outcome, _) = machine.run(create(&plan("rescue", BOT))).await;
    assert_eq!(outcome.findings[0].code, "bot-shared", "{}", machine.findings(&outcome));
    machine.put(
        "far/away/openclaw.json",
        &json!({ "gateway": { "port": 19_789 }, "channels": { "telegram": { "botToken": MAIN_BOT } } })
            .to_string(),
    );
    let mut away = plan("rescue", MAIN_BOT);
    away["main"]["from"] = "~/far/away".into();
    let (outcome, _) = machine.run(create(&away)).await;
    assert_eq!(outcome.findings[0].code, "bot-shared", "{}", machine.findings(&outcome));
    let (outcome, _) = machine.run(create(&plan("rescue", MAIN_BOT))).await;
    good(&machine, &outcome);
    assert_eq!(tree(&machine.home.path().join(".openclaw")), before);
    assert!(!machine.home.path().join(".bulkhead/bulkhead.json").exists(), "no main of ours");
    let text = machine.text(".bulkhead-rescue/bulkhead.json");
    let document = bulkhead_config::ConfigDocument::parse("x", &text).unwrap();
    let main = document.get("rescue.main").unwrap().unwrap();
    let source = fs::canonicalize(machine.home.path().join(".openclaw")).unwrap();
    assert_eq!(main["kind"], "openclaw");
    assert_eq!(main["stateDir"], json!(source));
    assert_eq!(main["configPath"], json!(source.join("openclaw.json")));
    assert_eq!(main["url"], "ws://127.0.0.1:28789");
    if cfg!(target_os = "linux") {
        assert_eq!(main["unit"], json!(unit.file_name().unwrap().to_str().unwrap()));
    }
    let port = outcome.profiles[0].port.unwrap();
    assert!(!(28_679..=28_899).contains(&port));
}
