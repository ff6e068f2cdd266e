//! Gateways as sidecars: tauri-plugin-shell starts the `bulkhead` that lies beside the app, the supervisor does the rest.
//!
//! The child's standard input stays open as long as the app lives. When the app dies, even by `kill -9`, the pipe closes,
//! and a gateway started with `--sidecar` stops at its end.

use crate::updates::Updates;
use async_trait::async_trait;
use bulkhead_process::ProcessIdentity;
use bulkhead_supervisor::{Exit, GatewayProcess, LaunchError, LaunchSpec, Launcher, ProcessEvent};
use tauri::async_runtime::Receiver;
use tauri::{AppHandle, Manager};
use tauri_plugin_shell::ShellExt;
use tauri_plugin_shell::process::{Command, CommandChild, CommandEvent};

/// Launches sidecars of this app.
pub struct SidecarLauncher {
    app: AppHandle,
    profile: String,
}

impl SidecarLauncher {
    /// For a profile of an app.
    pub fn new(app: AppHandle, profile: &str) -> Self {
        Self { app, profile: profile.to_owned() }
    }

    /// The `bulkhead` beside the app, or while an update is tried the previous one.
    fn program(&self) -> Result<Command, tauri_plugin_shell::Error> {
        match self.app.state::<Updates>().program_for(&self.profile) {
            Some(previous) => Ok(self.app.shell().command(previous)),
            None => self.app.shell().sidecar("bulkhead"),
        }
    }
}

#[async_trait]
impl Launcher for SidecarLauncher {
    async fn launch(&self, spec: LaunchSpec) -> Result<Box<dyn GatewayProcess>, LaunchError> {
        let failed = |why: String| LaunchError { program: spec.program.clone(), why };
        let mut command = self
            .program()
            .map_err(|error| failed(error.to_string()))?
            .args(&spec.args)
            .current_dir(&spec.working_dir)
            .env_clear();
        let removed = spec.removed_variables();
        for (name, value) in std::env::vars_os().filter(|(name, _)| !removed.contains(name)) {
            command = command.env(name, value);
        }
        let (events, child) = command.spawn().map_err(|error| failed(error.to_string()))?;
        let pid = child.pid();
        // Taken now, while it is surely ours: a later kill acts on this very process or on none.
        let identity = ProcessIdentity::of(pid).ok();
        Ok(Box::new(Sidecar { events, pid, identity, child: Some(child) }))
    }
}

struct Sidecar {
    events: Receiver<CommandEvent>,
    pid: u32,
    identity: Option<ProcessIdentity>,
    child: Option<CommandChild>,
}

#[async_trait]
impl GatewayProcess for Sidecar {
    fn pid(&self) -> Option<u32> {
        Some(self.pid)
    }

    async fn next(&mut self) -> ProcessEvent {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
        loop {
            match self.events.recv().await {
                Some(CommandEvent::Stdout(bytes)) => return ProcessEvent::Stdout(text(bytes)),
                Some(CommandEvent::Stderr(bytes)) => return ProcessEvent::Stderr(text(bytes)),
                Some(CommandEvent::Terminated(end)) => {
                    return ProcessEvent::Exited(Exit { code: end.code, signal: end.signal });
                }
                Some(_) => {}
                None => return ProcessEvent::Exited(Exit::default()),
            }
        }
    }

    async fn write_line(&mut self, line: &[u8]) -> std::io::Result<()> {
        let Some(mut child) = self.child.take() else { return Err(std::io::ErrorKind::BrokenPipe.into()) };
        // The plug-in's pipe blocks when it is full. Whoever gives up waiting leaves the child to that thread: its pipe
        // is closed when the write ends, and the process is still known by its identity.
        let line = line.to_vec();
        let written = tokio::task::spawn_blocking(move || {
            let outcome = child.write(&line);
            (child, outcome)
        });
        let (child, outcome) = written.await.map_err(std::io::Error::other)?;
        self.child = Some(child);
        outcome.map_err(std::io::Error::other)
    }

    async fn close_stdin(&mut self) {
        // Dropping the child closes its pipe; it is not killed by that.
        self.child = None;
    }

    async fn terminate(&mut self) {
        // End of input is how a sidecar is asked to stop, on every system alike.
        self.close_stdin().await;
    }

    async fn kill(&mut self) {
        let (child, identity) = (self.child.take(), self.identity.clone());
        let killed = tokio::task::spawn_blocking(move || match (child, identity) {
            (_, Some(identity)) => identity.kill().map(drop).map_err(|error| error.to_string()),
            (Some(child), None) => child.kill().map_err(|error| error.to_string()),
            (None, None) => Ok(()),
        });
        if let Ok(Err(error)) = killed.await {
            tracing::warn!(pid = self.pid, error, "the sidecar could not be killed");
        }
    }
}
