//! The life of a supervised gateway: one task, one phase after the other.

mod attached;
mod reading;
mod run;
mod wishes;

use std::time::Duration;

use bulkhead_config::ConfigStore;
use bulkhead_process::RunRecord;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::desired::{Desired, now_ms};
use crate::handle::Command;
use crate::ladder::{Crash, Rung, Step, decide};
use crate::memory::CrashMemory;
use crate::secrets::Secrets;
use crate::status::{GatewayState, GatewayStatus, Problem};
use crate::supervisor::SupervisorOptions;

/// What comes next.
#[derive(Debug)]
enum Next {
    /// Nothing until somebody asks (or a pause ends).
    Idle,
    /// A start.
    Start(Rung),
    /// A start after a while.
    Backoff(Duration, Rung),
    /// A gateway that runs already.
    Attach(Box<RunRecord>),
    /// The end of the supervisor.
    Quit,
}

/// The supervisor's task.
pub(crate) struct Life {
    options: SupervisorOptions,
    inbox: mpsc::Receiver<Command>,
    status: watch::Sender<GatewayStatus>,
    began: Instant,
    crashes: Vec<Crash>,
    memory: CrashMemory,
    /// Launches in a row that came to nothing.
    not_launched: usize,
    desired: Desired,
    /// The secrets of the last run: a restart after a crash does not wait for the keychain.
    secrets: Option<Secrets>,
}

impl Life {
    pub(crate) fn new(
        options: SupervisorOptions,
        inbox: mpsc::Receiver<Command>,
        status: watch::Sender<GatewayStatus>,
    ) -> Self {
        let desired = Desired::read(&options.place.desired_path());
        let memory = CrashMemory::of(&options.place);
        let window = options.ladder.window;
        let crashes = memory.recall(now_ms(), window, window);
        let began = Instant::now();
        Self { options, inbox, status, began, crashes, memory, not_launched: 0, desired, secrets: None }
    }

    /// The supervisor's clock. It begins late enough for crashes that its predecessor saw.
    fn now(&self) -> Duration {
        self.options.ladder.window + self.began.elapsed()
    }

    pub(crate) async fn run(mut self) {
        let desired = self.desired;
        self.tell(|status| status.desired = desired);
        let running = RunRecord::read_running(&self.options.place.run_record_path());
        let mut next = match running {
            Some(record) => Next::Attach(Box::new(record)),
            None if self.options.autostart && desired == Desired::Running => self.first_start(),
            None => Next::Idle,
        };
        loop {
            next = match next {
                Next::Idle => self.idle().await,
                Next::Start(rung) => self.run_once(rung).await,
                Next::Backoff(pause, rung) => self.back_off(pause, rung).await,
                Next::Attach(record) => self.attached(*record).await,
                Next::Quit => break,
            };
        }
        self.set_state(GatewayState::Stopped);
        self.inbox.close();
    }

    /// On the configuration; on the rung of the last crash, if that was a moment ago under another supervisor.
    fn first_start(&mut self) -> Next {
        let Some(last) = self.crashes.last().copied() else { return Next::Start(Rung::Normal) };
        let rung = match decide(&self.crashes, self.now(), &self.options.ladder, self.has_last_good()) {
            Step::Restart { rung, .. } => rung,
            // Given up; whoever starts the supervisor again gets one more try.
            Step::Stop => last.rung,
        };
        if rung != Rung::Normal {
            self.tell(|status| status.problem = Some(climbed(rung, &self.options)));
        }
        Next::Start(rung)
    }

    fn has_last_good(&self) -> bool {
        ConfigStore::new(&self.options.place).fallback().is_some()
    }

    fn tell(&self, change: impl FnOnce(&mut GatewayStatus)) {
        self.status.send_modify(change);
    }

    fn set_state(&self, state: GatewayState) {
        self.tell(|status| {
            if status.state != state {
                status.state = state;
                status.since_ms = now_ms();
            }
            if state != GatewayState::BackingOff {
                status.next_start_ms = None;
            }
            if matches!(state, GatewayState::Stopped | GatewayState::Failed | GatewayState::BackingOff) {
                status.pid = None;
                status.attached = false;
                status.ready = None;
            }
        });
    }

    /// A fresh start that somebody asked for: earlier crashes no longer count.
    fn forget_crashes(&mut self) {
        self.crashes.clear();
        self.memory.forget();
        self.not_launched = 0;
        self.tell(|status| {
            status.restarts = 0;
            status.problem = None;
        });
    }

    /// What follows a crash.
    fn after_crash(&mut self, rung: Rung) -> Next {
        let now = self.now();
        let window = self.options.ladder.window;
        self.crashes.retain(|crash| now.saturating_sub(crash.at) <= window);
        self.crashes.push(Crash { at: now, rung });
        self.memory.keep(&self.crashes, now_ms(), now);
        match decide(&self.crashes, now, &self.options.ladder, self.has_last_good()) {
            Step::Restart { after, rung: next } => {
                self.tell(|status| {
                    status.restarts += 1;
                    if next != rung {
                        status.problem = Some(climbed(next, &self.options));
                    }
                });
                Next::Backoff(after, next)
            }
            Step::Stop => {
                let problem = given_up(&self.options);
                tracing::error!(profile = %self.options.place.name(), "{}", problem.message);
                self.tell(|status| status.problem = Some(problem));
                self.set_state(GatewayState::Failed);
                Next::Idle
            }
        }
    }
}

fn climbed(rung: Rung, options: &SupervisorOptions) -> Problem {
    let name = options.place.name();
    let crashes = options.ladder.limit;
    match rung {
        Rung::LastGood => Problem {
            code: "running-on-last-good".to_owned(),
            message: format!(
                "the gateway of '{name}' crashed {crashes} times within a minute; it is started on the last configuration that worked ({}) and stays there until it is restarted; see what changed with: bulkhead --profile {name} config diff; repair {} or go back with: bulkhead --profile {name} config rollback; then: bulkhead --profile {name} gateway restart",
                options.place.last_good_config_path().display(),
                options.place.config_path().display()
            ),
        },
        _ => Problem {
            code: "running-in-safe-mode".to_owned(),
            message: format!(
                "the gateway of '{name}' crashed {crashes} times within a minute; it is started in safe mode, without channels, and stays there until it is restarted; see why with: bulkhead --profile {name} logs; then: bulkhead --profile {name} gateway restart"
            ),
        },
    }
}

fn given_up(options: &SupervisorOptions) -> Problem {
    let name = options.place.name();
    Problem {
        code: "crash-loop".to_owned(),
        message: format!(
            "the gateway of '{name}' keeps crashing, also in safe mode, and is left stopped; expected it to stay up; its last words are kept in {}; after repairing it: bulkhead --profile {name} gateway start",
            options.place.crash_dir().display()
        ),
    }
}
