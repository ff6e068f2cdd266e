//! The grammar of the command line. What it means is in [`crate::commands`].

#![allow(clippy::doc_markdown, reason = "doc comments here are help texts, shown as they stand")]

pub mod agent;
pub mod agents;
pub mod approvals;
pub mod backup;
pub mod browser;
pub mod channels;
pub mod config;
pub mod cron;
pub mod devices;
pub mod doctor;
pub mod gateway;
pub mod global;
pub mod import;
pub mod message;
pub mod models;
pub mod onboard;
pub mod profiles;
pub mod rescue;
pub mod secret_flag;
pub mod simple;
pub mod system;
pub mod uninstall;

use bulkhead_profile::Ports;
use clap::{Parser, Subcommand};

pub use global::Global;

const EXAMPLES: &str = "\
Examples:
  bulkhead onboard                               Set up this profile, question by question
  bulkhead gateway                               Run its gateway here in the foreground
  bulkhead --profile rescue onboard              A second, isolated profile beside it
  bulkhead --profile rescue gateway              Its gateway, on ports of its own
  bulkhead status                                What runs, where, on which ports
  bulkhead doctor                                Is everything as it should be, and what helps?
  bulkhead backup create                         A backup, also while the gateway runs
  bulkhead agent --message \"hello\"               Ask once from a script
  bulkhead dashboard                             Open the web UI, logged in

Every command takes --json and then prints one stable JSON value.
Flags that take a secret also take `-` (read from standard input) and @FILE.
Exit codes: 0 done, 1 failed, 2 wrong flags, 78 configuration.";

/// Isolated AI gateways side by side: a main one that does the work, a rescue one that stays up.
#[derive(Debug, Parser)]
#[command(name = "bulkhead", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set up a profile: model, Telegram bot, secrets, ports, workspace.
    Onboard(Box<onboard::OnboardArgs>),
    /// Make configuration and workspace of a profile without asking anything.
    Setup(onboard::SetupArgs),
    /// Take over what another program has on this machine.
    Import(import::ImportArgs),
    /// Run, watch or ask a gateway; without a subcommand, run it here.
    Gateway(Box<gateway::GatewayArgs>),
    /// What runs, where, on which ports. Fast: opens no keychain.
    Status(simple::StatusArgs),
    /// Ask the running gateway how it is.
    Health(gateway::AskArgs),
    /// The gateway's log.
    Logs(simple::LogsArgs),
    /// Is everything as it should be, why not, and what helps; --fix repairs.
    Doctor(doctor::DoctorArgs),
    /// A bundle for whoever helps: versions, findings, logs, without secrets and messages. Nothing is sent.
    Diagnostics(doctor::DiagnosticsArgs),
    /// Backups of this profile: make, verify, restore.
    Backup(backup::BackupArgs),
    /// Profiles on this machine.
    Profiles(profiles::ProfilesArgs),
    /// Read and edit the configuration file; a running gateway reloads it.
    Config(config::ConfigArgs),
    /// Secrets of this profile. Values are never shown.
    Secrets(config::SecretsArgs),
    /// Strangers who wrote to a bot and wait for approval.
    Pairing(simple::PairingArgs),
    /// Commands of agents that wait for a yes, and what needs none.
    #[command(alias = "exec-approvals")]
    Approvals(approvals::ApprovalsArgs),
    /// Work of agents beside conversations.
    Tasks(approvals::TasksArgs),
    /// Devices that may connect to the gateway, and those that wait to.
    Devices(devices::DevicesArgs),
    /// Phones and computers that lend themselves to the gateway.
    Nodes(devices::NodesArgs),
    /// A code that lets one phone in: scan it with the app.
    Qr(devices::QrArgs),
    /// Let an agent work once and print its answer.
    Agent(agent::AgentArgs),
    /// The agents: who they are, where they work, what they answer.
    Agents(agents::AgentsArgs),
    /// Models that agents can use.
    Models(models::ModelsArgs),
    /// Skills that agents can read up on.
    Skills(models::SkillsArgs),
    /// Channels, such as Telegram.
    Channels(channels::ChannelsArgs),
    /// Send somebody a message on a channel.
    Message(message::MessageArgs),
    /// Jobs that run by themselves: reminders, briefings, checks.
    #[command(alias = "automations")]
    Cron(cron::CronArgs),
    /// Tell the agent that something happened; heartbeats; who is here.
    System(system::SystemArgs),
    /// The browser seat of the running gateway.
    Browser(browser::BrowserArgs),
    /// The gateway that watches another one: how it is, what can be done, who is told.
    Rescue(rescue::RescueArgs),
    /// Open the web UI, logged in.
    Dashboard(simple::DashboardArgs),
    /// Take Bulkhead off this machine: services, start at login, keychain items. Your data stays unless told otherwise.
    Uninstall(uninstall::UninstallArgs),
    /// Print a completion script for a shell.
    Completions(simple::CompletionsArgs),
    /// Write the manual pages into a folder; packages do this.
    #[command(hide = true)]
    Manual(simple::ManualArgs),
}

/// A base port as a flag: told here, before anything is looked at.
pub(crate) fn base_port(text: &str) -> Result<u16, String> {
    let port = text
        .trim()
        .parse::<u16>()
        .map_err(|_| format!("found {text:?}, expected a base port from 1024 to 65425, for example 18789"))?;
    Ports::new(port).map(|_| port).map_err(|error| error.to_string())
}
