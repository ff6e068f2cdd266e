//! The diagnostics bundle: what is in it, and above all what is not.

use std::io::Read as _;

use bulkhead_setup::diagnostics::{self, DiagnosticsError};
use bulkhead_store::{NewMessage, NewRun, NewSession, RunEnd, RunStatus, Store};
use serde_json::{Value, json};

use crate::machine::MAIN_BOT;
use crate::ward::{KEY, Ward};

/// Secrets of every kind, in every place that a bundle reads.
const PLANTED: [&str; 9] = [
    KEY,
    MAIN_BOT,
    "plain-in-the-file-77",
    "hunter2.proxy",
    "unknown-key-token-55",
    "what I asked for at night",
    "and what it answered",
    "never-in-a-log-88",
    "987654321:AAnobodytoldusaboutthisbotbutitlooks",
];

async fn planted() -> Ward {
    let ward = Ward::new().await;
    let path = ".bulkhead/bulkhead.json";
    let mut config: Value = json5(&ward.machine.text(path));
    config["gateway"]["auth"]["password"] = "plain-in-the-file-77".into();
    config["models"]["providers"]["custom"]["proxy"] = "http://ada:hunter2.proxy@127.0.0.1:9".into();
    config["models"]["providers"]["custom"]["headers"] = json!({ "X-Other-Token": "unknown-key-token-55" });
    ward.machine.put(path, &config.to_string());

    let store = Store::open(ward.place("main").database_path()).unwrap();
    let session = store.sessions().get_or_create(NewSession::new("agent:main:main", "main")).await.unwrap();
    let message = NewMessage::new(&session.key, "user", json!("what I asked for at night"));
    let run = NewRun {
        id: "r1".to_owned(),
        session_key: session.key.clone(),
        source: "webchat".to_owned(),
        user_message: Some(message),
    };
    store.runs().start(run).await.unwrap();
    store
        .runs()
        .finish("r1", RunEnd::new(RunStatus::Ok, Some("and what it answered".to_owned())))
        .await
        .unwrap();
    store.close().await;

    let line = |message: &str, fields: Value| {
        json!({ "time": "2026-11-20T04:00:00Z", "level": "warn", "target": "bulkhead_agent", "message": message, "fields": fields })
            .to_string()
    };
    let log = [
        line(
            "the provider refused the key",
            json!({ "code": "auth", "text": "what I asked for at night", "sender": "Ada" }),
        ),
        line(
            &format!("GET /bot{MAIN_BOT}/getMe failed; Authorization: Bearer never-in-a-log-88"),
            json!({ "attempt": 2 }),
        ),
        line("a stranger's token 987654321:AAnobodytoldusaboutthisbotbutitlooks was refused", json!({})),
        "and what it answered, torn and not ours".to_owned(),
    ];
    let path = ward.place("main").log_path();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, log.join("\n")).unwrap();
    ward
}

fn json5(text: &str) -> Value {
    bulkhead_config::ConfigDocument::parse("test", text).unwrap().value()
}

fn all(bundle: &diagnostics::Bundle) -> String {
    bundle.files.iter().map(|file| format!("{}\n{}", file.name, file.text)).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn no_secret_and_no_message_is_in_a_bundle() {
    let ward = planted().await;
    let bundle = diagnostics::collect(&ward.world(), &ward.place("main")).await;
    let text = all(&bundle);
    for secret in PLANTED {
        assert!(!text.contains(secret), "{secret} is in the bundle:\n{text}");
    }
    let home = ward.machine.home.path().display().to_string();
    assert!(!text.contains(&home), "the home folder is named:\n{text}");
    let names: Vec<&str> = bundle.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "README.txt",
            "versions.json",
            "main/config.json",
            "main/doctor.json",
            "main/runs.json",
            "main/log.jsonl"
        ]
    );
    // What helps is there.
    for helps in [
        "the provider refused the key",
        "\"attempt\":2",
        "\"code\":\"auth\"",
        "custom/fake-1",
        "\"status\": \"ok\"",
        "telegram/bot-token",
        "\"webchat\"",
        env!("CARGO_PKG_VERSION"),
    ] {
        assert!(text.contains(helps), "{helps} is missing:\n{text}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_not_quoted() {
    let ward = Ward::new().await;
    ward.machine.put(".bulkhead/bulkhead.json", "{ gateway: { auth: { password: plain-in-the-file-77 } } ");
    let text = all(&diagnostics::collect(&ward.world(), &ward.place("main")).await);
    assert!(!text.contains("plain-in"), "{text}");
    assert!(text.contains("unreadable"), "{text}");
}

#[tokio::test]
async fn what_was_read_is_what_is_written_once_and_for_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let ward = planted().await;
    let bundle = diagnostics::collect(&ward.world(), &ward.place("main")).await;
    let path = ward.machine.home.path().join("help.tar.gz");
    bundle.write(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(&path).unwrap()));
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().strip_prefix("bulkhead-diagnostics").unwrap().display().to_string();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        found.push(diagnostics::BundleFile { name, text });
    }
    assert_eq!(found, bundle.files);
    assert!(matches!(bundle.write(&path), Err(DiagnosticsError::Exists { .. })));
}
