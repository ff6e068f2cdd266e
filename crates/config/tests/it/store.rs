//! The file on disk, damaged in every way that disks and people find.

use std::fs;

use bulkhead_config::{ConfigDocument, ConfigError, ConfigOrigin, ConfigStore};
use tempfile::TempDir;

const GOOD: &str = "{\n  // mine\n  gateway: { mode: 'local', port: 18789, bind: 'loopback', auth: { mode: 'token' } },\n  plugins: { a: 1, b: 2 },\n}\n";

struct Room {
    dir: TempDir,
    store: ConfigStore,
}

fn room() -> Room {
    let dir = tempfile::tempdir().unwrap();
    let store =
        ConfigStore::at(&dir.path().join("bulkhead.json"), &dir.path().join("bulkhead.last-good.json"));
    Room { dir, store }
}

impl Room {
    fn put(&self, text: &str) {
        fs::write(self.store.path(), text).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.store.path()).unwrap()
    }

    fn with_good(self) -> Self {
        self.put(GOOD);
        let hash = self.store.load().unwrap().hash;
        assert!(self.store.remember_good(&hash).unwrap());
        self
    }
}

#[test]
fn no_file_means_defaults() {
    let room = room();
    let loaded = room.store.load().unwrap();
    assert_eq!(loaded.source, ConfigOrigin::Missing);
    assert_eq!(fs::read_dir(room.dir.path()).unwrap().count(), 0, "reading writes nothing");
}

#[test]
fn a_first_write_is_private_and_good() {
    let room = room();
    let written = room.store.edit(|doc| doc.set("gateway.port", 18789.into())).unwrap();
    assert!(written.changed);
    assert_eq!(written.hash, room.store.hash().unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(room.store.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
    room.put("{ broken");
    assert_eq!(room.store.load().unwrap().config.gateway.port, Some(18789));
}

#[test]
fn damage_falls_back_and_refuses_writes() {
    let shrunk = "{ gateway: { mode: 'local' } }";
    let redacted =
        GOOD.replace("auth: { mode: 'token' }", "auth: { mode: 'token', token: '__OPENCLAW_REDACTED__' }");
    let damages = [
        ("empty", String::new()),
        ("blank", "  \n\n".to_owned()),
        ("zeros", "\0\0\0\0".to_owned()),
        ("truncated", GOOD[..60].to_owned()),
        ("few keys", shrunk.to_owned()),
        ("redacted copy", redacted),
        ("wrong value", GOOD.replace("18789", "'x'")),
    ];
    let mut report = Vec::new();
    for (name, damage) in damages {
        let room = room().with_good();
        room.put(&damage);
        let loaded = room.store.load().unwrap();
        assert_eq!(loaded.config.gateway.port, Some(18789), "{name}");
        let reason = loaded.broken_reason().unwrap().replace(&room.dir.path().display().to_string(), "<dir>");
        let error = room.store.edit(|doc| doc.set("gateway.port", 19789.into())).unwrap_err();
        assert!(matches!(error, ConfigError::Broken { .. }), "{name}: {error}");
        let refusal = error.to_string().replace(&room.dir.path().display().to_string(), "<dir>");
        assert_eq!(room.text(), damage, "the file is untouched");
        let rejected = room.store.rollback_to(None, None).unwrap().rejected.unwrap();
        assert_eq!(fs::read_to_string(&rejected).unwrap(), damage);
        assert_eq!(room.text(), GOOD);
        assert_eq!(room.store.load().unwrap().source, ConfigOrigin::Current);
        report.push(format!("{name}\n  reason: {reason}\n  write: {refusal}"));
    }
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn broken_without_a_good_version_is_an_error() {
    let room = room();
    room.put("{ gateway: ");
    assert_eq!(room.store.load().unwrap_err().code(), "config.syntax");
    assert_eq!(room.store.rollback_to(None, None).unwrap_err().code(), "config.no-last-good");
}

#[test]
fn meant_losses_are_no_damage() {
    let room = room().with_good();
    room.store
        .edit(|doc| {
            doc.unset("plugins")?;
            doc.unset("gateway.auth")?;
            doc.unset("gateway.bind")?;
            doc.unset("gateway.mode").map(|_| ())
        })
        .unwrap();
    let loaded = room.store.load().unwrap();
    assert_eq!(loaded.source, ConfigOrigin::Current);
    assert!(room.text().contains("// mine"));
}

#[test]
fn two_writers_on_one_base() {
    let room = room().with_good();
    let base = room.store.hash().unwrap();
    let mut first = ConfigDocument::parse("x", GOOD).unwrap();
    first.set("gateway.port", 19000.into()).unwrap();
    room.store.write(&first, Some(&base)).unwrap();
    let mut second = ConfigDocument::parse("x", GOOD).unwrap();
    second.set("gateway.port", 20000.into()).unwrap();
    let error = room.store.write(&second, Some(&base)).unwrap_err();
    assert_eq!(error.code(), "config.stale");
    assert!(room.text().contains("19000"));
}

#[test]
fn an_invalid_document_is_never_written() {
    let room = room().with_good();
    let error = room.store.edit(|doc| doc.set("gateway.port", "x".into())).unwrap_err();
    assert_eq!(error.code(), "config.invalid");
    assert_eq!(room.text(), GOOD);
}

#[test]
fn writers_at_once_lose_nothing() {
    let room = room().with_good();
    std::thread::scope(|scope| {
        for index in 0..8 {
            let store = room.store.clone();
            scope.spawn(move || {
                store.edit(|doc| doc.set(&format!("plugins.p{index}"), index.into())).unwrap()
            });
        }
    });
    let value = room.store.load().unwrap().document.value();
    for index in 0..8 {
        assert_eq!(value["plugins"][format!("p{index}")], index);
    }
}

#[cfg(unix)]
#[test]
fn mode_and_symlink_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let room = room();
    let real = room.dir.path().join("dotfiles.json");
    fs::write(&real, GOOD).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, room.store.path()).unwrap();
    room.store.edit(|doc| doc.set("gateway.port", 19789.into())).unwrap();
    assert!(fs::symlink_metadata(room.store.path()).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::read_to_string(&real).unwrap().contains("19789"));
}

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000 + second).unwrap()
}

#[test]
fn the_newest_twenty_healthy_versions_are_kept_privately() {
    let room = room();
    let mut hashes = Vec::new();
    for n in 0..25 {
        room.put(&GOOD.replace("18789", &(18800 + n).to_string()));
        let hash = room.store.hash().unwrap();
        assert!(room.store.remember_good_at(&hash, at(n)).unwrap());
        // Marking it again, at every start, makes no second version.
        assert!(room.store.remember_good_at(&hash, at(n + 1)).unwrap());
        hashes.push(hash);
    }
    let history = room.store.history();
    let kept: Vec<&str> = history.iter().map(|version| version.hash.as_str()).collect();
    let newest: Vec<&str> = hashes.iter().rev().take(20).map(String::as_str).collect();
    assert_eq!(kept, newest);
    assert_eq!((history[0].at, history[0].keys, history[0].current), (at(24), 9, true));
    assert!(history[1..].iter().all(|version| !version.current));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = room.dir.path().join("config-history");
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        for file in fs::read_dir(&dir).unwrap() {
            assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
    // An old one comes back by the first digits of its hash, and is the newest once it has run again.
    let old = hashes[10].trim_start_matches("sha256:").get(..12).unwrap();
    assert_eq!(room.store.version(old).unwrap().get("gateway.port").unwrap(), Some(18810.into()));
    let done = room.store.rollback_to(Some(old), None).unwrap();
    assert_eq!((done.from.as_str(), done.to.as_str()), (hashes[24].as_str(), hashes[10].as_str()));
    // The clock was set back meanwhile.
    assert!(room.store.remember_good_at(&done.to, at(-500)).unwrap());
    let history = room.store.history();
    assert_eq!((history[0].hash.as_str(), history.len()), (done.to.as_str(), 20));
}

#[test]
fn what_never_ran_healthy_is_never_good() {
    let room = room();
    // Set up a moment ago and damaged at once: better the first version than none.
    room.store.edit(|doc| doc.set("gateway.port", 18789.into())).unwrap();
    assert_eq!(room.store.history(), []);
    let first = fs::read_to_string(room.store.path()).unwrap();
    room.put("");
    assert_eq!(room.store.load().unwrap().config.gateway.port, Some(18789));
    assert_eq!(room.store.rollback_to(None, None).unwrap().to, bulkhead_config::hash_bytes(first.as_bytes()));
    // Set up in two steps: the second one counts.
    room.store.edit(|doc| doc.set("gateway.port", 18790.into())).unwrap();
    assert_eq!(room.store.fallback().unwrap().get("gateway.port").unwrap(), Some(18790.into()));
    // A gateway came up on a later one: that is nearer to what was meant, and a write does not push it out.
    room.put(GOOD);
    assert!(room.store.remember_start(&room.store.hash().unwrap()).unwrap());
    assert_eq!(room.store.fallback().unwrap().to_string(), GOOD);
    room.store.edit(|doc| doc.set("gateway.port", 18791.into())).unwrap();
    assert_eq!(room.store.fallback().unwrap().to_string(), GOOD);
    room.put(GOOD);
    // One that ran healthy is not pushed out by one that only came up.
    assert!(room.store.remember_good(&room.store.hash().unwrap()).unwrap());
    room.put(&GOOD.replace("18789", "19000"));
    assert!(!room.store.remember_start(&room.store.hash().unwrap()).unwrap());
    room.store.edit(|doc| doc.set("gateway.port", 19001.into())).unwrap();
    assert_eq!(room.store.fallback().unwrap().to_string(), GOOD);
    assert_eq!(room.store.history().len(), 1);
}

#[test]
fn a_damaged_fallback_is_replaced_by_the_history() {
    let room = room().with_good();
    fs::write(room.dir.path().join("bulkhead.last-good.json"), "{ torn").unwrap();
    room.put("");
    assert_eq!(room.store.load().unwrap().config.gateway.port, Some(18789));
}

#[test]
fn a_secret_that_moved_into_the_keychain_leaves_the_history() {
    let room = room();
    let plain = GOOD
        .replace("auth: { mode: 'token' }", "auth: { mode: 'token', token: 'very-plain-token-0123456789' }");
    for text in [GOOD, plain.as_str()] {
        room.put(text);
        room.store.remember_good(&room.store.hash().unwrap()).unwrap();
    }
    assert_eq!(room.store.history().len(), 2, "a file with a plain secret can be gone back to as well");
    room.put(&GOOD.replace("18789", "18790"));
    room.store.remember_good(&room.store.hash().unwrap()).unwrap();
    assert_eq!(room.store.history().len(), 2);
    let files = fs::read_dir(room.dir.path().join("config-history")).unwrap();
    for file in files {
        assert!(!fs::read_to_string(file.unwrap().path()).unwrap().contains("very-plain"));
    }
}

#[test]
fn a_file_too_large_to_be_read_is_kept_and_replaced() {
    let room = room().with_good();
    let huge = " ".repeat(9 * 1024 * 1024);
    room.put(&huge);
    assert_eq!(room.store.load().unwrap().broken_reason().map(|r| r.contains("bytes")), Some(true));
    let done = room.store.rollback_to(None, None).unwrap();
    assert_eq!(fs::metadata(done.rejected.unwrap()).unwrap().len(), huge.len() as u64);
    assert_eq!(room.text(), GOOD);
}

#[test]
fn a_person_can_say_that_a_loss_is_meant() {
    let room = room().with_good();
    room.put("{ gateway: { mode: 'local' } }");
    assert!(room.store.load().unwrap().broken_reason().unwrap().contains("config accept"));
    room.store.accept_present().unwrap();
    assert_eq!(room.store.load().unwrap().source, ConfigOrigin::Current);
    room.put("{ torn");
    assert_eq!(room.store.accept_present().unwrap_err().code(), "config.syntax");
}
