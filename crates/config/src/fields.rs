//! The fields that the program reads, as data: validation, JSON schema, redaction and local-only rules read this table.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use crate::path::{ConfigPath, Segment};

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldKind {
    Switch,
    Text,
    /// A file or folder; `~` means the home folder.
    Path,
    Words(&'static [&'static str]),
    Number {
        min: u64,
        max: u64,
    },
    /// An amount of money, or another number from 0 up.
    Amount,
    Url(&'static [&'static str]),
    Secret,
    /// A text that is secret but has no reference form (headers).
    SecretText,
    /// Such as `30m` or `24h`; `false`: never, or for ever.
    Duration,
    Texts,
    /// Numbers or texts.
    Ids,
    Id,
    /// `"provider/model"` or `{ primary, fallbacks }`.
    Model,
    ModelName,
    /// How hard to think: a word, or `false`.
    Level,
    /// `true`, `"partial"` or `{ mode }`.
    Streaming,
    /// Checked by its children.
    Object,
    List,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) path: &'static str,
    pub(crate) kind: FieldKind,
    pub(crate) label: &'static str,
    /// Never changed by protocol or agent.
    pub(crate) local_only: bool,
}

const fn field(path: &'static str, kind: FieldKind, label: &'static str) -> Field {
    Field { path, kind, label, local_only: false }
}

const fn local(path: &'static str, kind: FieldKind, label: &'static str) -> Field {
    Field { path, kind, label, local_only: true }
}

use FieldKind::{
    Amount, Duration, Id, Ids, Level, List, Model, ModelName, Number, Object, Path, Secret, SecretText,
    Streaming, Switch, Text, Texts, Url, Words,
};

const HTTP: &[&str] = &["http", "https"];
const PROXY: &[&str] = &["http", "https", "socks5", "socks5h"];
const POLICIES: &[&str] = &["pairing", "allowlist", "open", "disabled"];
const GROUP_POLICIES: &[&str] = &["open", "allowlist", "disabled"];
const MODES: &[&str] = &["deny", "allowlist", "ask", "auto", "full"];
const SECURITY: &[&str] = &["deny", "allowlist", "full"];
const ASK: &[&str] = &["off", "on-miss", "always"];
const SCOPES: &[&str] = &["main", "per-peer", "per-channel-peer", "per-account-channel-peer"];
pub(crate) const LEVELS: &[&str] =
    &["off", "minimal", "low", "medium", "high", "xhigh", "adaptive", "max", "ultra"];
const PORT: FieldKind = Number { min: 1, max: 65_535 };
const SECONDS: FieldKind = Number { min: 1, max: 86_400 };
const TOKENS: FieldKind = Number { min: 1, max: 100_000_000 };

/// The highest base port: the interval of a profile reaches 110 above it.
pub(crate) const MAX_BASE_PORT: u64 = 65_425;

/// `*` stands for any key, `[]` for any entry of a list.
pub(crate) const FIELDS: &[Field] = &[
    field("gateway.mode", Words(&["local", "remote"]), "Which gateway this profile uses"),
    field("gateway.port", Number { min: 1024, max: MAX_BASE_PORT }, "Base port"),
    local("gateway.bind", Words(&["loopback", "lan", "tailnet", "auto", "custom"]), "Addresses to listen on"),
    local("gateway.customBindHost", Text, "Address for bind \"custom\""),
    field("gateway.auth.mode", Words(&["token", "password", "none"]), "Kind of shared secret"),
    field("gateway.auth.token", Secret, "Gateway token"),
    field("gateway.auth.password", Secret, "Gateway password"),
    field("gateway.controlUi.enabled", Switch, "Serve the web UI"),
    field("gateway.controlUi.basePath", Text, "Path prefix of the web UI"),
    local("gateway.controlUi.root", Path, "Folder with another web UI"),
    field("gateway.controlUi.allowedOrigins", Texts, "Origins that may connect"),
    field("gateway.http.endpoints.chatCompletions.enabled", Switch, "Serve /v1/chat/completions"),
    field("gateway.http.endpoints.responses.enabled", Switch, "Serve /v1/responses"),
    local("gateway.nodes.pairing.autoApproveCidrs", Texts, "Networks whose new nodes are let in unasked"),
    local("gateway.nodes.pairing.autoApproveLocal", Switch, "Let devices of this machine in unasked"),
    field("gateway.nodes.commands.allow", Texts, "Commands that nodes may do beyond the usual ones"),
    field("gateway.nodes.commands.deny", Texts, "Commands that nodes may never do"),
    field("gateway.nodes.allowCommands", Texts, "Older name of gateway.nodes.commands.allow"),
    field("gateway.nodes.denyCommands", Texts, "Older name of gateway.nodes.commands.deny"),
    field("gateway.trustedProxies", Texts, "Proxies whose forwarding headers are believed"),
    local("gateway.remote.url", Url(&["ws", "wss", "http", "https"]), "Remote gateway"),
    field("gateway.remote.token", Secret, "Token of the remote gateway"),
    field("gateway.remote.password", Secret, "Password of the remote gateway"),
    local("gateway.remote.tlsFingerprint", Text, "Certificate of the remote gateway (SHA-256)"),
    local("gateway.remote.sshTarget", Text, "SSH way to the remote gateway (user@host)"),
    local("gateway.remote.sshIdentity", Path, "Key file for that"),
    local("gateway.tls.enabled", Switch, "Encrypt what other machines say"),
    local("gateway.tls.autoGenerate", Switch, "Make a certificate of its own"),
    local("gateway.tls.certPath", Path, "Certificate chain (PEM)"),
    local("gateway.tls.keyPath", Path, "Private key (PEM)"),
    local("gateway.metrics.enabled", Switch, "Serve /metrics"),
    local("gateway.metrics.requireAuth", Switch, "/metrics asks for the gateway's secret"),
    local("gateway.tools.allow", Texts, "Tools that POST /tools/invoke reaches all the same"),
    local("gateway.tools.deny", Texts, "Tools that POST /tools/invoke never reaches"),
    field("agents.defaults.workspace", Path, "Workspace"),
    field("agents.defaults.model", Model, "Model"),
    field("agents.defaults.model.primary", ModelName, "First choice"),
    field("agents.defaults.model.fallbacks", Texts, "Fallbacks, in order"),
    field("agents.defaults.models.*.alias", Text, "Short name of this model"),
    field("agents.defaults.models.*.params.thinking", Level, "How hard this model thinks"),
    field("agents.defaults.thinkingDefault", Words(LEVELS), "How hard models think"),
    field("agents.list[].thinkingDefault", Words(LEVELS), "How hard this agent's models think"),
    field("agents.list[].models.*.params.thinking", Level, "How hard this model thinks"),
    field("agents.entries.*.thinkingDefault", Words(LEVELS), "How hard this agent's models think"),
    field("agents.entries.*.models.*.params.thinking", Level, "How hard this model thinks"),
    field("agents.defaults.skills", Texts, "Skills that agents may use"),
    field("agents.defaults.systemAgent.agentId", Text, "Agent that answers by default"),
    field("agents.defaults.timeoutSeconds", SECONDS, "Longest time for one answer"),
    field("agents.defaults.maxTurns", Number { min: 1, max: 1000 }, "Most model turns of one answer"),
    field("agents.defaults.userTimezone", Text, "Time zone of the person"),
    field("agents.defaults.heartbeat.every", Duration, "How often the agent looks by itself"),
    field("agents.defaults.heartbeat.activeHours.start", Text, "Heartbeats from, such as 08:00"),
    field("agents.defaults.heartbeat.activeHours.end", Text, "Heartbeats until, such as 24:00"),
    field("agents.defaults.heartbeat.activeHours.timezone", Text, "Time zone of these hours"),
    field("agents.defaults.heartbeat.model", Text, "Model of heartbeats"),
    field("agents.defaults.heartbeat.session", Text, "Conversation of heartbeats"),
    field("agents.defaults.heartbeat.target", Text, "Who is told: owner, last, none or a channel"),
    field("agents.defaults.heartbeat.to", Id, "Chat that is told"),
    field("agents.defaults.heartbeat.accountId", Text, "Account that tells"),
    field("agents.defaults.heartbeat.prompt", Text, "What the agent is asked"),
    field("agents.defaults.heartbeat.timeoutSeconds", SECONDS, "Longest time for one heartbeat"),
    field("agents.defaults.heartbeat.lightContext", Switch, "Without the files that describe the agent"),
    field("agents.defaults.heartbeat.isolatedSession", Switch, "In a fresh conversation each time"),
    field(
        "agents.defaults.heartbeat.directPolicy",
        Words(&["allow", "block"]),
        "Whether direct chats are told",
    ),
    field("agents.list[].id", Text, "Agent id"),
    field("agents.list[].name", Text, "Agent name"),
    field("agents.list[].default", Switch, "Answers by default"),
    field("agents.list[].workspace", Path, "Agent's own workspace"),
    field("agents.list[].model", Model, "Agent's own model"),
    field("agents.list[].model.primary", ModelName, "First choice"),
    field("agents.list[].model.fallbacks", Texts, "Fallbacks, in order"),
    field("agents.list[].skills", Texts, "Skills that this agent may use"),
    field("agents.entries.*.skills", Texts, "Skills that this agent may use"),
    field("agents.list[].identity.name", Text, "Name that it goes by"),
    field("agents.list[].identity.theme", Text, "How it presents itself"),
    field("agents.list[].identity.emoji", Text, "Its emoji"),
    field("agents.list[].identity.avatar", Text, "Its picture"),
    field("agents.list[].tools.allow", Texts, "Tools that it has"),
    field("agents.list[].tools.deny", Texts, "Tools that it does not have"),
    field("agents.list[].heartbeat.every", Duration, "How often the agent looks by itself"),
    field("agents.list[].heartbeat.activeHours.start", Text, "Heartbeats from, such as 08:00"),
    field("agents.list[].heartbeat.activeHours.end", Text, "Heartbeats until, such as 24:00"),
    field("agents.list[].heartbeat.activeHours.timezone", Text, "Time zone of these hours"),
    field("agents.list[].heartbeat.model", Text, "Model of heartbeats"),
    field("agents.list[].heartbeat.session", Text, "Conversation of heartbeats"),
    field("agents.list[].heartbeat.target", Text, "Who is told: owner, last, none or a channel"),
    field("agents.list[].heartbeat.to", Id, "Chat that is told"),
    field("agents.list[].heartbeat.accountId", Text, "Account that tells"),
    field("agents.list[].heartbeat.prompt", Text, "What the agent is asked"),
    field("agents.list[].heartbeat.timeoutSeconds", SECONDS, "Longest time for one heartbeat"),
    field("agents.list[].heartbeat.lightContext", Switch, "Without the files that describe the agent"),
    field("agents.list[].heartbeat.isolatedSession", Switch, "In a fresh conversation each time"),
    field(
        "agents.list[].heartbeat.directPolicy",
        Words(&["allow", "block"]),
        "Whether direct chats are told",
    ),
    field("agents.entries.*.name", Text, "Agent name"),
    field("agents.entries.*.default", Switch, "Answers by default"),
    field("agents.entries.*.workspace", Path, "Agent's own workspace"),
    field("agents.entries.*.model", Model, "Agent's own model"),
    field("agents.entries.*.model.primary", ModelName, "First choice"),
    field("agents.entries.*.model.fallbacks", Texts, "Fallbacks, in order"),
    field("agents.entries.*.identity.name", Text, "Name that it goes by"),
    field("agents.entries.*.identity.theme", Text, "How it presents itself"),
    field("agents.entries.*.identity.emoji", Text, "Its emoji"),
    field("agents.entries.*.identity.avatar", Text, "Its picture"),
    field("agents.entries.*.tools.allow", Texts, "Tools that it has"),
    field("agents.entries.*.tools.deny", Texts, "Tools that it does not have"),
    field("bindings[].type", Words(&["route", "acp"]), "Kind of binding"),
    field("bindings[].comment", Text, "What it is for"),
    field("agents.entries.*.heartbeat.every", Duration, "How often the agent looks by itself"),
    field("agents.entries.*.heartbeat.activeHours.start", Text, "Heartbeats from, such as 08:00"),
    field("agents.entries.*.heartbeat.activeHours.end", Text, "Heartbeats until, such as 24:00"),
    field("agents.entries.*.heartbeat.activeHours.timezone", Text, "Time zone of these hours"),
    field("agents.entries.*.heartbeat.model", Text, "Model of heartbeats"),
    field("agents.entries.*.heartbeat.session", Text, "Conversation of heartbeats"),
    field("agents.entries.*.heartbeat.target", Text, "Who is told: owner, last, none or a channel"),
    field("agents.entries.*.heartbeat.to", Id, "Chat that is told"),
    field("agents.entries.*.heartbeat.accountId", Text, "Account that tells"),
    field("agents.entries.*.heartbeat.prompt", Text, "What the agent is asked"),
    field("agents.entries.*.heartbeat.timeoutSeconds", SECONDS, "Longest time for one heartbeat"),
    field("agents.entries.*.heartbeat.lightContext", Switch, "Without the files that describe the agent"),
    field("agents.entries.*.heartbeat.isolatedSession", Switch, "In a fresh conversation each time"),
    field(
        "agents.entries.*.heartbeat.directPolicy",
        Words(&["allow", "block"]),
        "Whether direct chats are told",
    ),
    field("bindings[].agentId", Text, "Agent that answers"),
    field("bindings[].match.channel", Text, "Channel"),
    field("bindings[].match.accountId", Text, "Account of the channel"),
    field("bindings[].match.peer.kind", Words(&["direct", "dm", "group", "channel"]), "Kind of chat"),
    field("bindings[].match.peer.id", Id, "Chat id"),
    field("bindings[].session.dmScope", Words(SCOPES), "Which private messages share a conversation"),
    field("session.dmScope", Words(SCOPES), "Which private messages share a conversation"),
    field("channels.telegram.enabled", Switch, "Telegram on"),
    field("channels.telegram.botToken", Secret, "Bot token"),
    field("channels.telegram.dmPolicy", Words(POLICIES), "Who may write"),
    field("channels.telegram.allowFrom", Ids, "User ids that may write"),
    local("channels.telegram.apiRoot", Url(HTTP), "Bot API server"),
    local("channels.telegram.proxy", Url(PROXY), "Proxy for Telegram"),
    field("channels.telegram.streaming", Streaming, "Show answers while they are written"),
    field("channels.telegram.streaming.mode", Words(&["off", "partial", "block", "progress"]), "How"),
    local("channels.telegram.execApprovals.enabled", Switch, "Ask approvers about commands"),
    local("channels.telegram.execApprovals.approvers", Ids, "User ids that may approve commands"),
    field("channels.telegram.defaultAccount", Text, "Account that is meant when none is named"),
    field("channels.telegram.name", Text, "Account's name for people"),
    field("channels.telegram.accounts.*.enabled", Switch, "Bot on"),
    field("channels.telegram.accounts.*.name", Text, "Account's name for people"),
    field("channels.telegram.accounts.*.botToken", Secret, "Bot token"),
    field("channels.telegram.accounts.*.dmPolicy", Words(POLICIES), "Who may write"),
    field("channels.telegram.accounts.*.allowFrom", Ids, "User ids that may write"),
    local("channels.telegram.accounts.*.apiRoot", Url(HTTP), "Bot API server"),
    local("channels.telegram.accounts.*.proxy", Url(PROXY), "Proxy"),
    field("channels.telegram.groupPolicy", Words(GROUP_POLICIES), "Who is answered in groups"),
    field("channels.telegram.groupAllowFrom", Ids, "User ids that are answered in groups"),
    field("channels.telegram.groups.*.enabled", Switch, "Answer in this group"),
    field("channels.telegram.groups.*.requireMention", Switch, "Only when mentioned"),
    field("channels.telegram.groups.*.groupPolicy", Words(GROUP_POLICIES), "Who is answered there"),
    field("channels.telegram.groups.*.allowFrom", Ids, "User ids that are answered there"),
    field("channels.telegram.accounts.*.groupPolicy", Words(GROUP_POLICIES), "Who is answered in groups"),
    field("channels.telegram.accounts.*.groupAllowFrom", Ids, "User ids that are answered in groups"),
    field("channels.telegram.accounts.*.groups.*.enabled", Switch, "Answer in this group"),
    field("channels.telegram.accounts.*.groups.*.requireMention", Switch, "Only when mentioned"),
    field(
        "channels.telegram.accounts.*.groups.*.groupPolicy",
        Words(GROUP_POLICIES),
        "Who is answered there",
    ),
    field("channels.telegram.accounts.*.groups.*.allowFrom", Ids, "User ids that are answered there"),
    local("models.providers.*.baseUrl", Url(HTTP), "Address of the provider"),
    field(
        "models.providers.*.api",
        Words(&["openai-completions", "anthropic-messages", "ollama"]),
        "Wire format",
    ),
    field("models.providers.*.apiKey", Secret, "API key"),
    field("models.providers.*.models[].id", Text, "Model id"),
    field("models.providers.*.models[].name", Text, "Model name"),
    field("models.providers.*.models[].contextWindow", TOKENS, "Tokens that it reads"),
    field("models.providers.*.models[].maxTokens", TOKENS, "Tokens that it writes"),
    field("models.providers.*.models[].reasoning", Switch, "Thinks before it answers"),
    field(
        "models.providers.*.models[].compat.supportsReasoningEffort",
        Switch,
        "Can be told how hard to think",
    ),
    field("models.providers.*.models[].compat.supportedReasoningEfforts", Texts, "Efforts that it takes"),
    field("models.providers.*.models[].cost.input", Amount, "Price of a million tokens read"),
    field("models.providers.*.models[].cost.output", Amount, "Price of a million tokens written"),
    field("models.providers.*.models[].cost.cacheRead", Amount, "Price of a million tokens out of the cache"),
    field("models.providers.*.models[].cost.cacheWrite", Amount, "Price of a million tokens into the cache"),
    field("models.providers.*.models[].input", Texts, "What it takes: text, image"),
    field("models.providers.*.headers.*", SecretText, "Header"),
    local("models.providers.*.proxy", Url(PROXY), "Proxy for this provider"),
    field("browser.enabled", Switch, "Browser seat on"),
    field("browser.controlPort", PORT, "Port of the control service"),
    field("browser.cdpUrl", Url(&["http", "https", "ws", "wss"]), "Running browser to attach to"),
    local("browser.executablePath", Path, "Browser's executable"),
    field("browser.headless", Switch, "Without a window"),
    local("browser.noSandbox", Switch, "Without the browser's sandbox"),
    field("browser.defaultProfile", Text, "Browser profile used by default"),
    field("browser.profiles.*.cdpPort", PORT, "Fixed CDP port"),
    field("browser.profiles.*.cdpUrl", Url(&["http", "https", "ws", "wss"]), "Running browser to attach to"),
    field("browser.profiles.*.color", Text, "Accent"),
    local("tools.exec.enabled", Switch, "Agents may run commands"),
    local("tools.exec.timeoutSeconds", SECONDS, "Longest time for one command"),
    local("tools.exec.mode", Words(MODES), "Which commands run, and which are asked about"),
    local("tools.exec.security", Words(SECURITY), "Which commands may run"),
    local("tools.exec.ask", Words(ASK), "Which commands a person is asked about"),
    local("tools.exec.approvalTimeoutSeconds", SECONDS, "How long a person is waited for"),
    local("agents.list[].tools.exec.enabled", Switch, "This agent may run commands"),
    local("agents.list[].tools.exec.mode", Words(MODES), "Which commands of it run or are asked about"),
    local("agents.list[].tools.exec.security", Words(SECURITY), "Which commands of it may run"),
    local("agents.list[].tools.exec.ask", Words(ASK), "Which commands of it a person is asked about"),
    local("agents.entries.*.tools.exec.enabled", Switch, "This agent may run commands"),
    local("agents.entries.*.tools.exec.mode", Words(MODES), "Which commands of it run or are asked about"),
    local("agents.entries.*.tools.exec.security", Words(SECURITY), "Which commands of it may run"),
    local("agents.entries.*.tools.exec.ask", Words(ASK), "Which commands of it a person is asked about"),
    local("commands.ownerAllowFrom", Ids, "Ids of owners on channels"),
    field("tools.allow", Texts, "Tools that agents have"),
    field("tools.deny", Texts, "Tools that no agent has"),
    field("tools.web.fetch.enabled", Switch, "Agents may fetch web pages"),
    local("skills.load.extraDirs", Texts, "Further folders with skills"),
    field("skills.entries.*.enabled", Switch, "Skill on"),
    local("skills.entries.*.apiKey", Secret, "Key that the skill's commands get"),
    local("skills.entries.*.env.*", Secret, "Variable that the skill's commands get"),
    local("secrets.default", Words(&["keychain", "env", "file"]), "Where new secrets go"),
    local("secrets.providers.*.source", Words(&["keychain", "env", "file", "exec"]), "Kind of source"),
    local("secrets.providers.*.path", Path, "Secrets file"),
    local("secrets.providers.*.allowlist", Texts, "Variables that may be read"),
    local("secrets.providers.*.command", Path, "Command that prints the secret"),
    local("secrets.providers.*.args", Texts, "Its arguments"),
    local("secrets.providers.*.passEnv", Texts, "Variables that it gets"),
    local("secrets.providers.*.timeoutMs", Number { min: 1, max: 120_000 }, "Its time limit"),
    local("secrets.providers.*.maxOutputBytes", Number { min: 1, max: 1_048_576 }, "Its size limit"),
    local("rescue.operators", Ids, "User ids that may repair"),
    local("rescue.watch", Text, "Profile that is watched"),
    local("rescue.main.kind", Words(&["bundled", "openclaw", "remote"]), "What runs the watched gateway"),
    local("rescue.main.profile", Text, "Profile of the watched gateway"),
    local("rescue.main.configPath", Path, "Configuration of the watched OpenClaw"),
    local("rescue.main.stateDir", Path, "State directory of the watched OpenClaw"),
    local("rescue.main.url", Url(&["ws", "wss", "http", "https"]), "Address of the watched gateway"),
    local("rescue.main.unit", Text, "Service of the watched gateway"),
    local("rescue.auto", Words(&["off", "restart", "rollback"]), "What is repaired without asking"),
    local("rescue.quietHours.from", Text, "Quiet from, such as 22:00"),
    local("rescue.quietHours.to", Text, "Quiet until, such as 07:00"),
    local("rescue.quietHours.timeZone", Text, "Time zone of the quiet hours"),
    local("rescue.quietHours.urgent", Words(&["down", "none"]), "What is told in quiet hours all the same"),
    local("rescue.notify.telegram", Switch, "Tell operators on Telegram"),
    local("rescue.notify.desktop", Switch, "Tell by notification on this machine"),
    field("cron.enabled", Switch, "Jobs run by themselves"),
    field("cron.maxConcurrentRuns", Number { min: 1, max: 64 }, "Most runs at the same time"),
    field("cron.sessionRetention", Duration, "How long conversations of finished runs are kept"),
    field("cron.skipMissedJobs", Switch, "Do not make up for missed times"),
    field("cron.webhookToken", Secret, "Token for receivers of outcomes"),
    local("cron.webhookSsrfPolicy.allowedHostnames", Texts, "Receivers that may be reached anywhere"),
    local("cron.webhookSsrfPolicy.dangerouslyAllowPrivateNetwork", Switch, "Receivers may be anywhere"),
    field("cron.failureAlert.enabled", Switch, "Tell of failures"),
    field("cron.failureAlert.after", Number { min: 1, max: 1000 }, "After so many one after another"),
    field("cron.failureAlert.cooldownMs", Number { min: 0, max: 31_536_000_000 }, "Between two alerts"),
    field("cron.failureAlert.includeSkipped", Switch, "Skipped runs count too"),
    field("cron.failureAlert.channel", Text, "Channel for alerts"),
    field("cron.failureAlert.to", Id, "Chat for alerts"),
    field("cron.failureAlert.accountId", Text, "Account for alerts"),
    local("hooks", Object, "Incoming hooks"),
    local("hooks.enabled", Switch, "Hooks on"),
    local("hooks.path", Text, "Path below which they are"),
    local("hooks.token", Secret, "Their own token"),
    local("hooks.allowedAgentIds", Texts, "Agents that may be asked"),
    local("hooks.defaultSessionKey", Text, "Conversation of requests that name none"),
    local("hooks.allowRequestSessionKey", Switch, "Requests may name a conversation"),
    local("hooks.allowedSessionKeyPrefixes", Texts, "How its name must begin"),
    local("hooks.mappings[].id", Text, "Name of the mapping"),
    local("hooks.mappings[].match.path", Text, "Path that it is for"),
    local("hooks.mappings[].match.source", Text, "Source that it is for"),
    local("hooks.mappings[].action", Words(&["agent", "wake"]), "What it does"),
    local("hooks.mappings[].wakeMode", Words(&["now", "next-heartbeat"]), "When it is told"),
    local("hooks.mappings[].name", Text, "What it is called"),
    local("hooks.mappings[].agentId", Text, "Agent that is asked"),
    local("hooks.mappings[].sessionKey", Text, "Conversation"),
    local("hooks.mappings[].sessionMode", Words(&["isolated", "persistent"]), "Fresh each time, or not"),
    local("hooks.mappings[].messageTemplate", Text, "What the agent is asked"),
    local("hooks.mappings[].textTemplate", Text, "What it is told"),
    local("hooks.mappings[].forEach", Text, "List of which each entry is one message"),
    local("hooks.mappings[].deliver", Switch, "Announce the answer"),
    local("hooks.mappings[].channel", Text, "Channel for the answer"),
    local("hooks.mappings[].to", Id, "Chat for the answer"),
    local("hooks.mappings[].model", Text, "Model"),
    local("hooks.mappings[].timeoutSeconds", SECONDS, "Longest time for the answer"),
    field(
        "logging.level",
        Words(&["silent", "fatal", "error", "warn", "info", "debug", "trace"]),
        "How much is logged",
    ),
];

/// The table as a tree.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) field: Option<&'static Field>,
    pub(crate) keys: BTreeMap<&'static str, Shape>,
    pub(crate) any_key: Option<Box<Shape>>,
    pub(crate) entry: Option<Box<Shape>>,
}

impl Shape {
    pub(crate) fn root() -> &'static Self {
        static ROOT: OnceLock<Shape> = OnceLock::new();
        ROOT.get_or_init(|| {
            let mut root = Self::default();
            for field in FIELDS {
                root.add(field.path, field);
            }
            root
        })
    }

    /// What may stand here; containers follow from their children.
    pub(crate) fn kind(&self) -> FieldKind {
        match self.field {
            Some(field) => field.kind,
            None if self.entry.is_some() => List,
            None => Object,
        }
    }

    pub(crate) fn child(&self, key: &str) -> Option<&Self> {
        self.keys.get(key).or(self.any_key.as_deref())
    }

    pub(crate) fn at(&self, path: &ConfigPath) -> Option<&Self> {
        path.segments().iter().try_fold(self, |shape, segment| match segment {
            Segment::Key(key) => shape.child(key).or(shape.entry.as_deref()),
            Segment::Index(_) => shape.entry.as_deref(),
        })
    }

    fn add(&mut self, path: &'static str, field: &'static Field) {
        if path.is_empty() {
            self.field = Some(field);
        } else if let Some(rest) = path.strip_prefix("[]") {
            self.entry.get_or_insert_default().add(rest.trim_start_matches('.'), field);
        } else {
            let end = path.find(['.', '[']).unwrap_or(path.len());
            let (key, rest) = path.split_at(end);
            let next = if key == "*" {
                self.any_key.get_or_insert_default()
            } else {
                self.keys.entry(key).or_default()
            };
            next.add(rest.trim_start_matches('.'), field);
        }
    }
}

/// Whether the program reads something at this path or below it.
pub fn is_known(path: &ConfigPath) -> bool {
    Shape::root().at(path).is_some()
}

/// Whether the program reads a secret here that could be a reference.
pub(crate) fn is_secret(path: &ConfigPath) -> bool {
    Shape::root().at(path).and_then(|shape| shape.field).is_some_and(|field| field.kind == Secret)
}

/// Whether a value at this path is secret: by the table, and by name for keys that only others read.
pub fn is_sensitive(path: &ConfigPath) -> bool {
    if let Some(field) = Shape::root().at(path).and_then(|shape| shape.field) {
        return matches!(field.kind, Secret | SecretText);
    }
    let names: Vec<String> = path
        .segments()
        .iter()
        .filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.to_lowercase().replace(['_', '-'], "")),
            Segment::Index(_) => None,
        })
        .collect();
    let in_env = matches!(names.as_slice(), [first, ..] if first == "env");
    in_env
        || names.last().is_some_and(|name| {
            ["token", "password", "passwd", "secret", "apikey", "privatekey", "credential", "credentials"]
                .iter()
                .any(|end| name.ends_with(end))
                || ["authorization", "cookie", "xapikey"].contains(&name.as_str())
        })
}

/// Whether a field changes only on this machine, never by protocol or agent.
///
/// Addresses that secrets go to (`baseUrl`, `apiRoot`, `proxy`) count too: pointing them elsewhere would hand the
/// secret to another host. [`check_remote_change`](crate::check_remote_change) looks at the actual change.
pub fn is_local_only(path: &str) -> bool {
    let Ok(path) = ConfigPath::parse(path) else { return true };
    (1..=path.segments().len())
        .filter_map(|len| Shape::root().at(&path.prefix(len)))
        .any(|shape| shape.field.is_some_and(|field| field.local_only))
        || path.segments().first() == Some(&Segment::Key("rescue".to_owned()))
        || is_secret_provider(&path)
}

fn is_secret_provider(path: &ConfigPath) -> bool {
    let is = |index: usize, name: &str| path.segments().get(index) == Some(&Segment::Key(name.to_owned()));
    is(0, "secrets")
}

/// Whether two addresses lead to the same host.
pub(crate) fn same_host(a: &Value, b: &Value) -> bool {
    let host = |value: &Value| {
        let url = url::Url::parse(value.as_str()?).ok()?;
        Some((url.scheme().to_owned(), url.host_str()?.to_owned(), url.port_or_known_default()))
    };
    matches!((host(a), host(b)), (Some(a), Some(b)) if a == b)
}
