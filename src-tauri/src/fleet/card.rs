//! What a card says, from what the supervisor says and what the gateway answers. Pure.

use crate::cards::{
    BotCard, CardState, ChannelCard, ChannelState, Ended, Problem, ProblemAction, ProfileCard,
};
use crate::words;
use bulkhead_profile::{Owner, Ports};
use bulkhead_supervisor::{Desired, GatewayState, GatewayStatus};
use serde_json::Value;

/// What doesn't change while a profile exists.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Name of the profile.
    pub name: String,
    /// Its ports.
    pub ports: Ports,
    /// Who runs it.
    pub owner: Owner,
    /// Its state directory.
    pub state_dir: String,
    /// Its workspace.
    pub workspace: String,
}

/// What the connection to a gateway tells.
#[derive(Debug, Clone, Default)]
pub struct Answering {
    /// Whether requests work now.
    pub connected: bool,
    /// Since when, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Why not, where it was refused rather than merely absent.
    pub refusal: Option<Problem>,
    /// Whether the gateway tells us about its sessions on this connection.
    pub subscribed: bool,
    /// What became of a gateway that answered and went away without being asked to.
    pub gone: Option<Problem>,
    /// When and how that was.
    pub ended: Option<Ended>,
    /// Address of a gateway elsewhere.
    pub remote: Option<String>,
    /// The profile that it watches.
    pub watching: Option<String>,
    /// Approvals and questions that wait for a person.
    pub waiting: u32,
    /// Why the app, which owns it, can't supervise it.
    pub unsupervised: Option<Problem>,
    /// Why the last thing that was asked for was not done.
    pub not_done: Option<Problem>,
    /// Version from hello-ok.
    pub version: Option<String>,
    /// Answer to `channels.status`.
    pub channels: Option<Value>,
    /// Process id from the run record.
    pub pid: Option<u32>,
    /// Memory of that process, in bytes.
    pub memory_bytes: Option<u64>,
}

/// Puts a card together.
pub fn card(identity: &Identity, supervised: Option<&GatewayStatus>, answering: &Answering) -> ProfileCard {
    let channels = channels(answering.channels.as_ref());
    let state = state(supervised, answering, &channels);
    let problem = supervised
        .and_then(|status| status.problem.as_ref())
        .filter(|_| !planned(state))
        .map(|problem| Problem {
            action: Some(action_for(&problem.code)),
            code: problem.code.clone(),
            message: problem.message.clone(),
        })
        .or_else(|| answering.unsupervised.clone())
        .or_else(|| answering.gone.clone())
        .or_else(|| answering.refusal.clone().filter(|_| !planned(state)))
        .or_else(|| channel_problem(&channels))
        .or_else(|| answering.not_done.clone());
    // What it really bound, where its configuration was edited since it was registered.
    let bound = supervised.and_then(|status| status.ready.as_ref()).map(|ready| ready.port);
    let ports = bound.and_then(|port| Ports::new(port).ok()).unwrap_or(identity.ports);
    ProfileCard {
        name: identity.name.clone(),
        state,
        since: match supervised {
            Some(status) if status.since_ms > 0 => Some(status.since_ms),
            _ => answering.since_ms,
        },
        base_port: ports.base(),
        control_port: ports.control(),
        cdp_first: ports.cdp_first(),
        cdp_last: ports.cdp_last(),
        owner: identity.owner.to_string(),
        pid: supervised.and_then(|status| status.pid).or(answering.pid),
        memory_bytes: answering.memory_bytes,
        bot: channels.iter().find_map(|channel| Some(BotCard { username: channel.account.clone()? })),
        channels,
        problem,
        version: answering.version.clone().or_else(|| {
            supervised.and_then(|status| status.ready.as_ref()).map(|ready| ready.version.clone())
        }),
        ready_ms: supervised.and_then(|status| status.ready.as_ref()).map(|ready| ready.ready_ms),
        state_dir: identity.state_dir.clone(),
        workspace: identity.workspace.clone(),
        paused_until: supervised.and_then(|status| match status.desired {
            Desired::PausedUntil { until_ms } if planned(state) => Some(until_ms),
            _ => None,
        }),
        waiting: if answering.connected { answering.waiting } else { 0 },
        watching: answering.watching.clone(),
        ended: supervised.and_then(ended).or_else(|| answering.ended.clone()),
        remote: answering.remote.clone(),
    }
}

fn ended(status: &GatewayStatus) -> Option<Ended> {
    let last = status.last_exit.as_ref()?;
    Some(Ended { at: last.at_ms, message: words::ended(last.at_ms, last.code, last.signal) })
}

fn state(supervised: Option<&GatewayStatus>, answering: &Answering, channels: &[ChannelCard]) -> CardState {
    let lost = channels.iter().any(|channel| channel.state == ChannelState::Disconnected);
    let troubled = lost || answering.refusal.is_some() || channel_problem(channels).is_some();
    match supervised.map(|status| status.state) {
        Some(GatewayState::Running) if troubled => CardState::Degraded,
        Some(GatewayState::Running) => CardState::Running,
        Some(GatewayState::Starting | GatewayState::BackingOff) => CardState::Starting,
        Some(GatewayState::WaitingForKeychain) => CardState::Degraded,
        Some(GatewayState::Failed) => CardState::Failed,
        // Somebody else runs it: what it answers is all that we know.
        None if answering.connected && troubled => CardState::Degraded,
        None if answering.connected => CardState::Running,
        None if answering.unsupervised.is_some() || answering.gone.is_some() => CardState::Failed,
        None if answering.refusal.is_some() => CardState::Degraded,
        // Of one elsewhere nothing is known before it was asked.
        None if answering.remote.is_some() => CardState::Unknown,
        Some(GatewayState::Stopping) => CardState::Stopping,
        Some(GatewayState::Stopped) | None => CardState::Stopped,
    }
}

/// What somebody asked for is no problem.
fn planned(state: CardState) -> bool {
    matches!(state, CardState::Stopping | CardState::Stopped)
}

fn action_for(code: &str) -> ProblemAction {
    match code {
        code if code.starts_with("keychain") || code.starts_with("secret") => ProblemAction::Credentials,
        code if code.contains("port") || code.contains("config") || code.contains("crash") => {
            ProblemAction::Logs
        }
        _ => ProblemAction::Restart,
    }
}

fn channel_problem(channels: &[ChannelCard]) -> Option<Problem> {
    channels.iter().find(|channel| channel.state == ChannelState::Failed).map(|channel| Problem {
        code: format!("channel-{}", channel.id),
        message: channel.detail.clone().unwrap_or_else(|| format!("{} does not work.", channel.label)),
        action: Some(ProblemAction::Channels),
    })
}

/// Reads the accounts out of a `channels.status` answer.
fn channels(status: Option<&Value>) -> Vec<ChannelCard> {
    let Some(status) = status else { return Vec::new() };
    let order = status.get("channelOrder").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut cards = Vec::new();
    for id in order.iter().filter_map(Value::as_str) {
        let label = status["channelLabels"][id].as_str().unwrap_or(id).to_owned();
        for account in status["channelAccounts"][id].as_array().into_iter().flatten() {
            let flag = |key: &str| account.get(key).and_then(Value::as_bool);
            let text = |key: &str| account.get(key).and_then(Value::as_str).map(str::to_owned);
            let error = text("lastError").filter(|error| !error.is_empty());
            let state = match (flag("running"), flag("connected"), &error) {
                (Some(false), _, Some(_)) => ChannelState::Failed,
                (Some(true), Some(false), Some(_)) => ChannelState::Disconnected,
                (Some(true), Some(false), None) => ChannelState::Connecting,
                (Some(true), _, _) => ChannelState::Connected,
                _ => ChannelState::Disabled,
            };
            cards.push(ChannelCard {
                id: id.to_owned(),
                label: label.clone(),
                state,
                detail: error,
                account: account
                    .pointer("/bot/username")
                    .or_else(|| account.pointer("/probe/bot/username"))
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            });
        }
    }
    cards
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn identity() -> Identity {
        Identity {
            name: "main".to_owned(),
            ports: Ports::new(18789).expect("a base port"),
            owner: Owner::Desktop,
            state_dir: "/home/ada/.bulkhead".to_owned(),
            workspace: "/home/ada/.bulkhead/workspace".to_owned(),
        }
    }

    fn telegram(running: bool, error: Option<&str>) -> Value {
        json!({
            "channelOrder": ["telegram"], "channelLabels": { "telegram": "Telegram" },
            "channelAccounts": { "telegram": [{ "accountId": "default", "running": running, "lastError": error, "bot": { "username": "ada_bot" } }] }
        })
    }

    #[test]
    fn a_running_gateway_with_a_working_bot_is_well() {
        let status = GatewayStatus { state: GatewayState::Running, ..GatewayStatus::default() };
        let answering =
            Answering { connected: true, channels: Some(telegram(true, None)), ..Answering::default() };
        let card = card(&identity(), Some(&status), &answering);
        assert_eq!(card.state, CardState::Running);
        assert_eq!(card.bot.map(|bot| bot.username), Some("ada_bot".to_owned()));
        assert!(card.problem.is_none());
        assert_eq!((card.control_port, card.cdp_first, card.cdp_last), (18791, 18800, 18899));
    }

    #[test]
    fn a_channel_that_fails_degrades_and_says_why() {
        let status = GatewayStatus { state: GatewayState::Running, ..GatewayStatus::default() };
        let answering = Answering {
            connected: true,
            channels: Some(telegram(false, Some("The bot token was refused."))),
            ..Answering::default()
        };
        let card = card(&identity(), Some(&status), &answering);
        assert_eq!(card.state, CardState::Degraded);
        assert_eq!(
            card.problem.map(|problem| problem.message),
            Some("The bot token was refused.".to_owned())
        );
    }

    #[test]
    fn a_gateway_of_others_is_known_by_its_answers_only() {
        let mut identity = identity();
        identity.owner = Owner::External;
        assert_eq!(card(&identity, None, &Answering::default()).state, CardState::Stopped);
        let answering = Answering { connected: true, ..Answering::default() };
        assert_eq!(card(&identity, None, &answering).state, CardState::Running);
    }

    #[test]
    fn a_gateway_of_others_that_went_away_unasked_is_down_and_says_so() {
        let problem = Problem { code: "gateway-gone".to_owned(), message: "gone".to_owned(), action: None };
        let answering = Answering { gone: Some(problem.clone()), ..Answering::default() };
        let card = card(&identity(), None, &answering);
        assert_eq!((card.state, card.problem), (CardState::Failed, Some(problem)));
    }

    #[test]
    fn a_pause_says_until_when_and_an_end_says_how() {
        let paused =
            GatewayStatus { desired: Desired::PausedUntil { until_ms: 7 }, ..GatewayStatus::default() };
        assert_eq!(card(&identity(), Some(&paused), &Answering::default()).paused_until, Some(7));
        let last =
            bulkhead_supervisor::LastExit { at_ms: 5, code: None, signal: Some(9), last_lines: Vec::new() };
        let back =
            GatewayStatus { state: GatewayState::Running, last_exit: Some(last), ..GatewayStatus::default() };
        let answering = Answering { connected: true, ..Answering::default() };
        let card = card(&identity(), Some(&back), &answering);
        assert_eq!(card.state, CardState::Running);
        let ended = card.ended.expect("it is told");
        assert!(ended.at == 5 && ended.message.contains("signal 9"), "{ended:?}");
    }

    #[test]
    fn a_gateway_that_drains_is_not_stopped_yet() {
        let status = GatewayStatus { state: GatewayState::Stopping, ..GatewayStatus::default() };
        let card = card(&identity(), Some(&status), &Answering::default());
        assert_eq!((card.state, card.problem), (CardState::Stopping, None));
    }

    #[test]
    fn a_planned_stop_is_no_problem() {
        let status = GatewayStatus {
            state: GatewayState::Stopped,
            problem: Some(bulkhead_supervisor::Problem { code: "x".to_owned(), message: "old".to_owned() }),
            ..GatewayStatus::default()
        };
        let card = card(&identity(), Some(&status), &Answering::default());
        assert_eq!((card.state, card.problem.is_none()), (CardState::Stopped, true));
    }
}
