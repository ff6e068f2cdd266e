//! What somebody wants, as data.

use std::fmt;
use std::sync::Arc;

use bulkhead_profile::Environment;
use bulkhead_profile::openclaw::OpenClawInstall;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::SetupError;
use crate::attach::MainPlan;
use crate::import::{Brought, ImportPlan};

/// The largest request.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;
const VERSION: u64 = 1;

/// One call of the machine interface.
#[derive(Debug, Deserialize)]
pub struct Request {
    version: u64,
    /// What to do.
    pub action: Action,
    /// With what; needed for everything but `detect`.
    #[serde(default)]
    pub plan: Option<Plan>,
    /// Which checks; none named means all of them for `check`, and those that need no network for `create`.
    #[serde(default)]
    pub checks: Vec<CheckKind>,
}

impl Request {
    /// Reads a request. Errors name the field and never quote what stands there: it may be a secret.
    pub fn parse(bytes: &[u8]) -> Result<Self, SetupError> {
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(SetupError::TooLarge { limit: MAX_REQUEST_BYTES });
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let request: Self =
            serde_path_to_error::deserialize(&mut json).map_err(|error| unreadable(&error))?;
        if request.version != VERSION {
            return Err(SetupError::Version { found: request.version, expected: VERSION });
        }
        if request.plan.is_none() && request.action != Action::Detect {
            return Err(SetupError::NoPlan { action: request.action.as_str() });
        }
        Ok(request)
    }

    /// A request made in this process.
    pub fn new(action: Action, plan: Option<Plan>, checks: Vec<CheckKind>) -> Self {
        Self { version: VERSION, action, plan, checks }
    }
}

/// serde's words quote what they found; only the kind is kept.
fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> SetupError {
    let inner = error.inner();
    let text = inner.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let kind = text
        .strip_prefix("invalid type: ")
        .or_else(|| text.strip_prefix("invalid value: "))
        .and_then(|rest| rest.split([' ', '`', ',']).next());
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| expected);
    let (found, expected) = match (kind, expected) {
        (Some(kind), Some(expected)) => (format!("a value of kind {kind}"), expected.to_owned()),
        (None, Some(expected)) if text.starts_with("unknown variant") => {
            ("an unknown word".to_owned(), expected.to_owned())
        }
        _ if text.starts_with("missing field") => (text.to_owned(), "every required field".to_owned()),
        _ => ("something that is no such JSON".to_owned(), "the JSON of a setup request".to_owned()),
    };
    let field = error.path().to_string();
    let field = if matches!(field.as_str(), "." | "?") { "the request".to_owned() } else { field };
    SetupError::Plan { field, line: inner.line(), column: inner.column(), found, expected }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Look around.
    Detect,
    /// Try what the plan says without writing anything.
    Check,
    /// Make it so.
    Create,
}

impl Action {
    /// The word in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Check => "check",
            Self::Create => "create",
        }
    }
}

/// A check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckKind {
    /// A real completion.
    Model,
    /// `getMe`, and that every bot is used once.
    Telegram,
    /// Spacing, holders.
    Ports,
    /// Write, read and delete a random item.
    Keychain,
    /// The checklist, with values.
    Isolation,
}

impl CheckKind {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Model, Self::Telegram, Self::Ports, Self::Keychain, Self::Isolation];
    /// Those that ask nobody outside of this machine.
    pub const LOCAL: [Self; 3] = [Self::Ports, Self::Keychain, Self::Isolation];
}

/// Where new secrets go: always chosen by the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretsPlan {
    /// The operating system's keychain.
    Keychain,
    /// A file of mode 0600, not encrypted.
    File,
    /// Variables of the supervisor; nothing is stored.
    Env,
}

/// What somebody wants.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Plan {
    /// Where secrets go.
    pub secrets: Option<SecretsPlan>,
    /// The model that answers in every profile of this plan.
    pub model: Option<ModelPlan>,
    /// The profiles.
    pub profiles: Vec<ProfilePlan>,
    /// What the first profile takes over from another program.
    pub import: Option<ImportPlan>,
    /// The gateway that the one profile watches, where it is none of ours.
    pub main: Option<MainPlan>,
    /// Telegram user ids that may repair, and are told. Nobody becomes one otherwise.
    #[serde(deserialize_with = "user_ids")]
    pub rescue_operators: Vec<String>,
}

/// User ids of Telegram, as numbers or as text.
fn user_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let values = Vec::<serde_json::Value>::deserialize(deserializer)?;
    let id = |value: &serde_json::Value| {
        let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())?;
        (number > 0).then(|| number.to_string())
    };
    let bad = || {
        serde::de::Error::invalid_value(
            serde::de::Unexpected::Other("text"),
            &"user ids of Telegram (numbers)",
        )
    };
    values.iter().map(|value| id(value).ok_or_else(bad)).collect()
}

/// Access to a model.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelPlan {
    /// The provider's id in the configuration.
    #[serde(default = "custom")]
    pub provider: String,
    /// `openai`, `anthropic` or `ollama`; by default what the provider speaks.
    #[serde(default)]
    pub api: Option<String>,
    /// Its address; by default the provider's own.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The model.
    pub model_id: String,
    /// The key, if it needs one.
    #[serde(default, deserialize_with = "secret")]
    pub api_key: Option<SecretString>,
    /// The variable of the environment that holds the key: who found it by `detect` need not see the key itself.
    #[serde(default)]
    pub api_key_env: Option<String>,
}

impl Plan {
    /// The same plan with the key in it that it only names.
    pub(crate) fn with_key_of(mut self, env: &Environment) -> Self {
        if let Some(model) = &mut self.model
            && model.api_key.is_none()
        {
            model.api_key = model
                .api_key_env
                .as_deref()
                .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
                .and_then(|name| env.var(name))
                .map(str::trim)
                .filter(|key| !key.is_empty())
                .map(SecretString::from);
        }
        self
    }
}

fn custom() -> String {
    "custom".to_owned()
}

/// One profile.
#[derive(Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfilePlan {
    /// Its name.
    pub name: String,
    /// Its base port; none means the one it has, or the next free interval.
    #[serde(default)]
    pub port: Option<u16>,
    /// Which addresses it listens on; none means loopback, or what it has.
    #[serde(default)]
    pub bind: Option<String>,
    /// Its workspace; none means the rule's, or the one it has.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Its shared token; none means the one it has, or a random one.
    #[serde(default, deserialize_with = "secret")]
    pub gateway_token: Option<SecretString>,
    /// Who runs it.
    #[serde(default)]
    pub owner: Option<bulkhead_profile::Owner>,
    /// A proxy for Telegram and the model.
    #[serde(default)]
    pub proxy: Option<String>,
    /// Its bot.
    #[serde(default)]
    pub telegram: Option<TelegramPlan>,
    /// What was read for it elsewhere; never part of a request.
    #[serde(skip)]
    pub brought: Option<Arc<Brought>>,
    /// An OpenClaw that it lives beside; never part of a request.
    #[serde(skip)]
    pub beside: Option<Arc<Beside>>,
}

/// An OpenClaw whose ports a profile keeps clear of, or takes over.
#[derive(Debug, Clone)]
pub struct Beside {
    pub(crate) install: OpenClawInstall,
    pub(crate) take_over: bool,
    /// What `rescue.main` says of it.
    pub(crate) watched: Option<serde_json::Value>,
}

/// A Telegram bot.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TelegramPlan {
    /// Its token.
    #[serde(deserialize_with = "required_secret")]
    pub bot_token: SecretString,
    /// Another Bot API server.
    #[serde(default)]
    pub api_root: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).map(SecretString::from))
}

fn required_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(|text| SecretString::from(text.trim()))
}

impl fmt::Debug for ModelPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelPlan")
            .field("provider", &self.provider)
            .field("model_id", &self.model_id)
            .field("api_key", &self.api_key.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProfilePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfilePlan")
            .field("name", &self.name)
            .field("port", &self.port)
            .field("telegram", &self.telegram.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TelegramPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramPlan").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_key_that_the_plan_only_names_comes_from_the_environment() {
        let key = |json: &str| {
            let mut env = Environment::for_test("/home/x");
            env.vars.insert("OPENAI_API_KEY".into(), " sk-1 ".into());
            let plan: Plan = serde_json::from_str(json).unwrap();
            let key = plan.with_key_of(&env).model.unwrap().api_key;
            key.map(|key| key.expose_secret().to_owned())
        };
        assert_eq!(key(r#"{"model":{"modelId":"m","apiKeyEnv":"OPENAI_API_KEY"}}"#).as_deref(), Some("sk-1"));
        assert_eq!(
            key(r#"{"model":{"modelId":"m","apiKey":"own","apiKeyEnv":"OPENAI_API_KEY"}}"#).as_deref(),
            Some("own")
        );
        assert_eq!(key(r#"{"model":{"modelId":"m","apiKeyEnv":"OTHER"}}"#), None);
        assert_eq!(key(r#"{"model":{"modelId":"m"}}"#), None);
    }
}
