//! Half-made sets of profiles: taken up again, or undone.

use std::time::Duration;

use bulkhead_profile::Register;
use bulkhead_setup::Request;
use serde_json::json;

use crate::machine::{MAIN_BOT, Machine, create, pair};

/// Runs a creation until the keychain hangs on a secret, then drops it: as if the process had been killed there.
async fn killed_at(machine: &Machine, plan: &serde_json::Value, secret: &str) {
    *machine.keychain.hangs_on.lock().unwrap() = Some(secret.to_owned());
    let request = Request::parse(create(plan).to_string().as_bytes()).unwrap();
    let world = machine.world();
    let run = bulkhead_setup::run(&request, &world, &|_| {});
    assert!(tokio::time::timeout(Duration::from_millis(300), run).await.is_err(), "it hangs");
    *machine.keychain.hangs_on.lock().unwrap() = None;
}

#[tokio::test]
async fn a_killed_creation_is_taken_up_again() {
    let machine = Machine::new();
    killed_at(&machine, &pair(), "telegram/bot-token").await;
    assert!(machine.keychain.len() > 0);
    let (seen, _) = machine.run(json!({ "version": 1, "action": "detect" })).await;
    assert_eq!(seen.detection.unwrap().unfinished, ["main", "rescue"]);
    let token = machine.keychain.get("ai.bulkhead.main", "gateway/token").unwrap();
    let (outcome, _) = machine.run(create(&pair())).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    assert_eq!(outcome.profiles.iter().map(|p| p.port).collect::<Vec<_>>(), [Some(18789), Some(19789)]);
    assert_eq!(machine.keychain.get("ai.bulkhead.main", "gateway/token").unwrap(), token);
    assert_eq!(machine.keychain.len(), 8);
    let fresh = Machine::new();
    assert!(fresh.run(create(&pair())).await.0.ok);
    assert_eq!(
        machine.files().keys().collect::<Vec<_>>(),
        fresh.files().keys().collect::<Vec<_>>(),
        "as if it had never been killed"
    );
}

#[tokio::test]
async fn a_killed_creation_is_undone_when_something_else_is_wanted() {
    let machine = Machine::new();
    machine.put(".bulkhead/keep-me", "mine");
    killed_at(&machine, &pair(), "models/custom/api-key").await;
    let other = json!({ "secrets": "keychain", "profiles": [{ "name": "work" }] });
    let (outcome, _) = machine.run(create(&other)).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    let names: Vec<String> =
        Register::open(&machine.env).read().unwrap().iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, ["work"]);
    assert!(!machine.home.path().join(".bulkhead-rescue").exists());
    assert!(!machine.home.path().join(".bulkhead/workspace").exists());
    assert_eq!(machine.text(".bulkhead/keep-me"), "mine");
    assert_eq!(machine.keychain.get("ai.bulkhead.main", "gateway/token"), None);
    assert_eq!(machine.keychain.len(), 2, "only the new profile's");
}

#[tokio::test]
async fn a_failure_in_the_middle_leaves_everything_as_it_was() {
    let machine = Machine::new();
    machine.put(".bulkhead/bulkhead.json", "{ gateway: { port: 18789 } } // mine\n");
    machine
        .keychain
        .items
        .lock()
        .unwrap()
        .insert(("ai.bulkhead.main".to_owned(), "telegram/bot-token".to_owned()), "999:old".to_owned());
    let before = machine.files();
    *machine.keychain.refuses.lock().unwrap() =
        Some(("ai.bulkhead.rescue".to_owned(), "telegram/bot-token".to_owned()));
    let (outcome, progress) = machine.run(create(&pair())).await;
    assert!(!outcome.ok && outcome.profiles.is_empty());
    assert_eq!(outcome.findings[0].code, "keychain.denied");
    assert_eq!(progress.iter().filter(|step| step.code == "undone").count(), 2);
    let after = machine.files();
    for (path, bytes) in &before {
        assert_eq!(after.get(path), Some(bytes), "{path}");
    }
    assert!(!machine.home.path().join(".bulkhead-rescue").exists());
    assert_eq!(machine.keychain.get("ai.bulkhead.main", "gateway/token"), None);
    assert_eq!(Register::open(&machine.env).read().unwrap().len(), 0);
    assert_ne!(machine.keychain.get("ai.bulkhead.main", "telegram/bot-token").as_deref(), Some(MAIN_BOT));
}

#[tokio::test]
async fn what_cannot_be_undone_now_is_undone_next_time() {
    let machine = Machine::new();
    killed_at(&machine, &pair(), "telegram/bot-token").await;
    let locked: fn() -> keyring_core::Error = || keyring_core::Error::NoStorageAccess("Prompt".into());
    *machine.keychain.failure.lock().unwrap() = Some(locked);
    let other = json!({ "secrets": "file", "profiles": [{ "name": "work" }] });
    let (outcome, progress) = machine.run(create(&other)).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    assert!(progress.iter().any(|step| step.code == "undone-partly"));
    assert!(machine.keychain.len() > 0);
    *machine.keychain.failure.lock().unwrap() = None;
    let (outcome, _) = machine.run(create(&other)).await;
    assert!(outcome.ok, "{}", machine.findings(&outcome));
    assert_eq!(machine.keychain.len(), 0);
    assert!(!machine.home.path().join(".config/bulkhead/setup-journal.json").exists());
}
