//! Secrets from a command, such as `pass show bulkhead/token`: no shell, bare environment, time and size limits.

use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_config::{SecretProvider, SecretSource};
use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{SecretError, SecretId, SecretStore, StoreDescription};

const DEFAULT_LIMIT: Duration = Duration::from_secs(10);
const DEFAULT_BYTES: u64 = 64 * 1024;

/// A command whose standard output is the secret (one line end at its end is dropped).
#[derive(Clone)]
pub struct ExecStore {
    command: String,
    args: Vec<String>,
    pass_env: Vec<String>,
    limit: Duration,
    max_bytes: u64,
}

impl ExecStore {
    /// The command of an entry of `secrets.providers`; `None` for other kinds of provider.
    pub fn from_provider(provider: &SecretProvider) -> Option<Self> {
        let SecretProvider::Exec { command, args, pass_env, timeout_ms, max_output_bytes } = provider else {
            return None;
        };
        Some(Self {
            command: command.clone(),
            args: args.clone(),
            pass_env: pass_env.clone(),
            limit: timeout_ms.map_or(DEFAULT_LIMIT, Duration::from_millis),
            max_bytes: max_output_bytes.unwrap_or(DEFAULT_BYTES),
        })
    }

    fn failed(&self, found: impl Into<String>) -> SecretError {
        SecretError::Exec { command: self.command.clone(), found: found.into() }
    }

    async fn run(&self, id: &SecretId) -> Result<SecretString, SecretError> {
        if !Path::new(&self.command).is_absolute() {
            return Err(self.failed("found a relative path"));
        }
        let mut command = Command::new(&self.command);
        command
            .args(self.args.iter().map(|arg| arg.replace("{id}", id.as_str())))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let basics = [
            "PATH",
            "HOME",
            "USER",
            "LANG",
            "SYSTEMROOT",
            "GNUPGHOME",
            "XDG_RUNTIME_DIR",
            "DBUS_SESSION_BUS_ADDRESS",
        ];
        for name in basics.into_iter().chain(self.pass_env.iter().map(String::as_str)) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let mut child =
            command.spawn().map_err(|error| self.failed(format!("found that it cannot start: {error}")))?;
        let group = child.id();
        let outcome = tokio::time::timeout(self.limit, self.collect(&mut child)).await;
        if let Ok(result) = outcome {
            return result;
        }
        end_group(group);
        let _ = child.kill().await;
        Err(self.failed(format!("found no answer within {} s", self.limit.as_secs_f32())))
    }

    async fn collect(&self, child: &mut tokio::process::Child) -> Result<SecretString, SecretError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        if let Some(stdout) = child.stdout.take() {
            stdout
                .take(self.max_bytes + 1)
                .read_to_end(&mut bytes)
                .await
                .map_err(|error| self.failed(format!("found that its output cannot be read: {error}")))?;
        }
        if bytes.len() as u64 > self.max_bytes {
            end_group(child.id());
            let _ = child.kill().await;
            return Err(self.failed(format!("found more than {} bytes", self.max_bytes)));
        }
        let status = child.wait().await.map_err(|error| self.failed(format!("found {error}")))?;
        if !status.success() {
            return Err(self.failed(format!("found {status}")));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| self.failed("found output that is no text"))?;
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(self.failed("found no output"));
        }
        let secret = SecretString::from(line);
        bytes.zeroize();
        Ok(secret)
    }
}

#[async_trait]
impl SecretStore for ExecStore {
    async fn get(&self, id: &SecretId) -> Result<SecretString, SecretError> {
        self.run(id).await
    }

    async fn set(&self, _: &SecretId, _: &SecretString) -> Result<(), SecretError> {
        Err(self.failed("found a request to store a secret, which a command source cannot do"))
    }

    async fn delete(&self, _: &SecretId) -> Result<bool, SecretError> {
        Err(self.failed("found a request to delete a secret, which a command source cannot do"))
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription {
            source: SecretSource::Exec,
            label: format!("the command {}", self.command),
            encrypted: true,
            writable: false,
        }
    }
}

impl fmt::Debug for ExecStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecStore").field("command", &self.command).finish_non_exhaustive()
    }
}

/// The command runs in a process group of its own, which nobody else is in.
#[cfg(unix)]
fn end_group(id: Option<u32>) {
    let pid = id.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_: Option<u32>) {}
