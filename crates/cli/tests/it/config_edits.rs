use serde_json::json;

use crate::home::Home;

#[test]
fn edits_keep_comments_and_unknown_keys() {
    let home = Home::new();
    home.write(
        ".bulkhead/bulkhead.json",
        "{\n  // mine\n  gateway: { port: 18789 }, // stays\n  myOwn: { key: 1 },\n}\n",
    );
    home.run(&["config", "set", "channels.telegram.allowFrom", "['12345']"]).ok();
    home.run(&["config", "set", "channels.telegram.dmPolicy", "allowlist"]).ok();
    home.run(&["config", "set", "logging.level", "debug"]).ok();
    home.run(&["config", "unset", "logging.level"]).ok();
    let text = home.read(".bulkhead/bulkhead.json");
    assert!(text.contains("// mine") && text.contains("// stays") && text.contains("myOwn"), "{text}");
    let get = |path: &str| home.run(&["config", "get", path, "--json"]).ok().json()["value"].clone();
    assert_eq!(get("channels.telegram"), json!({ "allowFrom": ["12345"], "dmPolicy": "allowlist" }));
    assert_eq!(home.run(&["config", "get", "gateway.port"]).ok().out, "18789\n");
    assert_eq!(home.run(&["config", "get", "logging.level"]).code, 1);
    assert!(home.run(&["config", "validate"]).ok().out.contains("valid"));
    assert_eq!(
        home.run(&["config", "file"]).ok().out.trim(),
        home.path().join(".bulkhead/bulkhead.json").to_str().unwrap()
    );
}

#[test]
fn a_secret_never_lands_in_the_file() {
    let home = Home::new();
    home.write(".bulkhead/bulkhead.json", "{ secrets: { default: \"file\" } }\n");
    let done = home
        .run_with_input(&["config", "set", "channels.telegram.botToken", "-"], "123:planted-secret\n")
        .ok();
    let text = home.read(".bulkhead/bulkhead.json");
    assert!(!text.contains("planted-secret") && !done.shown().contains("planted-secret"), "{text} {done:?}");
    assert!(text.contains("telegram/bot-token"), "{text}");
    let list = home.run(&["secrets", "list", "--json"]).ok().json();
    let bot =
        list["secrets"].as_array().unwrap().iter().find(|row| row["id"] == "telegram/bot-token").unwrap();
    assert_eq!((bot["source"].as_str(), bot["state"].as_str()), (Some("file"), Some("present")));
    let shown = home.run(&["config", "get"]).ok();
    assert!(!shown.out.contains("planted-secret"));
    assert_eq!(home.run(&["secrets", "delete", "telegram/bot-token", "--json"]).ok().json()["deleted"], true);
    assert_eq!(
        home.run(&["secrets", "delete", "telegram/bot-token", "--json"]).ok().json()["deleted"],
        false
    );
}

#[test]
fn plain_secrets_that_somebody_typed_are_blanked() {
    let home = Home::new();
    home.write(".bulkhead/bulkhead.json", "{ gateway: { auth: { token: \"typed-by-hand\" } } }\n");
    for words in
        [&["config", "get"][..], &["config", "get", "gateway.auth.token"], &["config", "get", "--json"]]
    {
        let done = home.run(words).ok();
        assert!(!done.shown().contains("typed-by-hand"), "{done:?}");
    }
}

#[test]
fn going_back_to_the_last_good_version() {
    let home = Home::new();
    home.run(&["setup"]).ok();
    let good = home.read(".bulkhead/bulkhead.json");
    home.write(".bulkhead/bulkhead.json", "{ broken");
    assert_eq!(home.run(&["config", "validate"]).code, 78);
    let back = home.run(&["config", "rollback", "--json"]).ok().json();
    assert_eq!(home.read(".bulkhead/bulkhead.json"), good);
    assert!(std::fs::read_to_string(back["rejected"].as_str().unwrap()).unwrap().contains("broken"));
}

#[test]
fn versions_are_listed_compared_and_gone_back_to() {
    let home = Home::new();
    home.run(&["setup"]).ok();
    let none = home.run(&["config", "history", "--json"]).ok().json();
    assert_eq!(none["versions"], serde_json::json!([]), "nothing ran yet");
    // What a gateway does after a minute.
    let env = bulkhead_profile::Environment::for_test(home.path());
    let place = bulkhead_profile::Place::resolve(None, &env).unwrap();
    let store = bulkhead_config::ConfigStore::new(&place);
    store.remember_good(&store.hash().unwrap()).unwrap();
    home.run(&["config", "set", "logging.level", "debug"]).ok();
    store.remember_good(&store.hash().unwrap()).unwrap();
    let list = home.run(&["config", "history", "--json"]).ok().json();
    let versions = list["versions"].as_array().unwrap();
    assert_eq!((versions.len(), &versions[0]["current"]), (2, &serde_json::json!(true)));
    assert!(versions[0]["keys"].as_u64() > versions[1]["keys"].as_u64());
    assert!(versions[0]["at"].as_str().unwrap().ends_with('Z'));
    let old = versions[1]["hash"].as_str().unwrap().trim_start_matches("sha256:")[..8].to_owned();
    let shown = home.run(&["config", "history"]).ok().shown();
    assert!(shown.contains(&old) && shown.contains("in the file now"), "{shown}");
    let diff = home.run(&["config", "diff", &old, "--json"]).ok().json();
    assert_eq!(diff["fields"], serde_json::json!(["logging.level"]));
    assert!(diff["diff"].as_str().unwrap().contains('+') && diff["changed"] == true, "{diff}");
    assert_eq!(home.run(&["config", "diff", "ffff0000"]).code, 2);
    let back = home.run(&["config", "rollback", &old, "--json"]).ok().json();
    assert_eq!((&back["via"], &back["to"]), (&serde_json::json!("file"), &versions[1]["hash"]));
    assert!(!home.read(".bulkhead/bulkhead.json").contains("debug"));
}

#[test]
fn a_loss_that_is_meant_can_be_said_to_be() {
    let home = Home::new();
    home.run(&["setup"]).ok();
    home.write(".bulkhead/bulkhead.json", "{ gateway: { mode: 'local' } }");
    let refused = home.run(&["config", "set", "logging.level", "debug"]);
    assert!(refused.code == 78 && refused.shown().contains("config rollback"), "{refused:?}");
    home.run(&["config", "accept"]).ok();
    home.run(&["config", "set", "logging.level", "debug"]).ok();
}
