//! What people read when something is wrong.

use bulkhead_config::{ConfigDocument, validate};

fn syntax(text: &str) -> String {
    match ConfigDocument::parse("~/.bulkhead/bulkhead.json", text) {
        Ok(doc) => format!("accepted: {}", doc.value()),
        Err(error) => format!("[{}] {error}", error.code()),
    }
}

#[test]
fn texts_that_are_no_json5() {
    let cases = [
        "{",
        "[]",
        "{ a: 1 b: 2 }",
        "{\n  gateway: {\n    port: 18789\n    bind: \"lan\"\n  }\n}",
        "{ gateway: { port: } }",
        "{ a: 1, a: 2 }",
        "{ gateway: { port: NaN } }",
        "{ gateway: { port: Infinity } }",
        "{ gateway: { port: 1e999 } }",
        "{ gateway: { mode: local } }",
        "{ agents: { list: [ { id: 'a' }, { id: 'b } ] } }",
        "{ a: \"\\ud800\" }",
        "{ /* never closed ",
        "{} {}",
        "{ a: 0xFFFFFFFFFFFFFFFFFF }",
        "hello",
    ];
    let report: Vec<String> = cases.iter().map(|text| format!("{text:?}\n  {}", syntax(text))).collect();
    insta::assert_snapshot!(report.join("\n"));
    let deep = "[".repeat(5000);
    assert!(syntax(&format!("{{a:{deep}")).contains("levels of nesting"));
}

#[test]
fn values_of_the_wrong_kind() {
    let cases = [
        "{ gateway: { port: '18789' } }",
        "{ gateway: { port: 80 } }",
        "{ gateway: { port: 65500 } }",
        "{ gateway: 5 }",
        "{\n  gateway: {\n    auth: { mode: 'tokn' },\n    bind: true,\n  },\n}",
        "{ gateway: { auth: { token: 5, password: { source: 'vault', id: 'x' } } } }",
        "{ gateway: { auth: { mode: 'none' }, bind: 'lan' } }",
        "{ channels: { telegram: { dmPolicy: 'allowlist', allowFrom: [] } } }",
        "{ channels: { telegram: { dmPolicy: 'open' } } }",
        "{ channels: { telegram: { apiRoot: 'api.telegram.org', allowFrom: 'me' } } }",
        "{ models: { providers: { mine: { api: 'openai' } } } }",
        "{ models: { providers: { mine: { api: 'ollama' } } } }",
        "{ agents: { defaults: { model: { primary: 'gpt-5' } }, list: [{ id: 'a' }, { id: 'a' }, {}] } }",
        "{ agents: { defaults: { model: 'nowhere/x' } } }",
        "{ bindings: [{ agentId: 'ghost', match: { channel: 'telegram' } }] }",
        "{ browser: { profiles: { a: { cdpPort: 18800 }, b: { cdpPort: 18800 } } } }",
        "{ gateway: { auth: { token: { source: 'exec', id: 'x' } } } }",
        "{ secrets: { providers: { pass: { source: 'exec', command: 'pass' } } } }",
        "{ gateway: { auth: { token: '__OPENCLAW_REDACTED__' } } }",
        "{ gateway: { prot: 18789, control_ui: {} }, gatewya: {} }",
        "{ logging: { level: 'loud' } }",
    ];
    let report: Vec<String> = cases
        .iter()
        .map(|text| {
            let issues: Vec<String> =
                validate(text).iter().map(|issue| format!("  {:?} {issue}", issue.severity)).collect();
            format!("{text:?}\n{}", issues.join("\n"))
        })
        .collect();
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn a_secret_never_shows_in_an_error() {
    for text in [
        "{ gateway: { auth: { token: ['s3cret'] } } }",
        "{ models: { providers: { a: { proxy: 'ftp://u:s3cret@h' } } } }",
    ] {
        let issues = validate(text);
        assert!(!issues.is_empty());
        assert!(!issues.iter().any(|issue| issue.to_string().contains("s3cret")), "{issues:?}");
    }
}

#[test]
fn edits_that_lead_nowhere() {
    let mut doc =
        ConfigDocument::parse("bulkhead.json", "{ gateway: { port: 1 }, agents: { list: [] } }").unwrap();
    let before = doc.to_string();
    let mut report = Vec::new();
    for path in ["gateway.port.deep", "agents.list[3]", "agents.list.name", "gateway[0]", "a..b", "a[", ""] {
        let error = doc.set(path, 1.into()).unwrap_err();
        report.push(format!("{path:?}\n  [{}] {error}", error.code()));
    }
    insta::assert_snapshot!(report.join("\n"));
    assert_eq!(doc.to_string(), before);
}
