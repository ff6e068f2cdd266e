//! The secrets file.

use std::fs;

use bulkhead_secrets::{FileStore, SecretId, SecretStore, probe};
use secrecy::{ExposeSecret, SecretString};

fn room() -> (tempfile::TempDir, FileStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::new(dir.path().join("secrets").join("main.json"));
    (dir, store)
}

#[tokio::test]
async fn keeps_and_forgets() {
    let (_dir, store) = room();
    let id = SecretId::telegram_bot_token();
    assert_eq!(store.get(&id).await.unwrap_err().code(), "secret.not-found");
    store.set(&id, &SecretString::from("1:abc")).await.unwrap();
    store.set(&SecretId::gateway_token(), &SecretString::from("t")).await.unwrap();
    assert_eq!(store.get(&id).await.unwrap().expose_secret(), "1:abc");
    assert_eq!(store.ids().unwrap().len(), 2);
    assert!(store.delete(&id).await.unwrap());
    assert!(!store.delete(&id).await.unwrap());
    probe(&store).await.unwrap();
    assert_eq!(store.ids().unwrap(), [SecretId::gateway_token()]);
}

#[tokio::test]
async fn writers_at_once_lose_nothing() {
    let (_dir, store) = room();
    let writers = (0..12).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let id = SecretId::parse(&format!("n/{n}")).unwrap();
            store.set(&id, &SecretString::from("x")).await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(store.ids().unwrap().len(), 12);
}

#[cfg(unix)]
#[tokio::test]
async fn modes_are_tight_and_loose_ones_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, store) = room();
    let id = SecretId::gateway_token();
    store.set(&id, &SecretString::from("t")).await.unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(store.path()), 0o600);
    assert_eq!(mode(store.path().parent().unwrap()), 0o700);
    let show = |text: String| text.replace(&dir.path().display().to_string(), "<dir>");
    let chmod =
        |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let mut report = Vec::new();
    chmod(store.path(), 0o644);
    report.push(show(store.get(&id).await.unwrap_err().to_string()));
    report.push(show(store.set(&id, &SecretString::from("u")).await.unwrap_err().to_string()));
    chmod(store.path(), 0o600);
    chmod(store.path().parent().unwrap(), 0o755);
    report.push(show(store.get(&id).await.unwrap_err().to_string()));
    chmod(store.path().parent().unwrap(), 0o700);
    fs::write(store.path(), "{\"version\":1,\"secrets\":{\"a\":\"s3cret\"").unwrap();
    let broken = store.get(&id).await.unwrap_err().to_string();
    assert!(!broken.contains("s3cret"));
    report.push(show(broken));
    fs::write(store.path(), "{\"version\":9,\"secrets\":{}}").unwrap();
    report.push(show(store.get(&id).await.unwrap_err().to_string()));
    insta::assert_snapshot!(report.join("\n"));
}
