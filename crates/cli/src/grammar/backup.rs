//! `backup`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  bulkhead backup create                                   To ~/.bulkhead-archive, also while the gateway runs
  bulkhead --profile rescue backup create --output r.tar.gz
  bulkhead backup verify r.tar.gz                          Any byte that differs is found
  bulkhead --profile copy backup restore r.tar.gz          Beside the original, on ports of its own
  bulkhead backup restore r.tar.gz --force                 In its place; what is there is kept

In it: configuration, workspace, conversations, pairings. Never in it: secrets (store them again with `bulkhead secrets
set`), logins of browsers, logs. A backup is readable by you only, and not encrypted.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BackupArgs {
    #[command(subcommand)]
    pub command: BackupCommand,
}

#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Make a backup of this profile, also while its gateway runs.
    Create {
        /// The file to write (default: ~/.bulkhead-archive/PROFILE-TIME.tar.gz). It is never replaced.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Check every byte of a backup and say what is in it.
    Verify {
        /// The backup.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Restore a backup into its profile, or into the one that --profile names.
    Restore {
        /// The backup.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Also over a profile that is not empty. What is there now is kept beside it.
        #[arg(long)]
        force: bool,
    },
}
