//! `gateway` and its subcommands.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_client::Fingerprint;
use clap::{Args, Subcommand, ValueEnum};

use super::secret_flag::SecretFlag;

const EXAMPLES: &str = "\
Examples:
  bulkhead gateway --port 18789            Run here in the foreground
  bulkhead gateway --force                 End this profile's running gateway first (never a stranger)
  bulkhead --dev gateway --allow-unconfigured
  bulkhead gateway install                 Let the service manager keep it running, also after a restart
  bulkhead gateway status                  Does it run, does it answer, is it ready?
  bulkhead gateway status --deep           The same, its service, and other gateway services on this machine
  bulkhead gateway call --list             Every method that can be called
  bulkhead gateway call sessions.list --params '{\"limit\":5}'";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = false, after_help = EXAMPLES)]
pub struct GatewayArgs {
    #[command(subcommand)]
    pub command: Option<GatewayCommand>,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub enum GatewayCommand {
    /// Run the gateway here in the foreground.
    Run(RunArgs),
    /// Keep the gateway running: start it, hand it its secrets, restart it after a crash.
    Supervise(SuperviseArgs),
    /// Does it run, does it answer, is it ready?
    Status(GatewayStatusArgs),
    /// Ask the running gateway how it is.
    Health(AskArgs),
    /// Look at a gateway from outside: connect, health, status, who is there, configuration.
    Probe(ProbeArgs),
    /// Print the fingerprint of this gateway's certificate, for others to pin.
    Fingerprint,
    /// Call a method of the gateway protocol.
    Call(CallArgs),
    /// Install the gateway as a service of this system, or put right what differs; the service owns it from now on.
    Install(InstallArgs),
    /// Stop and remove the service; who owned the gateway before owns it again.
    Uninstall(UninstallArgs),
    /// Start the gateway: through its supervisor, or its service.
    Start,
    /// Stop the gateway: through its supervisor, its service, or a gateway that runs in the foreground.
    Stop(StopArgs),
    /// Restart the gateway: through its supervisor, or its service.
    Restart,
}

#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// Base port; the profile claims everything from here to 110 above.
    #[arg(long, value_name = "PORT", value_parser = super::base_port)]
    pub port: Option<u16>,
    /// Which addresses to listen on.
    #[arg(long, value_enum, value_name = "WHERE")]
    pub bind: Option<Bind>,
    /// Shared token for this run (also BULKHEAD_GATEWAY_TOKEN); `-` or @FILE.
    #[arg(long, value_name = "SECRET")]
    pub token: Option<SecretFlag>,
    /// End this profile's gateway first if one runs; never ends a process that is not proven to be it.
    #[arg(long)]
    pub force: bool,
    /// Log at debug level.
    #[arg(long, short)]
    pub verbose: bool,
    /// Start without a configuration, control plane only.
    #[arg(long)]
    pub allow_unconfigured: bool,
    /// Take secrets on standard input, say when ready on standard output, end with standard input.
    #[arg(long)]
    pub sidecar: bool,
    /// Control plane only: no channels, no answers.
    #[arg(long, hide = true)]
    pub safe: bool,
    /// Start on the last good configuration.
    #[arg(long, hide = true)]
    pub last_good: bool,
}

impl RunArgs {
    /// The first flag that only running understands, if one was given.
    pub fn given(&self) -> Option<&'static str> {
        [
            ("--port", self.port.is_some()),
            ("--bind", self.bind.is_some()),
            ("--token", self.token.is_some()),
            ("--force", self.force),
            ("--verbose", self.verbose),
            ("--allow-unconfigured", self.allow_unconfigured),
            ("--sidecar", self.sidecar),
            ("--safe", self.safe),
            ("--last-good", self.last_good),
        ]
        .into_iter()
        .find_map(|(flag, given)| given.then_some(flag))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bind {
    /// This machine only (127.0.0.1 and ::1).
    Loopback,
    /// Every address of this machine.
    Lan,
    /// This machine's Tailscale address.
    Tailnet,
    /// Loopback; every address inside a container.
    Auto,
    /// The address in gateway.customBindHost.
    Custom,
}

impl Bind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Lan => "lan",
            Self::Tailnet => "tailnet",
            Self::Auto => "auto",
            Self::Custom => "custom",
        }
    }
}

#[derive(Debug, Args)]
pub struct SuperviseArgs {
    /// Base port for the gateway.
    #[arg(long, value_name = "PORT", value_parser = super::base_port)]
    pub port: Option<u16>,
    /// Which service manager started this.
    #[arg(long, value_enum, value_name = "KIND", hide = true)]
    pub service: Option<ServiceKind>,
    /// End when standard input ends: the program that started this is gone, however it ended.
    #[arg(long, hide = true)]
    pub until_stdin_ends: bool,
}

/// The service managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServiceKind {
    /// systemd.
    Systemd,
    /// launchd.
    Launchd,
    /// The Windows Task Scheduler.
    Task,
}

const INSTALL_EXAMPLES: &str = "\
Examples:
  bulkhead gateway install                                 As a service of this user
  bulkhead gateway install --linger                        The same, and it runs without a log-in, too
  bulkhead --profile rescue gateway install --port 19789
  sudo bulkhead gateway install --system --user ada        As a service of the system, for servers

A service runs the gateway instead of the app: the app only attaches to it. Nothing secret stands in what is written.
Running it again repairs what differs (another version, port, program; edits), and changes nothing else.";

#[derive(Debug, Clone, Default, Args)]
#[command(after_help = INSTALL_EXAMPLES)]
pub struct InstallArgs {
    /// Give the profile this base port first (written into its configuration).
    #[arg(long, value_name = "PORT", value_parser = super::base_port)]
    pub port: Option<u16>,
    /// Write it anew even if nothing differs, replace a service file that is not ours, end a run in a terminal first.
    #[arg(long)]
    pub force: bool,
    /// Let it run without a log-in, from the start of the machine on (Linux).
    #[arg(long, conflicts_with = "system")]
    pub linger: bool,
    /// As a service of the system (needs root); with --user.
    #[arg(long)]
    pub system: bool,
    /// The user whose gateway it is and as whom it runs; by default who called sudo.
    #[arg(long, value_name = "NAME", requires = "system")]
    pub user: Option<String>,
}

#[derive(Debug, Clone, Default, Args)]
pub struct UninstallArgs {
    /// The system's service.
    #[arg(long)]
    pub system: bool,
    /// The user whose gateway it is; by default who called sudo.
    #[arg(long, value_name = "NAME", requires = "system")]
    pub user: Option<String>,
}

#[derive(Debug, Clone, Default, Args)]
pub struct StopArgs {
    /// Also keep its service from starting at the next log-in.
    #[arg(long)]
    pub disable: bool,
}

/// Where to ask, and with what.
#[derive(Debug, Clone, Default, Args)]
pub struct Target {
    /// Another gateway than this profile's, such as ws://127.0.0.1:18789; stored secrets are never sent to it.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Its token; by default the one in this profile's secret store. `-` or @FILE.
    #[arg(long, value_name = "SECRET")]
    pub token: Option<SecretFlag>,
    /// Its password, where it asks for one. `-` or @FILE.
    #[arg(long, value_name = "SECRET", conflicts_with = "token")]
    pub password: Option<SecretFlag>,
    /// SHA-256 of the only certificate that is taken (wss://); `bulkhead gateway fingerprint` prints it there.
    #[arg(long, value_name = "SHA256", value_parser = fingerprint)]
    pub tls_fingerprint: Option<Fingerprint>,
    /// How long to wait, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub timeout: Option<Duration>,
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    text.parse()
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(ms) if (1..=86_400_000).contains(&ms) => Ok(Duration::from_millis(ms)),
        _ => Err("expected milliseconds from 1 to 86400000".to_owned()),
    }
}

#[derive(Debug, Clone, Default, Args)]
pub struct AskArgs {
    #[command(flatten)]
    pub target: Target,
}

const PROBE_EXAMPLES: &str = "\
Examples:
  bulkhead gateway probe                          This machine, and gateway.remote if there is one
  bulkhead gateway probe --url wss://gate:18789 --token @token.txt
  bulkhead gateway probe --ssh ada@server         Through a tunnel to the loopback of that machine";

#[derive(Debug, Clone, Default, Args)]
#[command(after_help = PROBE_EXAMPLES)]
pub struct ProbeArgs {
    #[command(flatten)]
    pub target: Target,
    /// Also look through an SSH tunnel: user@host or user@host:port (by default gateway.remote.sshTarget).
    #[arg(long, value_name = "TARGET")]
    pub ssh: Option<String>,
    /// The key file for it.
    #[arg(long, value_name = "FILE")]
    pub ssh_identity: Option<PathBuf>,
    /// The gateway's port on that machine (by default this profile's).
    #[arg(long, value_name = "PORT", value_parser = super::base_port)]
    pub port: Option<u16>,
}

#[derive(Debug, Args)]
pub struct GatewayStatusArgs {
    #[command(flatten)]
    pub target: Target,
    /// Do not connect; only look at the process and its HTTP health.
    #[arg(long)]
    pub no_probe: bool,
    /// Also ask for health and channels, and look for other gateway services on this machine.
    #[arg(long)]
    pub deep: bool,
}

#[derive(Debug, Args)]
pub struct CallArgs {
    /// The method, such as sessions.list.
    #[arg(required_unless_present = "list")]
    pub method: Option<String>,
    /// Its parameters as JSON; `-` or @FILE.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub params: String,
    /// List every method with its scope.
    #[arg(long)]
    pub list: bool,
    /// Wait for the last answer of a method that answers twice.
    #[arg(long)]
    pub expect_final: bool,
    #[command(flatten)]
    pub target: Target,
}
