//! Does the state directory take what is written? A failed write says no at once; after that one small write is tried
//! until it works.

use std::path::Path;
use std::sync::Arc;

use bulkhead_process::Disk;

use super::Trouble;
use crate::gateway::Gateway;

/// What is wrong with it, if anything.
pub(super) async fn judge(gateway: &Arc<Gateway>, dir: &Path, disk: Option<Disk>) -> Option<Trouble> {
    if disk.is_some_and(|disk| disk.read_only) {
        return Some(Trouble {
            code: "state.read-only".to_owned(),
            message: format!(
                "{}: nothing can be written there: found it read-only, expected a directory that your user may write to; \
                 correct its permissions or mount its disk for writing, and the gateway goes on by itself",
                dir.display()
            ),
        });
    }
    let suspect = gateway.checks.fails("state") || gateway.store.trouble().borrow().is_some();
    if !suspect {
        return None;
    }
    let error = gateway.store.check_writable().await.err()?;
    Some(Trouble { code: "state.write-failed".to_owned(), message: error.to_string() })
}
