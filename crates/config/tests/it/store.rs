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
        assert!(self.store.mark_good(&hash).unwrap());
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
        let rejected = room.store.rollback().unwrap().unwrap();
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
    assert_eq!(room.store.rollback().unwrap_err().code(), "config.no-last-good");
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
