//! `message`.

use clap::{Args, Subcommand};

use super::channels::Channel;
use super::gateway::Target;

const EXAMPLES: &str = "\
Examples:
  bulkhead message send --target 123456789 --message \"The backup is done.\"
  bulkhead message send -t telegram:123456789 --account ops -m @report.txt --json";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct MessageArgs {
    #[command(subcommand)]
    pub command: MessageCommand,
}

#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    /// Send a text to a chat.
    #[command(after_help = EXAMPLES)]
    Send(SendArgs),
}

#[derive(Debug, Args)]
pub struct SendArgs {
    /// The chat: its number, also as telegram:NUMBER.
    #[arg(long, short, value_name = "CHAT", allow_hyphen_values = true)]
    pub target: String,
    /// The text; `-` or @FILE.
    #[arg(long, short, value_name = "TEXT")]
    pub message: String,
    /// The channel (default: the only one).
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<Channel>,
    /// The account that sends (default: the channel's default account).
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Say what would be sent, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Another gateway than this profile's.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Its token; `-` or @FILE.
    #[arg(long, value_name = "SECRET")]
    pub token: Option<super::secret_flag::SecretFlag>,
}

impl SendArgs {
    /// Where to ask.
    pub fn gateway(&self) -> Target {
        Target { url: self.url.clone(), token: self.token.clone(), ..Target::default() }
    }
}
