//! `bulkhead cron`: jobs that run by themselves.

use clap::{Args, Subcommand, ValueEnum};

use super::gateway::Target;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead cron add \"0 7 * * *\" \"Summarize what happened overnight.\" --name brief --tz \
                        Europe/Berlin\n  bulkhead cron add 20m --name tea --session main --system-event \"Tea is ready\"\n  \
                        bulkhead cron run ID --wait\n  bulkhead cron runs ID --limit 5"
)]
pub struct CronArgs {
    #[command(subcommand)]
    pub command: CronCommand,
}

#[derive(Debug, Subcommand)]
pub enum CronCommand {
    /// The jobs; those that are off only with --all.
    List {
        /// Those that are off too.
        #[arg(long)]
        all: bool,
        /// Only this agent's.
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Whether jobs run, and when the next one does.
    Status {
        #[command(flatten)]
        target: Target,
    },
    /// Add a job: SCHEDULE (a cron expression, `every 1h`, `20m` or a time) and MESSAGE, or flags.
    #[command(alias = "create")]
    Add(Box<AddArgs>),
    /// Change a job.
    Edit(Box<EditArgs>),
    /// Remove a job; its history stays.
    #[command(aliases = ["remove", "delete"])]
    Rm(One),
    /// Let a job run by itself.
    Enable(One),
    /// Let it no longer run by itself.
    Disable(One),
    /// One job as JSON.
    Get(One),
    /// One job, by id or name.
    Show(One),
    /// Run a job now.
    Run(RunArgs),
    /// What a job did, the newest first.
    Runs(RunsArgs),
    /// Read or replace a job's private note.
    Scratch(ScratchArgs),
}

/// One job.
#[derive(Debug, Args)]
pub struct One {
    /// Its id.
    pub id: String,
    #[command(flatten)]
    pub target: Target,
}

/// When.
#[derive(Debug, Default, Args)]
pub struct When {
    /// Once: a time (UTC, unless --tz or an offset is given) or a time span such as 20m.
    #[arg(long, value_name = "WHEN", group = "when")]
    pub at: Option<String>,
    /// Again and again, such as 10m or 1h.
    #[arg(long, value_name = "SPAN", group = "when")]
    pub every: Option<String>,
    /// By a cron expression of five or six fields.
    #[arg(long, value_name = "EXPR", group = "when")]
    pub cron: Option<String>,
    /// Time zone, such as Europe/Berlin.
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// To the second: do not spread what begins on the hour.
    #[arg(long, conflicts_with = "stagger")]
    pub exact: bool,
    /// Spread over this span.
    #[arg(long, value_name = "SPAN")]
    pub stagger: Option<String>,
}

/// What, and where its outcome goes.
#[derive(Debug, Default, Args)]
pub struct What {
    /// What the agent is asked.
    #[arg(long = "message", value_name = "TEXT")]
    pub text: Option<String>,
    /// What the main session is told.
    #[arg(long, value_name = "TEXT", conflicts_with = "text")]
    pub system_event: Option<String>,
    /// main, isolated, current or session:KEY.
    #[arg(long, value_name = "WHERE")]
    pub session: Option<String>,
    /// Key of the conversation that it belongs to.
    #[arg(long, value_name = "KEY")]
    pub session_key: Option<String>,
    /// When it is told.
    #[arg(long, value_enum, value_name = "WHEN")]
    pub wake: Option<Wake>,
    /// The agent.
    #[arg(long, value_name = "ID")]
    pub agent: Option<String>,
    /// Another model, as provider/model.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Models for when that one fails, with commas between them.
    #[arg(long, value_name = "LIST")]
    pub fallbacks: Option<String>,
    /// How long the model should think.
    #[arg(long, value_name = "LEVEL")]
    pub thinking: Option<String>,
    /// The longest that a run may take; 0: no limit of its own.
    #[arg(long, value_name = "N")]
    pub timeout_seconds: Option<u32>,
    /// Without the files that describe the agent.
    #[arg(long)]
    pub light_context: bool,
    /// Only these tools, with commas between them; none: no tools.
    #[arg(long, value_name = "LIST")]
    pub tools: Option<String>,
    /// Send the outcome to a chat.
    #[arg(long, alias = "deliver", conflicts_with = "no_deliver")]
    pub announce: bool,
    /// Send the outcome nowhere.
    #[arg(long)]
    pub no_deliver: bool,
    /// Channel of the chat, or last.
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<String>,
    /// The chat.
    #[arg(long, value_name = "CHAT", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// Account of the channel.
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// A delivery that fails does not count.
    #[arg(long)]
    pub best_effort_deliver: bool,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Name for people.
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
    /// Gone once it succeeded.
    #[arg(long, conflicts_with = "keep_after_run")]
    pub delete_after_run: bool,
    /// Kept although it succeeded.
    #[arg(long)]
    pub keep_after_run: bool,
}

/// When something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Wake {
    Now,
    NextHeartbeat,
}

impl Wake {
    /// The protocol's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::NextHeartbeat => "next-heartbeat",
        }
    }
}

#[derive(Debug, Args)]
pub struct AddArgs {
    /// When; with --at, --every or --cron: the job's name.
    #[arg(value_name = "SCHEDULE")]
    pub schedule: Option<String>,
    /// What the agent is asked.
    #[arg(value_name = "MESSAGE")]
    pub message: Option<String>,
    /// The job's name.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Made again under this key, it is the same job.
    #[arg(long, value_name = "KEY")]
    pub declaration_key: Option<String>,
    /// Off at first.
    #[arg(long)]
    pub disabled: bool,
    #[command(flatten)]
    pub when: When,
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Debug, Args)]
pub struct EditArgs {
    /// Its id.
    pub id: String,
    /// Another name.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// On.
    #[arg(long, conflicts_with = "disable")]
    pub enable: bool,
    /// Off.
    #[arg(long)]
    pub disable: bool,
    /// Take a field away: agent, session-key, model, fallbacks, thinking, tools, display-name, channel, to, account.
    #[arg(long = "clear", value_name = "FIELD", value_delimiter = ',')]
    pub clear: Vec<Clear>,
    /// Tell of failures.
    #[arg(long, conflicts_with = "no_failure_alert")]
    pub failure_alert: bool,
    /// Never tell of failures.
    #[arg(long)]
    pub no_failure_alert: bool,
    /// Tell after so many failures one after another.
    #[arg(long, value_name = "N")]
    pub failure_alert_after: Option<u32>,
    /// Channel for that.
    #[arg(long, value_name = "CHANNEL")]
    pub failure_alert_channel: Option<String>,
    /// Chat for that.
    #[arg(long, value_name = "CHAT", allow_hyphen_values = true)]
    pub failure_alert_to: Option<String>,
    /// Between two of them, such as 1h.
    #[arg(long, value_name = "SPAN")]
    pub failure_alert_cooldown: Option<String>,
    #[command(flatten)]
    pub when: When,
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub target: Target,
}

/// What can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Clear {
    Agent,
    SessionKey,
    Model,
    Fallbacks,
    Thinking,
    Tools,
    DisplayName,
    Channel,
    To,
    Account,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Its id.
    pub id: String,
    /// Only if its time has come.
    #[arg(long)]
    pub due: bool,
    /// Wait until it is over; the exit code is 1 unless all was done.
    #[arg(long)]
    pub wait: bool,
    /// The longest wait.
    #[arg(long, value_name = "SPAN", default_value = "10m")]
    pub wait_timeout: String,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The job; without one, all jobs.
    pub id: Option<String>,
    /// Only this run.
    #[arg(long, value_name = "RUN")]
    pub run_id: Option<String>,
    /// Most runs.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub limit: u16,
    /// Leave out so many.
    #[arg(long, value_name = "N")]
    pub offset: Option<u32>,
    /// Only those that ended so.
    #[arg(long, value_name = "STATUS", value_parser = ["all", "ok", "error", "skipped"])]
    pub status: Option<String>,
    /// Only those whose outcome fared so.
    #[arg(long, value_name = "STATUS", value_parser = ["delivered", "not-delivered", "unknown", "not-requested"])]
    pub delivery_status: Option<String>,
    /// Only those with this text.
    #[arg(long, value_name = "TEXT")]
    pub query: Option<String>,
    /// Order.
    #[arg(long, value_name = "ORDER", value_parser = ["asc", "desc"])]
    pub sort: Option<String>,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Debug, Args)]
pub struct ScratchArgs {
    /// Its id.
    pub id: String,
    /// Replace the note by this text; `-` reads standard input, @FILE a file.
    #[arg(long, value_name = "TEXT", conflicts_with = "unset")]
    pub set: Option<String>,
    /// Take the note away.
    #[arg(long)]
    pub unset: bool,
    /// Only if the note is still this one.
    #[arg(long, value_name = "N")]
    pub expected_revision: Option<i64>,
    #[command(flatten)]
    pub target: Target,
}
