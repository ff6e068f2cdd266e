//! Exact texts of the audit: place, found, expected, next step.

use bulkhead_profile::audit::isolation;
use bulkhead_profile::{
    ConfigGlimpse, Environment, FactsKind, Finding, Place, ProfileFacts, ProfileName, Severity,
};

fn env() -> Environment {
    Environment::for_test("/home/ada")
}

fn facts(name: &str, base: u16, config: &str) -> ProfileFacts {
    let place = Place::by_rule(&ProfileName::parse(name).unwrap(), &env());
    ProfileFacts::of_place(&place, Some(base)).with_glimpse(&ConfigGlimpse::of_text(config), &env())
}

fn only(findings: Vec<Finding>) -> Finding {
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.into_iter().next().unwrap()
}

#[test]
fn two_of_the_rule_are_clean() {
    assert_eq!(
        isolation(&[facts("main", 18789, "{}"), facts("rescue", 19789, "{}"), facts("dev", 19001, "{}")]),
        []
    );
}

#[test]
fn the_seeds_manual_example_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let env = Environment::for_test(dir.path());
    let at = |config: &str, state: &str, base| {
        let env = env.clone().with_var("OPENCLAW_CONFIG_PATH", config).with_var("OPENCLAW_STATE_DIR", state);
        ProfileFacts::of_place(&Place::resolve(None, &env).unwrap(), Some(base))
    };
    let main = at("~/.openclaw/main.json", "~/.openclaw", 18789);
    let rescue = at("~/.openclaw/rescue.json", "~/.openclaw-rescue", 19789);
    assert_eq!(isolation(&[main, rescue]), []);
    let main = at("~/.openclaw/main.json", "~/.openclaw-main", 18789);
    let rescue = at("~/.openclaw/rescue.json", "~/.openclaw-rescue", 19001);
    assert_eq!(isolation(&[main, rescue]), []);
}

#[test]
fn one_bot_twice() {
    let config = "{channels: {telegram: {botToken: '123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeF'}}}";
    let finding = only(isolation(&[facts("main", 18789, config), facts("rescue", 19789, config)]));
    assert_eq!((finding.code.as_str(), finding.severity), ("bot-shared", Severity::Error));
    assert_eq!(
        finding.sentence(),
        "Telegram bot 123456789 of main and rescue: both would fetch the same bot's messages, and Telegram lets only one (error 409); expected a bot of its own for each profile; make another bot with @BotFather and give its token to rescue: bulkhead --profile rescue secrets set telegram/bot-token -"
    );
    assert!(!serde_json::to_string(&finding).unwrap().contains("AAFake"));
}

#[test]
fn one_bot_here_and_in_an_openclaw() {
    let openclaw = ProfileFacts {
        kind: FactsKind::OpenClaw,
        name: "OpenClaw".into(),
        base_port: Some(18789),
        bot_ids: vec![7],
        readable: true,
        ..ProfileFacts::default()
    };
    let main = facts("main", 20000, "{}").with_bots(&[7]);
    let finding = only(isolation(&[openclaw.clone(), main]));
    assert_eq!(finding.code, "bot-shared");
    assert!(finding.next_step.ends_with("or take the bot out of that OpenClaw"), "{}", finding.next_step);
    assert_eq!(isolation(&[openclaw.clone(), openclaw]), [], "two OpenClaws are not ours to tell");
}

#[test]
fn explicit_ports_that_meet() {
    let a = facts("main", 18789, "{browser: {profiles: {work: {cdpPort: 30000}}}}");
    let b = facts(
        "rescue",
        19789,
        "{browser: {profiles: {x: {cdpUrl: 'http://user:secret@localhost:30000/?token=s'}}}}",
    );
    let finding = only(isolation(&[a, b]));
    assert_eq!(
        finding.sentence(),
        "browser.profiles.work.cdpPort of main and browser.profiles.x.cdpUrl of rescue: both use port 30000; expected a port of its own for each profile; change browser.profiles.x.cdpUrl in /home/ada/.bulkhead-rescue/bulkhead.json, or take it out: a free port is chosen then"
    );
    let a = facts("main", 18789, "{browser: {controlPort: 19791}}");
    assert_eq!(only(isolation(&[a, facts("rescue", 19789, "{}")])).code, "port-shared");
    let a = facts("main", 18789, "{browser: {profiles: {w: {cdpPort: 19850}}}}");
    let finding = only(isolation(&[a, facts("rescue", 19789, "{}")]));
    assert_eq!((finding.code.as_str(), finding.severity), ("port-in-interval", Severity::Warning));
    let url = "{browser: {cdpUrl: 'ws://chrome.example:9222/devtools?token=planted'}}";
    let finding = only(isolation(&[facts("main", 18789, url), facts("rescue", 19789, url)]));
    assert_eq!(finding.code, "cdp-url-shared");
    assert!(!finding.sentence().contains("planted"));
    let own = facts("main", 18789, "{browser: {profiles: {w: {cdpPort: 18791}}}}");
    assert_eq!(only(isolation(&[own])).code, "port-twice");
}

#[test]
fn directories_that_meet() {
    let a = facts("main", 18789, "{agents: {defaults: {workspace: '/srv/agents'}}}");
    let b = facts("rescue", 19789, "{agents: {defaults: {workspace: '/srv/agents'}}}");
    assert_eq!(only(isolation(&[a.clone(), b])).code, "workspace-shared");
    let b = facts("rescue", 19789, "{agents: {defaults: {workspace: '/srv/agents/rescue'}}}");
    let finding = only(isolation(&[a.clone(), b]));
    assert_eq!(finding.code, "workspace-nested");
    assert_eq!(
        finding.sentence(),
        "workspace of rescue: /srv/agents/rescue lies in the workspace of main (/srv/agents), where its agents read and write; expected a workspace outside of every other profile's workspace; move the workspace of rescue to a directory of its own"
    );
    let b = facts("rescue", 19789, "{agents: {defaults: {workspace: '/srv/agents-rescue'}}}");
    assert_eq!(isolation(&[a, b]), [], "compared by component");
    let a = facts("main", 18789, "{agents: {defaults: {workspace: '~'}}}");
    assert_eq!(isolation(&[a, facts("rescue", 19789, "{}")]).iter().filter(|f| f.is_error()).count(), 2);
}

#[test]
fn two_profiles_in_one_place() {
    let mut a = facts("main", 18789, "{}");
    a.name = "main (/elsewhere)".into();
    let codes: Vec<_> = isolation(&[a, facts("main", 18789, "{}")]).into_iter().map(|f| f.code).collect();
    for code in [
        "state-dir-shared",
        "config-shared",
        "workspace-shared",
        "keychain-shared",
        "service-shared",
        "base-port-shared",
    ] {
        assert!(codes.iter().any(|c| c == code), "{code} in {codes:?}");
    }
}
