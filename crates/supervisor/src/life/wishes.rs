//! What is asked while the gateway is down.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Life, Next};
use crate::desired::{Desired, now_ms};
use crate::error::SupervisorError;
use crate::handle::{Command, Wish};
use crate::ladder::Rung;
use crate::status::GatewayState;

impl Life {
    /// Keeps what the owner wants.
    pub(super) fn want(&mut self, desired: Desired) -> Result<(), SupervisorError> {
        self.desired = desired;
        self.tell(|status| status.desired = desired);
        desired.write(&self.options.place.desired_path())
    }

    pub(super) fn must_own(&self, action: &'static str) -> Result<(), SupervisorError> {
        if self.options.attach_only {
            return Err(SupervisorError::NotOwner { profile: self.options.place.name().to_string(), action });
        }
        Ok(())
    }

    /// Waits for somebody to ask, or for a pause to end.
    pub(super) async fn idle(&mut self) -> Next {
        if self.status.borrow().state != GatewayState::Failed {
            self.set_state(GatewayState::Stopped);
        }
        let pause = self.desired.pause_left(now_ms()).map(|left| Instant::now() + left);
        loop {
            let command = match pause {
                None => self.inbox.recv().await,
                Some(end) => tokio::select! {
                    command = self.inbox.recv() => command,
                    () = sleep_until(end) => {
                        if let Err(error) = self.want(Desired::Running) {
                            tracing::warn!(%error, "the end of the pause could not be kept");
                        }
                        self.forget_crashes();
                        return Next::Start(Rung::Normal);
                    }
                },
            };
            let Some(command) = command else { return Next::Quit };
            if let Some(next) = self.wish_while_down(command) {
                return next;
            }
        }
    }

    /// Waits before a restart; what is asked meanwhile comes first.
    pub(super) async fn back_off(&mut self, pause: Duration, rung: Rung) -> Next {
        if pause.is_zero() {
            return Next::Start(rung);
        }
        self.set_state(GatewayState::BackingOff);
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.tell(|status| status.next_start_ms = Some(now_ms().saturating_add(pause_ms)));
        let end = Instant::now() + pause;
        loop {
            let command = tokio::select! {
                command = self.inbox.recv() => command,
                () = sleep_until(end) => return Next::Start(rung),
            };
            let Some(command) = command else { return Next::Quit };
            if let Some(next) = self.wish_while_down(command) {
                return next;
            }
        }
    }

    fn wish_while_down(&mut self, command: Command) -> Option<Next> {
        let Command { wish, answer } = command;
        let (result, next) = match wish {
            Wish::Start | Wish::Restart => self.begin(Rung::Normal),
            Wish::SafeMode => self.begin(Rung::Safe),
            Wish::Stop => {
                let kept = self.want(Desired::Stopped);
                self.forget_crashes();
                self.set_state(GatewayState::Stopped);
                (kept, Some(Next::Idle))
            }
            Wish::Pause { until_ms } => {
                let kept = self.want(Desired::PausedUntil { until_ms });
                self.set_state(GatewayState::Stopped);
                (kept, Some(Next::Idle))
            }
            Wish::Update(secrets) => {
                self.secrets = Some(secrets);
                (Ok(()), None)
            }
            Wish::ReloadSecrets => {
                self.secrets = None;
                (Ok(()), None)
            }
            Wish::Ping => (Ok(()), None),
            Wish::Release | Wish::Shutdown => (Ok(()), Some(Next::Quit)),
        };
        let _ = answer.send(result);
        next
    }

    fn begin(&mut self, rung: Rung) -> (Result<(), SupervisorError>, Option<Next>) {
        if let Err(refused) = self.must_own("started") {
            return (Err(refused), None);
        }
        let kept = self.want(Desired::Running);
        self.forget_crashes();
        // Somebody may have changed them since.
        self.secrets = None;
        (kept, Some(Next::Start(rung)))
    }
}
