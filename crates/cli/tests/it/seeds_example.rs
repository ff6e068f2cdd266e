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
    let (main_port, rescue_port) = (free_base().to_string(), free_base().to_string());
    let run =
        |half: &Home, port: &str, token: &str| half.gateway(&["gateway", "--port", port, "--token", token]);
    let _main = run(&main, &main_port, "token-of-main");
    let _rescue = run(&rescue, &rescue_port, "token-of-rescue");
    for (half, own, foreign) in
        [(&main, "token-of-main", "token-of-rescue"), (&rescue, "token-of-rescue", "token-of-main")]
    {
        assert_eq!(half.run(&["health", "--token", own, "--json"]).ok().json()["ok"], true);
        assert_eq!(half.run(&["health", "--token", foreign]).code, 1);
        let status = half.run(&["status", "--only", "--json"]).ok().json();
        assert_eq!(status["profile"]["state"], "running", "{status}");
    }
    let service = |half: &Home| {
        half.run(&["gateway", "status", "--no-probe", "--json"]).ok().json()["profile"]["stateDir"].clone()
    };
    assert_ne!(service(&main), service(&rescue));
}
