//! Is there room where its state lies, and can it be written?

use std::time::Duration;

use super::{Eye, platform};
use crate::observation::{DiskSeen, Observation};

const EVERY: Duration = Duration::from_secs(2);

pub(super) async fn run(eye: Eye) {
    let Some(dir) = eye.target.state_dir.clone() else { return };
    loop {
        let began = eye.now();
        let looked = dir.clone();
        // A dead network file system may hold this up for minutes: not on the threads of the watch.
        let room = tokio::task::spawn_blocking(move || platform::room_at(&looked)).await.ok().flatten();
        if let Some(room) = room {
            let seen = DiskSeen {
                path: dir.display().to_string(),
                free: (room.free != u64::MAX).then_some(room.free),
                total: room.total,
                writable: room.writable,
            };
            eye.saw(began, Observation::Disk(seen)).await;
        }
        tokio::time::sleep(EVERY).await;
    }
}
