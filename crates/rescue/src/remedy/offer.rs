//! What is offered for a cause, and what is said where nothing here can help.

use std::collections::BTreeSet;

use super::request::RemedyKind;
use crate::cause::Cause;

/// What an alert offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Buttons, the most helpful first.
    pub remedies: Vec<RemedyKind>,
    /// What can help, in words.
    pub advice: String,
}

/// What is offered for a cause, given what the keeper can do now.
pub fn offer(cause: &Cause, able: &BTreeSet<RemedyKind>) -> Offer {
    use RemedyKind::{
        Doctor, EnableService, EndHolder, Logs, MoveToService, OtherPort, Quiet, Restart, Rollback, SafeMode,
        Start,
    };
    let wished: &[RemedyKind] = match cause {
        Cause::PortStolen { holder } if holder.ours => &[EndHolder, OtherPort, Restart],
        Cause::PortStolen { .. } | Cause::NotAGateway { .. } => &[Restart, OtherPort],
        Cause::ConfigEmptied { .. } | Cause::ConfigInvalid { .. } => &[Rollback, Restart, SafeMode],
        Cause::ServiceDisabled { .. } => &[EnableService],
        Cause::CrashLoop { .. } => &[Restart, Rollback, SafeMode],
        Cause::BinaryMissing { .. }
        | Cause::NodeBroken { .. }
        | Cause::DiskFull { .. }
        | Cause::StateReadOnly { .. }
        | Cause::Hung { .. }
        | Cause::Limited { .. }
        | Cause::ChannelDown { .. } => &[Restart],
        Cause::Killed { .. } | Cause::Down => &[Start, Restart, Rollback, SafeMode],
        Cause::SupervisorGone => &[MoveToService, Start],
        // Nothing on this machine repairs these.
        Cause::BotTokenRevoked { .. } | Cause::ModelKeyRevoked { .. } | Cause::ProviderDown { .. } => &[],
    };
    let mut remedies: Vec<RemedyKind> = wished.iter().copied().filter(|kind| able.contains(kind)).collect();
    // Start and Restart side by side would be one button twice.
    if remedies.contains(&Start) {
        remedies.retain(|kind| *kind != Restart);
    }
    remedies.extend([Logs, Doctor].into_iter().filter(|kind| able.contains(kind)));
    remedies.push(Quiet);
    Offer { advice: advice(cause, &remedies), remedies }
}

fn advice(cause: &Cause, offered: &[RemedyKind]) -> String {
    let can = |kind| offered.contains(&kind);
    match cause {
        Cause::BinaryMissing { path } => {
            format!("Install the program again, or put {path} back; then tap Restart. No button can bring it back.")
        }
        Cause::NodeBroken { .. } => {
            "Repair it at the machine: install Node, or run `npm install -g openclaw` again; then tap Restart. No button can install it."
                .to_owned()
        }
        Cause::PortStolen { holder } if holder.ours && can(RemedyKind::EndHolder) => {
            "The process is left over from an earlier run of the same gateway: ending it frees the port.".to_owned()
        }
        Cause::PortStolen { holder } => {
            let who = holder.program.as_deref().unwrap_or("that program");
            let other = if can(RemedyKind::OtherPort) { ", or let the gateway use another port" } else { "" };
            format!("It is not ours, so it is left alone. End {who} yourself and tap Restart{other}.")
        }
        Cause::ConfigEmptied { .. } | Cause::ConfigInvalid { .. } if can(RemedyKind::Rollback) => {
            "Roll back puts the last good configuration in its place and keeps the present file beside it.".to_owned()
        }
        Cause::ConfigEmptied { .. } | Cause::ConfigInvalid { .. } => {
            "There is no good version to go back to: repair the file at the machine.".to_owned()
        }
        Cause::StateReadOnly { path } => {
            format!("Make {path} writable again: remount the file system, or repair the rights of the directory. Nothing can be done about that from here.")
        }
        Cause::DiskFull { path, .. } => {
            format!("Make room where {path} lies: old logs, downloads, backups. It recovers by itself once there is room.")
        }
        Cause::ServiceDisabled { .. } if can(RemedyKind::EnableService) => {
            "Enable the service brings it back, now and after the next log-on.".to_owned()
        }
        Cause::ServiceDisabled { service, .. } => {
            format!("Enable {service} at the machine.")
        }
        Cause::CrashLoop { .. } => {
            "Look at the logs first. If the configuration was changed before, roll back; else safe mode keeps it reachable while you repair it."
                .to_owned()
        }
        Cause::Hung { .. } if can(RemedyKind::Restart) => "Restart ends the stuck process and starts a new one.".to_owned(),
        Cause::Hung { .. } => "End its process at the machine and start it again.".to_owned(),
        Cause::Killed { .. } | Cause::Down if can(RemedyKind::Start) || can(RemedyKind::Restart) => {
            "Start brings it back.".to_owned()
        }
        Cause::Killed { .. } | Cause::Down => "Start it at the machine where it runs.".to_owned(),
        Cause::SupervisorGone if can(RemedyKind::MoveToService) => {
            "Whoever ran it is gone (the app was closed, or its service ended). Start that again, or move it to a service that runs by itself."
                .to_owned()
        }
        Cause::SupervisorGone => "Start the app or the service that runs it.".to_owned(),
        Cause::NotAGateway { .. } => "Another program took its address, or a proxy answers for it.".to_owned(),
        Cause::BotTokenRevoked { .. } => {
            "Get a new token from @BotFather and enter it in the app or with `bulkhead secrets set …`, where it works at once (an OpenClaw: in its own configuration). No button can renew it."
                .to_owned()
        }
        Cause::ModelKeyRevoked { provider } => {
            let of = provider.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
            format!("Make a new key at the provider's site{of} and enter it in the app or with `bulkhead secrets set …` (an OpenClaw: in its own configuration). No button can renew it.")
        }
        Cause::ProviderDown { .. } => {
            "Wait for the provider, or choose another model. It recovers by itself.".to_owned()
        }
        Cause::ChannelDown { .. } if can(RemedyKind::Restart) => {
            "This gateway reaches the messenger and the other does not. Restart lets it try anew; if that does not help, look at its proxy and network.".to_owned()
        }
        Cause::ChannelDown { .. } => {
            "This gateway reaches the messenger and the other does not: look at its proxy and network.".to_owned()
        }
        Cause::Limited { mode } if mode == "waiting-for-keychain" => {
            "Log in at the machine so that the keychain opens; it goes on by itself.".to_owned()
        }
        Cause::Limited { mode } if mode == "gateway.auth" => {
            "Store its token again with `bulkhead secrets set gateway/token -` at the machine.".to_owned()
        }
        Cause::Limited { .. } => "It runs without channels. Repair the reason, then tap Restart.".to_owned(),
    }
}
