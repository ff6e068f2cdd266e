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
