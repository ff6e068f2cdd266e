//! Is an aspect bad, and how long may that last before anybody hears of it?

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::observation::{
    Answer, BinarySeen, ConfigTrouble, PortSeen, ProcessSeen, Reason, Reception, ServiceActivity,
};
use crate::seams::KeptState;

/// One side of the watched gateway's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// Its process lives.
    Process,
    /// It answers.
    Http,
    /// It speaks the protocol.
    Hello,
    /// It does not end again and again.
    Stability,
    /// Its port is its own.
    Port,
    /// Its program is there.
    Binary,
    /// Its service is enabled.
    Service,
    /// Its configuration can be used.
    Config,
    /// There is room.
    Disk,
    /// Its state can be written.
    State,
    /// Its bots are accepted and reachable.
    Channels,
    /// Its model answers.
    Model,
    /// It does everything that it is meant to do: no safe mode, no wait for a keychain.
    Mode,
}

impl Aspect {
    /// Every aspect.
    pub const ALL: [Self; 13] = [
        Self::Process,
        Self::Http,
        Self::Hello,
        Self::Stability,
        Self::Port,
        Self::Binary,
        Self::Service,
        Self::Config,
        Self::Disk,
        Self::State,
        Self::Channels,
        Self::Model,
        Self::Mode,
    ];

    /// Whether the gateway is useless without it.
    pub fn is_vital(self) -> bool {
        matches!(self, Self::Process | Self::Http | Self::Hello)
    }
}

/// How long things may last. The defaults tell real breakages well within ten seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// A process that ended without being asked; one that was killed is back within two seconds.
    pub crash: Duration,
    /// No answer although the process lives.
    pub silence: Duration,
    /// From a start, or an end that was asked for, to the first answer.
    pub start: Duration,
    /// What is certain at once but may be half of an edit or of a replacement.
    pub settled: Duration,
    /// A messenger that this gateway reaches and the other does not.
    pub channel: Duration,
    /// A wait for the keychain: somebody has to log in first.
    pub keychain: Duration,
    /// So many ends within a minute are a loop.
    pub loop_exits: u32,
    /// So long without another end is the end of a loop.
    pub loop_over: Duration,
}

impl Patience {
    /// For a gateway of this program: it starts within a second.
    pub fn bundled() -> Self {
        let secs = Duration::from_secs;
        Self {
            crash: secs(3),
            silence: secs(5),
            start: secs(12),
            settled: secs(2),
            channel: secs(60),
            keychain: secs(300),
            loop_exits: 3,
            loop_over: secs(15),
        }
    }

    /// For an OpenClaw: it takes six seconds to start, and its service manager waits five before it tries.
    pub fn openclaw() -> Self {
        let secs = Duration::from_secs;
        Self { crash: secs(4), start: secs(40), loop_over: secs(30), ..Self::bundled() }
    }

    /// For a gateway behind a network.
    pub fn remote() -> Self {
        let secs = Duration::from_secs;
        Self { silence: secs(8), crash: secs(8), ..Self::openclaw() }
    }
}

/// The judgement of one aspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing is known.
    Unknown,
    /// It is good.
    Good,
    /// It is bad.
    Bad {
        /// Becomes visible when it has lasted so long.
        after: Duration,
        /// Only a missing answer says so: worth nothing while this program itself is held up.
        soft: bool,
    },
}

const fn hard(after: Duration) -> Judgement {
    Judgement::Bad { after, soft: false }
}

const fn soft(after: Duration) -> Judgement {
    Judgement::Bad { after, soft: true }
}

/// Judges one aspect by the facts alone.
pub fn judge(aspect: Aspect, facts: &Facts, patience: &Patience) -> Judgement {
    match aspect {
        Aspect::Process => process(facts, patience),
        Aspect::Http => http(facts, patience),
        Aspect::Hello => match &facts.hello {
            None => Judgement::Unknown,
            Some(Answer::Good | Answer::Busy) => Judgement::Good,
            // Without HTTP the other aspect says it better.
            Some(_) if !facts.answers() => Judgement::Unknown,
            Some(Answer::Wrong { .. }) => hard(patience.silence),
            Some(_) => soft(patience.silence),
        },
        Aspect::Stability => match facts.exits {
            exits if exits >= patience.loop_exits => hard(Duration::ZERO),
            _ => Judgement::Good,
        },
        Aspect::Port => match &facts.port {
            None => Judgement::Unknown,
            Some(PortSeen::Free | PortSeen::Own) => Judgement::Good,
            Some(PortSeen::Taken(_)) => hard(patience.settled),
        },
        Aspect::Binary => match &facts.binary {
            None => Judgement::Unknown,
            Some(BinarySeen::Present { .. } | BinarySeen::Updating) => Judgement::Good,
            Some(BinarySeen::Missing { .. }) => hard(patience.crash),
        },
        Aspect::Service => service(facts, patience),
        Aspect::Config => config(facts, patience),
        Aspect::Disk => match &facts.disk {
            _ if facts.failing("disk").is_some() => hard(patience.settled),
            None => Judgement::Unknown,
            Some(disk) if disk.is_full() => hard(patience.settled),
            Some(_) => Judgement::Good,
        },
        Aspect::State => match &facts.disk {
            _ if facts.failing("state").is_some() => hard(patience.settled),
            None => Judgement::Unknown,
            Some(disk) if disk.writable == Some(false) => hard(patience.settled),
            Some(_) => Judgement::Good,
        },
        Aspect::Channels => channels(facts, patience),
        Aspect::Model => model(facts, patience),
        Aspect::Mode => mode(facts, patience),
    }
}

fn process(facts: &Facts, patience: &Patience) -> Judgement {
    let state = facts.kept().map(|kept| kept.state);
    if state == Some(KeptState::Failed) {
        return hard(Duration::from_millis(500));
    }
    match &facts.process {
        None | Some(ProcessSeen::Unknown) => match state {
            Some(KeptState::Running) => Judgement::Good,
            Some(KeptState::Starting | KeptState::Stopping) => hard(patience.start),
            Some(KeptState::BackingOff | KeptState::Stopped) => hard(patience.crash),
            _ => Judgement::Unknown,
        },
        Some(ProcessSeen::Running { .. }) => Judgement::Good,
        // Its supervisor has another one up; that one's own record comes a moment later.
        Some(ProcessSeen::Gone { pid, .. })
            if state == Some(KeptState::Running)
                && facts.kept().and_then(|kept| kept.pid).is_some_and(|kept| kept != *pid) =>
        {
            Judgement::Good
        }
        Some(ProcessSeen::Gone { .. }) if is_between_runs(facts) => hard(patience.start),
        Some(ProcessSeen::Stopped { .. } | ProcessSeen::Gone { .. }) => hard(patience.crash),
    }
}

/// Gone as somebody asked, and on its way back.
fn is_between_runs(facts: &Facts) -> bool {
    let by_keeper =
        facts.kept().is_some_and(|kept| matches!(kept.state, KeptState::Stopping | KeptState::Starting));
    let by_service = facts.service.as_ref().is_some_and(|service| {
        matches!(service.activity, ServiceActivity::Starting | ServiceActivity::Stopping)
    });
    let updating = matches!(facts.binary, Some(BinarySeen::Updating));
    facts.left_as_asked && (by_keeper || by_service) || updating
}

fn http(facts: &Facts, patience: &Patience) -> Judgement {
    // After a crash the first answer is waited for no longer than the crash itself.
    let starting = facts.left_as_asked || facts.last_exit_at.is_none();
    let until_first = if starting { patience.start } else { patience.crash };
    let starved = matches!(facts.process, Some(ProcessSeen::Running { starved: true, .. }));
    match &facts.http {
        None => Judgement::Unknown,
        Some(Answer::Good) => Judgement::Good,
        Some(Answer::Busy) => hard(patience.start.max(Duration::from_secs(30))),
        Some(Answer::Refused) if facts.process.as_ref().is_some_and(ProcessSeen::is_there) => {
            hard(until_first)
        }
        Some(Answer::Refused) if is_between_runs(facts) => hard(patience.start),
        // After a boot it may come up a little later than this gateway.
        Some(Answer::Refused) if !facts.ever_answered && facts.last_exit_at.is_none() => hard(patience.start),
        Some(Answer::Refused | Answer::Wrong { .. }) => hard(patience.crash),
        // It waits for a processor, like everything else here: a fault only if it lasts.
        Some(Answer::Silent) if starved => soft(patience.silence.max(Duration::from_mins(1))),
        Some(Answer::Silent | Answer::Unreachable { .. }) => soft(patience.silence),
    }
}

fn service(facts: &Facts, patience: &Patience) -> Judgement {
    let Some(service) = &facts.service else { return Judgement::Unknown };
    // With another owner the service is meant to rest.
    if !service.installed && !service.masked || facts.owner().is_some_and(|owner| owner != "service") {
        return Judgement::Unknown;
    }
    let disabled = service.masked || !service.enabled;
    match disabled {
        true if facts.service_was_enabled || !facts.answers() => hard(patience.settled),
        true => Judgement::Unknown,
        false => Judgement::Good,
    }
}

fn config(facts: &Facts, patience: &Patience) -> Judgement {
    let said = facts.failing("config").is_some();
    let seen = facts.config.as_ref().map(|config| config.trouble.as_ref());
    match seen {
        Some(Some(ConfigTrouble::Missing | ConfigTrouble::Empty | ConfigTrouble::Invalid { .. })) => {
            hard(patience.settled)
        }
        _ if said => hard(patience.settled),
        Some(None) => Judgement::Good,
        None => Judgement::Unknown,
    }
}

/// Whether a reason is about a credential, not about the way there.
pub(crate) fn is_about_credential(reason: &Reason) -> bool {
    let code = reason.code.to_ascii_lowercase();
    ["auth", "key", "token", "unauthorized", "forbidden", "401", "403", "credential"]
        .iter()
        .any(|word| code.contains(word))
}

fn channels(facts: &Facts, patience: &Patience) -> Judgement {
    let mut known = facts.ready.is_some();
    let mut worst: Option<Duration> = None;
    let mut bad = |after: Duration| worst = Some(worst.map_or(after, |worst| worst.min(after)));
    for (name, reason) in facts.failing_channels() {
        if is_about_credential(reason) {
            bad(patience.settled);
        } else if facts.bots.values().any(|bot| bot.how == Reception::Accepted && bot.of.starts_with(name)) {
            // Its bot is fine: after an outage it is back sooner; otherwise it gave up and does not try again.
            bad(patience.channel / 2);
        } else if !facts.own_network_down {
            bad(patience.channel);
        }
    }
    for bot in facts.bots.values() {
        known = true;
        match bot.how {
            Reception::Rejected => bad(patience.settled),
            Reception::Failed if !facts.own_network_down => bad(patience.channel),
            _ => {}
        }
    }
    match worst {
        Some(after) => hard(after),
        None if known => Judgement::Good,
        None => Judgement::Unknown,
    }
}

fn model(facts: &Facts, patience: &Patience) -> Judgement {
    if let Some(reason) = facts.failing("model") {
        if is_about_credential(reason) || !facts.own_network_down {
            return hard(patience.settled);
        }
        return Judgement::Unknown;
    }
    let mut known = facts.ready.is_some();
    for model in facts.models.values() {
        match model.how {
            Reception::Rejected => return hard(patience.settled),
            Reception::Failed if !facts.own_network_down => return soft(patience.crash),
            Reception::Accepted => known = true,
            _ => {}
        }
    }
    if known { Judgement::Good } else { Judgement::Unknown }
}

fn mode(facts: &Facts, patience: &Patience) -> Judgement {
    let safe = facts.failing("safe-mode").is_some() || facts.kept().is_some_and(|kept| kept.safe_mode);
    if safe {
        return hard(patience.settled);
    }
    // Nobody but paired devices gets in.
    if facts.failing("gateway.auth").is_some() {
        return hard(patience.crash);
    }
    if facts.failing("waiting-for-keychain").is_some() {
        return hard(patience.keychain);
    }
    if facts.ready.is_some() { Judgement::Good } else { Judgement::Unknown }
}
