//! A gateway that ran before this supervisor did: it is watched, and ended only as the process that its record
//! proves.

use std::time::Duration;

use bulkhead_process::{ProcessIdentity, RunRecord};
use tokio::time::{MissedTickBehavior, interval};

use super::{Life, Next};
use crate::desired::Desired;
use crate::error::SupervisorError;
use crate::handle::{Command, Wish};
use crate::ladder::Rung;
use crate::status::{GatewayState, Ready};

const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Life {
    pub(super) async fn attached(&mut self, record: RunRecord) -> Next {
        self.tell(|status| {
            status.attached = true;
            status.pid = Some(record.identity.pid);
            status.ready = Some(Ready {
                pid: record.identity.pid,
                port: record.base_port,
                version: record.version.clone(),
                ..Ready::default()
            });
        });
        self.set_state(GatewayState::Running);
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let command = tokio::select! {
                command = self.inbox.recv() => command,
                _ = look.tick() => {
                    if record.identity.is_alive() {
                        continue;
                    }
                    return self.attached_is_gone();
                }
            };
            // A supervisor that only attached leaves the gateway running.
            let Some(command) = command else { return Next::Quit };
            if let Some(next) = self.wish_while_attached(&record.identity, command).await {
                return next;
            }
        }
    }

    fn attached_is_gone(&mut self) -> Next {
        // Whoever ran it may have started it again.
        if let Some(record) = RunRecord::read_running(&self.options.place.run_record_path()) {
            return Next::Attach(Box::new(record));
        }
        let ours = self.must_own("started").is_ok();
        if ours && self.options.autostart && self.desired == Desired::Running {
            Next::Start(Rung::Normal)
        } else {
            Next::Idle
        }
    }

    async fn wish_while_attached(&mut self, identity: &ProcessIdentity, command: Command) -> Option<Next> {
        let Command { wish, answer } = command;
        let (action, desired, next) = match wish {
            Wish::Start => {
                let _ = answer.send(self.want(Desired::Running));
                return None;
            }
            Wish::Update(secrets) => {
                self.secrets = Some(secrets);
                let _ = answer.send(Ok(()));
                return None;
            }
            Wish::ReloadSecrets | Wish::Ping => {
                let _ = answer.send(Ok(()));
                return None;
            }
            Wish::Shutdown => {
                let _ = answer.send(Ok(()));
                return Some(Next::Quit);
            }
            Wish::Stop => ("stopped", Desired::Stopped, Next::Idle),
            Wish::Release => ("handed over", self.desired, Next::Quit),
            Wish::Pause { until_ms } => ("paused", Desired::PausedUntil { until_ms }, Next::Idle),
            Wish::Restart => ("restarted", Desired::Running, Next::Start(Rung::Normal)),
            Wish::SafeMode => ("restarted", Desired::Running, Next::Start(Rung::Safe)),
        };
        let result = match self.must_own(action) {
            Ok(()) => self.end_attached(identity, desired).await,
            Err(refused) => Err(refused),
        };
        let done = result.is_ok();
        let _ = answer.send(result);
        done.then_some(next)
    }

    async fn end_attached(
        &mut self,
        identity: &ProcessIdentity,
        desired: Desired,
    ) -> Result<(), SupervisorError> {
        self.set_state(GatewayState::Stopping);
        // One that stands still cannot hear that it shall end.
        let hung = bulkhead_process::stands_still(identity.pid);
        let grace = if hung { Duration::ZERO } else { self.options.stop_limit };
        let identity = identity.clone();
        let ended = tokio::task::spawn_blocking(move || identity.terminate(grace)).await;
        match ended {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                self.set_state(GatewayState::Running);
                return Err(error.into());
            }
            Err(_) => return Err(SupervisorError::Gone { profile: self.options.place.name().to_string() }),
        }
        self.forget_crashes();
        self.want(desired)
    }
}
