//! `channels`.

use clap::{Args, Subcommand, ValueEnum};

use super::gateway::Target;
use super::secret_flag::SecretFlag;

const EXAMPLES: &str = "\
Examples:
  bulkhead channels list
  bulkhead channels status --probe
  bulkhead channels add telegram --token @bot.txt
  bulkhead channels add telegram --account ops --name \"On call\" --token -
  bulkhead channels stop telegram --account ops
  bulkhead channels remove telegram --account ops --delete";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ChannelsArgs {
    #[command(subcommand)]
    pub command: ChannelsCommand,
}

#[derive(Debug, Subcommand)]
pub enum ChannelsCommand {
    /// The accounts that are configured.
    List {
        /// Also channels that have none yet.
        #[arg(long)]
        all: bool,
    },
    /// How each channel and account is, asked of the running gateway.
    Status {
        /// Only this channel.
        #[arg(long, value_name = "CHANNEL")]
        channel: Option<Channel>,
        /// Ask the services now.
        #[arg(long)]
        probe: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Add an account: looks whose token it is, stores it, and switches the account on.
    Add(AddArgs),
    /// Switch an account off, or take it out for good.
    Remove {
        #[command(flatten)]
        account: Account,
        /// Take it out of the configuration and delete its token.
        #[arg(long)]
        delete: bool,
        /// Ask nothing.
        #[arg(long, short)]
        yes: bool,
    },
    /// Start an account that was stopped by hand.
    Start(Control),
    /// Stop an account until it is started again, or the gateway is.
    Stop(Control),
    /// Take an account's token out of the configuration.
    Logout(Control),
    /// What can be done on a channel.
    Capabilities {
        /// Only this channel.
        #[arg(long, value_name = "CHANNEL")]
        channel: Option<Channel>,
    },
}

/// Channels that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Channel {
    /// Bots of Telegram.
    Telegram,
}

impl Channel {
    /// The protocol's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
        }
    }
}

/// Which account of which channel.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_field_names, reason = "an account is named by its name")]
pub struct Account {
    /// The channel.
    #[arg(value_name = "CHANNEL", required_unless_present = "channel_flag")]
    channel: Option<Channel>,
    /// The channel.
    #[arg(long = "channel", id = "channel_flag", value_name = "CHANNEL", conflicts_with = "channel")]
    channel_flag: Option<Channel>,
    /// The account (default: the one named default).
    #[arg(long, value_name = "NAME", value_parser = account_name)]
    account: Option<String>,
}

impl Account {
    /// The channel.
    pub fn channel(&self) -> Channel {
        self.channel.or(self.channel_flag).unwrap_or(Channel::Telegram)
    }

    /// The account's name, if one was given.
    pub fn given(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The account's name.
    pub fn name(&self) -> &str {
        self.given().unwrap_or("default")
    }
}

fn account_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
        return Err("expected 1 to 64 of a-z, 0-9, - and _".to_owned());
    }
    Ok(text.to_owned())
}

#[derive(Debug, Args)]
pub struct AddArgs {
    #[command(flatten)]
    pub account: Account,
    /// Its name for people.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The bot's token; `-` or @FILE keep it out of the shell's history. Asked for, if left out.
    #[arg(long, value_name = "SECRET", conflicts_with = "use_env")]
    pub token: Option<SecretFlag>,
    /// The token is in TELEGRAM_BOT_TOKEN; the gateway has to get that variable too. Only for the first account.
    #[arg(long)]
    pub use_env: bool,
    /// Do not ask Telegram whose token it is.
    #[arg(long)]
    pub no_check: bool,
}

#[derive(Debug, Args)]
pub struct Control {
    #[command(flatten)]
    pub account: Account,
    #[command(flatten)]
    pub target: Target,
}
