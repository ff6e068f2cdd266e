//! Provoked errors: trigger, exact text, exit code.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::home::{Done, Home, free_base};

fn shown(name: &str, done: &Done) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"pid \d+", "pid [PID]");
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]");
    settings.add_filter(r"port \d{5}", "port [PORT]");
    settings.add_filter(r"process \d+", "process [PID]");
    settings.add_filter(r"\bit-[0-9a-f]{16}", "[TEST]");
    // The log of a gateway that did not come up has no order to its error.
    settings.add_filter(r"(?m)^\d{4}-\d\d-\d\dT[0-9:.]+Z.*\n?", "");
    settings.bind(|| insta::assert_snapshot!(format!("error-{name}"), done.shown()));
}

#[test]
fn wrong_words() {
    let home = Home::new();
    shown("unknown-flag", &home.run(&["status", "--nope"]));
    shown("unknown-flag-json", &home.run(&["status", "--json", "--nope"]));
    shown("unknown-command", &home.run(&["statsu"]));
    shown("profile-name", &home.run(&["--profile", "Main!", "status"]));
    shown("profile-and-dev", &home.run(&["--profile", "main", "--dev", "status"]));
    shown("run-flag-before-subcommand", &home.run(&["gateway", "--port", "18789", "status"]));
    shown("call-params", &home.run(&["gateway", "call", "health", "--params", "{nope"]));
    shown("secret-file-missing", &home.run(&["gateway", "health", "--token", "@no-such-file"]));
    shown("secret-stdin-empty", &home.run(&["secrets", "set", "telegram/bot-token", "-"]));
    shown("bad-url", &home.run(&["gateway", "health", "--url", "ftp://u:hush@host/?token=hush"]));
    shown("nobody-to-ask", &home.run(&["onboard"]));
    shown("risk-not-accepted", &home.run(&["onboard", "--non-interactive"]));
    shown("remove-nobody-to-ask", &{
        home.run(&["setup"]).ok();
        home.run(&["profiles", "remove", "main"])
    });
}

#[test]
fn broken_configurations() {
    let home = Home::new();
    shown("config-missing", &home.run(&["config", "validate"]));
    home.write(
        ".bulkhead/bulkhead.json",
        "{\n  gateway: {\n    port: 18789\n    bind: \"loopback\"\n  }\n}\n",
    );
    shown("config-syntax", &home.run(&["config", "validate"]));
    shown("config-syntax-json", &home.run(&["config", "validate", "--json"]));
    shown("config-edit-refused", &home.run(&["config", "set", "gateway.port", "18790"]));
    shown("config-broken-gateway", &home.run(&["gateway", "run"]));
    home.write(".bulkhead/bulkhead.json", "{ gateway: { port: \"many\", bind: \"nowhere\" } }\n");
    shown("config-values", &home.run(&["config", "validate"]));
    home.write(".bulkhead/bulkhead.json", "{ gateway: { port: 18789 } }\n");
    shown("config-path", &home.run(&["config", "get", "gateway..port"]));
    shown("config-not-set", &home.run(&["config", "get", "gateway.bind"]));
    shown("config-value-refused", &home.run(&["config", "set", "gateway.port", "99999"]));
    shown("config-secret-without-rule", &home.run(&["config", "set", "hooks.token", "hush"]));
    shown("config-not-json", &home.run(&["config", "set", "gateway.bind", "lan", "--strict-json"]));
}

#[test]
fn places_that_cannot_be() {
    let home = Home::new();
    shown("unconfigured", &home.run(&["gateway", "run"]));
    home.run(&["--profile", "rescue", "setup"]).ok();
    let led = home.path().join(".bulkhead-rescue").display().to_string();
    let home = home.with("OPENCLAW_STATE_DIR", &led);
    shown("other-profiles-place", &home.run(&["--profile", "main", "gateway", "run"]));
    let home = Home::new().with("OPENCLAW_STATE_DIR", "~/.openclaw");
    home.write(".openclaw/openclaw.json", "{}");
    shown("a-real-openclaw", &home.run(&["setup"]));
    let home = Home::new();
    home.write("a-file", "");
    shown("path-not-writable", &home.run(&["setup", "--state-dir", "~/a-file/state"]));
}

#[test]
fn no_keychain() {
    let home = Home::new();
    shown("keychain-set", &home.run_with_input(&["secrets", "set", "telegram/bot-token", "-"], "1:abc"));
    shown("keychain-list", &home.run(&["secrets", "list"]));
    shown("env-is-read-only", &{
        home.write(".bulkhead/bulkhead.json", "{ secrets: { default: \"env\" } }");
        home.run_with_input(&["secrets", "set", "telegram/bot-token", "-"], "1:abc")
    });
}

#[test]
fn no_gateway() {
    let home = Home::new();
    let base = free_base().to_string();
    home.write(
        ".bulkhead/bulkhead.json",
        &format!("{{ gateway: {{ port: {base}, auth: {{ mode: \"none\" }} }} }}"),
    );
    shown("health-not-running", &home.run(&["health"]));
    shown("agent-not-running", &home.run(&["agent", "--message", "hello"]));
    shown("start-not-supervised", &home.run(&["gateway", "start"]));
    shown("logs-none-yet", &home.run(&["logs"]));
    shown("dashboard-not-running", &home.run(&["dashboard"]));
    shown("browser-not-running", &home.run(&["browser", "status"]));
    shown("pairing-unknown-code", &home.run(&["pairing", "approve", "telegram", "ABCD2345"]));
    shown("health-not-running-json", &home.run(&["health", "--json"]));
}

#[test]
fn somebody_else_on_the_port() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let home = Home::new();
    home.write(".bulkhead/bulkhead.json", "{ gateway: { auth: { mode: \"none\" } } }");
    let url = format!("ws://127.0.0.1:{port}");
    shown("not-a-gateway", &home.run(&["gateway", "health", "--url", &url]));
    let port = port.to_string();
    shown("port-taken", &home.run(&["gateway", "run", "--port", &port]));
}

#[test]
fn profiles_that_would_touch() {
    let home = Home::new();
    let base = free_base();
    let port = |more: u16| (base + more).to_string();
    // Ports as if the base were 28789.
    let shown_at = |name: &str, mut done: Done| {
        for more in 0..=250 {
            for text in [&mut done.out, &mut done.err] {
                *text = text.replace(&port(more), &format!("<{}>", 28_789 + more));
            }
        }
        for text in [&mut done.out, &mut done.err] {
            *text = text.replace(['<', '>'], "");
        }
        shown(name, &done);
    };
    home.run(&["setup", "--port", &port(0)]).ok();
    shown_at("gap-too-small", home.run(&["--profile", "rescue", "setup", "--port", &port(16)]));
    shown_at("gap-with-overlap", home.run(&["--profile", "rescue", "setup", "--port", &port(31)]));
    shown_at(
        "edit-would-touch",
        home.run(&["--profile", "rescue", "config", "set", "gateway.port", &port(11)]),
    );
    shown("create-again", &home.run(&["profiles", "create", "rescue"]));
    let plan = r#"{"version":1,"action":"create","plan":{"secrets":"file","model":null,"profiles":[
        {"name":"one","telegram":{"botToken":"123456789:AAHsecretsecretsecretsecretsecretse"}},
        {"name":"two","telegram":{"botToken":"123456789:AAHsecretsecretsecretsecretsecretse"}}]}}"#;
    let done = home.run_with_input(&["onboard", "--plan", "-"], plan);
    assert!(!done.shown().contains("AAHsecret"));
    shown("one-bot-twice", &done);
    shown(
        "plan-broken",
        &home.run_with_input(
            &["onboard", "--plan", "-"],
            r#"{"version":1,"action":"create","plan":{"profiles":[{"name":7}]}}"#,
        ),
    );
}

#[test]
fn the_model_is_down() {
    let home = Home::new();
    let port = free_base();
    home.write(
        ".bulkhead/bulkhead.json",
        &format!("{{ models: {{ providers: {{ mine: {{ baseUrl: \"http://127.0.0.1:{port}/v1\", models: [{{ id: \"m\" }}] }} }} }} }}"),
    );
    shown("model-down", &home.run(&["models", "probe"]));
    shown("model-unknown", &home.run(&["models", "probe", "other/m"]));
}
