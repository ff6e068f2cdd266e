//! The lines of the control socket, and the conversation over any stream.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_config::RolledBack;
use serde::{Deserialize, Serialize};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::SupervisorError;
use crate::handle::{SupervisorHandle, Wish};
use crate::status::GatewayStatus;

const LINE_LIMIT: u64 = 64 * 1024;
/// A peer that says nothing for so long is let go.
const IDLE: Duration = Duration::from_secs(30);
/// A peer that does not take a line for so long is let go.
const SLOWEST: Duration = Duration::from_secs(5);
const EXPECTED: &str = "expected one line such as {\"op\":\"status\"}; ops: status start stop restart safe-mode pause \
                        reload-secrets watch rollback release";
const TOO_MANY: &str = "too many programs watch this supervisor already; expected a few; end one of them, or ask for \
                        the status now and then";

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ControlRequest {
    /// The status.
    Status,
    /// Start, and want it running.
    Start,
    /// Stop, and want it stopped.
    Stop,
    /// Restart on its configuration.
    Restart,
    /// Restart in safe mode.
    SafeMode,
    /// Stop until then.
    Pause {
        /// Milliseconds since 1970.
        until_ms: u64,
    },
    /// Read the secrets again and hand over what changed.
    ReloadSecrets,
    /// From now on one status line per change, the present one at once. Nothing else is answered on this connection.
    Watch,
    /// Stop the gateway, give the lock up and end: another supervisor takes over. What the owner wants stays as it is.
    Release,
    /// Put a good configuration back in place, and restart on it a gateway that is wanted running.
    Rollback {
        /// Hash of a version in the history (`bulkhead config history`); the newest good one if nothing is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hash: Option<String>,
        /// Hash of the broken file that the asker saw: one that was changed since is left alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<String>,
    },
}

/// The answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ControlAnswer {
    pub(super) ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<GatewayStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rollback: Option<RolledBack>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

impl ControlAnswer {
    fn of(result: Result<(), SupervisorError>, status: GatewayStatus) -> Self {
        match result {
            Ok(()) => Self { ok: true, status: Some(status), rollback: None, code: None, message: None },
            Err(error) => Self::refusal(error.code(), error.to_string()),
        }
    }

    fn refusal(code: &str, message: String) -> Self {
        Self { ok: false, status: None, rollback: None, code: Some(code.to_owned()), message: Some(message) }
    }
}

/// Serves one connection: a request, its answer, the next request; or a watcher until it goes.
pub(super) async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    handle: SupervisorHandle,
    watchers: Arc<Semaphore>,
) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut stream).take(LINE_LIMIT);
        match timeout(IDLE, limited.read_until(b'\n', &mut line)).await {
            Ok(Ok(1..)) => {}
            _ => return,
        }
        let answer = match serde_json::from_slice(&line) {
            Ok(ControlRequest::Watch) => match watchers.try_acquire() {
                Ok(_place) => return follow(stream, &handle).await,
                Err(_) => ControlAnswer::refusal("too-many-watchers", TOO_MANY.to_owned()),
            },
            Ok(request) => answer(request, &handle).await,
            Err(error) => {
                ControlAnswer::refusal("bad-request", format!("the line is no request ({error}); {EXPECTED}"))
            }
        };
        if !say(&mut stream, &answer).await {
            return;
        }
    }
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), answer: &ControlAnswer) -> bool {
    let Ok(mut text) = serde_json::to_vec(answer) else { return false };
    text.push(b'\n');
    matches!(timeout(SLOWEST, stream.write_all(&text)).await, Ok(Ok(())))
}

/// One line per change. Who reads slower than that gets the newest status only, and who does not read at all is let go.
async fn follow(mut stream: BufReader<impl AsyncRead + AsyncWrite + Unpin>, handle: &SupervisorHandle) {
    let mut changes = handle.watch();
    let mut ignored = [0; 64];
    loop {
        let status = changes.borrow_and_update().clone();
        if !say(&mut stream, &ControlAnswer::of(Ok(()), status)).await {
            return;
        }
        loop {
            tokio::select! {
                changed = changes.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                // The peer has nothing to say any more; its end is what is waited for.
                read = stream.read(&mut ignored) => match read {
                    Ok(1..) => {}
                    _ => return,
                },
            }
        }
    }
}

async fn answer(request: ControlRequest, handle: &SupervisorHandle) -> ControlAnswer {
    let wish = match request {
        ControlRequest::Status | ControlRequest::Watch => {
            return ControlAnswer::of(Ok(()), handle.status());
        }
        ControlRequest::Rollback { hash, base } => {
            return match handle.rollback(hash, base).await {
                Ok(done) => {
                    ControlAnswer { rollback: Some(done), ..ControlAnswer::of(Ok(()), handle.status()) }
                }
                Err(error) => ControlAnswer::of(Err(error), handle.status()),
            };
        }
        ControlRequest::Start => Wish::Start,
        ControlRequest::Stop => Wish::Stop,
        ControlRequest::Restart => Wish::Restart,
        ControlRequest::SafeMode => Wish::SafeMode,
        ControlRequest::Pause { until_ms } => Wish::Pause { until_ms },
        ControlRequest::ReloadSecrets => Wish::ReloadSecrets,
        ControlRequest::Release => Wish::Release,
    };
    let result = handle.ask(wish).await;
    ControlAnswer::of(result, handle.status())
}
