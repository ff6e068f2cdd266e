//! How a gateway is launched: by whoever supervises. A plain child here, a sidecar of the window toolkit in the app.

use std::ffi::OsString;
use std::path::PathBuf;

use async_trait::async_trait;
use bulkhead_profile::Place;

use crate::ladder::Rung;

/// A gateway could not be launched.
#[derive(Debug, thiserror::Error)]
#[error("{program}: the gateway cannot be started: {why}; expected the bulkhead program; install Bulkhead again", program = .program.display())]
pub struct LaunchError {
    /// The program.
    pub program: PathBuf,
    /// Why not.
    pub why: String,
}

/// What is to be launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchSpec {
    /// The `bulkhead` program.
    pub program: PathBuf,
    /// Its arguments; never a secret.
    pub args: Vec<OsString>,
    /// Variables that are taken out of the child's environment when they begin so: they lead to another place, or a
    /// service manager means them for the supervisor alone.
    pub remove_env_prefixes: Vec<&'static str>,
    /// The directory that it runs in.
    pub working_dir: PathBuf,
}

impl LaunchSpec {
    /// `bulkhead --profile P [--state-dir D] [--config F] gateway run --sidecar [--port N] [--last-good | --safe]`.
    pub fn for_gateway(program: PathBuf, place: &Place, port: Option<u16>, rung: Rung) -> Self {
        let mut args: Vec<OsString> = vec!["--profile".into(), place.name().as_str().into()];
        if place.overridden() {
            args.extend(["--state-dir".into(), place.state_dir().as_os_str().to_owned()]);
        }
        if place.config_overridden() {
            args.extend(["--config".into(), place.config_path().as_os_str().to_owned()]);
        }
        args.extend(["gateway", "run", "--sidecar"].map(OsString::from));
        if let Some(port) = port {
            args.extend(["--port".into(), port.to_string().into()]);
        }
        match rung {
            Rung::Normal => {}
            Rung::LastGood => args.push("--last-good".into()),
            Rung::Safe => args.push("--safe".into()),
        }
        Self {
            program,
            args,
            remove_env_prefixes: vec!["BULKHEAD_", "OPENCLAW_", "NOTIFY_SOCKET", "WATCHDOG_"],
            working_dir: place.state_dir().to_owned(),
        }
    }

    /// The names of this process's variables that are to be taken out.
    pub fn removed_variables(&self) -> Vec<OsString> {
        let prefixed = |name: &OsString| {
            let name = name.to_string_lossy();
            self.remove_env_prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        std::env::vars_os().map(|(name, _)| name).filter(prefixed).collect()
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exit {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// What a launched gateway did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessEvent {
    /// A line on stdout.
    Stdout(String),
    /// A line on stderr.
    Stderr(String),
    /// It ended; nothing comes after this.
    Exited(Exit),
}

/// A launched gateway.
#[async_trait]
pub trait GatewayProcess: Send {
    /// Its process.
    fn pid(&self) -> Option<u32>;
    /// The next thing that it does. Dropping the future loses nothing.
    async fn next(&mut self) -> ProcessEvent;
    /// Writes a line (with its end) to its stdin.
    async fn write_line(&mut self, line: &[u8]) -> std::io::Result<()>;
    /// Closes its stdin: it shall stop.
    async fn close_stdin(&mut self);
    /// Asks it to end, where the system has such a thing.
    async fn terminate(&mut self);
    /// Ends it and all that it started.
    async fn kill(&mut self);
}

/// A way to launch a gateway.
#[async_trait]
pub trait Launcher: Send + Sync {
    /// Launches it.
    async fn launch(&self, spec: LaunchSpec) -> Result<Box<dyn GatewayProcess>, LaunchError>;
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use bulkhead_profile::{Environment, ProfileName};

    #[test]
    fn the_command_line_names_the_place_and_nothing_secret() {
        let env = Environment::for_test("/home/ada");
        let rescue = Place::resolve(Some(&ProfileName::rescue()), &env).unwrap();
        let spec = LaunchSpec::for_gateway("/usr/bin/bulkhead".into(), &rescue, None, Rung::Normal);
        assert_eq!(spec.args, ["--profile", "rescue", "gateway", "run", "--sidecar"]);
        let env =
            env.with_var("OPENCLAW_STATE_DIR", "/srv/b").with_var("OPENCLAW_CONFIG_PATH", "/srv/b.json");
        let place = Place::resolve(None, &env).unwrap();
        let spec = LaunchSpec::for_gateway("/usr/bin/bulkhead".into(), &place, Some(19001), Rung::Safe);
        assert_eq!(
            spec.args,
            [
                "--profile",
                "main",
                "--state-dir",
                "/srv/b",
                "--config",
                "/srv/b.json",
                "gateway",
                "run",
                "--sidecar",
                "--port",
                "19001",
                "--safe"
            ]
        );
    }
}
