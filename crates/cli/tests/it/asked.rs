//! Commands that ask the running gateway: approvals, tasks, devices, nodes, heartbeats.

use serde_json::{Value, json};

use crate::home::{Gateway, Home, free_base};

fn running() -> (Home, Gateway) {
    let home = Home::new();
    let port = free_base();
    home.write(
        ".bulkhead/bulkhead.json",
        &format!("{{ gateway: {{ port: {port} }}, secrets: {{ default: \"file\" }} }}\n"),
    );
    let gateway = home.gateway(&["gateway"]);
    (home, gateway)
}

fn ok(home: &Home, words: &[&str]) -> Value {
    home.run(&[words, &["--json"]].concat()).ok().json()
}

#[test]
fn approvals_are_read_listed_and_changed() {
    let (home, _gateway) = running();
    let before = ok(&home, &["approvals", "get"]);
    assert!(before["hash"].is_string() && before["file"].is_object(), "{before:#}");
    assert_eq!(ok(&home, &["approvals", "pending"])["approvals"], json!([]));
    let words = ["approvals", "allowlist", "add", "/usr/bin/uptime"];
    let after = ok(&home, &words);
    assert!(after["file"].to_string().contains("/usr/bin/uptime"), "{after:#}");
    assert_eq!(ok(&home, &words)["hash"], after["hash"], "a second time nothing changes");
    assert!(home.run(&["approvals", "get"]).ok().out.contains("/usr/bin/uptime"));
    let after = ok(&home, &["approvals", "allowlist", "remove", "/usr/bin/uptime"]);
    assert!(!after["file"].to_string().contains("/usr/bin/uptime"), "{after:#}");
    // A whole document: what it says is what holds.
    let stricter = home.run_with_input(
        &["approvals", "set", "--stdin", "--json"],
        "{ version: 1, defaults: { security: 'deny' } }",
    );
    assert_eq!(stricter.ok().json()["resolvedDefaults"]["security"], "deny");
    let unknown = home.run(&["approvals", "resolve", "nothing-waits", "deny", "--json"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    let broken = home.run_with_input(&["approvals", "set", "--stdin"], "{ version: ");
    assert_eq!(broken.code, 2, "{broken:?}");
}

#[test]
fn tasks_devices_and_nodes_of_a_new_gateway() {
    let (home, _gateway) = running();
    assert_eq!(ok(&home, &["tasks", "list"])["tasks"], json!([]));
    assert!(home.run(&["tasks", "list"]).ok().out.contains("no such work"));
    assert_ne!(home.run(&["tasks", "show", "nothing"]).code, 0);
    let cancel = home.run(&["tasks", "cancel", "nothing"]);
    assert!(cancel.code == 1 && cancel.shown().contains("tasks list"), "{cancel:?}");

    let devices = ok(&home, &["devices", "list"]);
    assert_eq!((&devices["pending"], &devices["paired"]), (&json!([]), &json!([])), "{devices:#}");
    for words in [
        &["devices", "approve", "nobody"][..],
        &["devices", "reject", "nobody"],
        &["devices", "remove", "nobody"],
    ] {
        let refused = home.run(&[words, &["--json"]].concat());
        assert!(refused.code == 1 && refused.json()["error"]["message"].is_string(), "{refused:?}");
    }
    let nodes = ok(&home, &["nodes", "status"]);
    assert_eq!(nodes["nodes"], json!([]), "{nodes:#}");
    assert!(!home.run(&["nodes", "list"]).ok().out.is_empty());
    let unknown = home.run(&["nodes", "describe", "--node", "nobody", "--json"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
}

#[test]
fn status_asks_the_gateway_only_when_told_to() {
    let (home, gateway) = running();
    let plain = ok(&home, &["status"]);
    assert_eq!((&plain["gateway"]["reachable"], &plain["gateway"]["mode"]), (&json!(true), &json!("local")));
    assert!(
        plain.get("sessions").is_none() && plain["collection"]["notCollected"][0]["fields"][0] == "sessions"
    );
    assert_eq!(plain["agents"]["defaultId"], "main");
    let deep = ok(&home, &["status", "--deep"]);
    assert_eq!(deep["profile"]["pid"], gateway.child.id());
    assert_eq!((&deep["sessions"]["count"], &deep["health"]["ok"]), (&json!(0), &json!(true)), "{deep:#}");
    assert!(deep["gateway"]["connectLatencyMs"].is_u64() && deep.get("collection").is_none(), "{deep:#}");
    assert!(home.run(&["status", "--deep"]).ok().out.contains("sessions"));
}
