//! Its credentials, read into memory only, as far as they stand in plain text or in its `.env`. For unpaid questions:
//! does the bot's token still count, does the provider still list its models?

use std::collections::BTreeMap;
use std::path::Path;

use bulkhead_config::ConfigDocument;
use bulkhead_profile::files;
use secrecy::SecretString;
use serde_json::Value;

const LIMIT: u64 = 4 * 1024 * 1024;
const ENV_LIMIT: u64 = 64 * 1024;

/// A bot.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    /// As `/readyz` of our gateways would name it: `channels.telegram.default`.
    pub(crate) channel: String,
    pub(crate) token: SecretString,
    pub(crate) api_root: String,
    pub(crate) proxy: Option<String>,
}

/// The provider of its first model.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    pub(crate) id: String,
    pub(crate) base_url: String,
    pub(crate) api: String,
    pub(crate) key: Option<SecretString>,
    pub(crate) proxy: Option<String>,
}

/// What could be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) bots: Vec<Login>,
    pub(crate) provider: Option<Provider>,
}

impl Credentials {
    /// Reads them; nothing from a file that cannot be read.
    pub(crate) fn read(config: &Path, state_dir: Option<&Path>) -> Self {
        let text = files::read_limited(config, LIMIT).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(document) = text.and_then(|text| ConfigDocument::parse("openclaw.json", &text).ok()) else {
            return Self::default();
        };
        let value = document.value();
        let mut env = state_dir.map(|dir| env_file(&dir.join(".env"))).unwrap_or_default();
        for at in ["/env/vars", "/env"] {
            let vars = value.pointer(at).and_then(Value::as_object).into_iter().flatten();
            env.extend(vars.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))));
        }
        Self { bots: bots(&value, &env), provider: provider(&value, &env) }
    }
}

fn bots(value: &Value, env: &BTreeMap<String, String>) -> Vec<Login> {
    let Some(telegram) = value.pointer("/channels/telegram") else { return Vec::new() };
    let off = |account: &Value| account.get("enabled") == Some(&Value::Bool(false));
    if off(telegram) {
        return Vec::new();
    }
    let mut bots = Vec::new();
    let mut add = |name: &str, account: &Value, fallback: Option<String>| {
        let inherited = |key: &str| account.get(key).or_else(|| telegram.get(key)).and_then(Value::as_str);
        let token = account.get("botToken").and_then(|token| resolve(token, value, env)).or(fallback);
        if let Some(token) = token {
            bots.push(Login {
                channel: format!("channels.telegram.{name}"),
                token: SecretString::from(token),
                api_root: inherited("apiRoot")
                    .unwrap_or("https://api.telegram.org")
                    .trim_end_matches('/')
                    .to_owned(),
                proxy: inherited("proxy").map(str::to_owned),
            });
        }
    };
    add("default", telegram, env.get("TELEGRAM_BOT_TOKEN").cloned());
    let accounts = telegram.get("accounts").and_then(Value::as_object);
    for (name, account) in accounts.into_iter().flatten().filter(|(_, account)| !off(account)) {
        add(name, account, None);
    }
    bots
}

fn provider(value: &Value, env: &BTreeMap<String, String>) -> Option<Provider> {
    let model = value.pointer("/agents/defaults/model")?;
    let name = model.as_str().or_else(|| model.get("primary")?.as_str())?;
    let id = name.split('/').next()?.to_owned();
    let described = value.pointer("/models/providers").and_then(|providers| providers.get(&id));
    let said = |key: &str| described.and_then(|provider| provider.get(key)).and_then(Value::as_str);
    let (base_url, api, variable) = match id.as_str() {
        "openai" => ("https://api.openai.com/v1", "openai-completions", "OPENAI_API_KEY"),
        "anthropic" => ("https://api.anthropic.com", "anthropic-messages", "ANTHROPIC_API_KEY"),
        "openrouter" => ("https://openrouter.ai/api/v1", "openai-completions", "OPENROUTER_API_KEY"),
        _ => ("", "openai-completions", ""),
    };
    let base_url = said("baseUrl").unwrap_or(base_url).trim_end_matches('/').to_owned();
    if base_url.is_empty() {
        return None;
    }
    let key = described.and_then(|provider| provider.get("apiKey")).and_then(|key| resolve(key, value, env));
    Some(Provider {
        api: said("api").unwrap_or(api).to_owned(),
        key: key.or_else(|| env.get(variable).cloned()).map(SecretString::from),
        proxy: said("proxy").map(str::to_owned),
        base_url,
        id,
    })
}

/// A secret as OpenClaw writes it: plain, `${NAME}`, or a reference to the environment or to a file.
fn resolve(secret: &Value, config: &Value, env: &BTreeMap<String, String>) -> Option<String> {
    let found = match secret {
        Value::String(text) => match text.strip_prefix("${").and_then(|text| text.strip_suffix('}')) {
            Some(name) => env.get(name)?.clone(),
            None => text.clone(),
        },
        Value::Object(reference) => {
            let id = reference.get("id")?.as_str()?;
            match reference.get("source")?.as_str()? {
                "env" => env.get(id)?.clone(),
                "file" => {
                    let provider = reference.get("provider").and_then(Value::as_str).unwrap_or("default");
                    let path = config.pointer("/secrets/providers")?.get(provider)?.get("path")?.as_str()?;
                    let bytes = files::read_limited(Path::new(path), LIMIT).ok()?;
                    let file: Value = serde_json::from_slice(&bytes).ok()?;
                    file.pointer(id)?.as_str()?.to_owned()
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(found).filter(|secret| !secret.trim().is_empty())
}

/// `NAME=value` lines, quotes and `export` allowed.
fn env_file(path: &Path) -> BTreeMap<String, String> {
    let text = files::read_limited(path, ENV_LIMIT).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let lines = text.as_deref().unwrap_or_default().lines();
    lines
        .filter_map(|line| {
            let line = line.trim();
            let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
            let value = value.trim().trim_matches(['"', '\'']);
            (!name.starts_with('#')).then(|| (name.trim().to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn plain_and_env_secrets_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("openclaw.json");
        std::fs::write(dir.path().join(".env"), "# x\nexport KEY=\"k-1\"\nTELEGRAM_BOT_TOKEN=7:env\n")
            .unwrap();
        std::fs::write(
            &config,
            "{ agents: { defaults: { model: { primary: 'fake/one' } } }, models: { providers: { fake: { baseUrl: 'http://127.0.0.1:9/v1/', apiKey: '${KEY}' } } },
               channels: { telegram: { apiRoot: 'http://127.0.0.1:8/', accounts: { two: { botToken: '8:plain' }, off: { enabled: false, botToken: '9:x' } } } } }",
        )
        .unwrap();
        let found = Credentials::read(&config, Some(dir.path()));
        let provider = found.provider.unwrap();
        assert_eq!(provider.key.unwrap().expose_secret(), "k-1");
        assert_eq!(provider.base_url, "http://127.0.0.1:9/v1");
        let bots: Vec<_> =
            found.bots.iter().map(|bot| (bot.channel.as_str(), bot.token.expose_secret())).collect();
        assert_eq!(bots, [("channels.telegram.default", "7:env"), ("channels.telegram.two", "8:plain")]);
        assert_eq!(found.bots[1].api_root, "http://127.0.0.1:8");
    }
}
