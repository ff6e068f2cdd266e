//! `approvals` and `tasks`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::gateway::Target;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead approvals pending\n  bulkhead approvals resolve 3f2a91c0 allow-once\n  bulkhead \
                  approvals allowlist add --agent main \"/usr/bin/git\"\n  bulkhead approvals get --json"
)]
pub struct ApprovalsArgs {
    #[command(subcommand)]
    pub command: ApprovalsCommand,
}

#[derive(Debug, Subcommand)]
pub enum ApprovalsCommand {
    /// What may run without asking: rules and allowlists.
    Get {
        #[command(flatten)]
        target: Target,
    },
    /// Replace the rules and allowlists by a JSON5 file.
    Set {
        /// The file.
        #[arg(long, value_name = "PATH", required_unless_present = "stdin", conflicts_with = "stdin")]
        file: Option<PathBuf>,
        /// Read it from standard input.
        #[arg(long)]
        stdin: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Commands that wait for a yes.
    Pending {
        #[command(flatten)]
        target: Target,
    },
    /// Answer one that waits. The first answer counts.
    Resolve {
        /// Its id, or the beginning of it.
        id: String,
        /// The answer.
        decision: Decision,
        #[command(flatten)]
        target: Target,
    },
    /// Programs that run without asking.
    Allowlist {
        #[command(subcommand)]
        command: AllowlistCommand,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Decision {
    /// This time.
    AllowOnce,
    /// This time, and the same command again in the same folder.
    AllowAlways,
    /// No.
    Deny,
}

impl Decision {
    /// The protocol's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowOnce => "allow-once",
            Self::AllowAlways => "allow-always",
            Self::Deny => "deny",
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum AllowlistCommand {
    /// Let a program run: a path pattern, or a bare name that is found on PATH.
    Add(AllowlistEntry),
    /// Take a pattern off again.
    Remove(AllowlistEntry),
}

#[derive(Debug, Args)]
pub struct AllowlistEntry {
    /// Such as /usr/bin/git, ~/bin/** or rg.
    pub pattern: String,
    /// Only for this agent.
    #[arg(long, value_name = "ID", default_value = "*")]
    pub agent: String,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead tasks list --status running\n  bulkhead tasks cancel 3f2a91c0-…"
)]
pub struct TasksArgs {
    #[command(subcommand)]
    pub command: TasksCommand,
}

#[derive(Debug, Subcommand)]
pub enum TasksCommand {
    /// Work beside conversations, the newest first.
    List {
        /// Only queued, running, completed, failed, cancelled or timed_out.
        #[arg(long, value_name = "STATUS")]
        status: Option<String>,
        /// Only cli or cron.
        #[arg(long, value_name = "NAME")]
        runtime: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// One, with what was asked and what came of it.
    Show {
        /// Its id, or that of its run.
        id: String,
        #[command(flatten)]
        target: Target,
    },
    /// Stop one that goes on.
    Cancel {
        /// Its id, or that of its run.
        id: String,
        #[command(flatten)]
        target: Target,
    },
}
