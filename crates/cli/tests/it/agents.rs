//! `bulkhead agents …`: with and without a gateway.

use serde_json::{Value, json};

use crate::home::{Home, free_base};

fn home(config: &str) -> Home {
    let home = Home::new();
    home.write(".bulkhead/bulkhead.json", config);
    home
}

fn shown(name: &str, home: &Home, words: &[&str]) {
    insta::assert_snapshot!(format!("agents-{name}"), home.run(words).shown());
}

fn config(home: &Home, path: &str) -> Value {
    home.run(&["config", "get", path, "--json"]).ok().json()["value"].clone()
}

#[test]
fn an_agent_is_added_bound_named_and_deleted() {
    let home = home(
        "{ // mine\n  models: { providers: { fake: { baseUrl: 'http://127.0.0.1:1/v1', models: [{ id: 'one' }] } } },\n}\n",
    );
    shown("add", &home, &["agents", "add", "Ops Team", "--model", "fake/one", "--bind", "telegram:ops"]);
    shown("list", &home, &["agents", "list", "--bindings"]);
    let rows = home.run(&["agents", "--json"]).ok().json();
    assert_eq!((&rows[0]["id"], &rows[0]["isDefault"]), (&json!("main"), &json!(true)));
    assert_eq!((&rows[1]["id"], &rows[1]["bindings"]), (&json!("ops-team"), &json!(1)));
    assert!(home.read(".bulkhead/agents/ops-team/workspace/IDENTITY.md").contains("Name"));

    let words =
        ["agents", "bind", "--agent", "main", "--bind", "telegram:ops", "--bind", "telegram:*", "--json"];
    let taken = home.run(&words);
    assert_eq!((taken.code, &taken.json()["error"]["code"]), (1, &json!("agents.bound-elsewhere")));
    assert_eq!(taken.json()["error"]["details"]["added"], json!(["telegram accountId=*"]));
    shown("bindings", &home, &["agents", "bindings"]);
    let freed = home.run(&["agents", "unbind", "--agent", "ops-team", "--all", "--json"]).ok().json();
    assert_eq!(freed["removed"], json!(["telegram accountId=ops"]));

    home.write(".bulkhead/agents/ops-team/workspace/IDENTITY.md", "- Name: Grace\n- Emoji: 🦉\n");
    shown(
        "set-identity",
        &home,
        &["agents", "set-identity", "--agent", "ops-team", "--from-identity", "--theme", "calm"],
    );
    assert_eq!(
        config(&home, "agents.entries.ops-team.identity"),
        json!({"name": "Grace", "emoji": "🦉", "theme": "calm"})
    );

    shown("delete-nobody-to-ask", &home, &["agents", "delete", "ops-team"]);
    let gone = home.run(&["agents", "delete", "ops-team", "--force", "--json"]).ok().json();
    assert_eq!((&gone["transport"], &gone["removedBindings"]), (&json!("local"), &json!(0)));
    assert!(home.read(".bulkhead/bulkhead.json").starts_with("{ // mine"));
    shown("delete-the-only-one", &home, &["agents", "delete", "main", "--force"]);
}

#[test]
fn wrong_words_about_agents() {
    let home = home("{ gateway: { port: 18789 } }");
    home.run(&["agents", "add", "ops"]).ok();
    shown("add-nobody-to-ask", &home, &["agents", "add"]);
    shown("add-twice", &home, &["agents", "add", "Ops"]);
    shown("add-no-letters", &home, &["agents", "add", "--", "--"]);
    shown("add-model", &home, &["agents", "add", "art", "--model", "gpt"]);
    shown("bind-unknown-channel", &home, &["agents", "bind", "--bind", "discord"]);
    shown("bind-unknown-agent", &home, &["agents", "bind", "--agent", "nobody", "--bind", "telegram"]);
    shown(
        "identity-avatar",
        &home,
        &["agents", "set-identity", "--agent", "ops", "--avatar", "../../secret.png"],
    );
    home.run(&["--profile", "rescue", "setup"]).ok();
    shown(
        "add-in-anothers-folder",
        &home,
        &["agents", "add", "spy", "--workspace", "~/.bulkhead/workspace-rescue/x"],
    );
}

#[test]
fn a_running_gateway_follows_and_deletes() {
    let port = free_base();
    let home = home(&format!("{{ gateway: {{ port: {port} }}, secrets: {{ default: \"file\" }} }}\n"));
    home.run(&["agents", "add", "ops"]).ok();
    let _gateway = home.gateway(&["gateway"]);
    let known = home.run(&["gateway", "call", "agents.list", "--json"]).ok().json();
    assert_eq!(known["agents"].as_array().unwrap().len(), 2);
    let gone = home.run(&["agents", "delete", "ops", "--force", "--json"]).ok().json();
    assert_eq!(gone["transport"], "gateway");
    assert_eq!(gone["removed"][0]["method"], "trash", "{gone}");
    let known = home.run(&["gateway", "call", "agents.list", "--json"]).ok().json();
    assert_eq!(known["agents"].as_array().unwrap().len(), 1);
}
