//! Is its program there?

use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_process::RunRecord;

use super::{Eye, TargetKind};
use crate::observation::{BinarySeen, Observation};
use crate::openclaw;

const EVERY: Duration = Duration::from_secs(3);
/// While it is down, whether its program starts at all is tried so often.
const TRY_EVERY: Duration = Duration::from_secs(20);

pub(super) async fn run(eye: Eye) {
    let mut tried = None;
    loop {
        let began = eye.now();
        let seen = match eye.target.kind {
            TargetKind::OpenClaw => {
                let link = eye.link.borrow().clone();
                let down = !link.answers && link.identity.is_none();
                let try_it = down && tried.is_none_or(|at| began.saturating_sub(at) >= TRY_EVERY);
                if try_it {
                    tried = Some(began);
                }
                openclaw::look_at_program(&eye.target, link.program, try_it).await
            }
            _ => bundled(eye.target.run_record.as_deref()),
        };
        if let Some(seen) = seen {
            eye.saw(began, Observation::Binary(seen)).await;
        }
        eye.next_look(EVERY).await;
    }
}

fn bundled(record: Option<&Path>) -> Option<BinarySeen> {
    let record = RunRecord::read(record?)?;
    let path = program_path(&record.identity.exe_path);
    Some(if path.is_file() {
        BinarySeen::Present { version: Some(record.version) }
    } else {
        BinarySeen::Missing { what: path.display().to_string(), node: false }
    })
}

/// Linux says ` (deleted)` behind the path of an executable that was replaced or taken away.
fn program_path(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(&text))
}
