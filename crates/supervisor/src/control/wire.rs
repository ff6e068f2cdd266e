//! The lines of the control socket, and the conversation over any stream.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::time::timeout;

use crate::error::SupervisorError;
use crate::handle::{SupervisorHandle, Wish};
use crate::status::GatewayStatus;

const LINE_LIMIT: u64 = 64 * 1024;
/// A peer that says nothing for so long is let go.
const IDLE: Duration = Duration::from_secs(30);

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
}

/// The answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ControlAnswer {
    pub(super) ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<GatewayStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

impl ControlAnswer {
    fn of(result: Result<(), SupervisorError>, status: GatewayStatus) -> Self {
        match result {
            Ok(()) => Self { ok: true, status: Some(status), code: None, message: None },
            Err(error) => Self::refusal(error.code(), error.to_string()),
        }
    }

    fn refusal(code: &str, message: String) -> Self {
        Self { ok: false, status: None, code: Some(code.to_owned()), message: Some(message) }
    }
}

/// Serves one connection: a request, its answer, the next request.
pub(super) async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, handle: SupervisorHandle) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut stream).take(LINE_LIMIT);
        match timeout(IDLE, limited.read_until(b'\n', &mut line)).await {
            Ok(Ok(1..)) => {}
            _ => return,
        }
        let answer = answer(&line, &handle).await;
        let Ok(mut text) = serde_json::to_vec(&answer) else { return };
        text.push(b'\n');
        if !matches!(timeout(IDLE, stream.write_all(&text)).await, Ok(Ok(()))) {
            return;
        }
    }
}

async fn answer(line: &[u8], handle: &SupervisorHandle) -> ControlAnswer {
    let request: ControlRequest = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => {
            let expected = "one line such as {\"op\":\"status\"}; ops: status start stop restart safe-mode pause reload-secrets";
            return ControlAnswer::refusal(
                "bad-request",
                format!("the line is no request ({error}); expected {expected}"),
            );
        }
    };
    let wish = match request {
        ControlRequest::Status => return ControlAnswer::of(Ok(()), handle.status()),
        ControlRequest::Start => Wish::Start,
        ControlRequest::Stop => Wish::Stop,
        ControlRequest::Restart => Wish::Restart,
        ControlRequest::SafeMode => Wish::SafeMode,
        ControlRequest::Pause { until_ms } => Wish::Pause { until_ms },
        ControlRequest::ReloadSecrets => Wish::ReloadSecrets,
    };
    let result = handle.ask(wish).await;
    ControlAnswer::of(result, handle.status())
}
