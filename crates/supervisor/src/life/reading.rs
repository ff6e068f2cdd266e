//! Reading secrets while the gateway is watched.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::SupervisorError;
use crate::secrets::{Secrets, SecretsSource};

/// Secrets that are being read; the keychain may wait in a dialog, and the gateway is watched meanwhile.
pub(super) struct Reading {
    task: JoinHandle<Secrets>,
    /// Who asked for it.
    pub(super) answer: Option<oneshot::Sender<Result<(), SupervisorError>>>,
}

impl Reading {
    pub(super) fn begin(source: &Arc<dyn SecretsSource>) -> Self {
        let source = source.clone();
        Self { task: tokio::spawn(async move { source.read().await }), answer: None }
    }

    pub(super) async fn finish(&mut self) -> Secrets {
        (&mut self.task).await.unwrap_or_else(|error| {
            Secrets::waiting(
                "secrets.failed",
                format!("reading the secrets failed ({error}); it is tried again"),
            )
        })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits for it; for ever if nothing is being read.
pub(super) async fn finish(reading: &mut Option<Reading>) -> Secrets {
    match reading {
        Some(reading) => reading.finish().await,
        None => std::future::pending().await,
    }
}
