//! What the supervisor says: by its own stream, and by asking while there is none.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;

use super::Eye;
use crate::observation::Observation;
use crate::seams::{Keeper, KeeperReport};

const EVERY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn run(eye: Eye, keeper: Arc<dyn Keeper>) {
    let mut said = None;
    loop {
        let mut stream = keeper.watch();
        while let Some(report) = stream.next().await {
            tell(&eye, report, &mut said).await;
        }
        let began = eye.now();
        // A supervisor that takes the connection and says nothing (stopped, stuck) is not there for anybody.
        let report =
            tokio::time::timeout(PATIENCE, keeper.status()).await.unwrap_or_else(|_| KeeperReport::Absent {
                wanted: crate::seams::Wanted::Running,
                owner: None,
                why: "it takes no questions".to_owned(),
            });
        if report == KeeperReport::None {
            eye.saw(began, Observation::Keeper(report)).await;
            return;
        }
        tell(&eye, report, &mut said).await;
        eye.next_look(EVERY).await;
    }
}

/// Hands a report in. What its keeper has changed shows in the gateway now, and not at the next look.
async fn tell(eye: &Eye, report: KeeperReport, said: &mut Option<KeeperReport>) {
    let pid = match &report {
        KeeperReport::Present { kept } => kept.pid,
        KeeperReport::Absent { .. } | KeeperReport::None => None,
    };
    eye.link.send_if_modified(|link| std::mem::replace(&mut link.kept_pid, pid) != pid);
    let changed = said.as_ref() != Some(&report);
    *said = Some(report.clone());
    eye.saw(eye.now(), Observation::Keeper(report)).await;
    if changed {
        eye.alarm.notify_waiters();
    }
}
