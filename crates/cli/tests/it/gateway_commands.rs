//! Commands against a gateway that runs.

use serde_json::json;

use crate::home::{Home, free_base};

fn home_with_port() -> (Home, String) {
    let home = Home::new();
    let port = free_base().to_string();
    home.write(
        ".bulkhead/bulkhead.json",
        &format!("{{ gateway: {{ port: {port} }}, secrets: {{ default: \"file\" }} }}\n"),
    );
    (home, port)
}

#[test]
fn a_gateway_is_run_asked_and_stopped() {
    let (home, port) = home_with_port();
    let mut gateway = home.gateway(&["gateway"]);
    let port: u16 = port.parse().unwrap();

    let status = home.run(&["status", "--json"]).ok().json();
    assert_eq!(
        (&status["profile"]["state"], &status["profile"]["basePort"]),
        (&json!("running"), &json!(port))
    );
    assert_eq!(status["profile"]["pid"], gateway.child.id());
    let health = home.run(&["health", "--json"]).ok().json();
    assert_eq!(health["ok"], true);
    let probe = home.run(&["gateway", "probe", "--json"]).ok().json();
    assert_eq!((&probe["ok"], &probe["protocol"]), (&json!(true), &json!(4)));
    let report = home.run(&["gateway", "status", "--json"]).ok().json();
    assert_eq!((&report["probe"]["ok"], &report["supervisor"]), (&json!(true), &json!(null)));
    let sessions =
        home.run(&["gateway", "call", "sessions.list", "--params", "{\"limit\":5}", "--json"]).ok().json();
    assert_eq!(sessions["count"], 0);
    let agents = home.run(&["gateway", "call", "agents.list", "--json"]).ok().json();
    assert_eq!(agents["defaultId"], "main");
    let unknown = home.run(&["gateway", "call", "no.such.method", "--json"]);
    assert_eq!((unknown.code, &unknown.json()["error"]["details"]["code"]), (1, &json!("INVALID_REQUEST")));
    let channels = home.run(&["channels", "status", "--json"]).ok().json();
    assert!(channels["channels"].is_object());
    assert_eq!(home.run(&["pairing", "list", "--json"]).ok().json(), json!({ "ok": true, "requests": [] }));
    let logs = home.run(&["logs", "--limit", "1", "--json"]).ok().json();
    assert_eq!(logs["lines"].as_array().unwrap().len(), 1);
    let url = home.run(&["dashboard", "--no-open", "--json"]).ok().json();
    assert!(url["url"].as_str().unwrap().starts_with(&format!("http://127.0.0.1:{port}/#token=")));
    assert_eq!(home.run(&["profiles", "remove", "main", "--yes"]).code, 1);

    let stopped = home.run(&["gateway", "stop", "--json"]).ok().json();
    assert_eq!((&stopped["result"], &stopped["via"]), (&json!("stopped"), &json!("signal")));
    assert!(gateway.child.wait().unwrap().success());
    let stopped = home.run(&["gateway", "stop", "--json"]).ok().json();
    assert_eq!(stopped["result"], "not running");
    assert_eq!(home.run(&["status", "--json"]).ok().json()["profile"]["state"], "stopped");
}

#[test]
fn one_gateway_by_two_ways_is_one_and_two_are_warned_about() {
    const TOKEN: &str = "shared-token-of-both";
    let homes = [(); 2].map(|()| {
        let (home, port) = home_with_port();
        (home.with("BULKHEAD_GATEWAY_TOKEN", TOKEN), port)
    });
    let [(one, port), (other, other_port)] = &homes;
    let _gateways = [one.gateway(&["gateway"]), other.gateway(&["gateway"])];
    let probe = |port: &str, token: &[&str]| {
        let url = format!("ws://localhost:{port}");
        let words = [&["gateway", "probe", "--json", "--url", &url], token].concat();
        one.run(&words).ok().json()
    };
    let codes = |found: &serde_json::Value| -> Vec<String> {
        let warnings = found["warnings"].as_array().unwrap().iter();
        warnings.map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
    };
    // The same process by another name, as through a tunnel.
    let same = probe(port, &["--token", TOKEN]);
    assert_eq!((&same["identities"], same["targets"].as_array().unwrap().len()), (&json!(1), 2), "{same}");
    assert!(!codes(&same).contains(&"multiple_gateways".to_owned()), "{same}");
    assert_eq!(
        (&same["primaryTargetId"], &same["targets"][1]["id"]),
        (&json!("explicit"), &json!("localLoopback"))
    );
    assert_eq!(same["targets"][0]["connect"]["ok"], true);
    assert_eq!(same["targets"][0]["identity"], same["targets"][1]["identity"]);

    let two = probe(other_port, &["--token", TOKEN]);
    assert_eq!((&two["identities"], &codes(&two)[0]), (&json!(2), &"multiple_gateways".to_owned()), "{two}");
    let message = two["warnings"][0]["message"].as_str().unwrap();
    assert!(message.contains(port) && message.contains(other_port), "{message}");

    // Whoever turns us away does not say who it is.
    let refused = one.run(&[
        "gateway",
        "probe",
        "--json",
        "--url",
        &format!("ws://localhost:{other_port}"),
        "--token",
        "wrong",
    ]);
    assert_eq!(refused.code, 1, "{refused:?}");
}

#[test]
fn a_service_needs_a_profile_and_a_service_manager() {
    let home = Home::new();
    let refused = home.run(&["gateway", "install", "--json"]);
    assert_eq!(
        (refused.code, refused.json()["error"]["code"].as_str()),
        (78, Some("not-set-up")),
        "{refused:?}"
    );
    assert_eq!(home.run(&["gateway", "uninstall", "--json"]).ok().json()["result"], "not-installed");
    assert_eq!(home.run(&["gateway", "install", "--user", "ada"]).code, 2, "--user is for --system");
    if std::path::Path::new("/run/systemd/system").is_dir() {
        eprintln!("the rest is for machines without a service manager");
        return;
    }
    home.run(&["setup", "--port", &free_base().to_string()]).ok();
    let refused = home.run(&["gateway", "install", "--json"]).json();
    assert_eq!(refused["error"]["code"], "service-unavailable");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("gateway supervise") && message.contains("wsl"), "{message}");
    // Onboarding says so and goes on.
    let words = ["onboard", "--non-interactive", "--accept-risk", "--secrets", "file", "--json"];
    let done = home.run(&words).ok().json();
    let told =
        done["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "service-unavailable");
    assert!(told && done["profiles"][0]["owner"] == "external", "{done}");
    let silent = home.run(&[&words[..], &["--no-install-daemon"]].concat()).ok().json();
    assert!(!silent["findings"].to_string().contains("service-"), "{silent}");
}

#[test]
fn a_wrong_token_is_told_without_showing_it() {
    let (home, _) = home_with_port();
    let _gateway = home.gateway(&["gateway", "--token", "the-right-token"]);
    let refused = home.run(&["gateway", "health", "--token", "planted-wrong-token"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("AUTH_TOKEN_MISMATCH") && refused.err.contains("--token"), "{refused:?}");
    assert!(!refused.shown().contains("planted-wrong-token") && !refused.shown().contains("the-right-token"));
    let by_file =
        home.run_with_input(&["gateway", "health", "--token", "-", "--json"], "the-right-token\n").ok();
    assert_eq!(by_file.json()["ok"], true);
    let by_variable = home.with("BULKHEAD_GATEWAY_TOKEN", "the-right-token");
    assert_eq!(by_variable.run(&["health", "--json"]).ok().json()["ok"], true);
}

#[test]
fn the_profiles_own_secret_goes_to_no_other_gateway() {
    let (home, _) = home_with_port();
    let _gateway = home.gateway(&["gateway"]);
    let (other, other_port) = home_with_port();
    let _other = other.gateway(&["gateway"]);
    let refused =
        home.run(&["gateway", "call", "config.get", "--url", &format!("ws://127.0.0.1:{other_port}")]);
    assert_eq!(refused.code, 1);
    let told = refused.err.clone();
    assert!(told.contains("DEVICE_IDENTITY_REQUIRED") || told.contains("AUTH_"), "{told}");
}

#[test]
fn a_gateway_in_a_terminal_takes_a_newly_stored_secret() {
    let (home, _) = home_with_port();
    let _gateway = home.gateway(&["gateway"]);
    let new = "a-new-token-0123456789abcdef";
    let stored = home.run_with_input(&["secrets", "set", "gateway/token", "-", "--json"], new).ok().json();
    assert_eq!(stored["gateway"]["state"], "handed-over");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while home.run_with_input(&["gateway", "health", "--token", "-"], new).code != 0 {
        assert!(std::time::Instant::now() < deadline, "the new token was never taken");
    }
}

#[test]
fn a_second_gateway_is_refused_and_forced() {
    let (home, _) = home_with_port();
    let mut first = home.gateway(&["gateway"]);
    let refused = home.run(&["gateway"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(&format!("pid {}", first.child.id())), "{refused:?}");
    let _second = home.gateway(&["gateway", "--force"]);
    assert!(first.child.wait().unwrap().success());
}

#[test]
fn the_method_table_is_listed_without_a_gateway() {
    let list = Home::new().run(&["gateway", "call", "--list", "--json"]).ok().json();
    let names: Vec<_> =
        list["methods"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"health") && names.contains(&"chat.send"));
}
