//! The newest of everything that was seen.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::observation::{
    Answer, BinarySeen, ConfigSeen, CredentialSeen, DiskSeen, Observation, PortSeen, ProcessSeen, ReadySeen,
    ServiceActivity, ServiceSeen,
};
use crate::seams::{KeeperReport, Kept, Wanted};

/// The newest of everything that was seen. Each is `None` until it was seen once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The process.
    pub process: Option<ProcessSeen>,
    /// `/healthz`.
    pub http: Option<Answer>,
    /// `/readyz`; forgotten when it does not answer any more.
    pub ready: Option<ReadySeen>,
    /// The beginning of the protocol.
    pub hello: Option<Answer>,
    /// The supervisor.
    pub keeper: Option<KeeperReport>,
    /// The service manager.
    pub service: Option<ServiceSeen>,
    /// Where the state lies.
    pub disk: Option<DiskSeen>,
    /// The configuration file.
    pub config: Option<ConfigSeen>,
    /// The port.
    pub port: Option<PortSeen>,
    /// The program.
    pub binary: Option<BinarySeen>,
    /// Bots, by channel.
    pub bots: BTreeMap<String, CredentialSeen>,
    /// Model providers, by id.
    pub models: BTreeMap<String, CredentialSeen>,
    /// Whether this gateway reaches its own messenger; believed until the contrary is seen.
    pub own_network_down: bool,
    /// How often it ended without being asked within the last minute.
    pub exits: u32,
    /// When the last of these was, on the monotonic clock.
    pub last_exit_at: Option<Duration>,
    /// Whether the present absence began with an end that somebody asked for.
    pub left_as_asked: bool,
    /// Whether it ever answered since this gateway runs: after a boot both come up side by side.
    pub ever_answered: bool,
    /// Whether its service was ever seen enabled: one that never was is nobody's loss.
    pub service_was_enabled: bool,
}

impl Facts {
    /// Takes in one observation.
    pub fn take(&mut self, what: Observation) {
        match what {
            Observation::Process(seen) => self.process = Some(seen),
            Observation::Http(answer) => {
                if !matches!(answer, Answer::Good | Answer::Busy) {
                    self.ready = None;
                }
                self.ever_answered |= answer == Answer::Good;
                self.http = Some(answer);
            }
            Observation::Ready(seen) => self.ready = Some(seen),
            Observation::Hello(answer) => self.hello = Some(answer),
            Observation::Keeper(report) => self.keeper = Some(report),
            Observation::Service(seen) => {
                self.service_was_enabled |= seen.installed && seen.enabled && !seen.masked;
                self.service = Some(seen);
            }
            Observation::Disk(seen) => self.disk = Some(seen),
            Observation::Config(seen) => self.config = Some(seen),
            Observation::Port(seen) => self.port = Some(seen),
            Observation::Binary(seen) => self.binary = Some(seen),
            Observation::Bot(seen) => {
                self.bots.insert(seen.of.clone(), seen);
            }
            Observation::Model(seen) => {
                self.models.insert(seen.of.clone(), seen);
            }
            Observation::OwnNetwork { reachable } => self.own_network_down = !reachable,
        }
    }

    /// What the supervisor said, if one answers.
    pub fn kept(&self) -> Option<&Kept> {
        match &self.keeper {
            Some(KeeperReport::Present { kept }) => Some(kept),
            _ => None,
        }
    }

    /// Whether a supervisor should answer and does not.
    pub fn keeper_absent(&self) -> bool {
        matches!(self.keeper, Some(KeeperReport::Absent { .. }))
    }

    /// Whether it is meant to run.
    pub fn wanted(&self) -> Wanted {
        match &self.keeper {
            Some(KeeperReport::Present { kept }) => kept.wanted,
            Some(KeeperReport::Absent { wanted, .. }) => *wanted,
            Some(KeeperReport::None) | None => Wanted::Running,
        }
    }

    /// Who owns it, as far as that is known.
    pub fn owner(&self) -> Option<&str> {
        match &self.keeper {
            Some(KeeperReport::Present { kept }) => Some(&kept.owner),
            Some(KeeperReport::Absent { owner, .. }) => owner.as_deref(),
            _ => None,
        }
    }

    /// Its version, as far as that is known.
    pub fn version(&self) -> Option<&str> {
        let kept = self.kept().and_then(|kept| kept.version.as_deref());
        let seen = match &self.binary {
            Some(BinarySeen::Present { version }) => version.as_deref(),
            _ => None,
        };
        kept.or(seen)
    }

    /// Whether its service was stopped the plain way (`systemctl stop`) and would start again by itself at the next
    /// log-on: somebody wanted that.
    pub fn service_was_stopped(&self) -> bool {
        self.service.as_ref().is_some_and(|service| {
            service.installed
                && service.enabled
                && !service.masked
                && service.activity == ServiceActivity::Inactive
                && service.ended_well
        })
    }

    /// Whether it answers.
    pub fn answers(&self) -> bool {
        matches!(self.http, Some(Answer::Good))
    }

    /// Whether its process is known to be gone.
    pub fn is_gone(&self) -> bool {
        matches!(self.process, Some(ProcessSeen::Gone { .. }))
    }

    /// The code and words of a failing part, as `/readyz` names it.
    pub fn failing(&self, name: &str) -> Option<&crate::observation::Reason> {
        self.ready.as_ref()?.failing.get(name)
    }

    /// The failing channels, as `/readyz` names them.
    pub fn failing_channels(&self) -> impl Iterator<Item = (&String, &crate::observation::Reason)> {
        let failing = self.ready.iter().flat_map(|ready| &ready.failing);
        failing.filter(|(name, _)| name.starts_with("channels."))
    }
}
