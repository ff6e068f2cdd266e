//! What a supervisor tells systemd (`sd_notify`): how far it is, in words, and that its loop turns.

use std::time::Duration;

use bulkhead_supervisor::{Desired, GatewayState, GatewayStatus, SupervisorHandle};
use sd_notify::NotifyState;
use tokio::task::JoinHandle;

/// How long a start may take longer each time that something changed.
const MORE_TIME: Duration = Duration::from_mins(1);
/// Status texts are one line in `systemctl status`.
const TEXT_LIMIT: usize = 240;

/// The conversation with systemd; silent where nobody listens.
#[derive(Debug, Default)]
pub struct Notifier {
    ready: bool,
    told: String,
}

impl Notifier {
    /// Tells what changed.
    pub fn tell(&mut self, status: &GatewayStatus) {
        let text = text(status);
        let mut states = Vec::new();
        if self.told != text {
            states.push(NotifyState::Status(&text));
        }
        let up = is_up(status);
        if up && !self.ready {
            states.push(NotifyState::Ready);
        } else if !up && !self.ready {
            let micros = u32::try_from(MORE_TIME.as_micros()).unwrap_or(u32::MAX);
            states.push(NotifyState::ExtendTimeoutUsec(micros));
        }
        send(&states);
        self.ready |= up;
        self.told = text;
    }

    /// Tells why it ends by itself.
    pub fn tell_end(status: &GatewayStatus) {
        let said = status.problem.as_ref().map(|problem| problem.message.as_str()).unwrap_or_default();
        send(&[NotifyState::Stopping, NotifyState::Status(&one_line(said))]);
    }

    /// Tells that it ends.
    pub fn stopping(why: &str) {
        send(&[NotifyState::Stopping, NotifyState::Status(why)]);
    }
}

fn send(states: &[NotifyState<'_>]) {
    if !states.is_empty() {
        // Who does not listen any more needs no answer.
        let _ = sd_notify::notify(states);
    }
}

/// Whether the service counts as started: the gateway is ready, waits for the keychain, or is down as its owner wants.
/// One that crashes again and again has been started, too: its supervisor is there to be asked.
fn is_up(status: &GatewayStatus) -> bool {
    match status.state {
        GatewayState::Running | GatewayState::WaitingForKeychain | GatewayState::Failed => true,
        GatewayState::Stopped => status.desired != Desired::Running,
        GatewayState::Starting | GatewayState::BackingOff | GatewayState::Stopping => false,
    }
}

/// The status in one line.
fn text(status: &GatewayStatus) -> String {
    let port = status.ready.as_ref().map(|ready| ready.port).unwrap_or_default();
    let state = match status.state {
        GatewayState::Running => format!("running on port {port}"),
        GatewayState::WaitingForKeychain => format!("waiting for the keychain on port {port}"),
        GatewayState::Starting => "starting".to_owned(),
        GatewayState::Stopping => "stopping".to_owned(),
        GatewayState::Stopped if status.desired == Desired::Stopped => "stopped on purpose".to_owned(),
        GatewayState::Stopped => "stopped".to_owned(),
        GatewayState::BackingOff => "crashed, starts again soon".to_owned(),
        GatewayState::Failed => "failed".to_owned(),
    };
    let problem = status.problem.as_ref().map(|problem| format!("; {}", problem.message)).unwrap_or_default();
    one_line(&format!("{state}{problem}"))
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ").chars().take(TEXT_LIMIT).collect()
}

/// Feeds systemd's watchdog as long as the supervisor's own loop answers.
pub fn feed_watchdog(handle: SupervisorHandle) -> Option<JoinHandle<()>> {
    let limit = sd_notify::watchdog_enabled()?;
    let every = limit / 4;
    Some(tokio::spawn(async move {
        let mut tick = tokio::time::interval(every);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if tokio::time::timeout(limit, handle.alive()).await.is_ok_and(|alive| alive.is_ok()) {
                send(&[NotifyState::Watchdog]);
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_supervisor::{Problem, Ready};

    #[test]
    fn a_service_is_up_when_it_can_be_used_or_is_down_on_purpose() {
        let at = |state, desired| is_up(&GatewayStatus { state, desired, ..GatewayStatus::default() });
        assert!(at(GatewayState::WaitingForKeychain, Desired::Running));
        assert!(at(GatewayState::Stopped, Desired::Stopped));
        assert!(!at(GatewayState::Stopped, Desired::Running), "before its first start");
        assert!(!at(GatewayState::BackingOff, Desired::Running));
    }

    #[test]
    fn the_status_is_one_short_line() {
        let status = GatewayStatus {
            state: GatewayState::Running,
            ready: Some(Ready { port: 18789, ..Ready::default() }),
            problem: Some(Problem { code: "x".into(), message: format!("two\nlines {}", "x".repeat(500)) }),
            ..GatewayStatus::default()
        };
        let text = text(&status);
        assert!(text.starts_with("running on port 18789; two lines x") && text.chars().count() == TEXT_LIMIT);
    }
}
