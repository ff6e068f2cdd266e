use serde_json::json;

use crate::home::{Home, free_base};

#[test]
fn two_profiles_from_nothing() {
    let home = Home::new();
    assert_eq!(home.run(&["profiles", "list", "--json"]).ok().json(), json!({ "ok": true, "profiles": [] }));
    home.run(&["setup"]).ok();
    home.run(&["profiles", "create", "rescue"]).ok();
    home.run(&["profiles", "create", "third"]).ok();
    let list = home.run(&["profiles", "list", "--json"]).ok().json();
    let rows = list["profiles"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["main", "rescue", "third"]);
    let mut bases: Vec<u64> = rows.iter().map(|row| row["basePort"].as_u64().unwrap()).collect();
    bases.sort_unstable();
    assert!(bases.windows(2).all(|pair| pair[1] - pair[0] > 110), "{bases:?}");
    let check = home.run(&["profiles", "check", "--json"]).ok().json();
    assert_eq!((&check["ok"], &check["findings"]), (&json!(true), &json!([])));
}

#[test]
fn removing_main_leaves_the_others_alone() {
    let home = Home::new();
    home.run(&["setup"]).ok();
    home.run(&["--profile", "rescue", "setup"]).ok();
    home.write(".bulkhead/workspace-rescue/NOTES.md", "rescue's own");
    home.write(".bulkhead/workspace/NOTES.md", "main's own");
    home.run(&["profiles", "remove", "main", "--yes"]).ok();
    assert_eq!(home.read(".bulkhead/workspace-rescue/NOTES.md"), "rescue's own");
    assert_eq!(home.read(".bulkhead/workspace/NOTES.md"), "main's own");
    assert!(!home.path().join(".bulkhead/bulkhead.json").exists());
    let list = home.run(&["profiles", "list", "--json"]).ok().json();
    assert_eq!(list["profiles"].as_array().unwrap().len(), 1, "{list}");
    home.run(&["profiles", "remove", "rescue", "--yes", "--with-workspace"]).ok();
    assert!(!home.path().join(".bulkhead/workspace-rescue").exists());
    assert_eq!(home.run(&["profiles", "remove", "rescue", "--yes"]).code, 1);
}

/// A gateway that is still starting has no run record yet; its lock tells.
#[test]
fn a_profile_whose_gateway_starts_is_neither_moved_nor_removed() {
    let home = Home::new();
    home.run(&["profiles", "create", "second"]).ok();
    let lock = std::fs::File::create(home.path().join(".bulkhead-second/gateway.lock")).unwrap();
    lock.lock().unwrap();
    let moved = home.run(&["profiles", "owner", "second", "desktop", "--json"]);
    assert_eq!((moved.code, &moved.json()["error"]["code"]), (1, &json!("profiles.running")));
    let removed = home.run(&["profiles", "remove", "second", "--yes", "--json"]);
    assert_eq!((removed.code, &removed.json()["error"]["code"]), (1, &json!("profile.running")));
    drop(lock);
    let moved = home.run(&["profiles", "owner", "second", "desktop", "--json"]).ok().json();
    assert_eq!(moved["owner"], "desktop");
}

#[test]
fn status_shows_all_and_needs_nothing() {
    let home = Home::new();
    let empty = home.run(&["status", "--json"]).ok().json();
    assert_eq!((&empty["profile"]["state"], &empty["others"]), (&json!("not-set-up"), &json!([])));
    assert!(std::fs::read_dir(home.path()).unwrap().next().is_none(), "status wrote something");
    let port = free_base();
    home.run(&["setup", "--port", &port.to_string()]).ok();
    home.run(&["--dev", "setup"]).ok();
    let status = home.run(&["status", "--json"]).ok().json();
    assert_eq!((&status["profile"]["name"], &status["profile"]["basePort"]), (&json!("main"), &json!(port)));
    assert_eq!(status["others"][0]["name"], "dev");
}
