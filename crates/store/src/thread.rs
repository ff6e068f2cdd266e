//! The one thread that owns the connection, and the bounded queue in front of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::StoreError;

/// Jobs that may wait before callers have to.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Sending end of the queue. The thread ends, and closes the file, when the last clone is gone.
#[derive(Clone)]
pub(crate) struct Jobs {
    queue: mpsc::Sender<Job>,
    /// Why the last write failed, when the file took nothing.
    trouble: watch::Sender<Option<String>>,
}

impl Jobs {
    /// Starts the thread; `open` runs on it, and its outcome is waited for.
    pub(crate) fn start<F>(open: F) -> Result<(Self, oneshot::Receiver<()>), StoreError>
    where
        F: FnOnce() -> Result<Connection, StoreError> + Send + 'static,
    {
        let (queue, mut jobs) = mpsc::channel::<Job>(QUEUE);
        let (opened, outcome) = std::sync::mpsc::sync_channel(1);
        let (closed, gone) = oneshot::channel();
        let spawned =
            std::thread::Builder::new().name("store".into()).stack_size(512 * 1024).spawn(move || {
                let mut connection = match open() {
                    Ok(connection) => {
                        let _ = opened.send(Ok(()));
                        connection
                    }
                    Err(error) => {
                        let _ = opened.send(Err(error));
                        return;
                    }
                };
                while let Some(job) = jobs.blocking_recv() {
                    // A panicking job must not take the database with it: its transaction is rolled back by unwinding,
                    // and its caller sees `Closed` because the reply is dropped.
                    if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
                        tracing::error!("a database job panicked; its transaction was rolled back");
                    }
                }
                if let Err((_, error)) = connection.close() {
                    tracing::warn!(%error, "the database did not close cleanly");
                }
                let _ = closed.send(());
            });
        spawned
            .map_err(|error| StoreError::Query { action: "start its thread", reason: error.to_string() })?;
        outcome.recv().map_err(|_| StoreError::Closed)??;
        Ok((Self { queue, trouble: watch::Sender::new(None) }, gone))
    }

    /// Runs `job` on the thread and waits for its result. Waits for room while the queue is full.
    pub(crate) async fn call<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = reply.send(job(connection));
        });
        self.queue.send(job).await.map_err(|_| StoreError::Closed)?;
        let result = answer.await.map_err(|_| StoreError::Closed)?;
        if let Err(error) = &result
            && error.is_unwritable()
        {
            self.trouble.send_replace(Some(error.to_string()));
        }
        result
    }

    /// Follows whether the file takes what is written.
    pub(crate) fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.subscribe()
    }

    /// A write worked again.
    pub(crate) fn trouble_is_over(&self) {
        self.trouble.send_if_modified(|trouble| trouble.take().is_some());
    }
}
