//! Launches the gateway as a plain child with a process group of its own.

use std::process::Stdio;

use async_trait::async_trait;
use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Duration, timeout};

use crate::launch::{Exit, GatewayProcess, LaunchError, LaunchSpec, Launcher, ProcessEvent};

/// A line longer than this is cut.
const LINE_LIMIT: u64 = 64 * 1024;
/// Lines that wait for the supervisor; more than that and the gateway waits.
const QUEUE: usize = 256;
/// How long output may still come after the end (a grandchild may hold the pipe for ever).
const DRAIN: Duration = Duration::from_millis(300);

/// Launches by `fork` and `exec` (or the system's like).
#[derive(Debug, Clone, Copy, Default)]
pub struct CommandLauncher;

#[async_trait]
impl Launcher for CommandLauncher {
    async fn launch(&self, spec: LaunchSpec) -> Result<Box<dyn GatewayProcess>, LaunchError> {
        let mut command = Command::new(&spec.program);
        command.args(&spec.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if spec.working_dir.is_dir() {
            command.current_dir(&spec.working_dir);
        }
        for name in spec.removed_variables() {
            command.env_remove(name);
        }
        let mut wrapped = CommandWrap::from(command);
        wrapped.wrap(KillOnDrop);
        #[cfg(unix)]
        wrapped.wrap(process_wrap::tokio::ProcessGroup::leader());
        let failed = |why: String| LaunchError { program: spec.program.clone(), why };
        let mut child = wrapped.spawn().map_err(|error| failed(error.to_string()))?;
        let (tell, lines) = mpsc::channel(QUEUE);
        let mut readers = JoinSet::new();
        if let Some(out) = child.stdout().take() {
            readers.spawn(read_lines(out, tell.clone(), ProcessEvent::Stdout));
        }
        if let Some(err) = child.stderr().take() {
            readers.spawn(read_lines(err, tell, ProcessEvent::Stderr));
        }
        Ok(Box::new(ChildProcess { stdin: child.stdin().take(), child, lines, readers, exit: None }))
    }
}

async fn read_lines(
    from: impl AsyncRead + Unpin + Send,
    to: mpsc::Sender<ProcessEvent>,
    wrap: fn(String) -> ProcessEvent,
) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if to.send(wrap(text)).await.is_err() {
            return;
        }
    }
}

struct ChildProcess {
    child: Box<dyn ChildWrapper>,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<ProcessEvent>,
    readers: JoinSet<()>,
    exit: Option<Exit>,
}

fn exit_of(status: std::process::ExitStatus) -> Exit {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    Exit { code: status.code(), signal }
}

#[async_trait]
impl GatewayProcess for ChildProcess {
    fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    async fn next(&mut self) -> ProcessEvent {
        if let Some(exit) = self.exit {
            // After its end: what it still said, for a moment, then the end.
            if let Ok(Some(event)) = timeout(DRAIN, self.lines.recv()).await {
                return event;
            }
            self.readers.abort_all();
            return ProcessEvent::Exited(exit);
        }
        let ended = tokio::select! {
            biased;
            Some(event) = self.lines.recv() => return event,
            ended = self.child.wait() => ended,
        };
        self.exit = Some(ended.map(exit_of).unwrap_or_default());
        self.next().await
    }

    async fn write_line(&mut self, line: &[u8]) -> std::io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        stdin.write_all(line).await?;
        stdin.flush().await
    }

    async fn close_stdin(&mut self) {
        self.stdin = None;
    }

    async fn terminate(&mut self) {
        #[cfg(unix)]
        if self.exit.is_none() {
            const SIGTERM: i32 = 15;
            let _ = self.child.signal(SIGTERM);
        }
    }

    async fn kill(&mut self) {
        if self.exit.is_none() {
            let _ = self.child.start_kill();
        }
    }
}
