//! The typed view, the schema and redaction.

use bulkhead_config::{
    Config, ConfigDocument, DmPolicy, ModelApi, SecretSource, Streaming, redact, schema, ui_hints,
};
use serde_json::{Value, json};

const FULL: &str = r"{
  gateway: {
    mode: 'local', port: 18789, bind: 'loopback',
    auth: { mode: 'token', token: { source: 'keychain', id: 'gateway/token' } },
    controlUi: { enabled: true, allowedOrigins: ['http://localhost:5173'] },
    http: { endpoints: { chatCompletions: { enabled: true } } },
  },
  agents: {
    defaults: { workspace: '~/w', model: { primary: 'fake/fake-1', fallbacks: ['fake/fake-2'] } },
    list: [{ id: 'main', name: 'Main' }],
    entries: { other: { model: 'fake/fake-2' } },
  },
  bindings: [{ agentId: 'other', match: { channel: 'telegram', peer: { kind: 'direct', id: 42 } } }],
  channels: { telegram: {
    enabled: true, botToken: { source: 'env', id: 'BOT' }, dmPolicy: 'allowlist', allowFrom: [42, 'tg:43'],
    streaming: { mode: 'off' }, accounts: { two: { botToken: '${SECOND_BOT}' } },
  } },
  models: { providers: { fake: {
    baseUrl: 'http://127.0.0.1:1/v1', api: 'openai-completions', apiKey: { source: 'keychain', id: 'models/fake/api-key' },
    models: [{ id: 'fake-1', contextWindow: 128000, maxTokens: 4096 }], headers: { 'X-Team': 'blue' },
  } } },
  browser: { controlPort: 18791, headless: true, profiles: { work: { cdpPort: 18801 }, far: { cdpUrl: 'http://10.0.0.2:9222' } } },
  tools: { exec: { enabled: true } },
  secrets: { default: 'keychain', providers: { pass: { source: 'exec', command: '/usr/bin/pass', args: ['show', '{id}'] } } },
  rescue: { operators: [42] },
  logging: { level: 'debug' },
  cron: null, someoneElse: { kept: true },
}";

fn config(text: &str) -> Config {
    Config::from_document(&ConfigDocument::parse("x", text).unwrap()).unwrap()
}

#[test]
fn everything_is_read() {
    let config = config(FULL);
    assert_eq!(config.gateway.port, Some(18789));
    assert_eq!(
        config.gateway.auth.token.as_ref().unwrap().reference().unwrap().source,
        SecretSource::Keychain
    );
    assert!(config.gateway.http.endpoints.chat_completions.enabled);
    assert_eq!(config.agents.defaults.model.fallbacks, ["fake/fake-2"]);
    assert_eq!(config.agents.list.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["main", "other"]);
    assert_eq!(config.bindings[0].matches.peer.as_ref().unwrap().id, "42");
    let telegram = &config.channels.telegram;
    assert_eq!((telegram.dm_policy, telegram.streaming), (DmPolicy::Allowlist, Streaming::Off));
    assert_eq!(telegram.allow_from, ["42", "43"]);
    assert!(telegram.is_on());
    assert_eq!(config.models.providers["fake"].api, ModelApi::OpenAi);
    assert_eq!(config.browser.profiles["work"].cdp_port, Some(18801));
    assert!(config.tools.exec.enabled == Some(true) && config.tools.web.fetch.enabled);
    assert_eq!(config.rescue.operators, ["42"]);
    let paths: Vec<String> = config.secret_inputs().into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "gateway.auth.token",
            "channels.telegram.botToken",
            "channels.telegram.accounts.two.botToken",
            "models.providers.fake.apiKey"
        ]
    );
}

#[test]
fn nothing_is_every_default() {
    let config = config("{}");
    assert_eq!(config, Config::default());
    assert!(
        config.gateway.control_ui.enabled
            && config.tools.exec.enabled.is_none()
            && !config.channels.telegram.is_on()
    );
    assert_eq!(config.default_agent_id(), "main");
}

#[test]
fn the_schema_accepts_what_is_valid_and_refuses_what_is_not() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut full = ConfigDocument::parse("x", FULL).unwrap();
    full.unset("cron").unwrap();
    let errors: Vec<String> = validator.iter_errors(&full.value()).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    for bad in [
        json!({ "gateway": { "port": "x" } }),
        json!({ "gateway": { "auth": { "token": 5 } } }),
        json!({ "agents": { "list": {} } }),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
    assert_eq!(ui_hints()["channels.telegram.botToken"]["sensitive"], true);
}

#[test]
fn redaction_leaves_no_secret_and_all_references() {
    let value = json!({
        "gateway": { "auth": { "token": "s3cret-a", "password": { "source": "keychain", "id": "gateway/password" } }, "port": 1 },
        "models": { "providers": { "x": { "apiKey": "s3cret-b", "headers": { "Authorization": "s3cret-c" }, "baseUrl": "http://u:s3cret-d@h/", "models": [{ "id": "m", "maxTokens": 9 }] } } },
        "plugins": { "entries": { "y": { "config": { "clientSecret": "s3cret-e", "access_token": "s3cret-f", "nested": [{ "api-key": "s3cret-g" }] } } } },
        "env": { "vars": { "ANY": "s3cret-h" } },
        "hooks": { "token": "s3cret-i" },
        "channels": { "telegram": { "accounts": { "z": { "botToken": "s3cret-j" } }, "proxy": "socks5://s3cret-k@h:1" } },
    });
    let shown = redact(&value);
    assert!(!shown.to_string().contains("s3cret"), "{shown:#}");
    assert_eq!(shown["gateway"]["auth"]["password"]["id"], "gateway/password");
    assert_eq!(shown["models"]["providers"]["x"]["models"][0]["maxTokens"], 9);
    assert_eq!(shown["gateway"]["port"], 1);
    assert_eq!(redact(&Value::Null), Value::Null);
}

#[test]
fn a_secret_in_plain_text_is_told_and_not_refused() {
    let issues = bulkhead_config::validate(
        "{ gateway: { auth: { token: 'plain-and-readable' } },
           channels: { telegram: { botToken: '${BOT}', accounts: { two: { botToken: { source: 'keychain', id: 'x' } } } } } }",
    );
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert_eq!(issues[0].severity, bulkhead_config::IssueSeverity::Warning);
    assert_eq!(issues[0].path, "gateway.auth.token");
    assert!(!issues[0].to_string().contains("plain-and"), "{}", issues[0]);
}

#[test]
fn one_bot_is_one_account() {
    let twice = "{ channels: { telegram: { botToken: { source: 'keychain', id: 'telegram/bot-token' },
        accounts: { two: { botToken: { source: 'keychain', id: 'telegram/bot-token' } } } } } }";
    let issues = bulkhead_config::validate(twice);
    assert_eq!(issues[0].path, "channels.telegram.accounts.two.botToken");
    assert!(issues[0].found.contains("channels.telegram has too"), "{}", issues[0]);
    assert!(bulkhead_config::validate(&twice.replace("two: {", "two: { enabled: false,")).is_empty());
}
