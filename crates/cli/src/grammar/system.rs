//! `bulkhead system`: what happened, heartbeats, who is here.

use clap::{Args, Subcommand, ValueEnum};

use super::cron::Wake;
use super::gateway::Target;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead system event --text \"The import is done\" --mode now\n  bulkhead system \
                        heartbeat last"
)]
pub struct SystemArgs {
    #[command(subcommand)]
    pub command: SystemCommand,
}

#[derive(Debug, Subcommand)]
pub enum SystemCommand {
    /// Tell the agent that something happened.
    Event {
        /// What.
        #[arg(long)]
        text: String,
        /// When it is told.
        #[arg(long, value_enum, value_name = "WHEN", default_value = "next-heartbeat")]
        mode: Wake,
        /// Another conversation than the main one; told at once.
        #[arg(long, value_name = "KEY")]
        session_key: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// The agent's own look whether something needs attention.
    Heartbeat {
        /// What to do.
        #[arg(value_enum)]
        action: HeartbeatAction,
        #[command(flatten)]
        target: Target,
    },
    /// Who is here.
    Presence {
        #[command(flatten)]
        target: Target,
    },
}

/// What can be done about heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HeartbeatAction {
    /// How the last one went.
    Last,
    /// On again.
    Enable,
    /// Off until the next start of the gateway.
    Disable,
}
