//! The file itself: kill -9, damage, other versions, copies, permissions.

use std::path::Path;
use std::process::{Command, Stdio};

use bulkhead_store::{NewMessage, NewSession, Store, latest_version};
use serde_json::json;

const CHILD: &str = "BULKHEAD_STORE_TEST_CHILD";

/// Runs as a process of its own, writes until it is killed, and says after each commit what is committed.
#[test]
fn child_that_writes_until_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(path).unwrap();
        store.sessions().get_or_create(NewSession::new("k", "main")).await.unwrap();
        for n in 0_i64.. {
            store.inbox().record("telegram", "default", n, json!({"n": n})).await.unwrap();
            store.sessions().append_message(NewMessage::new("k", "user", json!(n))).await.unwrap();
            println!("\ncommitted {n}");
        }
    });
}

#[tokio::test]
async fn what_was_committed_survives_kill_9() {
    use std::io::{BufRead, BufReader};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bulkhead.sqlite");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "file::child_that_writes_until_killed", "--nocapture"])
        .env(CHILD, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut committed = -1;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some(n) = line.unwrap().strip_prefix("committed ") {
            committed = n.parse::<i64>().unwrap();
            if committed == 20 {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    assert!(committed >= 20);

    let store = Store::open(&path).unwrap();
    let pending = store.inbox().pending("telegram", "default").await.unwrap();
    let last = pending.last().unwrap().update_id;
    assert!(last >= committed, "{last} < {committed}");
    assert_eq!(store.inbox().offset("telegram", "default").await.unwrap(), Some(last + 1));
    assert!(store.sessions().message_count("k").await.unwrap() > committed);
    assert_eq!(store.integrity_check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn closing_leaves_one_file_and_reopening_finds_everything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bulkhead.sqlite");
    let store = Store::open(&path).unwrap();
    store.kv().set("a", &json!(1)).await.unwrap();
    store.close().await;
    assert_eq!(files(dir.path()), ["bulkhead.sqlite"]);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.kv().get("a").await.unwrap(), Some(json!(1)));
    assert_eq!(store.path(), Some(path.as_path()));
}

#[tokio::test]
async fn reopening_is_quick() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bulkhead.sqlite");
    Store::open(&path).unwrap().close().await;
    let mut times = Vec::new();
    for _ in 0..15 {
        let start = std::time::Instant::now();
        let store = Store::open(&path).unwrap();
        times.push(start.elapsed());
        store.close().await;
    }
    times.sort();
    println!("reopen: median {:?}", times[7]);
    assert!(times[7].as_millis() < 20, "{times:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("bulkhead.sqlite")).unwrap();
    store.kv().set("a", &json!(1)).await.unwrap();
    store.copy_to(dir.path().join("copy.sqlite")).await.unwrap();
    for name in files(dir.path()) {
        let mode = std::fs::metadata(dir.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn two_processes_may_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bulkhead.sqlite");
    let (gateway, cli) = (Store::open(&path).unwrap(), Store::open(&path).unwrap());
    let write = |store: Store, name: &'static str| async move {
        for n in 0..50 {
            store.audit().append(name, "test", &json!(n)).await.unwrap();
            store.kv().set(name, &json!(n)).await.unwrap();
        }
    };
    tokio::join!(write(gateway.clone(), "gateway"), write(cli, "cli"));
    assert_eq!(gateway.audit().list(200, None).await.unwrap().len(), 100);
}

#[test]
fn a_file_that_is_no_database_is_named_and_left_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bulkhead.sqlite");
    let text = "not a database ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert_eq!(error.code(), "store_damaged");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_missing_folder_and_a_folder_in_its_place_are_named() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("missing/bulkhead.sqlite"), dir.path().to_path_buf()] {
        let error = Store::open(&path).unwrap_err();
        assert_eq!(error.code(), "store_open");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_newer_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bulkhead.sqlite");
    drop(Store::open(&path).unwrap());
    let newer = latest_version() + 1;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", i64::try_from(newer).unwrap()).unwrap();
    connection.close().unwrap();
    let error = Store::open(&path).unwrap_err();
    assert_eq!(error.code(), "store_newer");
    assert!(error.to_string().contains(&format!("version {newer}")), "{error}");
}

#[tokio::test]
async fn a_copy_is_a_whole_database_and_never_overwrites() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("bulkhead.sqlite")).unwrap();
    store.kv().set("a", &json!("in the WAL")).await.unwrap();
    let copy = dir.path().join("copy.sqlite");
    store.copy_to(&copy).await.unwrap();
    assert_eq!(Store::open(&copy).unwrap().kv().get("a").await.unwrap(), Some(json!("in the WAL")));
    assert_eq!(store.copy_to(&copy).await.unwrap_err().code(), "store_open");
}

#[tokio::test]
async fn damage_inside_is_found_by_the_check() {
    use std::io::{Seek, SeekFrom, Write};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bulkhead.sqlite");
    let store = Store::open(&path).unwrap();
    for n in 0..200 {
        store.kv().set(&format!("name {n}"), &json!("x".repeat(200))).await.unwrap();
    }
    store.close().await;
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    file.seek(SeekFrom::Start((pages - 3) * 4096)).unwrap();
    file.write_all(&[0xAB; 64]).unwrap();
    drop(file);
    let findings = match Store::open(&path) {
        Ok(store) => store.integrity_check().await.unwrap_or_else(|error| vec![error.to_string()]),
        Err(error) => vec![error.to_string()],
    };
    assert!(!findings.is_empty());
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
