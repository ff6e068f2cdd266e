//! Keychains that are shut or missing, and secrets that aren't there or aren't right.

use super::{Keychain, ROW, Row, provoke};

const FILE: &str = ".bulkhead/bulkhead.json";
const STORE: &str = ".config/bulkhead/secrets/main.json";
const WITH_TOKEN: &str = "{ gateway: { port: {base}, auth: { mode: \"token\", token: { source: \"file\", id: \"gateway/token\" } } }, secrets: { default: \"file\" } }\n";
const FROM_ENVIRONMENT: &str = "{ gateway: { port: {base}, auth: { mode: \"token\", token: { source: \"env\", id: \"MY_TOKEN\" } } }, secrets: { default: \"file\" } }\n";
const ONBOARD: &[&str] = &[
    "onboard",
    "--non-interactive",
    "--accept-risk",
    "--auth-choice",
    "skip",
    "--secrets",
    "keychain",
    "--gateway-port",
    "{base}",
    "--no-install-daemon",
];

fn secrets_file(scene: &super::Scene, text: &str, mode: u32) {
    let path = scene.path(STORE);
    let folder = path.parent().expect("a folder");
    std::fs::create_dir_all(folder).expect("folder");
    std::fs::write(&path, text).expect("file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("mode");
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).expect("mode");
    }
}

fn store(scene: &super::Scene, name: &str, value: &str) {
    let out = scene.world.bulkhead_with_input(&["secrets", "set", name, "-"], value);
    assert!(out.status.success(), "{}", bulkhead_tests::world::text(&out));
}

const ROWS: &[Row] = &[
    Row {
        name: "keychain-no-bus",
        trigger: "a secret for the keychain, on a machine without a session bus",
        input: "1:abc",
        run: &["secrets", "set", "telegram/bot-token", "-"],
        ..ROW
    },
    Row {
        name: "keychain-no-service",
        trigger: "the same on a session bus where nobody offers a keychain",
        keychain: Keychain::NoService,
        input: "1:abc",
        run: &["secrets", "set", "telegram/bot-token", "-"],
        ..ROW
    },
    Row {
        name: "keychain-locked",
        trigger: "the same with a locked keychain and nobody to unlock it",
        keychain: Keychain::Locked,
        input: "1:abc",
        run: &["secrets", "set", "telegram/bot-token", "-"],
        ..ROW
    },
    Row {
        name: "keychain-no-bus-onboard",
        trigger: "onboarding with the keychain, on a machine without one",
        run: ONBOARD,
        ..ROW
    },
    Row {
        name: "keychain-locked-onboard",
        trigger: "onboarding with a locked keychain",
        keychain: Keychain::Locked,
        run: ONBOARD,
        ..ROW
    },
    Row {
        name: "keychain-no-bus-list",
        trigger: "the list of secrets, on a machine without a keychain",
        files: &[(
            FILE,
            "{ gateway: { port: {base}, auth: { mode: \"token\", token: { source: \"keychain\", id: \"gateway/token\" } } } }",
        )],
        run: &["secrets", "list"],
        exit: 0,
        ..ROW
    },
    Row {
        name: "environment-is-read-only",
        trigger: "a secret to be stored in the environment",
        files: &[(FILE, "{ secrets: { default: \"env\" } }")],
        input: "1:abc",
        run: &["secrets", "set", "telegram/bot-token", "-"],
        ..ROW
    },
    Row {
        name: "secret-missing",
        trigger: "a gateway whose token should be in the environment and isn't",
        files: &[(FILE, FROM_ENVIRONMENT)],
        running: &[&["gateway", "run"]],
        run: &["health", "--url", "ws://127.0.0.1:{base}"],
        ..ROW
    },
    Row {
        name: "secret-missing-list",
        trigger: "the list of secrets when one isn't there",
        files: &[(FILE, FROM_ENVIRONMENT)],
        run: &["secrets", "list"],
        exit: 0,
        ..ROW
    },
    Row {
        name: "secrets-file-readable-by-all",
        trigger: "a secrets file that everybody can read",
        files: &[(FILE, WITH_TOKEN)],
        arrange: |scene| secrets_file(scene, "{\"gateway/token\":\"hush\"}", 0o644),
        run: &["secrets", "list"],
        exit: 0,
        ..ROW
    },
    Row {
        name: "secrets-file-broken",
        trigger: "a secrets file that is no JSON",
        files: &[(FILE, WITH_TOKEN)],
        arrange: |scene| secrets_file(scene, "hush", 0o600),
        input: "1:abc",
        run: &["secrets", "set", "telegram/bot-token", "-"],
        ..ROW
    },
    Row {
        name: "secret-plain-in-edit",
        trigger: "a secret given to the configuration in plain",
        files: &[(FILE, "{}")],
        run: &["config", "set", "hooks.token", "hush"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "token-wrong",
        trigger: "a gateway asked with another token",
        files: &[(FILE, WITH_TOKEN)],
        arrange: |scene| store(scene, "gateway/token", "the-right-one-and-long-enough"),
        running: &[&["gateway", "run"]],
        input: "the-wrong-one",
        run: &["health", "--url", "ws://127.0.0.1:{base}", "--token", "-"],
        ..ROW
    },
    Row {
        name: "token-none",
        trigger: "a gateway asked without a token",
        files: &[(FILE, WITH_TOKEN)],
        arrange: |scene| store(scene, "gateway/token", "the-right-one-and-long-enough"),
        running: &[&["gateway", "run"]],
        run: &["--profile", "other", "health", "--url", "ws://127.0.0.1:{base}"],
        ..ROW
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_missing() {
    provoke(ROWS).await;
}
