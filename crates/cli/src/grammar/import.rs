//! `import`.

use clap::{Args, Subcommand};

use super::onboard::SecretsPlace;

const EXAMPLES: &str = "\
Examples:
  bulkhead import openclaw --dry-run                    What would come along; writes nothing
  bulkhead import openclaw                              Import into the profile main
  bulkhead --profile imported import openclaw --yes     Into another profile, asking nothing
  bulkhead import openclaw --from ~/.openclaw-work --no-sessions
  bulkhead import openclaw --dry-run --json | jq '.report[] | select(.result == \"skipped\")'

OpenClaw's own files are only read, whether it runs or not. To keep OpenClaw and add a gateway that watches it:
  bulkhead --profile rescue onboard --rescue-for openclaw";

#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    pub command: ImportCommand,
}

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Configuration, secrets, workspace, conversations and people of an OpenClaw on this machine.
    #[command(name = "openclaw", after_help = EXAMPLES)]
    OpenClaw(OpenClawArgs),
}

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct OpenClawArgs {
    /// Its state directory or configuration file (default: the one on this machine).
    #[arg(long, value_name = "DIR")]
    pub from: Option<String>,
    /// Tell what would become of every part, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Ask nothing.
    #[arg(long, short)]
    pub yes: bool,
    /// Leave conversations behind.
    #[arg(long)]
    pub no_sessions: bool,
    /// Where secrets go. `file` is readable only by you, but not encrypted; `env` stores nothing.
    #[arg(long, value_enum, value_name = "WHERE", default_value = "keychain")]
    pub secrets: SecretsPlace,
    /// Folder that agents work in (default: the profile's own).
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<String>,
    /// Answer its bots from now on. Its gateway must not run.
    #[arg(long)]
    pub take_over: bool,
    /// Use its port from now on. Its gateway must not run.
    #[arg(long)]
    pub take_over_port: bool,
}
