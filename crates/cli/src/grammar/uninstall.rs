//! `uninstall`.

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  bulkhead uninstall --dry-run     The list of what would be done
  bulkhead uninstall               Show the list, ask, then do it
  bulkhead uninstall --yes         Without asking, for scripts
  bulkhead uninstall --purge       Configuration, conversations and workspaces too

It removes services, start at login, keychain items and the register, of all profiles. What you made stays unless --purge:
configuration, conversations, workspaces. Backups in ~/.bulkhead-archive always stay, and OpenClaw's files are never touched.
It can be said again at any time: what is gone already is passed over.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UninstallArgs {
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Delete configuration, conversations and workspaces of all profiles too.
    #[arg(long)]
    pub purge: bool,
    /// Only show what would be done.
    #[arg(long)]
    pub dry_run: bool,
}
