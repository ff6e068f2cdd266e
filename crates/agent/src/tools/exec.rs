//! `exec`: a shell command in the workspace. Only where the config allows it, never for channels.
//!
//! The command gets `PATH`, `HOME` and `LANG` and nothing else of our environment, no input, and a process group of its own
//! that is killed as a whole: at its time limit, when the run is aborted, and when the command is done but left something behind.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
#[cfg(unix)]
use process_wrap::tokio::ProcessGroup;
use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use secrecy::{ExposeSecret as _, SecretString};

use super::{Tool, ToolContext, ToolOutput, arguments};
use crate::workspace::Workspace;

/// Bounds of a command.
#[derive(Debug, Clone)]
pub struct ExecOptions {
    /// Unless the model asks for another.
    pub timeout: Duration,
    /// No command runs longer.
    pub longest_timeout: Duration,
    /// Bytes of each output stream that are kept: half from its beginning, half from its end.
    pub kept_output: usize,
    /// Variables that commands get besides the few of this process.
    pub variables: Vec<(String, SecretString)>,
}

impl Default for ExecOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_mins(1),
            longest_timeout: Duration::from_secs(170),
            kept_output: 32 * 1024,
            variables: Vec::new(),
        }
    }
}

/// Runs commands in the workspace.
pub struct Exec {
    workspace: Workspace,
    options: ExecOptions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Args {
    #[serde(alias = "cmd")]
    command: String,
    #[serde(alias = "timeout", alias = "timeout_seconds")]
    timeout_seconds: Option<u64>,
}

impl Exec {
    /// In this workspace.
    pub fn new(workspace: Workspace, options: ExecOptions) -> Self {
        Self { workspace, options }
    }

    /// The command that a call asks for.
    pub fn command_of(args: &Value) -> Result<String, ToolOutput> {
        arguments::<Args>(args.clone()).map(|args| args.command)
    }

    /// Where commands run.
    pub fn folder(&self) -> &std::path::Path {
        self.workspace.root()
    }

    /// The longest that one command may run.
    pub const fn longest(&self) -> Duration {
        self.options.longest_timeout
    }

    fn command(&self, text: &str) -> CommandWrap {
        let (shell, flag) = if cfg!(windows) { ("cmd.exe", "/C") } else { ("/bin/sh", "-c") };
        let mut wrapped = CommandWrap::with_new(shell, |command| {
            command
                .args([flag, text])
                .current_dir(self.workspace.root())
                .env_clear()
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            for name in KEPT_VARIABLES {
                if let Some(value) = std::env::var_os(name) {
                    command.env(name, value);
                }
            }
            for (name, value) in &self.options.variables {
                command.env(name, value.expose_secret());
            }
        });
        #[cfg(unix)]
        wrapped.wrap(ProcessGroup::leader());
        wrapped.wrap(KillOnDrop);
        wrapped
    }
}

/// The variables of this process that commands get.
pub const fn kept_variables() -> &'static [&'static str] {
    &KEPT_VARIABLES
}

#[cfg(not(windows))]
const KEPT_VARIABLES: [&str; 3] = ["PATH", "HOME", "LANG"];
// Without SYSTEMROOT most programs of that system do not even start.
#[cfg(windows)]
const KEPT_VARIABLES: [&str; 4] = ["PATH", "USERPROFILE", "LANG", "SYSTEMROOT"];

/// Kills the whole group when dropped.
struct Group(Box<dyn ChildWrapper>);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.0.start_kill();
    }
}

#[async_trait]
impl Tool for Exec {
    fn name(&self) -> &'static str {
        "exec"
    }

    fn description(&self) -> &'static str {
        "Run a shell command in the workspace and see its output. No input, no terminal; background processes end with it."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "command": {"type": "string", "description": "The command, for sh -c"},
                "timeoutSeconds": {"type": "integer", "minimum": 1, "description": "How long it may take (60)"}
            },
            "required": ["command"]
        })
    }

    async fn call(&self, _context: &ToolContext, args: Value) -> ToolOutput {
        let args: Args = match arguments(args) {
            Ok(args) => args,
            Err(refused) => return refused,
        };
        let limit = args
            .timeout_seconds
            .map_or(self.options.timeout, Duration::from_secs)
            .min(self.options.longest_timeout);
        let mut child = match self.command(&args.command).spawn() {
            Ok(child) => Group(child),
            Err(error) => return ToolOutput::error(format!("the command could not be started: {error}")),
        };
        let (stdout, stderr) = (child.0.stdout().take(), child.0.stderr().take());
        let mut out = Kept::new(self.options.kept_output);
        let mut err = Kept::new(self.options.kept_output);
        let ended = {
            let reading = async { tokio::join!(out.read(stdout), err.read(stderr)) };
            tokio::pin!(reading);
            let running = async {
                let waited = tokio::select! {
                    status = child.0.wait() => Ok(status),
                    // Both outputs are closed; the command itself may go on for a while.
                    _ = &mut reading => Err(()),
                };
                match waited {
                    Ok(status) => (status, true),
                    Err(()) => (child.0.wait().await, false),
                }
            };
            let ended = timeout(limit, running).await;
            let _ = child.0.start_kill();
            if matches!(ended, Err(_) | Ok((_, true))) {
                // With the group dead, what it wrote is all there.
                let _ = timeout(Duration::from_secs(2), &mut reading).await;
            }
            ended
        };
        let mut text = String::new();
        out.tell("", &mut text);
        err.tell("[stderr]\n", &mut text);
        match ended {
            Ok((Ok(status), _)) if status.success() => {
                ToolOutput::ok(if text.is_empty() { "(no output)".to_owned() } else { text })
            }
            Ok((Ok(status), _)) => ToolOutput::error(format!("{text}[{status}]")),
            Ok((Err(error), _)) => ToolOutput::error(format!("{text}[its end could not be seen: {error}]")),
            Err(_) => ToolOutput::error(format!("{text}[killed after {} s]", limit.as_secs_f32())),
        }
    }
}

/// The beginning and the end of an output, however long it is.
struct Kept {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    skipped: usize,
}

impl Kept {
    fn new(limit: usize) -> Self {
        Self { half: limit / 2, head: Vec::new(), tail: VecDeque::new(), skipped: 0 }
    }

    async fn read(&mut self, output: Option<impl AsyncRead + Unpin>) {
        let Some(mut output) = output else { return };
        let mut buffer = vec![0; 8 * 1024];
        while let Ok(count) = output.read(&mut buffer).await {
            if count == 0 {
                return;
            }
            let room = (self.half - self.head.len()).min(count);
            self.head.extend_from_slice(&buffer[..room]);
            self.tail.extend(&buffer[room..count]);
            let excess = self.tail.len().saturating_sub(self.half);
            self.tail.drain(..excess);
            self.skipped += excess;
        }
    }

    fn tell(self, title: &str, text: &mut String) {
        if self.head.is_empty() {
            return;
        }
        text.push_str(title);
        text.push_str(&String::from_utf8_lossy(&self.head));
        if self.skipped > 0 {
            let _ = write!(text, "\n[… {} bytes left out …]\n", self.skipped);
        }
        text.push_str(&String::from_utf8_lossy(&Vec::from(self.tail)));
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
}
