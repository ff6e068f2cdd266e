//! The seeds' manual example with `bulkhead` for `openclaw`: two gateways kept apart by variables alone.

use crate::home::{Home, free_base};

#[test]
fn both_halves_run_at_once_and_share_nothing() {
    let home = Home::new();
    let half = |name: &str| {
        let other = Home::new()
            .with("HOME", home.path().to_str().unwrap())
            .with("OPENCLAW_CONFIG_PATH", &format!("~/.openclaw/{name}.json"))
            .with("OPENCLAW_STATE_DIR", &format!("~/.openclaw-{name}"));
        assert!(other.path().exists());
        other
    };
    let (main, rescue) = (half("main"), half("rescue"));
    main.run(&["setup"]).ok();
    rescue.run(&["setup"]).ok();
    assert_eq!(main.run(&["profiles", "check", "--json"]).ok().json()["findings"], serde_json::json!([]));
    for half in [&main, &rescue] {
        half.run(&["config", "set", "secrets.default", "file"]).ok();
    }
    let (main_port, rescue_port) = (free_base().to_string(), free_base().to_string());
    let _main = main.gateway(&["gateway", "--port", &main_port]);
    let _rescue = rescue.gateway(&["gateway", "--port", &rescue_port]);
    for half in [&main, &rescue] {
        assert_eq!(half.run(&["health", "--json"]).ok().json()["ok"], true);
        let status = half.run(&["status", "--only", "--json"]).ok().json();
        assert_eq!(status["profile"]["state"], "running", "{status}");
    }
    let state_dir = |half: &Home| half.run(&["status", "--json"]).ok().json()["profile"]["stateDir"].clone();
    assert_ne!(state_dir(&main), state_dir(&rescue));
    let token = |half: &Home| {
        half.run(&["dashboard", "--no-open"]).ok().out.split_once("#token=").unwrap().1.to_owned()
    };
    let (own, foreign) = (token(&main), token(&rescue));
    assert_ne!(own, foreign, "a secret of the same name differs in each");
    assert_eq!(main.run_with_input(&["health", "--token", "-"], &foreign).code, 1);
}
