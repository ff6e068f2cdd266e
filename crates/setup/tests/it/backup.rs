//! Backups: what is in them, what is found when a byte differs, and what a restore leaves where.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bulkhead_process::{ProcessIdentity, RunRecord};
use bulkhead_profile::{Place, Register};
use bulkhead_setup::backup::{
    Archive, BackupError, BackupOptions, BackupReport, RestoreOptions, Restored, create, restore,
};
use bulkhead_store::{NewMessage, NewSession, Store};
use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::machine::MAIN_BOT;
use crate::ward::{KEY, Ward, shown};

impl Ward {
    fn at(&self, path: &str) -> PathBuf {
        self.machine.home.path().join(path)
    }

    fn back_up(&self, name: &str) -> BackupReport {
        create(
            &self.world(),
            &self.place(name),
            &BackupOptions { output: Some(self.at(&format!("{name}.tar.gz"))) },
        )
        .unwrap()
    }

    fn restore(&self, file: &Path, place: &Place, force: bool) -> Result<Restored, BackupError> {
        let archive = Archive::open(file)?;
        restore(&self.world(), &archive, place, RestoreOptions { force })
    }
}

/// A profile with conversations, files of every kind, a neighbour inside, and things that must stay out.
async fn lived_in() -> Ward {
    let ward = Ward::new().await;
    ward.set_up("rescue", json!(null)).await;
    let store = Store::open(ward.place("main").database_path()).unwrap();
    let session = store.sessions().get_or_create(NewSession::new("agent:main:main", "main")).await.unwrap();
    for n in 0..50 {
        store.sessions().append_message(NewMessage::new(&session.key, "user", json!(n))).await.unwrap();
    }
    store.close().await;
    let put = |path: &str, text: &str| ward.machine.put(path, text);
    put(".bulkhead/workspace/NOTES.md", "mine");
    put(".bulkhead/workspace/deep/er/ö x.txt", "deep");
    put(".bulkhead/workspace-rescue/NOTES.md", "rescue's own");
    let script = put(".bulkhead/workspace/run.sh", "#!/bin/sh\n");
    ward.machine.mode(&script, 0o755);
    std::os::unix::fs::symlink("NOTES.md", ward.at(".bulkhead/workspace/link")).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", ward.at(".bulkhead/workspace/away")).unwrap();
    fs::create_dir(ward.at(".bulkhead/workspace/empty")).unwrap();
    // Larger than what is read at once.
    let large: Vec<u8> = (0..9_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(ward.at(".bulkhead/workspace/large.bin"), large).unwrap();
    put(".bulkhead/canvas/page.html", "kept by the gateway");
    put(".bulkhead/logs/gateway.jsonl", "a log");
    put(".bulkhead/browser/profile-default/Cookies", "a log-in");
    put(".bulkhead/.env", "TOKEN=s3cret-env");
    put(".bulkhead/desired.json", "{}");
    ward
}

fn workspace(ward: &Ward, path: &str) -> BTreeMap<String, Vec<u8>> {
    let inside = format!("{path}/");
    let files = ward.machine.files().into_iter();
    files.filter_map(|(name, bytes)| Some((name.strip_prefix(&inside)?.to_owned(), bytes))).collect()
}

#[tokio::test]
async fn a_backup_has_everything_and_no_secret() {
    let ward = lived_in().await;
    // A plain secret of an earlier time, and one in an address.
    let place = ward.place("main");
    bulkhead_config::ConfigStore::new(&place)
        .edit(|document| {
            document.set("models.providers.custom.apiKey", KEY.into())?;
            document.set("channels.telegram.proxy", "http://ada:s3cret-pass@proxy.example:3128".into())
        })
        .unwrap();
    // The gateway has it open and is in the middle of something.
    let store = Store::open(place.database_path()).unwrap();
    let session = store.sessions().get_or_create(NewSession::new("agent:main:late", "main")).await.unwrap();
    let writing = tokio::spawn(async move {
        for n in 0..300 {
            store.sessions().append_message(NewMessage::new(&session.key, "user", json!(n))).await.unwrap();
        }
        store.close().await;
    });
    let world = ward.world();
    let output = ward.at("main.tar.gz");
    let options = BackupOptions { output: Some(output.clone()) };
    let report = tokio::task::spawn_blocking({
        let place = place.clone();
        move || create(&world, &place, &options)
    })
    .await
    .unwrap()
    .unwrap();
    writing.await.unwrap();
    let archive = Archive::open(&output).unwrap();
    let manifest = archive.manifest();
    let names: Vec<&str> = manifest.entries.iter().map(|entry| entry.path.as_str()).collect();
    for path in [
        "config/bulkhead.json",
        "state/bulkhead.sqlite",
        "state/canvas/page.html",
        "workspace/NOTES.md",
        "workspace/deep/er/ö x.txt",
        "workspace/link",
        "workspace/away",
        "workspace/empty",
        "workspace/large.bin",
    ] {
        assert!(names.contains(&path), "{path}: {names:?}");
    }
    for part in ["workspace-rescue", "logs", "browser", ".env", ".lock", "desired", "run.json", "last-good"] {
        assert!(!names.iter().any(|name| name.contains(part)), "{part}: {names:?}");
    }
    assert_eq!(manifest.bots, [111_111_111]);
    assert!(report.secrets.contains(&"telegram/bot-token".to_owned()), "{report:?}");
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::read::MultiGzDecoder::new(fs::File::open(&output).unwrap()),
        &mut unpacked,
    )
    .unwrap();
    let has = |text: &str| unpacked.windows(text.len()).any(|window| window == text.as_bytes());
    for secret in [KEY, MAIN_BOT, "s3cret"] {
        assert!(!has(secret), "{secret}");
    }
    assert!(has("http://proxy.example:3128/"));
    let mut left: Vec<String> = report
        .left_out
        .iter()
        .map(|one| ward.machine.show(&format!("{}: {}", one.path, one.reason)))
        .collect();
    left.sort();
    shown("backup-left-out", &left.join("\n"));
    assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        !ward.machine.files().keys().any(|name| name.contains(".bulkhead-backup-")),
        "nothing is left beside it"
    );
    let again = create(&ward.world(), &place, &BackupOptions { output: Some(output) }).unwrap_err();
    assert_eq!(again.code(), "backup.output-exists");
}

#[tokio::test]
async fn any_byte_that_differs_is_found() {
    let ward = Ward::new().await;
    fs::remove_dir_all(ward.place("main").workspace()).unwrap();
    ward.machine.put(".bulkhead/workspace/a.md", "a");
    let file = ward.back_up("main").path;
    let good = fs::read(&file).unwrap();
    Archive::open(&file).unwrap();
    let broken = ward.at("broken.tar.gz");
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&broken, &bytes).unwrap();
        let error = Archive::open(&broken).unwrap_err();
        assert_eq!(error.code(), "backup.damaged", "byte {at} of {}: {error}", good.len());
    }
    for length in [0, 1, 50, good.len() / 2, good.len() - 1] {
        fs::write(&broken, &good[..length]).unwrap();
        assert_eq!(Archive::open(&broken).unwrap_err().code(), "backup.damaged", "{length} bytes");
    }
    fs::write(&broken, [good.as_slice(), b"x"].concat()).unwrap();
    assert_eq!(Archive::open(&broken).unwrap_err().code(), "backup.damaged");
    assert_eq!(Archive::open(&ward.at("none")).unwrap_err().code(), "backup.io");
}

#[tokio::test]
async fn beside_the_original_it_gets_ports_and_a_workspace_of_its_own() {
    let ward = lived_in().await;
    let file = ward.back_up("main").path;
    let before = ward.machine.files();
    let copy = ward.place("copy");
    let restored = ward.restore(&file, &copy, false).unwrap();
    assert_eq!(restored.base_port, 19900);
    shown("backup-changes", &ward.machine.show(&restored.changes.join("\n")));
    let config = ward.machine.config(".bulkhead-copy/bulkhead.json");
    assert_eq!((config.gateway.port, config.channels.telegram.enabled), (Some(19900), Some(false)));
    let ours = workspace(&ward, ".bulkhead/workspace-copy");
    assert_eq!(ours, workspace(&ward, ".bulkhead/workspace"));
    assert_eq!(
        (ours["link"].as_slice(), ours["away"].as_slice()),
        (&b"-> NOTES.md"[..], &b"-> /nowhere/at/all"[..])
    );
    let mode = |path: &str| fs::metadata(ward.at(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (
            mode(".bulkhead-copy"),
            mode(".bulkhead-copy/bulkhead.json"),
            mode(".bulkhead/workspace-copy/run.sh")
        ),
        (0o700, 0o600, 0o755)
    );
    let store = Store::open(copy.database_path()).unwrap();
    assert_eq!(store.sessions().history("agent:main:main", 100, None).await.unwrap().len(), 50);
    store.close().await;
    // Everybody else is as before, but for the register.
    let after = ward.machine.files();
    for (name, bytes) in before.iter().filter(|(name, _)| !name.ends_with("profiles.json")) {
        assert_eq!(after.get(name), Some(bytes), "{name}");
    }
    assert!(!after.keys().any(|name| name.contains(".restore-")), "{:?}", after.keys());
    assert!(Register::open(&ward.machine.env).find(&copy).unwrap().unwrap().bot_ids.is_empty());
    assert_eq!(
        Ward::codes(&ward.doctor(&ward.world(), "copy").await),
        ["secret.not-found"],
        "the model's key"
    );
}

#[tokio::test]
async fn in_place_it_asks_for_force_and_keeps_what_was_there() {
    let ward = lived_in().await;
    let file = ward.back_up("main").path;
    let main = ward.place("main");
    ward.machine.put(".bulkhead/workspace/NOTES.md", "changed since");
    ward.machine.put(".bulkhead/workspace/new.md", "new since");
    ward.machine.put(".bulkhead/bulkhead.json", "{ broken");
    let before = ward.machine.files();
    let refused = ward.restore(&file, &main, false).unwrap_err();
    shown("backup-not-empty", &ward.machine.show(&refused.to_string()));
    assert_eq!(ward.machine.files(), before);
    let restored = ward.restore(&file, &main, true).unwrap();
    assert_eq!(restored.base_port, 18789);
    assert_eq!(ward.machine.text(".bulkhead/workspace/NOTES.md"), "mine");
    assert!(!ward.at(".bulkhead/workspace/new.md").exists());
    assert_eq!(ward.machine.text(".bulkhead/workspace-rescue/NOTES.md"), "rescue's own");
    let kept = ward.machine.files();
    let kept = |end: &str| {
        kept.iter()
            .find(|(name, _)| name.contains("replaced") && name.ends_with(end))
            .map(|(_, bytes)| bytes.clone())
    };
    assert_eq!(kept("new.md").unwrap(), b"new since");
    assert_eq!(kept("bulkhead.json").unwrap(), b"{ broken");
    assert!(kept("logs/gateway.jsonl").is_some() && kept("Cookies").is_some());
    assert_eq!(Ward::codes(&ward.doctor(&ward.world(), "main").await), Vec::<&str>::new());
    // What was kept is in no later backup.
    let again =
        create(&ward.world(), &main, &BackupOptions { output: Some(ward.at("second.tar.gz")) }).unwrap();
    let names = Archive::open(&again.path).unwrap();
    assert!(!names.manifest().entries.iter().any(|entry| entry.path.contains("replaced")), "{names:?}");
}

#[tokio::test]
async fn over_a_running_gateway_nothing_is_restored() {
    let ward = Ward::new().await;
    let file = ward.back_up("main").path;
    let main = ward.place("main");
    let record = RunRecord {
        identity: ProcessIdentity::of_self().unwrap(),
        profile: "main".to_owned(),
        base_port: 18789,
        state_dir: main.state_dir().to_owned(),
        version: "0.1.0".to_owned(),
    };
    record.write(&main.run_record_path()).unwrap();
    assert_eq!(ward.restore(&file, &main, true).unwrap_err().code(), "backup.running");
    fs::remove_file(main.run_record_path()).unwrap();
    // One that is just starting has the lock and no record yet.
    let lock = fs::File::options().write(true).create(true).truncate(false).open(main.lock_path()).unwrap();
    lock.lock().unwrap();
    assert_eq!(ward.restore(&file, &main, true).unwrap_err().code(), "backup.running");
    drop(lock);
    assert!(ward.restore(&file, &main, true).is_ok());
}

#[tokio::test]
async fn where_nothing_can_be_made_nothing_is_left() {
    let ward = lived_in().await;
    let file = ward.back_up("main").path;
    let copy = ward.place("copy");
    // Below a file nothing can be made: the workspace cannot be put in place.
    ward.machine.put("a-file", "");
    let env = ward
        .machine
        .env
        .clone()
        .with_var("BULKHEAD_STATE_DIR", &ward.at("a-file/state").display().to_string());
    let place = Place::resolve(Some(copy.name()), &env).unwrap();
    let before = ward.machine.files();
    assert_eq!(ward.restore(&file, &place, false).unwrap_err().code(), "backup.io");
    assert_eq!(ward.machine.files(), before);
}

/// A sealed archive with any entries, as somebody who means harm could make one.
fn forged(ward: &Ward, fill: impl FnOnce(&mut tar::Builder<GzEncoder<Vec<u8>>>)) -> PathBuf {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    fill(&mut tar);
    let mut bytes = tar.into_inner().unwrap().finish().unwrap();
    let digest = hex::encode(Sha256::digest(&bytes));
    bytes.extend([0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 0xff]);
    bytes.extend(b"bulkhead sha256 ");
    bytes.extend(digest.as_bytes());
    bytes.extend([0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let path = ward.at("forged.tar.gz");
    fs::write(&path, bytes).unwrap();
    path
}

fn raw(
    tar: &mut tar::Builder<GzEncoder<Vec<u8>>>,
    name: &str,
    kind: tar::EntryType,
    link: &str,
    content: &[u8],
) {
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.append(&header, content).unwrap();
}

#[tokio::test]
async fn archives_that_mean_harm_are_refused_before_anything_is_written() {
    use tar::EntryType::{Char, Link, Regular, Symlink};
    let ward = Ward::new().await;
    let before = ward.machine.files();
    let mut told = Vec::new();
    let hostile: [&[(&str, tar::EntryType, &str)]; 8] = [
        &[("../../escaped", Regular, "")],
        &[("/tmp/escaped", Regular, "")],
        &[("workspace/../../escaped", Regular, "")],
        &[("workspace/out", Symlink, "/tmp"), ("workspace/out/escaped", Regular, "")],
        &[("workspace/a", Regular, ""), ("workspace/a", Regular, "")],
        &[("workspace/hard", Link, "/etc/passwd")],
        &[("workspace/device", Char, "")],
        &[("elsewhere/x", Regular, "")],
    ];
    for entries in hostile {
        let path = forged(&ward, |tar| {
            for (name, kind, link) in entries {
                raw(tar, name, *kind, link, if *kind == Regular { b"x" } else { b"" });
            }
        });
        let error = Archive::open(&path).unwrap_err();
        assert_eq!(error.code(), "backup.hostile", "{entries:?}: {error}");
        told.push(ward.machine.show(&error.to_string()));
        fs::remove_file(path).unwrap();
    }
    assert_eq!(ward.machine.files(), before);
    let path = forged(&ward, |tar| {
        raw(tar, "manifest.json", Regular, "", br#"{"product":"bulkhead","format":9,"version":"9.1.0"}"#);
    });
    told.push(ward.machine.show(&Archive::open(&path).unwrap_err().to_string()));
    let path = forged(&ward, |tar| raw(tar, "workspace/x", Regular, "", b"x"));
    told.push(ward.machine.show(&Archive::open(&path).unwrap_err().to_string()));
    let plain = ward.at("plain.tar.gz");
    let mut encoder = GzEncoder::new(fs::File::create(&plain).unwrap(), Compression::default());
    encoder.write_all(&[0; 4096]).unwrap();
    encoder.finish().unwrap();
    fs::OpenOptions::new().append(true).open(&plain).unwrap().write_all(&[0; 200]).unwrap();
    told.push(ward.machine.show(&Archive::open(&plain).unwrap_err().to_string()));
    shown("backup-hostile", &told.join("\n"));
}

#[tokio::test]
async fn a_damaged_database_is_said_and_no_backup_pretends() {
    let ward = lived_in().await;
    let path = ward.place("main").database_path();
    let mut bytes = fs::read(&path).unwrap();
    let (from, to) = (bytes.len() / 8, bytes.len());
    bytes[from..to].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let options = BackupOptions { output: Some(ward.at("main.tar.gz")) };
    let error = create(&ward.world(), &ward.place("main"), &options).unwrap_err();
    assert!(error.code().starts_with("store_"), "{error}");
    assert!(!ward.at("main.tar.gz").exists());
}
