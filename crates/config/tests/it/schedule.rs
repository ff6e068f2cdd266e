//! `cron`, `hooks` and heartbeats.

use bulkhead_config::{Config, ConfigDocument, Heartbeat, IssueSeverity, Retention, is_local_only};

fn read(text: &str) -> Result<Config, Vec<String>> {
    let document = ConfigDocument::parse("test", text).unwrap();
    Config::from_document(&document).map_err(|issues| {
        let errors = issues.iter().filter(|issue| issue.severity == IssueSeverity::Error);
        errors.map(|issue| issue.path.clone()).collect()
    })
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    for (text, path) in [
        (r"{ hooks: { enabled: true } }", "hooks.token"),
        (r"{ hooks: { mappings: [{ transform: { module: 'x.mjs' } }] } }", "hooks.mappings[0].transform"),
        (r"{ hooks: { mappings: [{ forEach: 'a.b' }] } }", "hooks.mappings[0].forEach"),
        (r#"{ hooks: { path: "/" } }"#, "hooks.path"),
        (r#"{ hooks: { path: "/v1/x" } }"#, "hooks.path"),
        (r#"{ hooks: { path: "/a/{b}" } }"#, "hooks.path"),
        (r#"{ hooks: { token: "same-same" }, gateway: { auth: { token: "same-same" } } }"#, "hooks.token"),
        (r#"{ hooks: { mappings: [{ action: "dance" }] } }"#, "hooks.mappings[0].action"),
        (r"{ cron: { maxConcurrentRuns: 0 } }", "cron.maxConcurrentRuns"),
        (r#"{ cron: { sessionRetention: "soon" } }"#, "cron.sessionRetention"),
        (r#"{ agents: { defaults: { heartbeat: { every: "often" } } } }"#, "agents.defaults.heartbeat.every"),
        (
            r#"{ agents: { defaults: { heartbeat: { activeHours: { start: "8", end: "24:00" } } } } }"#,
            "agents.defaults.heartbeat.activeHours.start",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), [path], "{text}");
    }
}

#[test]
fn what_is_left_out_is_as_usual() {
    let config = read(
        r#"{ cron: { sessionRetention: false }, hooks: { path: "in/coming/" },
        agents: { defaults: { heartbeat: { every: "1h", target: "last" } },
                  list: [{ id: "ops", heartbeat: { every: "5m", to: 42 } }] } }"#,
    )
    .unwrap();
    assert_eq!(config.cron.session_retention, Retention::Always);
    assert_eq!(config.hooks.base_path(), "/in/coming");
    let general = config.agents.defaults.heartbeat.clone().unwrap();
    let own = config.agents.list[0].heartbeat.as_ref().unwrap().over(&general);
    let expected = Heartbeat {
        every: Some("5m".into()),
        target: Some("last".into()),
        to: Some("42".into()),
        ..Heartbeat::default()
    };
    assert_eq!(own, expected);
    assert!(
        is_local_only("hooks.token") && is_local_only("hooks.mappings") && !is_local_only("cron.enabled")
    );
}
