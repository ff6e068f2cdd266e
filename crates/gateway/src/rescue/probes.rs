//! What looks at the watched gateway, and whoever can do something to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_rescue::{Clock, Keeper, Observation, Sighting};
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::keeper::{BundledKeeper, RemoteKeeper};
use super::target::Target;
use crate::clock;
use crate::gateway::Gateway;

/// Sightings that may wait.
const WAITING: usize = 64;
/// A keeper that cannot be watched is asked so often.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The machine's clocks.
struct MachineClock {
    began: Instant,
}

impl Clock for MachineClock {
    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }

    fn boottime(&self) -> Duration {
        self.began.elapsed()
    }

    fn wall_ms(&self) -> u64 {
        clock::now_ms()
    }
}

/// The machine's clocks.
pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(MachineClock { began: Instant::now() })
}

/// Begins to look, until `stop`.
pub(super) async fn start(
    gateway: &Arc<Gateway>,
    target: &Target,
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
) -> (Arc<dyn Keeper>, mpsc::Receiver<Sighting>) {
    let env = Arc::clone(&gateway.settings.now().environment);
    let keeper: Arc<dyn Keeper> = match target {
        Target::Bundled { place } => {
            Arc::new(BundledKeeper::new((**place).clone(), env, gateway.redactor.clone()))
        }
        Target::Remote { url } => Arc::new(RemoteKeeper::new(url.clone())),
        Target::OpenClaw { .. } => Arc::new(RemoteKeeper::new(target.name())),
    };
    let (sender, sightings) = mpsc::channel(WAITING);
    tokio::spawn(follow(Arc::clone(&keeper), sender, Arc::clone(clock), stop.clone()));
    (keeper, sightings)
}

/// What the keeper says, as it changes.
async fn follow(
    keeper: Arc<dyn Keeper>,
    sender: mpsc::Sender<Sighting>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let following = async {
        loop {
            let mut reports = keeper.watch();
            while let Some(report) = reports.next().await {
                let sighting = Sighting { began: clock.monotonic(), what: Observation::Keeper(report) };
                if sender.send(sighting).await.is_err() {
                    return;
                }
            }
            let began = clock.monotonic();
            let report = keeper.status().await;
            if sender.send(Sighting { began, what: Observation::Keeper(report) }).await.is_err() {
                return;
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    let _ = stop.run_until_cancelled(following).await;
}
