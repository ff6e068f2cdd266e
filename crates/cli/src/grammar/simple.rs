//! Commands with few flags.

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::gateway::Target;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead status\n  bulkhead status --deep\n  bulkhead --profile rescue status --only --json"
)]
pub struct StatusArgs {
    /// Only this profile, not the others beside it.
    #[arg(long)]
    pub only: bool,
    /// Also ask the gateway: sessions, tasks, channels. Opens the place of secrets.
    #[arg(long)]
    pub deep: bool,
    /// Accepted for scripts; every profile is shown anyway.
    #[arg(long, hide = true)]
    pub all: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead logs --follow\n  bulkhead --profile rescue logs --limit 50 --json"
)]
pub struct LogsArgs {
    /// Go on with new lines as they come.
    #[arg(long, short)]
    pub follow: bool,
    /// How many lines.
    #[arg(long, short = 'n', value_name = "LINES", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub limit: u32,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Debug, Args)]
pub struct PairingArgs {
    #[command(subcommand)]
    pub command: PairingCommand,
}

#[derive(Debug, Subcommand)]
pub enum PairingCommand {
    /// Who waits for approval.
    List {
        /// Only this channel.
        channel: Option<String>,
    },
    /// Let somebody in by the code they were told.
    #[command(
        after_help = "Examples:\n  bulkhead pairing approve telegram ABCD2345\n  bulkhead --profile rescue \
                            pairing approve telegram ABCD2345 --operator"
    )]
    Approve {
        /// The channel, such as telegram.
        channel: String,
        /// The code.
        code: String,
        /// Tell them on the channel.
        #[arg(long)]
        notify: bool,
        /// Also make them an operator: told when the watched gateway is down, and allowed to repair it.
        #[arg(long)]
        operator: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bulkhead dashboard\n  bulkhead --profile rescue dashboard --no-open")]
pub struct DashboardArgs {
    /// Print the address instead of opening it. It carries the token: keep it to yourself.
    #[arg(long)]
    pub no_open: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bulkhead completions bash > ~/.local/share/bash-completion/completions/bulkhead"
)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManualArgs {
    /// A folder that exists.
    #[arg(long, value_name = "FOLDER")]
    pub out: std::path::PathBuf,
}
