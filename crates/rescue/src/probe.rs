//! Probes: thin looks at the watched gateway. Each is a task of its own, told apart by what it looks at; what is seen
//! goes into one queue. Where the system tells of a change (the end of a process, a written file), it is listened to;
//! the rest is looked at once or a few times a second, cheaply.

mod binary;
mod clock;
mod config;
mod credentials;
mod disk;
mod hello;
mod http;
mod keeper;
mod platform;
mod port;
mod process;
mod service;
mod target;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use clock::SystemClock;
pub use target::{ConfigTarget, Target, TargetKind};

pub(crate) use http::answers;
pub(crate) use platform::command_line;
pub(crate) use service::look as look_at_service;

use crate::observation::{Answer, Observation, Sighting};
use crate::seams::{Clock, Keeper};

/// What probes tell each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Link {
    /// Its process, as the run record or the holder of its port proves it.
    pub(crate) identity: Option<bulkhead_process::ProcessIdentity>,
    /// The port that it listens on.
    pub(crate) port: Option<u16>,
    /// Whether it answered last.
    pub(crate) answers: bool,
    /// The pid that the supervisor names.
    pub(crate) kept_pid: Option<u32>,
    /// The program of an OpenClaw, as its last process showed it.
    pub(crate) program: Option<crate::openclaw::Program>,
}

/// What every probe has.
#[derive(Clone)]
pub(crate) struct Eye {
    pub(crate) target: Arc<Target>,
    clock: Arc<dyn Clock>,
    sightings: mpsc::Sender<Sighting>,
    pub(crate) link: watch::Sender<Link>,
    /// Somebody should look again at once: the process ended, or it stopped answering.
    pub(crate) alarm: Arc<Notify>,
}

impl Eye {
    pub(crate) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Hands in what was seen by a look that began at `began`.
    pub(crate) async fn saw(&self, began: Duration, what: Observation) {
        if let Observation::Http(answer) = &what {
            let answers = *answer == Answer::Good;
            let changed =
                self.link.send_if_modified(|link| std::mem::replace(&mut link.answers, answers) != answers);
            if changed && !answers {
                self.alarm.notify_waiters();
            }
        }
        // Nobody watches any more: the task is about to end anyway.
        let _ = self.sightings.send(Sighting { began, what }).await;
    }

    /// Waits for the next look: `every` so often, or at once when something happened.
    pub(crate) async fn next_look(&self, every: Duration) {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = self.alarm.notified() => {}
        }
    }
}

/// Starts every probe that makes sense for the target. They end with `stop`.
pub fn start(
    target: Target,
    keeper: Arc<dyn Keeper>,
    clock: Arc<dyn Clock>,
    stop: &CancellationToken,
) -> mpsc::Receiver<Sighting> {
    let (sightings, receiver) = mpsc::channel(256);
    let link = Link { port: target.port(), ..Link::default() };
    let eye = Eye {
        target: Arc::new(target),
        clock,
        sightings,
        link: watch::Sender::new(link),
        alarm: Arc::new(Notify::new()),
    };
    let run = |task: futures::future::BoxFuture<'static, ()>| {
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    };
    run(Box::pin(http::run(eye.clone())));
    run(Box::pin(hello::run(eye.clone())));
    run(Box::pin(keeper::run(eye.clone(), keeper)));
    if eye.target.kind == TargetKind::Remote {
        return receiver;
    }
    run(Box::pin(process::run(eye.clone())));
    run(Box::pin(port::run(eye.clone())));
    run(Box::pin(binary::run(eye.clone())));
    if eye.target.state_dir.is_some() {
        run(Box::pin(disk::run(eye.clone())));
    }
    if eye.target.config.is_some() {
        run(Box::pin(config::run(eye.clone())));
    }
    if eye.target.unit.is_some() {
        run(Box::pin(service::run(eye.clone())));
    }
    if eye.target.kind == TargetKind::OpenClaw {
        run(Box::pin(credentials::run(eye)));
    }
    receiver
}
