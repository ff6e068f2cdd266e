//! `devices`, `nodes` and `qr`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::gateway::Target;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bulkhead devices list\n  bulkhead devices approve REQUEST\n  \
                        bulkhead devices revoke --device ID --role operator")]
pub struct DevicesArgs {
    #[command(subcommand)]
    pub command: DevicesCommand,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// Devices that may connect, and those that wait for approval.
    List,
    /// Let a device in that waits; without an id, show what the newest one asks for.
    Approve {
        /// The request, as `devices list` shows it.
        request: Option<String>,
        /// Show the newest request.
        #[arg(long)]
        latest: bool,
    },
    /// Turn a device away that waits.
    Reject {
        /// The request, as `devices list` shows it.
        request: String,
    },
    /// Forget a device and end its connections.
    Remove {
        /// The device.
        device: String,
    },
    /// Give a device a name of your own.
    Rename {
        /// The device.
        #[arg(long, value_name = "ID")]
        device: String,
        /// 1 to 64 characters.
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Give a device a new token; its connections end.
    Rotate {
        /// The device.
        #[arg(long, value_name = "ID")]
        device: String,
        /// operator or node.
        #[arg(long)]
        role: String,
        /// From now on only these; several times.
        #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "no_scopes")]
        scopes: Vec<String>,
        /// From now on none.
        #[arg(long)]
        no_scopes: bool,
    },
    /// Take a device's token away; its connections end.
    Revoke {
        /// The device.
        #[arg(long, value_name = "ID")]
        device: String,
        /// operator or node.
        #[arg(long)]
        role: String,
    },
    /// Forget all devices.
    Clear {
        /// Yes, all of them.
        #[arg(long)]
        yes: bool,
        /// Also turn away those that wait.
        #[arg(long)]
        pending: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bulkhead nodes status --connected\n  bulkhead nodes pending\n  \
                        bulkhead nodes invoke --node kitchen --command system.which --params '{\"bins\":[\"uname\"]}'")]
pub struct NodesArgs {
    #[command(subcommand)]
    pub command: NodesCommand,
    #[command(flatten)]
    pub target: Target,
}

#[derive(Debug, Clone, Default, Args)]
pub struct NodeFilter {
    /// Only those that are connected.
    #[arg(long)]
    pub connected: bool,
    /// Only those that connected within this time, such as 24h or 7d.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub last_connected: Option<Duration>,
}

#[derive(Debug, Clone, Args)]
pub struct NodeChoice {
    /// The node: its id, its name, its address, or the first six characters of its id.
    #[arg(long, value_name = "NODE")]
    pub node: String,
}

#[derive(Debug, Subcommand)]
pub enum NodesCommand {
    /// All nodes with what they may do.
    Status(NodeFilter),
    /// Nodes, and what they ask to be allowed.
    List(NodeFilter),
    /// One node.
    Describe(NodeChoice),
    /// What nodes ask to be allowed.
    Pending,
    /// Allow a node what it asks for.
    Approve {
        /// The request, as `nodes pending` shows it.
        request: String,
    },
    /// Refuse a node what it asks for.
    Reject {
        /// The request, as `nodes pending` shows it.
        request: String,
    },
    /// Take the role of a node from a device.
    Remove(NodeChoice),
    /// Give a node a name.
    Rename {
        #[command(flatten)]
        node: NodeChoice,
        /// 1 to 64 characters.
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Ask a node to do something.
    Invoke {
        #[command(flatten)]
        node: NodeChoice,
        /// What, such as device.info or system.notify.
        #[arg(long, value_name = "COMMAND")]
        command: String,
        /// With what, as a JSON object.
        #[arg(long, value_name = "JSON", default_value = "{}")]
        params: String,
        /// How long the node has, in milliseconds.
        #[arg(long, value_name = "MS", default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(1..=1_800_000))]
        invoke_timeout: u64,
        /// The same key again gets the same answer.
        #[arg(long, value_name = "KEY", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        idempotency_key: Option<String>,
    },
    /// Show a notification on a node.
    Notify {
        #[command(flatten)]
        node: NodeChoice,
        /// Its first line.
        #[arg(long, required_unless_present = "body")]
        title: Option<String>,
        /// Its text.
        #[arg(long)]
        body: Option<String>,
        /// passive, active or timeSensitive.
        #[arg(long)]
        priority: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead qr --url wss://gateway.example\n  bulkhead qr --limited --setup-code-only"
)]
#[allow(clippy::struct_excessive_bools, reason = "flags")]
pub struct QrArgs {
    /// The address that the phone shall use.
    #[arg(long, visible_alias = "public-url", value_name = "URL")]
    pub url: Option<String>,
    /// Use gateway.remote.url.
    #[arg(long)]
    pub remote: bool,
    /// Without the right to change the gateway.
    #[arg(long, conflicts_with_all = ["voice_node", "node"])]
    pub limited: bool,
    /// As a node that may also listen and speak.
    #[arg(long, conflicts_with = "node")]
    pub voice_node: bool,
    /// As a node only; its first commands are approved with it.
    #[arg(long)]
    pub node: bool,
    /// Print the code and nothing else.
    #[arg(long)]
    pub setup_code_only: bool,
    /// Without the picture.
    #[arg(long)]
    pub no_ascii: bool,
}

fn span(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time such as 30m, 24h or 7d".to_owned();
    let (number, unit) = text.trim().split_at(text.trim().len().saturating_sub(1));
    let number: u64 = number.parse().map_err(|_| expected())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(expected()),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(expected)
}
