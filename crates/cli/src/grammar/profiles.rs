//! `profiles`.

use std::path::PathBuf;

use bulkhead_profile::ProfileName;
use clap::{Args, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  bulkhead profiles list
  bulkhead profiles create rescue
  bulkhead profiles check
  bulkhead profiles remove old --yes               To ~/.bulkhead-archive first, then away
  bulkhead profiles remove old --archive o.tar.gz

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
        #[arg(long, value_name = "PORT", value_parser = super::base_port)]
        port: Option<u16>,
        /// Folder that its agents work in.
        #[arg(long, value_name = "DIR")]
        workspace: Option<String>,
    },
    /// Archive a profile, then remove it: service, configuration, state, secrets and claim. Its workspace stays unless asked
    /// for. Bring it back with `backup restore`.
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
        /// Where the archive goes (default: ~/.bulkhead-archive/NAME-TIME.tar.gz).
        #[arg(long, value_name = "FILE", conflicts_with = "no_archive")]
        archive: Option<PathBuf>,
        /// Make no archive: what is removed is gone.
        #[arg(long)]
        no_archive: bool,
    },
    /// Who runs a profile's gateway, or with an OWNER: from now on. Stop the gateway first, so that two never run.
    Owner {
        /// Its name.
        #[arg(value_parser = name)]
        name: ProfileName,
        /// `desktop`: the app. `external`: whoever starts it, such as `gateway supervise`.
        #[arg(value_enum)]
        owner: Option<NewOwner>,
    },
    /// Where two profiles touch: ports, folders, keychain, bots. Exit code 1 if anything must be changed.
    Check,
}

/// Who can be made the owner by hand; a service becomes it by being installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NewOwner {
    /// The app: its gateways end with it.
    Desktop,
    /// Whoever starts it.
    External,
}

fn name(text: &str) -> Result<ProfileName, String> {
    ProfileName::parse(text).map_err(|error| error.to_string())
}
