//! Taking everything away, also where half of it is missing.

use std::fs;

use bulkhead_setup::uninstall::{StepOutcome, StepState, UninstallOptions, delete_secrets, plan, uninstall};
use serde_json::json;

use crate::machine::MAIN_BOT;
use crate::ward::{Ward, shown};

async fn all(ward: &Ward, purge: bool) -> Vec<StepOutcome> {
    let world = ward.world();
    uninstall(&world, &plan(&world, UninstallOptions { purge }), &|_| ()).await
}

async fn two_profiles() -> Ward {
    let ward = Ward::new().await;
    ward.set_up("rescue", json!(null)).await;
    ward.machine.put(".config/autostart/Bulkhead.desktop", "[Desktop Entry]\n");
    ward.machine.put(".bulkhead-archive/old.tar.gz", "a backup");
    ward.machine.put(".openclaw/openclaw.json", "{}");
    ward
}

#[tokio::test]
async fn what_a_person_made_stays_and_the_rest_goes() {
    let ward = two_profiles().await;
    let world = ward.world();
    let before = ward.machine.files();
    let listed = plan(&world, UninstallOptions::default());
    let mut text: Vec<String> = listed.steps.iter().map(|step| ward.machine.show(&step.what)).collect();
    text.extend(listed.kept.iter().map(|path| ward.machine.show(&format!("kept: {}", path.display()))));
    shown("uninstall-plan", &text.join("\n"));
    assert_eq!(ward.machine.files(), before, "a list changes nothing");
    let done = all(&ward, false).await;
    assert!(done.iter().all(|step| step.state == StepState::Done), "{done:?}");
    assert_eq!(ward.machine.keychain.len(), 0);
    let left = ward.machine.files();
    assert!(
        !left.keys().any(|name| name.starts_with(".config/bulkhead") || name.contains("autostart/B")),
        "{:?}",
        left.keys()
    );
    for (name, bytes) in before.iter().filter(|(name, _)| !name.starts_with(".config")) {
        assert_eq!(left.get(name), Some(bytes), "{name}");
    }
    let again = all(&ward, false).await;
    assert!(again.iter().all(|step| step.state == StepState::Nothing), "{again:?}");
}

#[tokio::test]
async fn purging_leaves_only_what_is_not_ours() {
    let ward = two_profiles().await;
    ward.machine.put("notes/mine.md", "not ours");
    let done = all(&ward, true).await;
    assert!(done.iter().all(|step| step.state == StepState::Done), "{done:?}");
    let left: Vec<String> = ward.machine.files().into_keys().filter(|name| !name.ends_with('/')).collect();
    assert_eq!(
        left,
        [".bulkhead-archive/old.tar.gz", ".openclaw/openclaw.json", "bin/chromium", "notes/mine.md"]
    );
    assert!(all(&ward, true).await.is_empty());
}

#[tokio::test]
async fn a_locked_keychain_is_said_and_tried_again() {
    let ward = two_profiles().await;
    *ward.machine.keychain.failure.lock().unwrap() =
        Some(|| keyring_core::Error::NoStorageAccess("locked".into()));
    let done = all(&ward, false).await;
    let failed = done.iter().filter(|step| step.state == StepState::Failed).count();
    // Two keychains, two entries of the register, and the register itself: all of it is found again.
    assert_eq!(failed, 5, "{done:?}");
    *ward.machine.keychain.failure.lock().unwrap() = None;
    let done = all(&ward, false).await;
    assert!(done.iter().all(|step| step.state != StepState::Failed), "{done:?}");
    assert_eq!(ward.machine.keychain.len(), 0);
}

#[tokio::test]
async fn half_of_it_is_missing() {
    let ward = two_profiles().await;
    fs::remove_dir_all(ward.machine.home.path().join(".bulkhead-rescue")).unwrap();
    fs::write(ward.place("main").config_path(), "{ broken").unwrap();
    let done = all(&ward, false).await;
    assert!(done.iter().all(|step| step.state != StepState::Failed), "{done:?}");
    assert_eq!(ward.machine.keychain.len(), 0, "names by rule and the last good version say what was stored");
}

#[tokio::test]
async fn secrets_of_one_profile_go_and_those_of_the_other_stay() {
    let ward = two_profiles().await;
    let deleted = delete_secrets(&ward.world(), &ward.place("main")).await.unwrap();
    assert!(deleted.deleted.contains(&"telegram/bot-token".to_owned()), "{deleted:?}");
    let text = serde_json::to_string(&deleted).unwrap();
    assert!(!text.contains(MAIN_BOT));
    assert!(ward.machine.keychain.get("ai.bulkhead.rescue", "gateway/token").is_some());
}
