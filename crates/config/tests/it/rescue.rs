//! `rescue`: what is watched, and what is refused.

use bulkhead_config::{AutoRemedy, Config, ConfigDocument, Urgent, WatchedKind, validate};

fn read(text: &str) -> Config {
    let doc = ConfigDocument::parse("bulkhead.json", text).unwrap();
    Config::from_document(&doc).unwrap()
}

#[test]
fn nothing_is_watched_unless_the_file_says_so() {
    let rescue = read("{}").rescue;
    assert!(!rescue.is_watching() && rescue.notify.telegram && rescue.notify.desktop);
    assert_eq!(rescue.auto, AutoRemedy::Off);
}

#[test]
fn an_openclaw_is_described() {
    let rescue = read(
        "{ rescue: { main: { kind: 'openclaw', configPath: '~/.openclaw/openclaw.json', unit: 'openclaw-gateway.service' },
           auto: 'rollback', operators: [42, 'tg:43'], quietHours: { from: '22:00', to: '07:30', timeZone: 'Europe/Berlin', urgent: 'none' },
           notify: { desktop: false } } }",
    )
    .rescue;
    let main = rescue.main.as_ref().unwrap();
    assert_eq!(main.kind, WatchedKind::OpenClaw);
    assert_eq!(main.unit.as_deref(), Some("openclaw-gateway.service"));
    assert_eq!(rescue.operators, ["42", "43"]);
    assert_eq!(rescue.auto, AutoRemedy::Rollback);
    assert_eq!(rescue.quiet_hours.as_ref().unwrap().urgent, Urgent::None);
    assert!(rescue.is_watching() && rescue.notify.telegram && !rescue.notify.desktop);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    for (text, place) in [
        ("{ rescue: { main: { kind: 'remote' } } }", "rescue.main"),
        ("{ rescue: { main: { kind: 'bundled' } } }", "rescue.main"),
        ("{ rescue: { watch: 'main', main: { profile: 'ops' } } }", "rescue.main.profile"),
        ("{ rescue: { quietHours: { from: '25:00', to: '07:00' } } }", "rescue.quietHours.from"),
        ("{ rescue: { quietHours: { from: '22:00' } } }", "rescue.quietHours.to"),
        ("{ rescue: { auto: 'always' } }", "rescue.auto"),
    ] {
        let issues = validate(text);
        assert!(issues.iter().any(|issue| issue.path == place), "{text}: {issues:?}");
    }
}
