//! The typed view: what the program reads out of the file. Everything is optional; unknown keys are left alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::document::ConfigDocument;
use crate::secret_input::SecretInput;
use crate::{ConfigIssue, IssueSeverity, validate};

/// The configuration of one profile.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    /// Listening, authentication, HTTP.
    pub gateway: Gateway,
    /// Agents and their models.
    pub agents: Agents,
    /// Which agent answers where, in order.
    pub bindings: Vec<Binding>,
    /// Messengers.
    pub channels: Channels,
    /// Model providers.
    pub models: Models,
    /// The browser seat.
    pub browser: Browser,
    /// What agents may do.
    pub tools: Tools,
    /// Where secrets come from.
    pub secrets: Secrets,
    /// Who may repair.
    pub rescue: Rescue,
    /// How much is logged.
    pub logging: Logging,
}

impl Config {
    /// Reads the typed view; all errors at once, each with its place.
    pub fn from_document(doc: &ConfigDocument) -> Result<Self, Vec<ConfigIssue>> {
        let issues = validate::validate_document(doc);
        if issues.iter().any(|issue| issue.severity == IssueSeverity::Error) {
            return Err(issues);
        }
        let mut config: Self = serde_path_to_error::deserialize(without_nulls(doc.value())).map_err(
            |error: serde_path_to_error::Error<serde_json::Error>| {
                let path = crate::ConfigPath::parse(&error.path().to_string()).unwrap_or_default();
                vec![doc.issue(
                    &path,
                    "a value of another kind".to_owned(),
                    error.inner().to_string(),
                    "Correct the value.".to_owned(),
                )]
            },
        )?;
        config.agents.join_entries();
        Ok(config)
    }

    /// The agent that answers when no binding says otherwise.
    pub fn default_agent_id(&self) -> &str {
        self.agents
            .list
            .iter()
            .find(|agent| agent.default)
            .or_else(|| self.agents.list.first())
            .map_or("main", |agent| agent.id.as_str())
    }

    /// Every secret field that is set, with its path: what a supervisor has to resolve.
    pub fn secret_inputs(&self) -> Vec<(String, &SecretInput)> {
        let mut found: Vec<(String, &SecretInput)> = Vec::new();
        let auth = &self.gateway.auth;
        found.extend(auth.token.iter().map(|input| ("gateway.auth.token".to_owned(), input)));
        found.extend(auth.password.iter().map(|input| ("gateway.auth.password".to_owned(), input)));
        found
            .extend(self.gateway.remote.token.iter().map(|input| ("gateway.remote.token".to_owned(), input)));
        let telegram = &self.channels.telegram;
        found.extend(telegram.bot_token.iter().map(|input| ("channels.telegram.botToken".to_owned(), input)));
        for (name, account) in &telegram.accounts {
            let path = crate::ConfigPath::root().key("channels").key("telegram").key("accounts").key(name);
            found.extend(account.bot_token.iter().map(|input| (path.key("botToken").to_string(), input)));
        }
        for (id, provider) in &self.models.providers {
            let path = crate::ConfigPath::root().key("models").key("providers").key(id).key("apiKey");
            found.extend(provider.api_key.iter().map(|input| (path.to_string(), input)));
        }
        found
    }
}

/// `gateway`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gateway {
    /// `local` or `remote`; the gateway starts only when it is set, or with `--allow-unconfigured`.
    pub mode: Option<GatewayMode>,
    /// The base port.
    pub port: Option<u16>,
    /// Which addresses it listens on.
    pub bind: Bind,
    /// The address for `bind: "custom"`.
    pub custom_bind_host: Option<String>,
    /// Who may connect.
    pub auth: Auth,
    /// The web UI.
    pub control_ui: ControlUi,
    /// HTTP endpoints.
    pub http: Http,
    /// Proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<String>,
    /// The gateway that `mode: "remote"` talks to.
    pub remote: Remote,
}

/// `gateway.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayMode {
    /// This machine runs it.
    Local,
    /// Another machine runs it.
    Remote,
}

/// `gateway.bind`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bind {
    /// 127.0.0.1 and `::1` only.
    #[default]
    Loopback,
    /// All addresses.
    Lan,
    /// The Tailscale address.
    Tailnet,
    /// Loopback, or all addresses in a container.
    Auto,
    /// `gateway.customBindHost`.
    Custom,
}

/// `gateway.auth`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Auth {
    /// Which kind of shared secret.
    pub mode: AuthMode,
    /// The shared token.
    pub token: Option<SecretInput>,
    /// The shared password.
    pub password: Option<SecretInput>,
}

/// `gateway.auth.mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// A shared token.
    #[default]
    Token,
    /// A shared password.
    Password,
    /// Nothing (loopback only).
    None,
}

/// `gateway.controlUi`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ControlUi {
    /// Whether it is served.
    pub enabled: bool,
    /// A path prefix, such as `/gateway`.
    pub base_path: Option<String>,
    /// A folder with another web UI.
    pub root: Option<String>,
    /// Origins that may connect besides our own.
    pub allowed_origins: Vec<String>,
}

impl Default for ControlUi {
    fn default() -> Self {
        Self { enabled: true, base_path: None, root: None, allowed_origins: Vec::new() }
    }
}

/// `gateway.http`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Http {
    /// Which endpoints are on.
    pub endpoints: HttpEndpoints,
}

/// `gateway.http.endpoints`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpEndpoints {
    /// `/v1/chat/completions`.
    pub chat_completions: Switch,
    /// `/v1/responses`.
    pub responses: Switch,
}

/// `{ enabled }`, off by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Switch {
    /// On or off.
    pub enabled: bool,
}

/// `gateway.remote`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Remote {
    /// `ws://…` or `wss://…`.
    pub url: Option<String>,
    /// Its token.
    pub token: Option<SecretInput>,
}

/// `agents`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Agents {
    /// What holds for all agents.
    pub defaults: AgentDefaults,
    /// The agents; none means one named `main`.
    pub list: Vec<Agent>,
    entries: BTreeMap<String, Agent>,
}

impl Agents {
    /// `agents.entries` is the same list keyed by id.
    fn join_entries(&mut self) {
        for (id, mut agent) in std::mem::take(&mut self.entries) {
            if self.list.iter().all(|known| known.id != id) {
                agent.id = id;
                self.list.push(agent);
            }
        }
    }
}

/// `agents.defaults`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentDefaults {
    /// The folder that the agent works in.
    pub workspace: Option<String>,
    /// Which model answers.
    #[serde(deserialize_with = "model_choice")]
    pub model: ModelChoice,
    /// The longest that one answer may take.
    pub timeout_seconds: Option<u64>,
    /// The most model turns of one answer.
    pub max_turns: Option<u32>,
}

/// One entry of `agents.list`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Agent {
    /// Its id, part of session keys.
    pub id: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Whether it answers by default.
    pub default: bool,
    /// Its own folder.
    pub workspace: Option<String>,
    /// Its own model.
    #[serde(deserialize_with = "model_choice")]
    pub model: ModelChoice,
}

/// A model with fallbacks, as `provider/model`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelChoice {
    /// The first choice.
    pub primary: Option<String>,
    /// What is tried after it, in order.
    pub fallbacks: Vec<String>,
}

/// One entry of `bindings`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Binding {
    /// The agent that answers.
    pub agent_id: String,
    /// Where: all given fields must agree.
    #[serde(rename = "match")]
    pub matches: BindingMatch,
}

/// `bindings[].match`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BindingMatch {
    /// The channel, such as `telegram`.
    pub channel: Option<String>,
    /// The account of the channel.
    pub account_id: Option<String>,
    /// The person or group.
    pub peer: Option<BindingPeer>,
}

/// `bindings[].match.peer`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BindingPeer {
    /// `direct` or `group`.
    pub kind: Option<String>,
    /// Its id.
    #[serde(deserialize_with = "id_text")]
    pub id: String,
}

/// `channels`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Channels {
    /// Telegram.
    pub telegram: Telegram,
}

/// `channels.telegram`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Telegram {
    /// On or off; unset means on when there is a token.
    pub enabled: Option<bool>,
    /// The bot's token.
    pub bot_token: Option<SecretInput>,
    /// Who may write to it.
    pub dm_policy: DmPolicy,
    /// User ids that may write without pairing.
    #[serde(deserialize_with = "id_list")]
    pub allow_from: Vec<String>,
    /// Another Bot API server.
    pub api_root: Option<String>,
    /// A proxy for Telegram only.
    pub proxy: Option<String>,
    /// Whether answers appear while they are written.
    #[serde(deserialize_with = "streaming")]
    pub streaming: Streaming,
    /// More bots.
    pub accounts: BTreeMap<String, TelegramAccount>,
}

impl Telegram {
    /// Whether it should run.
    pub fn is_on(&self) -> bool {
        self.enabled.unwrap_or(true)
            && (self.bot_token.is_some() || self.accounts.values().any(|account| account.bot_token.is_some()))
    }
}

/// One entry of `channels.telegram.accounts`; what it leaves out holds as in `channels.telegram`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TelegramAccount {
    /// On or off.
    pub enabled: Option<bool>,
    /// The bot's token.
    pub bot_token: Option<SecretInput>,
    /// Who may write to it.
    pub dm_policy: Option<DmPolicy>,
    /// User ids that may write without pairing.
    #[serde(deserialize_with = "optional_id_list")]
    pub allow_from: Option<Vec<String>>,
    /// Another Bot API server.
    pub api_root: Option<String>,
    /// A proxy.
    pub proxy: Option<String>,
}

/// `dmPolicy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DmPolicy {
    /// Strangers get a code that the owner approves.
    #[default]
    Pairing,
    /// Only `allowFrom`.
    Allowlist,
    /// Everybody.
    Open,
    /// Nobody.
    Disabled,
}

/// `streaming`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Streaming {
    /// One message when the answer is complete.
    Off,
    /// One message, edited about once a second.
    #[default]
    Partial,
    /// A message per block.
    Block,
}

/// `models`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Models {
    /// The providers by id.
    pub providers: BTreeMap<String, Provider>,
}

/// One entry of `models.providers`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Provider {
    /// Where it is.
    pub base_url: Option<String>,
    /// Which wire format it speaks.
    pub api: ModelApi,
    /// Its key.
    pub api_key: Option<SecretInput>,
    /// The models that it offers.
    pub models: Vec<ModelEntry>,
    /// Headers that go with every request.
    pub headers: BTreeMap<String, String>,
    /// A proxy for this provider only.
    pub proxy: Option<String>,
}

/// `models.providers.*.api`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum ModelApi {
    /// `/v1/chat/completions`.
    #[default]
    #[serde(rename = "openai-completions")]
    OpenAi,
    /// `/v1/messages`.
    #[serde(rename = "anthropic-messages")]
    Anthropic,
    /// `/api/chat`.
    #[serde(rename = "ollama")]
    Ollama,
}

impl ModelApi {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai-completions",
            Self::Anthropic => "anthropic-messages",
            Self::Ollama => "ollama",
        }
    }
}

/// One entry of `models.providers.*.models`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelEntry {
    /// Its id at the provider.
    pub id: String,
    /// Its name for people.
    pub name: Option<String>,
    /// How many tokens it reads.
    pub context_window: Option<u64>,
    /// How many tokens it writes.
    pub max_tokens: Option<u64>,
}

/// `browser`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Browser {
    /// On or off; unset means on.
    pub enabled: Option<bool>,
    /// The control service's port; unset means base port + 2.
    pub control_port: Option<u16>,
    /// A running browser to attach to.
    pub cdp_url: Option<String>,
    /// The browser's executable.
    pub executable_path: Option<String>,
    /// Without a window.
    pub headless: Option<bool>,
    /// Without the browser's sandbox (containers).
    pub no_sandbox: bool,
    /// The profile that is used when none is named.
    pub default_profile: Option<String>,
    /// Named browser profiles.
    pub profiles: BTreeMap<String, BrowserProfile>,
}

/// One entry of `browser.profiles`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrowserProfile {
    /// A fixed CDP port.
    pub cdp_port: Option<u16>,
    /// A running browser to attach to.
    pub cdp_url: Option<String>,
    /// The window's accent.
    pub color: Option<String>,
}

/// `tools`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tools {
    /// Running commands.
    pub exec: Exec,
    /// Fetching web pages.
    pub web: Web,
}

/// `tools.exec`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exec {
    /// Off unless the file says so.
    pub enabled: bool,
    /// The longest that one command may run.
    pub timeout_seconds: Option<u64>,
}

/// `tools.web`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Web {
    /// `tools.web.fetch`.
    pub fetch: WebFetch,
}

/// `tools.web.fetch`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebFetch {
    /// On unless the file says otherwise.
    pub enabled: bool,
}

impl Default for WebFetch {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// `secrets`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Secrets {
    /// Where new secrets go.
    #[serde(rename = "default")]
    pub default_source: Option<crate::SecretSource>,
    /// Named sources.
    pub providers: BTreeMap<String, SecretProvider>,
}

/// One entry of `secrets.providers`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "source", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum SecretProvider {
    /// The operating system's keychain.
    Keychain {},
    /// Environment variables.
    Env {
        /// The variables that may be read; none means all.
        #[serde(default)]
        allowlist: Vec<String>,
    },
    /// A JSON file.
    File {
        /// Where it is.
        path: Option<String>,
    },
    /// A command that prints the secret.
    Exec {
        /// Its absolute path.
        command: String,
        /// Its arguments; `{id}` stands for the id.
        #[serde(default)]
        args: Vec<String>,
        /// Variables that it gets from the supervisor's environment.
        #[serde(default)]
        pass_env: Vec<String>,
        /// The longest that it may take.
        timeout_ms: Option<u64>,
        /// The most that it may print.
        max_output_bytes: Option<u64>,
    },
}

/// `rescue`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rescue {
    /// User ids that may use remedies; added on this machine only.
    #[serde(deserialize_with = "id_list")]
    pub operators: Vec<String>,
    /// The profile that is watched.
    pub watch: Option<String>,
}

/// `logging`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Logging {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: Option<LogLevel>,
}

/// `logging.level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    Silent,
    /// What failed.
    #[serde(alias = "fatal")]
    Error,
    /// And what is odd.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// As `tracing`'s filter names it.
    pub fn as_filter(self) -> &'static str {
        match self {
            Self::Silent => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// `null` means the same as a key that is not there.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => {
            Value::Array(items.into_iter().filter(|v| !v.is_null()).map(without_nulls).collect())
        }
        other => other,
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum IdValue {
    Number(i64),
    Text(String),
}

impl IdValue {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => {
                let text = text.trim();
                let bare = text.strip_prefix("telegram:").or_else(|| text.strip_prefix("tg:"));
                bare.unwrap_or(text).to_owned()
            }
        }
    }
}

fn id_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    IdValue::deserialize(deserializer).map(IdValue::into_text)
}

fn id_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let ids = Vec::<IdValue>::deserialize(deserializer)?;
    Ok(ids.into_iter().map(IdValue::into_text).collect())
}

fn optional_id_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    id_list(deserializer).map(Some)
}

fn model_choice<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ModelChoice, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Name(String),
        Full(ModelChoice),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Name(primary) => ModelChoice { primary: Some(primary), fallbacks: Vec::new() },
        Form::Full(choice) => choice,
    })
}

fn streaming<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Streaming, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Switch(bool),
        Name(String),
        Full {
            #[serde(default)]
            mode: Option<String>,
        },
    }
    let name = match Form::deserialize(deserializer)? {
        Form::Switch(on) => return Ok(if on { Streaming::Partial } else { Streaming::Off }),
        Form::Name(name) => Some(name),
        Form::Full { mode } => mode,
    };
    Ok(match name.as_deref() {
        Some("off") => Streaming::Off,
        Some("block") => Streaming::Block,
        _ => Streaming::Partial,
    })
}
