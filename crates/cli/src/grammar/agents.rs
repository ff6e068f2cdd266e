//! `agents`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  bulkhead agents list --bindings
  bulkhead agents add ops --model openai/gpt-5 --bind telegram:ops
  bulkhead agents bind --agent ops --bind telegram:*
  bulkhead agents set-identity --agent main --name Ada --emoji 🦊
  bulkhead agents delete ops

They are entries of the configuration: a running gateway follows.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AgentsArgs {
    #[command(subcommand)]
    pub command: Option<AgentsCommand>,
}

#[derive(Debug, Subcommand)]
pub enum AgentsCommand {
    /// The agents, where they work, with which model.
    List {
        /// Also which messages each one answers.
        #[arg(long)]
        bindings: bool,
    },
    /// Add an agent with a workspace of its own.
    Add(AddArgs),
    /// Take an agent out, with its bindings; its own folder goes to the trash.
    Delete {
        /// Its id.
        id: String,
        /// Ask nothing.
        #[arg(long)]
        force: bool,
    },
    /// How an agent presents itself; without flags as its IDENTITY.md says.
    #[command(name = "set-identity")]
    SetIdentity(IdentityArgs),
    /// Which messages go to which agent.
    Bindings {
        /// Only of this one.
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
    },
    /// Let an agent answer a channel or an account.
    Bind {
        /// Which agent (default: the default agent).
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        /// Where: CHANNEL, CHANNEL:ACCOUNT or CHANNEL:*; more than once for more places.
        #[arg(long, value_name = "PLACE", required = true)]
        bind: Vec<String>,
    },
    /// Take a channel or an account from an agent.
    Unbind {
        /// Which agent (default: the default agent).
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        /// Where: CHANNEL, CHANNEL:ACCOUNT or CHANNEL:*; more than once for more places.
        #[arg(long, value_name = "PLACE", required_unless_present = "all", conflicts_with = "all")]
        bind: Vec<String>,
        /// Everything that it has.
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Args)]
pub struct AddArgs {
    /// Its name; the id is made of it. Asked for, if left out.
    pub name: Option<String>,
    /// The folder that it works in (default: a new one of its own).
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// Its model, as provider/model (default: the one of all agents).
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// What it answers: CHANNEL, CHANNEL:ACCOUNT or CHANNEL:*; more than once for more places.
    #[arg(long, value_name = "PLACE")]
    pub bind: Vec<String>,
    /// Ask nothing.
    #[arg(long)]
    pub non_interactive: bool,
}

#[derive(Debug, Args)]
pub struct IdentityArgs {
    /// Which agent.
    #[arg(long, value_name = "ID")]
    pub agent: Option<String>,
    /// Which agent, by the folder that it works in.
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// Read another file than IDENTITY.md in its workspace.
    #[arg(long, value_name = "FILE")]
    pub identity_file: Option<PathBuf>,
    /// Read IDENTITY.md; what flags say goes first.
    #[arg(long)]
    pub from_identity: bool,
    /// Its name.
    #[arg(long)]
    pub name: Option<String>,
    /// Its manner.
    #[arg(long)]
    pub theme: Option<String>,
    /// Its emoji.
    #[arg(long)]
    pub emoji: Option<String>,
    /// Its picture: an address, a data: address, or a path in its workspace.
    #[arg(long)]
    pub avatar: Option<String>,
}
