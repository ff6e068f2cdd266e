//! Making profiles.

use bulkhead_profile::{Owner, Register};
use serde_json::json;

use crate::machine::{MAIN_BOT, Machine, create, pair};

#[tokio::test]
async fn main_and_rescue_from_nothing() {
    let machine = Machine::new();
    let (outcome, progress) = machine.run(create(&pair())).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    let [main, rescue] = outcome.profiles.as_slice() else { panic!("two profiles") };
    assert_eq!(
        (main.port, main.control, main.cdp_first, main.cdp_last),
        (Some(18789), Some(18791), Some(18800), Some(18899))
    );
    assert_eq!((rescue.port, rescue.owner), (Some(19789), Owner::Desktop));
    assert_eq!(rescue.workspace, machine.home.path().join(".bulkhead/workspace-rescue"));

    let config = machine.config(".bulkhead/bulkhead.json");
    assert_eq!(config.gateway.port, Some(18789));
    assert_eq!(config.channels.telegram.api_root.as_deref(), Some("http://127.0.0.1:18998"));
    assert_eq!(config.agents.defaults.model.primary.as_deref(), Some("custom/fake-1"));
    assert!(config.secret_inputs().iter().all(|(_, input)| input.reference().is_some()));
    assert_eq!(config.secret_inputs().len(), 3);

    let keychain = &machine.keychain;
    let token = keychain.get("ai.bulkhead.main", "gateway/token").unwrap();
    assert_eq!(token.len(), 43);
    assert_eq!(keychain.get("ai.bulkhead.rescue", "gateway/token").as_deref(), Some("s3cret-given"));
    assert_eq!(keychain.get("ai.bulkhead.main", "telegram/bot-token").as_deref(), Some(MAIN_BOT));
    assert_ne!(
        keychain.get("ai.bulkhead.main", "device/key").unwrap(),
        keychain.get("ai.bulkhead.rescue", "device/key").unwrap()
    );
    assert_eq!(keychain.len(), 8, "nothing of the probes is left");

    for name in ["AGENTS.md", "SOUL.md", "USER.md", "IDENTITY.md", "TOOLS.md"] {
        assert!(machine.text(&format!(".bulkhead/workspace/{name}")).len() > 20);
        assert!(machine.text(&format!(".bulkhead/workspace-rescue/{name}")).len() > 20);
    }
    let entries = Register::open(&machine.env).read().unwrap();
    assert_eq!(
        entries.iter().map(|entry| entry.bot_ids.clone()).collect::<Vec<_>>(),
        [vec![111_111_111], vec![222_222_222]]
    );
    assert!(!machine.home.path().join(".config/bulkhead/setup-journal.json").exists());

    let mut secrets = vec![token, "s3cret-given".to_owned(), "s3cret-key".to_owned(), MAIN_BOT.to_owned()];
    secrets.push(keychain.get("ai.bulkhead.main", "device/key").unwrap());
    let said = serde_json::to_string(&progress).unwrap() + &serde_json::to_string(&outcome).unwrap();
    for secret in secrets {
        assert!(!said.contains(&secret), "a secret was told");
        for (path, bytes) in machine.files() {
            assert!(!String::from_utf8_lossy(&bytes).contains(&secret), "a secret is in {path}");
        }
    }
    insta::assert_snapshot!(machine.show(&machine.text(".bulkhead-rescue/bulkhead.json")));
}

#[tokio::test]
async fn a_pair_watches_each_other_and_only_named_people_become_operators() {
    let machine = Machine::new();
    let (outcome, _) = machine.run(create(&pair())).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    let rescue = |folder: &str| machine.config(&format!("{folder}/bulkhead.json")).rescue;
    assert_eq!(rescue(".bulkhead").watch.as_deref(), Some("rescue"));
    assert_eq!(rescue(".bulkhead-rescue").watch.as_deref(), Some("main"));
    assert_eq!(rescue(".bulkhead-rescue").operators, [] as [&str; 0], "nobody by themselves");

    let mut plan = pair();
    plan["rescueOperators"] = json!([42, "43"]);
    for _ in 0..2 {
        let (outcome, _) = machine.run(create(&plan)).await;
        assert!(outcome.ok, "{}", machine.findings(&outcome));
        assert_eq!(rescue(".bulkhead-rescue").operators, ["42", "43"]);
        assert_eq!(rescue(".bulkhead").operators, ["42", "43"]);
    }
    plan["rescueOperators"] = json!(["@ada"]);
    let request = json!({"version": 1, "action": "check", "plan": plan}).to_string();
    let error = bulkhead_setup::Request::parse(request.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("rescueOperators"), "{error}");
}

#[tokio::test]
async fn doing_it_again_changes_nothing() {
    let machine = Machine::new();
    let (outcome, _) = machine.run(create(&pair())).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    let (before, secrets) = (machine.files(), machine.keychain.items.lock().unwrap().clone());
    let (again, _) = machine.run(create(&pair())).await;
    assert!(again.ok, "{}", machine.findings(&again));
    assert_eq!(again.profiles, outcome.profiles);
    assert_eq!(*machine.keychain.items.lock().unwrap(), secrets);
    assert_eq!(machine.files(), before);
}

#[tokio::test]
async fn an_existing_profile_keeps_what_the_plan_does_not_speak_of() {
    let machine = Machine::new();
    machine.put(
        ".bulkhead/bulkhead.json",
        "{\n  // my own\n  gateway: { port: 20000, bind: 'lan', auth: { mode: 'token', token: 'typed-by-hand' } }, // lan on purpose\n  plugins: { weather: { city: 'Brno' } },\n  channels: { telegram: { dmPolicy: 'allowlist', allowFrom: [42] } },\n}\n",
    );
    machine.put(".bulkhead/workspace/AGENTS.md", "mine");
    let plan = json!({ "secrets": "keychain", "profiles": [{ "name": "main", "telegram": { "botToken": MAIN_BOT } }] });
    let (outcome, _) = machine.run(create(&plan)).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    assert_eq!(outcome.profiles[0].port, Some(20000));
    assert_eq!(machine.text(".bulkhead/workspace/AGENTS.md"), "mine");
    assert_eq!(
        machine.keychain.get("ai.bulkhead.main", "gateway/token"),
        None,
        "its own token stays its own"
    );
    insta::assert_snapshot!(machine.show(&machine.text(".bulkhead/bulkhead.json")));
}

#[tokio::test]
async fn secrets_in_a_file_and_in_the_environment_when_chosen() {
    let machine = Machine::new();
    let mut plan = pair();
    plan["secrets"] = json!("file");
    let (outcome, _) = machine.run(create(&plan)).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    assert_eq!(machine.keychain.len(), 0);
    assert!(machine.text(".config/bulkhead/secrets/main.json").contains(MAIN_BOT));
    assert!(machine.text(".bulkhead/bulkhead.json").contains("\"source\": \"file\""));

    let mut machine = Machine::new();
    plan["secrets"] = json!("env");
    let (outcome, _) = machine.run(create(&plan)).await;
    assert!(!outcome.ok);
    insta::assert_snapshot!(machine.findings(&outcome));
    for name in ["GATEWAY_TOKEN", "DEVICE_KEY", "TELEGRAM_BOT_TOKEN", "MODELS_CUSTOM_API_KEY"] {
        machine.env = machine.env.clone().with_var(&format!("BULKHEAD_SECRET_{name}"), "x");
    }
    let (outcome, _) = machine.run(create(&plan)).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    assert!(!machine.home.path().join(".config/bulkhead/secrets").exists());
}

#[tokio::test]
async fn set_up_asks_nothing_and_stores_nothing() {
    let machine = Machine::new();
    let profile = bulkhead_setup::ProfilePlan { name: "work".to_owned(), ..Default::default() };
    let outcome = bulkhead_setup::set_up(profile, &machine.world(), &|_| {}).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    assert_eq!(machine.keychain.len(), 0);
    let config = machine.config(".bulkhead-work/bulkhead.json");
    assert_eq!(config.gateway.port, outcome.profiles[0].port);
    assert!(
        config.gateway.mode.is_some()
            && machine.home.path().join(".bulkhead/workspace-work/AGENTS.md").is_file()
    );
}

#[tokio::test]
async fn many_at_once_are_disjoint() {
    let mut machine = Machine::new();
    for port in [18790, 19800, 20050] {
        machine.listens(port, "stranger", None);
    }
    machine.put(".openclaw/openclaw.json", "{ gateway: { port: 20200 } }");
    machine.put(".bulkhead-broken/bulkhead.json", "{ gateway: { port: 20400, ");
    let runs = (0..12).map(|n| {
        let plan = json!({ "secrets": "keychain", "profiles": [{ "name": format!("p{n}") }] });
        let request = bulkhead_setup::Request::parse(create(&plan).to_string().as_bytes()).unwrap();
        let world = machine.world();
        tokio::spawn(async move { bulkhead_setup::run(&request, &world, &|_| {}).await })
    });
    let mut bases = vec![20200, 20400];
    for run in runs.collect::<Vec<_>>() {
        let outcome = run.await.unwrap();
        assert!(outcome.ok, "{}", machine.findings(&outcome));
        bases.push(outcome.profiles[0].port.unwrap());
    }
    bases.sort_unstable();
    assert!(bases.windows(2).all(|pair| pair[1] - pair[0] > 110), "{bases:?}");
}
