use crate::home::Home;

fn help(name: &str, words: &[&str]) {
    let done = Home::new().run(words).ok();
    insta::assert_snapshot!(format!("help-{name}"), done.out);
}

#[test]
fn help_of_every_command() {
    help("bulkhead", &["--help"]);
    help("onboard", &["onboard", "--help"]);
    help("setup", &["setup", "--help"]);
    help("gateway", &["gateway", "--help"]);
    help("gateway-run", &["gateway", "run", "--help"]);
    help("gateway-call", &["gateway", "call", "--help"]);
    help("gateway-status", &["gateway", "status", "--help"]);
    help("gateway-install", &["gateway", "install", "--help"]);
    help("import-openclaw", &["import", "openclaw", "--help"]);
    help("status", &["status", "--help"]);
    help("logs", &["logs", "--help"]);
    help("doctor", &["doctor", "--help"]);
    help("backup", &["backup", "--help"]);
    help("uninstall", &["uninstall", "--help"]);
    help("profiles", &["profiles", "--help"]);
    help("profiles-remove", &["profiles", "remove", "--help"]);
    help("config", &["config", "--help"]);
    help("secrets", &["secrets", "--help"]);
    help("pairing", &["pairing", "--help"]);
    help("approvals", &["approvals", "--help"]);
    help("tasks", &["tasks", "--help"]);
    help("agent", &["agent", "--help"]);
    help("agents", &["agents", "--help"]);
    help("agents-add", &["agents", "add", "--help"]);
    help("channels", &["channels", "--help"]);
    help("channels-add", &["channels", "add", "--help"]);
    help("message-send", &["message", "send", "--help"]);
    help("models", &["models", "--help"]);
    help("cron", &["cron", "--help"]);
    help("cron-add", &["cron", "add", "--help"]);
    help("system", &["system", "--help"]);
    help("browser", &["browser", "--help"]);
    help("dashboard", &["dashboard", "--help"]);
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = Home::new().run(&["completions", shell]).ok().out;
        assert!(script.contains("onboard") && script.contains("supervise"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let home = Home::new();
    let out = home.path().join("man");
    std::fs::create_dir(&out).unwrap();
    home.run(&["manual", "--out", out.to_str().unwrap()]).ok();
    let page = |name: &str| std::fs::read_to_string(out.join(name)).expect(name);
    assert!(page("bulkhead.1").contains("gateway"));
    assert!(page("bulkhead-gateway-supervise.1").contains(".TH"));
    assert!(!out.join("bulkhead-manual.1").exists(), "a command that packages use");
}

#[test]
fn the_version() {
    assert_eq!(Home::new().run(&["--version"]).ok().out, format!("bulkhead {}\n", env!("CARGO_PKG_VERSION")));
}
