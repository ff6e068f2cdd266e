//! `profiles`.

use bulkhead_profile::ProfileName;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  bulkhead profiles list
  bulkhead profiles create rescue
  bulkhead profiles check
  bulkhead profiles remove old --yes

A profile shares nothing with another: ports, state, workspace, keychain namespace, bot.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ProfilesArgs {
    #[command(subcommand)]
    pub command: ProfilesCommand,
}

#[derive(Debug, Subcommand)]
pub enum ProfilesCommand {
    /// Every profile with its ports and folders.
    List,
    /// Make a profile: ports, configuration, workspace. Model and bot follow with `onboard`.
    Create {
        /// Its name: a to z, 0 to 9 and `-`, beginning with a letter.
        #[arg(value_parser = name)]
        name: ProfileName,
        /// Base port (default: the next free interval of 111 ports).
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
        /// Folder that its agents work in.
        #[arg(long, value_name = "DIR")]
        workspace: Option<String>,
    },
    /// Remove a profile: its configuration, state, secrets and claim. Its workspace stays unless asked for.
    Remove {
        /// Its name.
        #[arg(value_parser = name)]
        name: ProfileName,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        /// Remove its workspace too.
        #[arg(long)]
        with_workspace: bool,
    },
    /// Where two profiles touch: ports, folders, keychain, bots. Exit code 1 if anything must be changed.
    Check,
}

fn name(text: &str) -> Result<ProfileName, String> {
    ProfileName::parse(text).map_err(|error| error.to_string())
}
