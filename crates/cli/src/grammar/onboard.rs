//! `onboard` and `setup`.

use clap::{Args, ValueEnum};

use super::gateway::Bind;
use super::secret_flag::SecretFlag;

const EXAMPLES: &str = "\
Examples:
  bulkhead onboard
  bulkhead --profile rescue onboard
  bulkhead onboard --rescue-for openclaw
  bulkhead onboard --non-interactive --accept-risk --mode local --auth-choice custom-api-key \\
    --custom-base-url http://127.0.0.1:8080/v1 --custom-model-id my-model --custom-provider-id mine \\
    --custom-api-key @key.txt --custom-compatibility openai --gateway-auth token \\
    --telegram-bot-token @bot.txt --secrets keychain --no-install-daemon --json
  bulkhead onboard --plan - --json < plan.json";

#[derive(Debug, Default, Args)]
#[command(after_help = EXAMPLES)]
pub struct OnboardArgs {
    /// Take a whole request as JSON from a file, or `-` for standard input; progress comes as JSON lines with --json.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<String>,
    /// Keep that program's gateway as main, and make only the profile that watches it (by default `rescue`).
    #[arg(long, value_enum, value_name = "PROGRAM")]
    pub rescue_for: Option<RescueFor>,
    /// The state directory or configuration file of what is watched (default: the one on this machine).
    #[arg(long, value_name = "DIR")]
    pub from: Option<String>,
    /// Ask nothing; everything comes from flags.
    #[arg(long)]
    pub non_interactive: bool,
    /// I know that an agent acts on this machine with my rights.
    #[arg(long)]
    pub accept_risk: bool,
    /// Where the gateway runs.
    #[arg(long, value_enum, value_name = "MODE", default_value = "local")]
    pub mode: Mode,
    /// Where secrets go. `file` is readable only by you, but not encrypted; `env` stores nothing.
    #[arg(long, value_enum, value_name = "WHERE")]
    pub secrets: Option<SecretsPlace>,
    /// Do not install a service; the gateway then runs only while the app or a terminal runs it.
    #[arg(long)]
    pub no_install_daemon: bool,
    /// Let the service run without a log-in, from the start of the machine on (Linux).
    #[arg(long, conflicts_with = "no_install_daemon")]
    pub linger: bool,
    /// Do not try model and bot before writing.
    #[arg(long)]
    pub skip_health: bool,
    #[command(flatten)]
    pub model: ModelFlags,
    #[command(flatten)]
    pub gateway: GatewayFlags,
    #[command(flatten)]
    pub telegram: TelegramFlags,
    #[command(flatten)]
    pub skips: Skips,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RescueFor {
    /// An installed OpenClaw.
    Openclaw,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// On this machine.
    #[default]
    Local,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelFlags {
    /// How the model is reached.
    #[arg(long, value_enum, value_name = "CHOICE")]
    pub auth_choice: Option<AuthChoice>,
    /// Address of a custom endpoint, such as http://127.0.0.1:8080/v1.
    #[arg(long, value_name = "URL")]
    pub custom_base_url: Option<String>,
    /// The model's id at its provider.
    #[arg(long, value_name = "ID")]
    pub custom_model_id: Option<String>,
    /// Name for the provider in the configuration.
    #[arg(long, value_name = "ID")]
    pub custom_provider_id: Option<String>,
    /// Key of the endpoint; `-` or @FILE.
    #[arg(long, value_name = "SECRET")]
    pub custom_api_key: Option<SecretFlag>,
    /// What the endpoint speaks.
    #[arg(long, value_enum, value_name = "API")]
    pub custom_compatibility: Option<Compatibility>,
    /// Key for Anthropic; `-` or @FILE.
    #[arg(long, value_name = "SECRET")]
    pub anthropic_api_key: Option<SecretFlag>,
    /// Key for OpenAI; `-` or @FILE.
    #[arg(long, value_name = "SECRET")]
    pub openai_api_key: Option<SecretFlag>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuthChoice {
    /// Any endpoint with an API key.
    CustomApiKey,
    /// Anthropic.
    AnthropicApiKey,
    /// OpenAI.
    OpenaiApiKey,
    /// Ollama on this machine or elsewhere.
    Ollama,
    /// No model now.
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compatibility {
    /// OpenAI chat completions.
    Openai,
    /// Anthropic messages.
    Anthropic,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Gateway")]
pub struct GatewayFlags {
    /// How clients prove that they may come in.
    #[arg(long, value_enum, value_name = "KIND")]
    pub gateway_auth: Option<GatewayAuth>,
    /// The shared token (default: a random one); `-` or @FILE.
    #[arg(long, value_name = "SECRET")]
    pub gateway_token: Option<SecretFlag>,
    /// Base port (default: the next free interval of 111 ports).
    #[arg(long, value_name = "PORT", value_parser = super::base_port)]
    pub gateway_port: Option<u16>,
    /// Which addresses to listen on.
    #[arg(long, value_enum, value_name = "WHERE")]
    pub gateway_bind: Option<Bind>,
    /// Folder that agents work in.
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<String>,
    /// Proxy for model and Telegram.
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GatewayAuth {
    /// A shared token.
    Token,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Telegram")]
pub struct TelegramFlags {
    /// Token of a bot that no other profile uses; `-` or @FILE.
    #[arg(long, value_name = "SECRET")]
    pub telegram_bot_token: Option<SecretFlag>,
    /// Another Bot API server.
    #[arg(long, value_name = "URL")]
    pub telegram_api_root: Option<String>,
    /// Telegram user id that is told when the other gateway is down, and may repair it; can be given several times.
    #[arg(long, value_name = "ID")]
    pub rescue_operator: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SecretsPlace {
    /// The operating system's keychain.
    Keychain,
    /// A file of mode 0600, not encrypted.
    File,
    /// Variables of whoever starts the gateway.
    Env,
}

/// Accepted so that scripts written for OpenClaw work; there is nothing here to skip.
#[derive(Debug, Default, Args)]
pub struct Skips {
    #[arg(long, hide = true)]
    pub skip_skills: bool,
    #[arg(long, hide = true)]
    pub skip_channels: bool,
    #[arg(long, hide = true)]
    pub skip_search: bool,
    #[arg(long, hide = true)]
    pub skip_ui: bool,
}

#[derive(Debug, Args)]
pub struct SetupArgs {
    /// Folder that agents work in.
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<String>,
    /// Base port (default: the next free interval of 111 ports).
    #[arg(long, value_name = "PORT", value_parser = super::base_port)]
    pub port: Option<u16>,
}
