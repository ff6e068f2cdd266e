//! Doctor, backup and uninstall as they are typed: words, exit codes, JSON lines.

use serde_json::{Value, json};

use crate::home::{Done, Home, free_base};

fn shown(name: &str, done: &Done) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"process \d+", "process [PID]");
    settings.add_filter(r"\bit-[0-9a-f]{16}", "[TEST]");
    settings.add_filter(r"\d{8}T\d{6}Z", "[TIME]");
    settings.add_filter(r"port \d{5}", "port [PORT]");
    // Whether a browser is installed here is not the question.
    settings.add_filter(r"\ninfo Browser .*\n.*\n.*\n", "");
    settings.add_filter(r", Browser\n", "\n");
    settings.bind(|| insta::assert_snapshot!(name.to_owned(), done.shown()));
}

fn lines(done: &Done) -> Vec<Value> {
    done.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn mode(home: &Home, path: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(home.path().join(path)).unwrap().permissions().mode() & 0o777
}

fn set_mode(home: &Home, path: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(home.path().join(path), std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A profile with its secrets in a file: there is no keychain here.
fn home() -> Home {
    let home = Home::new();
    let base = free_base();
    let plan = json!({ "version": 1, "action": "create", "plan": { "secrets": "file", "profiles": [{ "name": "main", "port": base }] } });
    let done = home.run_with_input(&["onboard", "--plan", "-", "--json"], &plan.to_string());
    assert_eq!(done.code, 0, "{done:?}");
    home
}

#[test]
fn doctor_in_words_and_in_lines() {
    let empty = Home::new();
    shown("doctor-nothing-yet", &empty.run(&["doctor"]));
    assert!(std::fs::read_dir(empty.path()).unwrap().next().is_none(), "looking wrote something");
    let home = home();
    let healthy = home.run(&["doctor"]);
    assert_eq!(healthy.code, 0, "warnings are no errors: {healthy:?}");
    set_mode(&home, ".bulkhead", 0o755);
    shown("doctor-permissions", &home.run(&["doctor", "--offline"]));
    let looked = home.run(&["doctor", "--offline", "--json"]);
    assert_eq!((looked.code, mode(&home, ".bulkhead")), (1, 0o755));
    let events = lines(&looked);
    let (last, progress) = events.split_last().unwrap();
    assert_eq!((&last["type"], &last["ok"]), (&json!("result"), &json!(false)));
    assert!(
        progress.iter().all(|line| line["type"] == "progress" && line["profile"] == "main"),
        "{progress:?}"
    );
    let permissions: Vec<&Value> = progress.iter().filter(|line| line["subject"] == "permissions").collect();
    assert_eq!((&permissions[0]["state"], &permissions[1]["state"]), (&json!("running"), &json!("failed")));
    let finding = &last["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["severity"], &finding["fix"]["safe"]),
        (&json!("permissions.state-dir"), &json!("error"), &json!(true))
    );
    shown("doctor-fix", &home.run(&["doctor", "--offline", "--fix"]));
    assert_eq!(mode(&home, ".bulkhead"), 0o700);
    let again = lines(&home.run(&["doctor", "--offline", "--fix", "--json"]).ok());
    assert!(again.iter().all(|line| line["type"] != "fix"), "{again:?}");
    assert_eq!(home.run(&["doctor", "--yes"]).code, 2, "--yes means nothing without --fix");
}

#[test]
fn what_has_to_be_asked_for_needs_somebody_to_ask() {
    let home = home();
    home.write(".bulkhead/bulkhead.json", "{ gateway: {");
    let left = lines(&home.run(&["doctor", "--offline", "--fix", "--json"]));
    let fix = left.iter().find(|line| line["type"] == "fix").unwrap();
    assert_eq!((&fix["state"], &fix["profile"]), (&json!("skipped"), &json!("main")));
    assert_eq!(home.read(".bulkhead/bulkhead.json"), "{ gateway: {");
    home.run(&["doctor", "--offline", "--fix", "--yes"]).ok();
    home.run(&["config", "validate"]).ok();
}

#[test]
fn a_backup_of_a_gateway_that_runs_goes_back_beside_it() {
    let home = home();
    home.write(".bulkhead/workspace/NOTES.md", "remember");
    let gateway = home.gateway(&["gateway", "run"]);
    let made = home.run(&["backup", "create", "--output", "main.tar.gz", "--json"]).ok().json();
    assert_eq!((&made["backup"]["running"], &made["backup"]["profile"]), (&json!(true), &json!("main")));
    shown("backup-exists", &home.run(&["backup", "create", "--output", "main.tar.gz"]));
    let verified = home.run(&["backup", "verify", "main.tar.gz", "--json"]).ok().json();
    assert_eq!(verified["files"], made["backup"]["files"]);
    shown("backup-over-a-running-gateway", &home.run(&["backup", "restore", "main.tar.gz", "--force"]));
    let restored = home.run(&["--profile", "copy", "backup", "restore", "main.tar.gz", "--json"]).ok().json();
    assert_eq!(restored["restored"]["profile"], "copy");
    assert_eq!(home.read(".bulkhead/workspace-copy/NOTES.md"), "remember");
    home.run(&["--profile", "copy", "config", "validate"]).ok();
    assert_eq!(home.run(&["profiles", "check"]).code, 0);
    drop(gateway);
    shown("backup-not-empty", &home.run(&["backup", "restore", "main.tar.gz"]));
    home.run(&["backup", "restore", "main.tar.gz", "--force"]).ok();
    let mut bytes = std::fs::read(home.path().join("main.tar.gz")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(home.path().join("main.tar.gz"), bytes).unwrap();
    shown("backup-damaged", &home.run(&["backup", "verify", "main.tar.gz"]));
}

#[test]
fn a_removed_profile_can_be_brought_back() {
    let home = home();
    home.write(".bulkhead/workspace/NOTES.md", "remember");
    let removed =
        home.run(&["profiles", "remove", "main", "--yes", "--with-workspace", "--json"]).ok().json();
    let archive = removed["archive"].as_str().unwrap();
    assert!(archive.contains("/.bulkhead-archive/main-") && archive.ends_with(".tar.gz"), "{archive}");
    assert!(removed["secretsDeleted"].as_array().unwrap().contains(&json!("gateway/token")), "{removed}");
    assert!(
        !home.path().join(".bulkhead/bulkhead.json").exists()
            && !home.path().join(".config/bulkhead/secrets/main.json").exists()
    );
    home.run(&["backup", "restore", archive]).ok();
    assert_eq!(home.read(".bulkhead/workspace/NOTES.md"), "remember");
    let gone = home.run(&["profiles", "remove", "main", "--yes", "--no-archive", "--json"]).ok().json();
    assert_eq!(gone["archive"], Value::Null);
}

#[test]
fn uninstalling_shows_asks_and_leaves_data() {
    let home = home();
    home.write(".bulkhead/workspace/NOTES.md", "remember");
    shown("uninstall-dry-run", &home.run(&["uninstall", "--dry-run"]));
    shown("uninstall-nobody-to-ask", &home.run(&["uninstall"]));
    let done = home.run(&["uninstall", "--yes", "--json"]).ok().json();
    assert!(
        done["steps"]
            .as_array()
            .unwrap()
            .iter()
            .any(|step| step["action"] == "delete-secrets" && step["state"] == "done"),
        "{done}"
    );
    assert_eq!(home.read(".bulkhead/workspace/NOTES.md"), "remember");
    assert!(!home.path().join(".config/bulkhead").exists());
    home.run(&["uninstall", "--yes"]).ok();
    home.run(&["uninstall", "--yes", "--purge"]).ok();
    assert!(!home.path().join(".bulkhead").exists());
    home.run(&["uninstall", "--yes", "--purge"]).ok();
}
