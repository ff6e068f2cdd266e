//! `doctor` and `diagnostics`.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  bulkhead doctor                       Look at main
  bulkhead --profile rescue doctor      Look at rescue
  bulkhead doctor --all                 Look at every profile on this machine
  bulkhead doctor --fix                 Repair what is safe, ask about the rest
  bulkhead doctor --fix --yes           Repair everything that can be repaired, asking nothing
  bulkhead doctor --offline             Without asking the model, Telegram or a time server

Looking changes nothing. Every finding has a stable code, what was found, why it matters and the next step.
With --json, progress and repairs come as JSON lines; the line of type \"result\" is the last one.
Exit code 1 when errors remain, else 0.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// Repair: what is safe at once, the rest after asking. Doing it twice does nothing the second time.
    #[arg(long)]
    pub fix: bool,
    /// With --fix: do not ask.
    #[arg(long, short, requires = "fix")]
    pub yes: bool,
    /// With --fix: only findings of this code; may be given more than once.
    #[arg(long, requires = "fix", value_name = "CODE")]
    pub only: Vec<String>,
    /// Every profile on this machine.
    #[arg(long)]
    pub all: bool,
    /// Ask nobody over the network.
    #[arg(long)]
    pub offline: bool,
    /// Take time: every index of the database, and a random secret written, read and deleted.
    #[arg(long)]
    pub deep: bool,
    /// Show what is in order in full, too.
    #[arg(long, short)]
    pub verbose: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead diagnostics --preview | less              Read what would be in it\n  bulkhead diagnostics --out bulkhead-help.tar.gz    Write it\n\nEvery profile of this machine is in it. Secrets are replaced; messages are not in it. Nothing is sent anywhere."
)]
pub struct DiagnosticsArgs {
    /// Print what would be in it, and write nothing.
    #[arg(long, required_unless_present = "out")]
    pub preview: bool,
    /// The file to write; it is never replaced.
    #[arg(long, short, value_name = "FILE", conflicts_with = "preview")]
    pub out: Option<PathBuf>,
}
