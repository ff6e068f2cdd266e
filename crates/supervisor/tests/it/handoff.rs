//! Secrets: handed over on stdin and nowhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_secrets::{SecretBundle, SecretId};
use bulkhead_supervisor::{GatewayState, GatewayStatus, Secrets, SecretsSource, Supervisor, recent_crashes};
use secrecy::SecretString;

use crate::world::{GOOD, World, until, until_file};

const PLANTED: &str = "123456:planted-secret";

fn bundle(token: &str) -> SecretBundle {
    std::iter::once((SecretId::parse("telegram/bot-token").unwrap(), SecretString::from(token))).collect()
}

/// A keychain that can be locked, or not answer at all.
#[derive(Default)]
struct Keychain {
    open: AtomicBool,
    silent: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl SecretsSource for Keychain {
    async fn read(&self) -> Secrets {
        self.asked.fetch_add(1, Ordering::SeqCst);
        while self.silent.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if self.open.load(Ordering::SeqCst) {
            Secrets::ready(bundle(PLANTED))
        } else {
            Secrets::waiting("keychain.locked", "the keychain is locked; unlock it")
        }
    }
}

#[tokio::test]
async fn the_first_line_holds_the_secrets_and_no_crash_log_does() {
    let world = World::new();
    let keychain = Arc::new(Keychain::default());
    keychain.open.store(true, Ordering::SeqCst);
    let script = "read first\necho \"$first\" > \"$HERE/handoff\"\nenv > \"$HERE/env\"\necho \"GET /bot123456:planted-secret/getMe failed\" >&2\nexit 1\n";
    let gateway = Supervisor::spawn(world.options_with(script, keychain)).unwrap();
    until(&gateway, |status| status.state == GatewayState::Failed).await;
    gateway.shutdown().await;
    let handed: serde_json::Value = serde_json::from_str(&world.read("handoff")).unwrap();
    assert_eq!(
        handed,
        serde_json::json!({"v": 1, "type": "secrets", "secrets": {"telegram/bot-token": PLANTED}})
    );
    assert!(!world.read("env").contains(PLANTED));
    let kept = serde_json::to_string(&recent_crashes(&world.place)).unwrap();
    assert!(kept.contains("/bot[secret]/getMe") && !kept.contains(PLANTED), "{kept}");
    assert!(!format!("{:?}", gateway.status()).contains(PLANTED));
}

#[tokio::test]
async fn a_locked_keychain_holds_nothing_up_and_its_unlocking_reaches_the_gateway() {
    let world = World::new();
    let keychain = Arc::new(Keychain::default());
    let mut options = world.options_with(GOOD, keychain.clone());
    options.keychain_retry = Duration::from_millis(10);
    let gateway = Supervisor::spawn(options).unwrap();
    let status = until(&gateway, |status| status.state == GatewayState::WaitingForKeychain).await;
    assert_eq!(status.problem.unwrap().code, "keychain.locked");
    keychain.open.store(true, Ordering::SeqCst);
    let status = until(&gateway, |status| status.state == GatewayState::Running).await;
    assert_eq!((status.problem, status.restarts), (None, 0));
    until_file(&world, "updates", PLANTED).await;
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_keychain_that_waits_in_a_dialog_holds_up_neither_start_nor_stop() {
    let world = World::new();
    let keychain = Arc::new(Keychain::default());
    keychain.silent.store(true, Ordering::SeqCst);
    let mut options = world.options_with(GOOD, keychain.clone());
    options.secrets_patience = Duration::from_millis(10);
    let gateway = Supervisor::spawn(options).unwrap();
    let status = until(&gateway, |status| status.state == GatewayState::WaitingForKeychain).await;
    assert_eq!(status.problem.unwrap().code, "keychain.slow");
    keychain.open.store(true, Ordering::SeqCst);
    keychain.silent.store(false, Ordering::SeqCst);
    until(&gateway, |status| status.state == GatewayState::Running).await;
    keychain.silent.store(true, Ordering::SeqCst);
    let asked = keychain.asked.load(Ordering::SeqCst);
    let reload = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.reload_secrets().await }
    });
    while keychain.asked.load(Ordering::SeqCst) == asked {
        tokio::task::yield_now().await;
    }
    gateway.stop().await.unwrap();
    assert!(reload.await.unwrap().is_err());
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_update_from_outside_reaches_the_gateway() {
    let world = World::new();
    let gateway = world.spawn(GOOD);
    until(&gateway, GatewayStatus::is_running).await;
    gateway.update(bundle("rotated-token")).await.unwrap();
    until_file(&world, "updates", "rotated-token").await;
    gateway.update(SecretBundle::new()).await.unwrap();
    until_file(&world, "updates", "\"removed\":[\"telegram/bot-token\"]").await;
    gateway.shutdown().await;
}

#[tokio::test]
async fn variables_of_ours_do_not_reach_the_gateway() {
    let world = World::new();
    let script = format!("env > \"$HERE/env\"\n{GOOD}");
    let spec = world.options(&script);
    // Tests under nextest run in a process each, with variables such as these set for all of them; what is checked
    // is that the launcher takes out every one that begins so.
    let launch = bulkhead_supervisor::LaunchSpec::for_gateway(
        spec.program.clone().unwrap(),
        &world.place,
        None,
        bulkhead_supervisor::Rung::Normal,
    );
    assert_eq!(launch.remove_env_prefixes, ["BULKHEAD_", "OPENCLAW_", "NOTIFY_SOCKET", "WATCHDOG_"]);
    let gateway = Supervisor::spawn(spec).unwrap();
    until(&gateway, GatewayStatus::is_running).await;
    gateway.shutdown().await;
    let env = world.read("env");
    assert!(!env.lines().any(|line| line.starts_with("BULKHEAD_") || line.starts_with("OPENCLAW_")), "{env}");
}
