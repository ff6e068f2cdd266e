//! Asking another process's supervisor.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_profile::Place;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::{sleep, timeout};

use super::wire::{ControlAnswer, ControlRequest};
use crate::error::SupervisorError;
use crate::status::GatewayStatus;

const ANSWER_LIMIT: u64 = 1024 * 1024;
/// Stopping may take as long as the supervisor waits before it forces it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of one profile's supervisor. Each request is a connection of its own.
#[derive(Debug, Clone)]
pub struct ControlClient {
    profile: String,
    socket: PathBuf,
}

impl ControlClient {
    /// The client for a place.
    pub fn new(place: &Place) -> Self {
        Self { profile: place.name().to_string(), socket: place.control_socket() }
    }

    /// The status; `None` if nobody supervises this profile.
    pub async fn status(&self) -> Result<Option<GatewayStatus>, SupervisorError> {
        match self.ask(&ControlRequest::Status).await {
            Ok(status) => Ok(Some(status)),
            Err(SupervisorError::NotSupervised { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks; answers with the status after it.
    pub async fn ask(&self, request: &ControlRequest) -> Result<GatewayStatus, SupervisorError> {
        let silent =
            || SupervisorError::Silent { profile: self.profile.clone(), waited_s: PATIENCE.as_secs() };
        timeout(PATIENCE, self.exchange(request)).await.map_err(|_| silent())?
    }

    /// Asks for the status until it is so.
    pub async fn wait_for(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&GatewayStatus) -> bool,
    ) -> Result<GatewayStatus, SupervisorError> {
        let watching = async {
            loop {
                let status = self.ask(&ControlRequest::Status).await?;
                if wanted(&status) {
                    return Ok(status);
                }
                sleep(Duration::from_millis(25)).await;
            }
        };
        let silent = || SupervisorError::Silent { profile: self.profile.clone(), waited_s: limit.as_secs() };
        timeout(limit, watching).await.map_err(|_| silent())?
    }

    fn not_supervised(&self) -> SupervisorError {
        SupervisorError::NotSupervised { profile: self.profile.clone(), socket: self.socket.clone() }
    }

    async fn exchange(&self, request: &ControlRequest) -> Result<GatewayStatus, SupervisorError> {
        let io = |source| SupervisorError::Io {
            action: "talk to the supervisor on",
            path: self.socket.clone(),
            source,
        };
        let stream = self.connect().await?;
        let mut stream = BufReader::new(stream);
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        stream.write_all(&line).await.map_err(io)?;
        let mut answer = Vec::new();
        (&mut stream).take(ANSWER_LIMIT).read_until(b'\n', &mut answer).await.map_err(io)?;
        if answer.is_empty() {
            return Err(self.not_supervised());
        }
        let answer: ControlAnswer = serde_json::from_slice(&answer).map_err(|error| io(error.into()))?;
        match answer {
            ControlAnswer { ok: true, status: Some(status), .. } => Ok(status),
            ControlAnswer { code, message, .. } => Err(SupervisorError::Refused {
                profile: self.profile.clone(),
                code: code.unwrap_or_else(|| "refused".to_owned()),
                message: message.unwrap_or_default(),
            }),
        }
    }

    #[cfg(unix)]
    async fn connect(&self) -> Result<tokio::net::UnixStream, SupervisorError> {
        use std::io::ErrorKind::{ConnectionRefused, NotFound};
        match tokio::net::UnixStream::connect(&self.socket).await {
            // Somebody else's socket in our place would be told what we ask: refuse it.
            Ok(stream) if bulkhead_process::peer::is_own_user(&stream) => Ok(stream),
            Ok(_) => Err(self.not_supervised()),
            Err(error) if matches!(error.kind(), NotFound | ConnectionRefused) => Err(self.not_supervised()),
            Err(source) => Err(SupervisorError::Io {
                action: "connect to the supervisor on",
                path: self.socket.clone(),
                source,
            }),
        }
    }

    #[cfg(windows)]
    async fn connect(&self) -> Result<tokio::net::windows::named_pipe::NamedPipeClient, SupervisorError> {
        const PIPE_BUSY: i32 = 231;
        loop {
            match tokio::net::windows::named_pipe::ClientOptions::new().open(&self.socket) {
                Ok(pipe) => return Ok(pipe),
                Err(error) if error.raw_os_error() == Some(PIPE_BUSY) => {
                    sleep(Duration::from_millis(20)).await
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(self.not_supervised());
                }
                Err(source) => {
                    return Err(SupervisorError::Io {
                        action: "connect to the supervisor on",
                        path: self.socket.clone(),
                        source,
                    });
                }
            }
        }
    }
}
