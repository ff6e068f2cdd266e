//! Secrets from commands.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use bulkhead_config::SecretProvider;
use bulkhead_secrets::{ExecStore, SecretId, SecretStore};
use secrecy::ExposeSecret;

fn command(dir: &tempfile::TempDir, body: &str, timeout_ms: Option<u64>, max: Option<u64>) -> ExecStore {
    let path = dir.path().join("give");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    ExecStore::from_provider(&SecretProvider::Exec {
        command: path.display().to_string(),
        args: vec!["{id}".to_owned()],
        pass_env: Vec::new(),
        timeout_ms,
        max_output_bytes: max,
    })
    .unwrap()
}

#[tokio::test]
async fn the_output_is_the_secret() {
    let dir = tempfile::tempdir().unwrap();
    let store = command(&dir, "echo \"value of $1\"", None, None);
    let id = SecretId::model_api_key("x");
    assert_eq!(store.get(&id).await.unwrap().expose_secret(), "value of models/x/api-key");
}

#[tokio::test]
async fn failures_are_told_without_the_output() {
    let dir = tempfile::tempdir().unwrap();
    let id = SecretId::gateway_token();
    let mut report = Vec::new();
    for (body, timeout, max) in [
        ("echo s3cret; exit 3", None, None),
        ("true", None, None),
        ("printf '\\377'", None, None),
        ("yes s3cret", None, Some(1000)),
        ("echo s3cret; sleep 600", Some(200), None),
    ] {
        let error = command(&dir, body, timeout, max).get(&id).await.unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
        report.push(format!("{body}\n  {}", error.replace(&dir.path().display().to_string(), "<dir>")));
    }
    insta::assert_snapshot!(report.join("\n"));
}
