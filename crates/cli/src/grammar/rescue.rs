//! `rescue` and its subcommands.

use clap::{Args, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  bulkhead rescue status                    How is the watched gateway, and who would be told?
  bulkhead rescue restart                   Restart it, as the button does
  bulkhead rescue rollback --yes            Put its last good configuration back without asking
  bulkhead rescue operators add 123456789   Let this Telegram user be told and repair
  bulkhead rescue drill                     Take it down, and measure until it is noticed, told and well again
  bulkhead --profile main rescue status     The other way round: main watches rescue

Without --profile the profile `rescue` is meant, and what it watches. While that gateway runs, it is asked; while it does
not, restart, rollback, safe-mode, logs and doctor are done here, by the watched gateway's own supervisor.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RescueArgs {
    #[command(subcommand)]
    pub command: RescueCommand,
}

#[derive(Debug, Subcommand)]
pub enum RescueCommand {
    /// How the watched gateway is, what can be done, and who is told.
    Status,
    /// What happened to it, the newest first.
    Incidents {
        /// How many.
        #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
    /// Stop and start it on its configuration.
    Restart,
    /// Put its last good configuration in place of the present one, which is kept beside it, and restart it.
    Rollback {
        /// A version of `bulkhead config history`; the newest good one if none is named.
        version: Option<String>,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Its last log lines.
    Logs,
    /// Look at everything there and say what is found.
    Doctor,
    /// Restart it with the control plane only: no channels, no answers.
    SafeMode,
    /// Really take it down, and measure until it is noticed, told and well again.
    Drill {
        /// How.
        #[arg(long, value_enum, default_value = "kill")]
        how: DrillHow,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Who is told on Telegram, and may repair from there.
    Operators {
        #[command(subcommand)]
        command: OperatorsCommand,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DrillHow {
    /// It is killed as by a crash; its supervisor has to bring it back.
    Kill,
    /// It stands still until it is repaired.
    Stop,
}

impl DrillHow {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum OperatorsCommand {
    /// Let somebody be told and repair.
    #[command(
        after_help = "Example:\n  bulkhead rescue operators add 123456789\n\nThe id stands in what the bot \
                            answers to a stranger, and in `bulkhead rescue operators list` once they are paired."
    )]
    Add {
        /// Telegram user ids (numbers; user names change hands).
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Take it back.
    Remove {
        /// Telegram user ids.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Who it is now, and who is paired and could be.
    List,
}
