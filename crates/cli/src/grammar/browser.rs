//! `browser`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead browser start\n  bulkhead browser status --browser-profile work"
)]
pub struct BrowserArgs {
    /// Which browser of this profile.
    #[arg(long, global = true, value_name = "NAME")]
    pub browser_profile: Option<String>,
    #[command(subcommand)]
    pub command: BrowserCommand,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum BrowserCommand {
    /// Does it run, on which port, with which program?
    Status,
    /// Start it.
    Start,
    /// Stop it.
    Stop,
}
