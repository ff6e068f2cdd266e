//! Every finding of doctor, provoked: its text, its code, and what the repair does; each repair twice.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use bulkhead_process::{ProcessIdentity, RunRecord};
use bulkhead_secrets::{SecretError, SecretId, SecretStore, StoreDescription};
use bulkhead_setup::Space;
use bulkhead_setup::doctor::{self, DoctorOptions, TreatmentState};
use bulkhead_store::{CronJobRow, CronWrite, NewSession, Store};
use secrecy::SecretString;
use serde_json::json;

use crate::machine::{MAIN_BOT, RESCUE_BOT};
use crate::ward::{KEY, Ward, shown};

#[tokio::test]
async fn a_healthy_profile_has_nothing_but_good_news_and_is_left_as_it_is() {
    let ward = Ward::new().await;
    let world = ward.world();
    let before = ward.machine.files();
    let found = ward.doctor(&world, "main").await;
    assert_eq!(ward.show(&found), "nothing");
    assert!(found.ok && found.findings.len() >= 11, "{found:?}");
    let text = serde_json::to_string(&found).unwrap();
    assert!(!text.contains(KEY) && !text.contains("AAmain"), "{text}");
    assert_eq!(ward.machine.files(), before);
}

#[tokio::test]
async fn a_job_that_never_runs_is_told() {
    let ward = Ward::new().await;
    let store = Store::open(ward.place("main").database_path()).unwrap();
    let over = json!({
        "id": "j1", "name": "new year", "enabled": true, "createdAtMs": 1, "updatedAtMs": 1,
        "schedule": {"kind": "at", "at": "2020-01-01T00:00:00Z"}, "sessionTarget": "isolated", "wakeMode": "now",
        "payload": {"kind": "agentTurn", "message": "hello"}, "state": {},
    });
    let row = CronJobRow {
        id: "j1".to_owned(),
        declaration_key: None,
        enabled: true,
        next_run_at: None,
        running: None,
        body: over,
    };
    store.cron().decide("j1", move |_| (vec![CronWrite::Job(row)], ())).await.unwrap();
    store.close().await;
    let found = ward.doctor(&ward.world(), "main").await;
    assert_eq!(Ward::codes(&found), ["jobs.never"], "{found:?}");
    let told = found.findings.iter().find(|finding| finding.code == "jobs.never").unwrap();
    assert!(told.next_step.contains("cron edit j1"), "{told:?}");
}

#[tokio::test]
async fn nothing_is_set_up_yet() {
    let ward = Ward::new().await;
    let found = ward.doctor(&ward.world(), "rescue").await;
    shown("doctor-not-set-up", &ward.show(&found));
}

#[tokio::test]
async fn files_that_others_may_read_are_closed_once_and_for_all() {
    let ward = Ward::new().await;
    let state = ward.place("main").state_dir().to_owned();
    ward.machine.mode(&state, 0o755);
    ward.machine.mode(&state.join("bulkhead.json"), 0o644);
    let secrets = ward.machine.put(".config/bulkhead/secrets/main.json", "{\"version\":1,\"secrets\":{}}");
    ward.machine.mode(&secrets, 0o640);
    ward.machine.mode(secrets.parent().unwrap(), 0o755);
    Store::open(ward.place("main").database_path()).unwrap().close().await;
    ward.machine.mode(&ward.place("main").database_path(), 0o604);
    let world = ward.world();
    shown("doctor-permissions", &ward.show(&ward.doctor(&world, "main").await));
    let (done, after) = ward.fix(&world, "main").await;
    assert!(done.len() == 5 && done.iter().all(|one| one.state == TreatmentState::Done), "{done:?}");
    assert_eq!(Ward::codes(&after), Vec::<&str>::new());
    let (again, _) = ward.fix(&world, "main").await;
    assert_eq!(again, [], "the second time there is nothing to do");
}

#[tokio::test]
async fn a_taken_base_port_is_named_and_the_profile_moves() {
    let ward = Ward::new().await;
    // A port of our own, so that no other test on this computer is in the way.
    let listener = ward.listen(0);
    let port = listener.local_addr().unwrap().port();
    let config =
        ward.machine.text(".bulkhead/bulkhead.json").replace("\"port\": 18789", &format!("\"port\": {port}"));
    ward.machine.put(".bulkhead/bulkhead.json", &config);
    let world = ward.world();
    let found = ward.doctor(&world, "main").await;
    shown("doctor-ports", &ward.show(&found).replace(&port.to_string(), "[BASE]"));
    let (_, after) = ward.fix(&world, "main").await;
    assert_eq!(Ward::codes(&after), Vec::<&str>::new());
    assert_eq!(ward.machine.config(".bulkhead/bulkhead.json").gateway.port, Some(18789));
    assert_eq!(ward.fix(&world, "main").await.0, []);
    drop(listener);
}

#[tokio::test]
async fn a_broken_configuration_goes_back_and_stays_beside() {
    let ward = Ward::new().await;
    let good = ward.machine.text(".bulkhead/bulkhead.json");
    ward.machine.put(".bulkhead/bulkhead.json", "{ gateway: { port: 18789\n");
    let world = ward.world();
    shown("doctor-config-broken", &ward.show(&ward.doctor(&world, "main").await));
    let (done, after) = ward.fix(&world, "main").await;
    assert_eq!(done[0].state, TreatmentState::Done, "{done:?}");
    assert_eq!(Ward::codes(&after), Vec::<&str>::new());
    assert_eq!(ward.machine.text(".bulkhead/bulkhead.json"), good);
    let rejected = ward.machine.files().into_iter().find(|(name, _)| name.contains(".rejected-")).unwrap();
    assert!(rejected.1.starts_with(b"{ gateway"));
    fs::remove_file(ward.place("main").config_path()).unwrap();
    shown("doctor-config-missing", &ward.show(&ward.doctor(&world, "main").await));
}

#[tokio::test]
async fn settings_that_are_dangerous_and_secrets_in_the_file() {
    let ward = Ward::new().await;
    ward.machine.put(
        ".bulkhead/bulkhead.json",
        &format!(
            "{{ gateway: {{ port: 18789, bind: 'loopback' }}, models: {{ providers: {{ custom: {{ baseUrl: '{}/v1', apiKey: '{KEY}', models: [{{ id: 'fake-1' }}] }} }} }},\n  agents: {{ defaults: {{ model: {{ primary: 'custom/fake-1' }} }} }}, secrets: {{ default: 'keychain' }} }}",
            ward.model.base_url
        ),
    );
    let world = ward.world();
    let found = ward.doctor(&world, "main").await;
    shown("doctor-config-settings", &ward.show(&found));
    let (_, after) = ward.fix(&world, "main").await;
    assert!(!Ward::codes(&after).contains(&"config.plain-secret"), "{after:?}");
    assert!(!ward.machine.text(".bulkhead/bulkhead.json").contains(KEY));
    assert_eq!(ward.machine.keychain.get("ai.bulkhead.main", "models/custom/api-key").unwrap(), KEY);
}

#[tokio::test]
async fn a_keychain_that_is_locked_or_lacks_a_secret() {
    let ward = Ward::new().await;
    let world = ward.world();
    let items = Arc::clone(&ward.machine.keychain.items);
    items.lock().unwrap().retain(|(_, id), _| id == "models/custom/api-key");
    shown("doctor-keychain-missing", &ward.show(&ward.doctor(&world, "main").await));
    *ward.machine.keychain.failure.lock().unwrap() =
        Some(|| keyring_core::Error::NoStorageAccess("locked".into()));
    shown("doctor-keychain-locked", &ward.show(&ward.doctor(&world, "main").await));
}

/// A keychain whose dialog nobody answers.
struct Silent;

#[async_trait]
impl SecretStore for Silent {
    async fn get(&self, _: &SecretId) -> Result<SecretString, SecretError> {
        std::future::pending().await
    }

    async fn set(&self, _: &SecretId, _: &SecretString) -> Result<(), SecretError> {
        std::future::pending().await
    }

    async fn delete(&self, _: &SecretId) -> Result<bool, SecretError> {
        std::future::pending().await
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription {
            source: bulkhead_config::SecretSource::Keychain,
            label: "the keychain".to_owned(),
            encrypted: true,
            writable: true,
        }
    }
}

#[tokio::test]
async fn a_keychain_and_a_network_that_hang_do_not_hang_doctor() {
    let ward = Ward::new().await;
    // A server that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let config = ward
        .machine
        .text(".bulkhead/bulkhead.json")
        .replace(&ward.model.base_url, &format!("http://127.0.0.1:{port}"));
    ward.machine.put(".bulkhead/bulkhead.json", &config);
    let began = Instant::now();
    let world = ward.world().with_keychain(|_| Arc::new(Silent));
    let found = ward.doctor(&world, "main").await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(Ward::codes(&found).contains(&"keychain.timeout"), "{found:?}");
}

#[tokio::test]
async fn models_that_refuse_are_gone_or_unknown() {
    let ward = Ward::new().await;
    let world = ward.world();
    ward.model.control.set_models(vec!["another".to_owned()]);
    let mut text = ward.show(&ward.doctor(&world, "main").await);
    ward.model.control.set_keys(vec!["sk-another".to_owned()]);
    text.push_str("\n---\n");
    text.push_str(&ward.show(&ward.doctor(&world, "main").await));
    ward.model.stop();
    // It lets go of its port a moment later.
    let url: url::Url = ward.model.openai_url().parse().unwrap();
    let address = (url.host_str().unwrap().to_owned(), url.port().unwrap());
    while tokio::net::TcpStream::connect(address.clone()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let config = ward.machine.text(".bulkhead/bulkhead.json").replace("custom/fake-1", "gone/fake-1");
    ward.machine.put(".bulkhead/bulkhead.json", &config);
    text.push_str("\n---\n");
    text.push_str(&ward.show(&ward.doctor(&world, "main").await));
    assert!(!text.contains(KEY));
    assert_eq!(ward.model.control.chat_requests().len(), 0, "doctor asks for no answer that costs something");
    shown("doctor-model", &text);
}

#[tokio::test]
async fn bots_that_are_refused_or_used_twice() {
    let ward = Ward::new().await;
    let world = ward.world();
    // Here: a second account with the same token.
    let place = ward.place("main");
    let edit = |field: &str, value: serde_json::Value| {
        bulkhead_config::ConfigStore::new(&place)
            .edit(|document| document.set(field, value.clone()))
            .unwrap();
    };
    let second = "telegram/second/bot-token";
    edit("channels.telegram.accounts.second.botToken", json!({ "source": "keychain", "id": second }));
    let key = ("ai.bulkhead.main".to_owned(), second.to_owned());
    ward.machine.keychain.items.lock().unwrap().insert(key, MAIN_BOT.to_owned());
    let mut text = ward.show(&ward.doctor(&world, "main").await);
    // In an OpenClaw on this machine.
    bulkhead_config::ConfigStore::new(&place)
        .edit(|document| document.unset("channels.telegram.accounts").map(drop))
        .unwrap();
    ward.machine.put(
        ".openclaw/openclaw.json",
        &format!("{{ gateway: {{ port: 20500 }}, channels: {{ telegram: {{ botToken: '{MAIN_BOT}' }} }} }}"),
    );
    let theirs = ward.machine.text(".openclaw/openclaw.json");
    text.push_str("\n---\n");
    text.push_str(&ward.show(&ward.doctor(&world, "main").await));
    let _ = ward.fix(&world, "main").await;
    assert_eq!(ward.machine.text(".openclaw/openclaw.json"), theirs, "OpenClaw's files are not ours");
    fs::remove_file(ward.machine.home.path().join(".openclaw/openclaw.json")).unwrap();
    // In another profile, whose token was stored later: only the token itself tells.
    ward.telegram.control.add_bot(RESCUE_BOT, "rescue_test_bot");
    ward.set_up("rescue", json!({ "botToken": RESCUE_BOT, "apiRoot": ward.telegram.base_url })).await;
    let key = ("ai.bulkhead.rescue".to_owned(), "telegram/bot-token".to_owned());
    ward.machine.keychain.items.lock().unwrap().insert(key, MAIN_BOT.to_owned());
    let found = ward.doctor(&world, "rescue").await;
    text.push_str("\n---\n");
    text.push_str(&ward.show(&found));
    // Revoked.
    ward.telegram.control.bot(MAIN_BOT).unwrap().revoke(true);
    text.push_str("\n---\n");
    text.push_str(&ward.show(&ward.doctor(&world, "main").await));
    assert!(!text.contains("AAmain"));
    shown("doctor-channels", &text);
}

/// Answers every request with a date of its own.
fn server_of_another_time(ahead: i64) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let now = SystemTime::now();
        let shift = Duration::from_secs(ahead.unsigned_abs());
        let then = if ahead < 0 { now - shift } else { now + shift };
        let date = httpdate::fmt_http_date(then);
        let _ = stream.write_all(
            format!("HTTP/1.1 204 No Content\r\ndate: {date}\r\nconnection: close\r\n\r\n").as_bytes(),
        );
    });
    (url, answers)
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    let ward = Ward::new().await;
    let base = ward.machine.text(".bulkhead/bulkhead.json");
    let mut text = String::new();
    for ahead in [3601, -90] {
        let (url, answers) = server_of_another_time(ahead);
        // Only the clock asks: the models are listed at the same address, and that is not the question here.
        ward.machine.put(".bulkhead/bulkhead.json", &base.replace(&ward.model.base_url, &url));
        let found = ward.doctor(&ward.world(), "main").await;
        let clock =
            found.findings.into_iter().filter(|finding| finding.subject.as_str() == "clock").collect();
        let clock = doctor::Examination { findings: clock, ..doctor::Examination::default() };
        text.push_str(&ward.show(&clock));
        text.push_str("\n---\n");
        answers.join().unwrap();
    }
    ward.machine.put(".bulkhead/bulkhead.json", &base);
    let mut world = ward.world().with_clock(|| SystemTime::now() - Duration::from_hours(72));
    world.env = world.env.with_var("TZ", "Mars/Olympus");
    let options = DoctorOptions { offline: true, ..DoctorOptions::default() };
    let found = doctor::examine(&world, &[ward.place("main")], options, &|_| ()).await;
    text.push_str(&ward.show(&found));
    let text = text.replace(" 89 s", " 90 s").replace(" 91 s", " 90 s").replace(" 59 min", " 60 min");
    shown("doctor-clock", &text);
}

#[tokio::test]
async fn a_disk_that_is_full_nearly_full_or_read_only() {
    let ward = Ward::new().await;
    let space = |free, files| Some(Space { free, total: 1 << 40, files_free: Some(files) });
    let mut text = String::new();
    for (free, files) in [(30 << 20, 1 << 20), (700 << 20, 1 << 20), (50 << 30, 12)] {
        let world = ward.world().with_space(move |_| space(free, files));
        text.push_str(&ward.show(&ward.doctor(&world, "main").await));
        text.push_str("\n---\n");
    }
    let file = ward.machine.put("a-file", "");
    let config = ward.machine.text(".bulkhead/bulkhead.json");
    let workspace = ward.place("main").workspace().display().to_string();
    ward.machine.put(".bulkhead/bulkhead.json", &config.replace(&workspace, &file.display().to_string()));
    text.push_str(&ward.show(&ward.doctor(&ward.world(), "main").await));
    shown("doctor-disk", &text);
}

#[tokio::test]
async fn a_database_that_is_damaged_or_newer() {
    let ward = Ward::new().await;
    let path = ward.place("main").database_path();
    let world = ward.world();
    let store = Store::open(&path).unwrap();
    for n in 0..200 {
        store.sessions().get_or_create(NewSession::new(format!("agent:main:{n}"), "main")).await.unwrap();
    }
    store.close().await;
    let good = fs::read(&path).unwrap();
    let set = |offset: usize, bytes: &[u8]| {
        let mut damaged = good.clone();
        damaged[offset..offset + bytes.len()].copy_from_slice(bytes);
        fs::write(&path, damaged).unwrap();
    };
    // The version stands at byte 60 of the header.
    set(60, &99_u32.to_be_bytes());
    let mut text = ward.show(&ward.doctor(&world, "main").await);
    set(good.len() / 2, &[0xA5; 4096]);
    let found = ward.doctor(&world, "main").await;
    assert!(Ward::codes(&found).contains(&"database.damaged"), "{found:?}");
    assert_eq!(fs::read(&path).unwrap()[good.len() / 2], 0xA5, "doctor changes nothing");
    set(0, b"something else!!");
    text.push_str("\n---\n");
    text.push_str(&ward.show(&ward.doctor(&world, "main").await));
    shown("doctor-database", &text);
}

#[tokio::test]
async fn a_browser_that_is_not_there() {
    let ward = Ward::new().await;
    fs::remove_file(ward.machine.home.path().join("bin/chromium")).unwrap();
    let world = ward.world();
    let mut text = ward.show(&ward.doctor(&world, "main").await);
    bulkhead_config::ConfigStore::new(&ward.place("main"))
        .edit(|document| document.set("browser.executablePath", "/opt/none/chrome".into()))
        .unwrap();
    text.push_str("\n---\n");
    text.push_str(&ward.show(&ward.doctor(&world, "main").await));
    shown("doctor-chrome", &text);
}

#[tokio::test]
async fn a_gateway_of_another_version_and_one_that_does_not_listen() {
    let ward = Ward::new().await;
    let place = ward.place("main");
    let record = RunRecord {
        identity: ProcessIdentity::of_self().unwrap(),
        profile: "main".to_owned(),
        base_port: 18789,
        state_dir: place.state_dir().to_owned(),
        version: "0.0.9".to_owned(),
    };
    record.write(&place.run_record_path()).unwrap();
    let found = ward.doctor(&ward.world(), "main").await;
    shown("doctor-version", &ward.show(&found));
}

#[tokio::test]
async fn profiles_that_touch_and_places_of_others() {
    let ward = Ward::new().await;
    ward.set_up("rescue", serde_json::Value::Null).await;
    let config = ward.machine.text(".bulkhead-rescue/bulkhead.json").replace("19789", "18820");
    ward.machine.put(".bulkhead-rescue/bulkhead.json", &config);
    let world = ward.world();
    let before = ward.machine.text(".bulkhead/bulkhead.json");
    let mut text = ward.show(&ward.doctor(&world, "rescue").await);
    let _ = ward.fix(&world, "rescue").await;
    assert_eq!(ward.machine.text(".bulkhead/bulkhead.json"), before, "main's files are not rescue's");
    ward.machine.put(".bulkhead-rescue/profile.json", "{\"product\":\"bulkhead\",\"profile\":\"main\"}");
    text.push_str("\n---\n");
    text.push_str(&ward.show(&ward.doctor(&world, "rescue").await));
    let (done, _) = ward.fix(&world, "rescue").await;
    assert!(done.iter().all(|one| one.state == TreatmentState::Failed), "{done:?}");
    shown("doctor-isolation", &text);
}

#[tokio::test]
async fn what_the_register_does_not_know_is_entered() {
    let ward = Ward::new().await;
    fs::remove_file(ward.machine.home.path().join(".config/bulkhead/profiles.json")).unwrap();
    let world = ward.world();
    shown("doctor-register", &ward.show(&ward.doctor(&world, "main").await));
    let (done, after) = ward.fix(&world, "main").await;
    assert_eq!(done.len(), 1, "{done:?}");
    // Now that it is entered, its bot can be recorded.
    assert_eq!(Ward::codes(&after), ["bot-not-recorded"]);
    assert_eq!(Ward::codes(&ward.fix(&world, "main").await.1), Vec::<&str>::new());
    assert_eq!(ward.fix(&world, "main").await.0, []);
}

#[tokio::test]
async fn what_is_asked_for_first_is_left_where_nobody_can_be_asked() {
    let ward = Ward::new().await;
    ward.machine.put(".bulkhead/bulkhead.json", "{");
    ward.machine.mode(ward.place("main").state_dir(), 0o755);
    let world = ward.world();
    let places = [ward.place("main")];
    let options = DoctorOptions { offline: true, ..DoctorOptions::default() };
    let first = doctor::examine(&world, &places, options, &|_| ()).await;
    let after = doctor::treat(&world, &places, options, first, &|_| true, &|_| None, &|_| ()).await;
    let states: Vec<_> = after.fixed.iter().map(|one| (one.code.as_str(), one.state)).collect();
    assert!(states.contains(&("permissions.state-dir", TreatmentState::Done)), "{states:?}");
    assert!(
        states.iter().any(|(code, state)| code.starts_with("config.") && *state == TreatmentState::Skipped),
        "{states:?}"
    );
    assert!(!after.ok);
}
