//! From facts to one cause. The order is the point: what explains the other findings comes first.

use super::{Cause, Severity, evidence};
use crate::observation::{Answer, BinarySeen, ConfigTrouble, PortSeen, ProcessSeen, Reception};
use crate::seams::KeptState;
use crate::state::{Aspect, Facts};

/// What is wrong, how bad, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is wrong.
    pub cause: Cause,
    /// How bad.
    pub severity: Severity,
    /// What says so: short sentences.
    pub evidence: Vec<String>,
}

/// Names the cause of what is bad.
pub fn diagnose(facts: &Facts, bad: &[Aspect]) -> Diagnosis {
    let down = bad.iter().any(|aspect| aspect.is_vital());
    let cause = if down { why_down(facts, bad) } else { why_degraded(facts, bad) };
    let severity = if down { Severity::Down } else { Severity::Degraded };
    // A gateway that ends again and again is there only in between.
    let severity = if matches!(cause, Cause::CrashLoop { .. }) { Severity::Down } else { severity };
    Diagnosis { evidence: evidence::of(&cause, facts), cause, severity }
}

fn why_down(facts: &Facts, bad: &[Aspect]) -> Cause {
    let is_bad = |aspect| bad.contains(&aspect);
    // A process that lives and is held explains itself; nothing that lies on the disk stops a process so.
    if let Some(ProcessSeen::Stopped { .. }) = facts.process {
        return Cause::Hung { stopped: true };
    }
    if facts.process.as_ref().is_some_and(ProcessSeen::is_there)
        && matches!(facts.http, Some(Answer::Silent))
        && !is_bad(Aspect::Stability)
    {
        return Cause::Hung { stopped: false };
    }
    binary(facts)
        .or_else(|| port(facts))
        .or_else(|| config(facts))
        .or_else(|| storage(facts, bad))
        .or_else(|| service(facts, is_bad(Aspect::Service)))
        .or_else(|| is_bad(Aspect::Stability).then_some(Cause::CrashLoop { times: facts.exits }))
        .unwrap_or_else(|| plainly_down(facts))
}

fn plainly_down(facts: &Facts) -> Cause {
    match &facts.http {
        Some(Answer::Wrong { found }) => return Cause::NotAGateway { found: found.clone() },
        _ if facts.answers() && !facts.is_gone() => {
            if let Some(Answer::Wrong { found }) = &facts.hello {
                return Cause::NotAGateway { found: found.clone() };
            }
            return Cause::Hung { stopped: false };
        }
        _ => {}
    }
    if facts.keeper_absent() {
        return Cause::SupervisorGone;
    }
    if let Some(kept) = facts.kept() {
        if kept.state == KeptState::Failed && kept.problem.is_some() && kept.last_exit.is_none() {
            return Cause::Down;
        }
        if let Some(exit) = &kept.last_exit {
            return Cause::Killed { signal: exit.signal, exit: exit.code };
        }
    }
    let service = facts.service.as_ref().filter(|service| service.installed && !service.ended_well);
    if facts.is_gone() || service.is_some() {
        return Cause::Killed {
            signal: service.and_then(|service| service.signal),
            exit: service.and_then(|service| service.exit),
        };
    }
    Cause::Down
}

fn why_degraded(facts: &Facts, bad: &[Aspect]) -> Cause {
    let is_bad = |aspect| bad.contains(&aspect);
    let crash_loop = || is_bad(Aspect::Stability).then_some(Cause::CrashLoop { times: facts.exits });
    config(facts)
        .filter(|_| is_bad(Aspect::Config))
        .or_else(|| storage(facts, bad))
        .or_else(|| binary(facts).filter(|_| is_bad(Aspect::Binary)))
        .or_else(crash_loop)
        .or_else(|| service(facts, is_bad(Aspect::Service)))
        .or_else(|| rejected_bot(facts))
        .or_else(|| model(facts, is_bad(Aspect::Model)))
        .or_else(|| mode(facts).filter(|_| is_bad(Aspect::Mode)))
        .or_else(|| silent_channel(facts))
        .or_else(|| port(facts))
        .unwrap_or(Cause::Down)
}

fn binary(facts: &Facts) -> Option<Cause> {
    match facts.binary.as_ref()? {
        BinarySeen::Missing { what, node: true } => Some(Cause::NodeBroken { missing: what.clone() }),
        BinarySeen::Missing { what, node: false } => Some(Cause::BinaryMissing { path: what.clone() }),
        BinarySeen::Present { .. } | BinarySeen::Updating => None,
    }
}

fn port(facts: &Facts) -> Option<Cause> {
    match facts.port.as_ref()? {
        PortSeen::Taken(holder) => Some(Cause::PortStolen { holder: holder.clone() }),
        PortSeen::Free | PortSeen::Own => None,
    }
}

fn config(facts: &Facts) -> Option<Cause> {
    let seen = facts.config.as_ref();
    let path = || seen.map_or_else(|| "its configuration".to_owned(), |seen| seen.path.clone());
    match seen.and_then(|seen| seen.trouble.as_ref()) {
        Some(ConfigTrouble::Empty | ConfigTrouble::Missing) => Some(Cause::ConfigEmptied { path: path() }),
        Some(ConfigTrouble::Invalid { problem }) => {
            Some(Cause::ConfigInvalid { path: path(), problem: problem.clone() })
        }
        None => {
            // The gateway itself may know better what it can use.
            let reason = facts.failing("config")?;
            Some(Cause::ConfigInvalid { path: path(), problem: reason.message.clone() })
        }
    }
}

fn storage(facts: &Facts, bad: &[Aspect]) -> Option<Cause> {
    let path =
        || facts.disk.as_ref().map_or_else(|| "its state directory".to_owned(), |disk| disk.path.clone());
    if facts.disk.as_ref().is_some_and(|disk| disk.writable == Some(false)) {
        return Some(Cause::StateReadOnly { path: path() });
    }
    if bad.contains(&Aspect::Disk) {
        let free = facts.disk.as_ref().and_then(|disk| disk.free).unwrap_or(0);
        return Some(Cause::DiskFull { path: path(), free });
    }
    bad.contains(&Aspect::State).then(|| Cause::StateReadOnly { path: path() })
}

fn service(facts: &Facts, bad: bool) -> Option<Cause> {
    let service = facts.service.as_ref().filter(|_| bad)?;
    Some(Cause::ServiceDisabled { service: service.name.clone(), masked: service.masked })
}

fn rejected_bot(facts: &Facts) -> Option<Cause> {
    let said = facts
        .failing_channels()
        .find(|(_, reason)| crate::state::is_about_credential(reason))
        .map(|(channel, _)| channel.clone());
    let seen = facts.bots.values().find(|bot| bot.how == Reception::Rejected).map(|bot| bot.of.clone());
    said.or(seen).map(|channel| Cause::BotTokenRevoked { channel })
}

fn silent_channel(facts: &Facts) -> Option<Cause> {
    let said = facts.failing_channels().next().map(|(channel, _)| channel.clone());
    let seen = facts.bots.values().find(|bot| bot.how == Reception::Failed).map(|bot| bot.of.clone());
    said.or(seen).map(|channel| Cause::ChannelDown { channel })
}

fn model(facts: &Facts, bad: bool) -> Option<Cause> {
    if !bad {
        return None;
    }
    let seen = |how| facts.models.values().find(|model| model.how == how).map(|model| model.of.clone());
    let rejected = seen(Reception::Rejected);
    let said = facts.failing("model");
    if rejected.is_some() || said.is_some_and(crate::state::is_about_credential) {
        return Some(Cause::ModelKeyRevoked { provider: rejected });
    }
    Some(Cause::ProviderDown { provider: seen(Reception::Failed) })
}

fn mode(facts: &Facts) -> Option<Cause> {
    let said = ["safe-mode", "gateway.auth", "waiting-for-keychain"]
        .into_iter()
        .find(|mode| facts.failing(mode).is_some());
    let safe = facts.kept().is_some_and(|kept| kept.safe_mode).then_some("safe-mode");
    said.or(safe).map(|mode| Cause::Limited { mode: mode.to_owned() })
}
