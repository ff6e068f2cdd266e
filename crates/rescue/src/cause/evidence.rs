//! What says so: short sentences for people, without secrets and without contents of messages.

use super::Cause;
use crate::observation::{Answer, PortSeen, ProcessSeen, ServiceActivity};
use crate::seams::KeeperReport;
use crate::state::Facts;

/// The evidence for a cause: what was seen, the most telling first.
pub(super) fn of(cause: &Cause, facts: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(process(facts));
    lines.extend(http(facts));
    lines.extend(keeper(facts));
    lines.extend(service(facts));
    match cause {
        Cause::DiskFull { .. } | Cause::StateReadOnly { .. } => {
            lines.extend(
                facts.failing("disk").or(facts.failing("state")).map(|reason| reason.message.clone()),
            );
        }
        Cause::ModelKeyRevoked { .. } | Cause::ProviderDown { .. } => {
            lines.extend(facts.failing("model").map(|reason| reason.message.clone()));
        }
        Cause::BotTokenRevoked { .. } | Cause::ChannelDown { .. } => {
            lines.extend(facts.failing_channels().map(|(_, reason)| reason.message.clone()));
        }
        _ => {}
    }
    if let Some(PortSeen::Taken(holder)) = &facts.port
        && !matches!(cause, Cause::PortStolen { .. })
    {
        lines.push(format!("Port {} is held by another process.", holder.port));
    }
    lines.retain(|line| !line.trim().is_empty());
    lines.dedup();
    lines
}

fn process(facts: &Facts) -> Option<String> {
    match facts.process.as_ref()? {
        ProcessSeen::Stopped { pid } => Some(format!("Process {pid} is stopped and does nothing.")),
        ProcessSeen::Gone { pid, .. } => Some(format!("Process {pid} is gone.")),
        ProcessSeen::Running { .. } | ProcessSeen::Unknown => None,
    }
}

fn http(facts: &Facts) -> Option<String> {
    match facts.http.as_ref()? {
        Answer::Good | Answer::Busy => None,
        Answer::Refused => Some("Nobody listens on its port.".to_owned()),
        Answer::Silent => Some("It takes connections and does not answer.".to_owned()),
        Answer::Unreachable { why } => Some(format!("The way there does not work: {why}.")),
        Answer::Wrong { found } => Some(format!("On its port answers {found}.")),
    }
}

fn keeper(facts: &Facts) -> Option<String> {
    match facts.keeper.as_ref()? {
        KeeperReport::None => None,
        KeeperReport::Absent { why, .. } => Some(format!("Its supervisor does not answer: {why}.")),
        KeeperReport::Present { kept } => {
            let exit = kept.last_exit.as_ref().filter(|_| !facts.answers() || facts.exits > 0);
            let ended = exit.map(|exit| match (exit.code, exit.signal) {
                (_, Some(signal)) => format!("It was ended by signal {signal}{}.", signal_name(signal)),
                (Some(code), None) => format!("It ended with exit code {code}."),
                (None, None) => "It ended without an exit code.".to_owned(),
            });
            let said = kept.problem.as_ref().map(|(_, message)| message.clone());
            match (ended, said) {
                (Some(ended), Some(said)) => Some(format!("{ended} {said}")),
                (ended, said) => ended.or(said),
            }
        }
    }
}

fn service(facts: &Facts) -> Option<String> {
    let service = facts.service.as_ref().filter(|service| service.installed)?;
    if facts.answers() && facts.exits == 0 {
        return None;
    }
    let name = &service.name;
    match service.activity {
        ServiceActivity::Failed => {
            let exit = service.exit.map(|exit| format!(" (exit code {exit})")).unwrap_or_default();
            Some(format!("The service {name} has failed{exit}."))
        }
        ServiceActivity::WaitingToRestart => Some(format!("The service {name} starts it again soon.")),
        ServiceActivity::Inactive => Some(format!("The service {name} does not run.")),
        _ => None,
    }
}

/// The names of the signals that people meet.
pub(crate) fn signal_name(signal: i32) -> &'static str {
    match signal {
        6 => " (SIGABRT: it gave up by itself)",
        9 => " (SIGKILL: somebody or the system killed it)",
        11 => " (SIGSEGV: it crashed)",
        15 => " (SIGTERM: it was asked to end)",
        _ => "",
    }
}
