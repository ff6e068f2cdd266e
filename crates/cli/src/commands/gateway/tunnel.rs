//! A way through SSH to the loopback of another machine: the system's `ssh -N -L`, for as long as it is held.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bulkhead_process::guard::{self, Guarded, GuardedProgram};
use bulkhead_profile::files;

/// Between two looks whether the tunnel is open: SSH does not say.
const LOOK: Duration = Duration::from_millis(50);
/// How much of what SSH complains about is told.
const COMPLAINT: u64 = 4096;

/// Where SSH goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    /// `user@host` or `host`.
    host: String,
    /// Its SSH port.
    port: Option<u16>,
    /// The key file.
    identity: Option<PathBuf>,
}

impl SshTarget {
    /// Reads `user@host` or `user@host:port`. What begins with a dash would be an option for SSH.
    pub fn parse(text: &str, identity: Option<&Path>) -> Result<Self, String> {
        let text = text.trim();
        let wrong =
            |why: &str| format!("{text:?} is no SSH target ({why}); expected user@host or user@host:port");
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => {
                let port = port.parse::<u16>().ok().filter(|port| *port != 0);
                (host, Some(port.ok_or_else(|| wrong("its port is no number from 1 to 65535"))?))
            }
            _ => (text, None),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_@:[]%+".contains(c);
        if host.is_empty() || host.starts_with('-') || host.contains("@-") || !host.chars().all(plain) {
            return Err(wrong("it names no host"));
        }
        Ok(Self { host: host.to_owned(), port, identity: identity.map(Path::to_path_buf) })
    }
}

impl std::fmt::Display for SshTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// An open tunnel. Dropping it ends SSH; so does the end of this program, whatever ends it.
#[derive(Debug)]
pub struct Tunnel {
    /// The port of this machine that leads there.
    pub local_port: u16,
    /// The port there.
    pub remote_port: u16,
    /// Where.
    pub target: String,
    ssh: Guarded,
    /// What SSH said, until the tunnel is gone.
    log: Log,
}

impl Tunnel {
    /// Starts SSH and waits until the way is open. Blocks: call it off the async threads.
    pub fn open(target: &SshTarget, remote_port: u16, patience: Duration) -> Result<Self, String> {
        let until = Instant::now() + patience;
        let local_port = free_port().map_err(|error| format!("this machine has no free port ({error})"))?;
        let program = which("ssh").ok_or("ssh was not found on PATH; install OpenSSH's client")?;
        let log = Log::new();
        let program = GuardedProgram {
            program,
            args: arguments(target, local_port, remote_port, patience),
            without: own_variables(),
            log: Some(log.0.clone()),
        };
        let guard =
            guard::guard_command().map_err(|error| format!("this program cannot be found ({error})"))?;
        let ssh = Guarded::spawn(&guard, &program).map_err(|error| error.to_string())?;
        let mut tunnel = Self { local_port, remote_port, target: target.to_string(), ssh, log };
        while !tunnel.is_open() {
            if !tunnel.ssh.is_running() {
                return Err(format!("ssh to {target} ended: {}", tunnel.log.words()));
            }
            if Instant::now() >= until {
                return Err(format!(
                    "ssh to {target} opened no way within {} ms ({}); try `ssh {target}` by hand: it must not ask for anything",
                    patience.as_millis(),
                    tunnel.log.words()
                ));
            }
            std::thread::sleep(LOOK);
        }
        Ok(tunnel)
    }

    fn is_open(&self) -> bool {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, self.local_port));
        TcpStream::connect_timeout(&here, LOOK).is_ok()
    }

    /// SSH's process.
    pub fn pid(&self) -> u32 {
        self.ssh.pid()
    }
}

fn arguments(target: &SshTarget, local_port: u16, remote_port: u16, patience: Duration) -> Vec<String> {
    let mut args: Vec<String> = ["-N", "-T", "-L"].map(str::to_owned).into();
    args.push(format!("127.0.0.1:{local_port}:127.0.0.1:{remote_port}"));
    let connect = format!("ConnectTimeout={}", patience.as_secs().clamp(1, 60));
    for option in [
        "ExitOnForwardFailure=yes",
        "BatchMode=yes",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=3",
        &connect,
    ] {
        args.extend(["-o".to_owned(), option.to_owned()]);
    }
    if let Some(port) = target.port {
        args.extend(["-p".to_owned(), port.to_string()]);
    }
    if let Some(identity) = &target.identity {
        args.extend(["-i".to_owned(), identity.display().to_string()]);
    }
    // Nothing behind `--` is an option.
    args.extend(["--".to_owned(), target.host.clone()]);
    args
}

/// Variables that may hold a secret of ours and are nobody else's business.
fn own_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with("BULKHEAD_") || name.starts_with("OPENCLAW_")).collect()
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let name = if cfg!(windows) { format!("{program}.exe") } else { program.to_owned() };
    std::env::split_paths(&path).map(|folder| folder.join(&name)).find(|found| found.is_file())
}

/// A file with what SSH says; gone with the tunnel.
#[derive(Debug)]
struct Log(PathBuf);

impl Log {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("bulkhead-ssh-{}.log", uuid::Uuid::new_v4())))
    }

    fn words(&self) -> String {
        let said = files::read_limited(&self.0, COMPLAINT).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).trim().replace(['\r', '\n'], " ");
        if said.is_empty() { "it said nothing".to_owned() } else { said }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_never_become_options() {
        let read = |text: &str| SshTarget::parse(text, None).map(|target| (target.host, target.port));
        assert_eq!(read("ada@host"), Ok(("ada@host".into(), None)));
        assert_eq!(read(" ada@host:2222 "), Ok(("ada@host".into(), Some(2222))));
        assert_eq!(read("ada@[::1]").map(|(host, _)| host), Ok("ada@[::1]".into()));
        for wrong in ["", "-oProxyCommand=x", "ada@-oX", "a b", "host:0", "host:x", "a;b", "$(x)"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
