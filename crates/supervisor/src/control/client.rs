//! Asking another process's supervisor.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_config::RolledBack;
use bulkhead_profile::Place;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;

use super::wire::{ControlAnswer, ControlRequest};
use crate::error::SupervisorError;
use crate::status::GatewayStatus;

const ANSWER_LIMIT: u64 = 1024 * 1024;
/// Stopping may take as long as the supervisor waits before it forces it.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(unix)]
type Stream = tokio::net::UnixStream;
#[cfg(windows)]
type Stream = tokio::net::windows::named_pipe::NamedPipeClient;

/// The changes of a status, as they come. Dropping it ends the watching.
#[derive(Debug)]
pub struct StatusWatch {
    stream: BufReader<Stream>,
    line: Vec<u8>,
    first: Option<GatewayStatus>,
}

impl StatusWatch {
    /// The next status: at first the present one. `None` when the supervisor is gone. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<GatewayStatus> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        self.read().await?.status
    }

    async fn read(&mut self) -> Option<ControlAnswer> {
        // What was read before the future was dropped stays in `line`.
        let room = ANSWER_LIMIT.saturating_sub(self.line.len() as u64);
        (&mut self.stream).take(room).read_until(b'\n', &mut self.line).await.ok()?;
        let whole = self.line.ends_with(b"\n");
        let answer = whole.then(|| serde_json::from_slice(&self.line).ok()).flatten();
        self.line.clear();
        answer
    }
}

/// A system service has no runtime directory, and a shell without a log-in (`su`, `cron`) does not know of the user's.
fn other_sockets(place: &Place) -> Vec<PathBuf> {
    #[cfg(unix)]
    {
        let runtime = PathBuf::from(format!("/run/user/{}", bulkhead_process::peer::own_uid()));
        let own = place.control_socket();
        [place.control_socket_in(None), place.control_socket_in(Some(&runtime))]
            .into_iter()
            .filter(|path| *path != own)
            .collect()
    }
    #[cfg(windows)]
    {
        let _ = place;
        Vec::new()
    }
}

/// A client of one profile's supervisor. Each request is a connection of its own.
#[derive(Debug, Clone)]
pub struct ControlClient {
    profile: String,
    socket: PathBuf,
    /// Where a supervisor listens that was started in other surroundings: by a system service, at a log-in.
    others: Vec<PathBuf>,
}

impl ControlClient {
    /// The client for a place.
    pub fn new(place: &Place) -> Self {
        Self {
            profile: place.name().to_string(),
            socket: place.control_socket(),
            others: other_sockets(place),
        }
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
        let answer = timeout(PATIENCE, self.exchange(request)).await.map_err(|_| silent())??;
        Ok(answer.0)
    }

    /// Puts a good configuration back in place, and restarts on it a gateway that is wanted running: the version with
    /// this hash, else the newest good one. `base` is the hash of the file that was seen: one that changed since is
    /// left alone. Asking twice does no more than asking once.
    pub async fn rollback(
        &self,
        hash: Option<String>,
        base: Option<String>,
    ) -> Result<RolledBack, SupervisorError> {
        let silent =
            || SupervisorError::Silent { profile: self.profile.clone(), waited_s: PATIENCE.as_secs() };
        let request = ControlRequest::Rollback { hash, base };
        let (_, done) = timeout(PATIENCE, self.exchange(&request)).await.map_err(|_| silent())??;
        done.ok_or_else(|| SupervisorError::Refused {
            profile: self.profile.clone(),
            code: "bad-answer".to_owned(),
            message: "it answered without saying what it did; restart the app or service that runs it"
                .to_owned(),
        })
    }

    /// The status now and every change of it, until the supervisor ends.
    pub async fn watch(&self) -> Result<StatusWatch, SupervisorError> {
        let silent =
            || SupervisorError::Silent { profile: self.profile.clone(), waited_s: PATIENCE.as_secs() };
        let begin = async {
            let mut stream = BufReader::new(self.connect().await?);
            self.say(&mut stream, &ControlRequest::Watch).await?;
            let mut watch = StatusWatch { stream, line: Vec::new(), first: None };
            let first = watch.read().await.ok_or_else(|| self.not_supervised())?;
            watch.first = Some(self.accepted(first)?.0);
            Ok(watch)
        };
        timeout(PATIENCE, begin).await.map_err(|_| silent())?
    }

    /// Watches the status until it is so.
    pub async fn wait_for(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&GatewayStatus) -> bool,
    ) -> Result<GatewayStatus, SupervisorError> {
        let mut last = None;
        let watching = async {
            let mut watch = self.watch().await?;
            while let Some(status) = watch.next().await {
                if wanted(&status) {
                    return Ok(status);
                }
                last = Some(status.state);
            }
            Err(self.not_supervised())
        };
        let outcome = timeout(limit, watching).await;
        outcome.unwrap_or_else(|_| {
            let (profile, waited_s) = (self.profile.clone(), limit.as_secs());
            Err(match last {
                // It answers; it is its gateway that is neither up nor down.
                Some(state) => SupervisorError::Unsettled { profile, state: state.as_str(), waited_s },
                None => SupervisorError::Silent { profile, waited_s },
            })
        })
    }

    fn not_supervised(&self) -> SupervisorError {
        SupervisorError::NotSupervised { profile: self.profile.clone(), socket: self.socket.clone() }
    }

    async fn exchange(
        &self,
        request: &ControlRequest,
    ) -> Result<(GatewayStatus, Option<RolledBack>), SupervisorError> {
        let mut stream = BufReader::new(self.connect().await?);
        self.say(&mut stream, request).await?;
        let mut answer = Vec::new();
        let io = |source| self.talk(source);
        (&mut stream).take(ANSWER_LIMIT).read_until(b'\n', &mut answer).await.map_err(io)?;
        if answer.is_empty() {
            return Err(self.not_supervised());
        }
        self.accepted(serde_json::from_slice(&answer).map_err(|error| io(error.into()))?)
    }

    async fn say(
        &self,
        stream: &mut (impl AsyncWrite + Unpin),
        request: &ControlRequest,
    ) -> Result<(), SupervisorError> {
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        stream.write_all(&line).await.map_err(|source| self.talk(source))
    }

    fn talk(&self, source: std::io::Error) -> SupervisorError {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        // It ended in the middle of the answer: nobody is there any more.
        if matches!(source.kind(), BrokenPipe | ConnectionAborted | ConnectionReset) {
            return self.not_supervised();
        }
        SupervisorError::Io { action: "talk to the supervisor on", path: self.socket.clone(), source }
    }

    fn accepted(
        &self,
        answer: ControlAnswer,
    ) -> Result<(GatewayStatus, Option<RolledBack>), SupervisorError> {
        match answer {
            ControlAnswer { ok: true, status: Some(status), rollback, .. } => Ok((status, rollback)),
            ControlAnswer { code, message, .. } => Err(SupervisorError::Refused {
                profile: self.profile.clone(),
                code: code.unwrap_or_else(|| "refused".to_owned()),
                message: message.unwrap_or_default(),
            }),
        }
    }

    #[cfg(unix)]
    async fn connect(&self) -> Result<Stream, SupervisorError> {
        use std::io::ErrorKind::{ConnectionRefused, NotFound};
        for path in std::iter::once(&self.socket).chain(&self.others) {
            match tokio::net::UnixStream::connect(path).await {
                // Somebody else's socket in our place would be told what we ask: refuse it.
                Ok(stream) if bulkhead_process::peer::is_own_user(&stream) => return Ok(stream),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), NotFound | ConnectionRefused) => {}
                Err(_) if *path != self.socket => {}
                Err(source) => {
                    let action = "connect to the supervisor on";
                    return Err(SupervisorError::Io { action, path: path.clone(), source });
                }
            }
        }
        Err(self.not_supervised())
    }

    #[cfg(windows)]
    async fn connect(&self) -> Result<Stream, SupervisorError> {
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
