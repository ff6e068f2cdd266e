//! `agent`.

use std::time::Duration;

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead agent --message \"What is on my desk?\"\n  bulkhead agent --session-id report -m @question.txt --json"
)]
pub struct AgentArgs {
    /// What to do; `-` or @FILE.
    #[arg(long, short, value_name = "TEXT")]
    pub message: String,
    /// Go on with this conversation; a new name begins a new one.
    #[arg(long, value_name = "ID", conflicts_with = "session_key")]
    pub session_id: Option<String>,
    /// Go on with the conversation of this key, such as agent:main:main.
    #[arg(long, value_name = "KEY")]
    pub session_key: Option<String>,
    /// Which agent (default: the profile's default agent).
    #[arg(long, value_name = "ID")]
    pub agent: Option<String>,
    /// How hard to think.
    #[arg(long, value_name = "LEVEL")]
    pub thinking: Option<String>,
    /// The chat that it is about, with --channel: its conversation is gone on with.
    #[arg(long, short, value_name = "CHAT", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// The channel of that chat, and of the answer with --deliver.
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<String>,
    /// Also send the answer to a chat: the named one, else that of the conversation.
    #[arg(long)]
    pub deliver: bool,
    /// Another chat for the answer.
    #[arg(long, value_name = "CHAT", allow_hyphen_values = true, requires = "deliver")]
    pub reply_to: Option<String>,
    /// Another channel for the answer.
    #[arg(long, value_name = "CHANNEL", requires = "deliver")]
    pub reply_channel: Option<String>,
    /// The account of the channel that sends the answer.
    #[arg(long, value_name = "ACCOUNT", requires = "deliver")]
    pub reply_account: Option<String>,
    /// Seconds for the whole run.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "600")]
    pub timeout: Duration,
    /// Another gateway than this profile's.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Its token; `-` or @FILE.
    #[arg(long, value_name = "SECRET")]
    pub token: Option<super::secret_flag::SecretFlag>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds) if (1..=86_400).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected seconds from 1 to 86400".to_owned()),
    }
}
