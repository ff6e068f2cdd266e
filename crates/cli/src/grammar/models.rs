//! `models` and `skills`.

use clap::{Args, Subcommand};

use super::gateway::Target;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead models list\n  bulkhead models set openai/gpt-5\n  bulkhead models fallbacks add anthropic/claude-sonnet-4\n  bulkhead models probe openai/gpt-5"
)]
pub struct ModelsArgs {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// The models that are configured.
    List {
        /// Also what providers said they have.
        #[arg(long)]
        all: bool,
        /// Ask the providers for their lists now.
        #[arg(long)]
        refresh: bool,
        /// Only of this provider.
        #[arg(long, value_name = "ID")]
        provider: Option<String>,
        /// As this agent sees them.
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Which model answers, what follows it, and where keys come from.
    Status {
        /// Of this agent.
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
    },
    /// Choose the model that answers first.
    Set {
        /// provider/model, or an alias.
        model: String,
    },
    /// The models that are asked when the first one fails.
    Fallbacks {
        #[command(subcommand)]
        command: FallbacksCommand,
    },
    /// Short names of models.
    Aliases {
        #[command(subcommand)]
        command: AliasesCommand,
    },
    /// Ask each configured model for one word, and say how long it took.
    Probe {
        /// Only this one, as provider/model.
        model: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum FallbacksCommand {
    /// In their order.
    List,
    /// Put one at the end.
    Add {
        /// provider/model, or an alias.
        model: String,
    },
    /// Take one out.
    Remove {
        /// provider/model, or an alias.
        model: String,
    },
    /// Take all out.
    Clear,
}

#[derive(Debug, Subcommand)]
pub enum AliasesCommand {
    /// All of them.
    List,
    /// Give a model a short name.
    Add {
        /// The short name.
        alias: String,
        /// provider/model.
        model: String,
    },
    /// Take a short name away.
    Remove {
        /// The short name.
        alias: String,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead skills list --eligible\n  bulkhead skills info weather\n  bulkhead skills check --json"
)]
pub struct SkillsArgs {
    #[command(subcommand)]
    pub command: SkillsCommand,
}

#[derive(Debug, Subcommand)]
pub enum SkillsCommand {
    /// The skills that were found.
    List {
        /// Only those that can be used.
        #[arg(long)]
        eligible: bool,
        /// Of this agent.
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
    },
    /// Everything about one skill.
    Info {
        /// Its name or key.
        name: String,
        /// Of this agent.
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
    },
    /// Which can be used, and what the others lack.
    Check {
        /// Of this agent.
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
    },
}
