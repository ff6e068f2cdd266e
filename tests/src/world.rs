//! A home of one's own.

#[cfg(target_os = "linux")]
use crate::manager::{self, UserManager};
use crate::run::Running;
use crate::{bus::Bus, programs};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// One test's machine. Dropping it ends what was started in it and removes its files.
pub struct World {
    // Declared before `home`: processes end before their files go.
    bus: Option<Bus>,
    #[cfg(target_os = "linux")]
    manager: Option<UserManager>,
    home: TempDir,
    extra: BTreeMap<OsString, OsString>,
}

impl World {
    /// An empty home, without a session bus: no keychain there.
    pub fn new() -> Self {
        let home = tempfile::Builder::new().prefix("bh-").tempdir().expect("a temporary folder");
        for folder in ["run", ".config", ".local/share", ".cache", ".local/state", "tmp"] {
            std::fs::create_dir_all(home.path().join(folder)).expect("folder");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(home.path().join("run"), mode).expect("mode");
        }
        Self {
            bus: None,
            #[cfg(target_os = "linux")]
            manager: None,
            home,
            extra: BTreeMap::new(),
        }
    }

    /// With a session bus and an unlocked gnome-keyring of its own.
    pub fn with_keychain() -> Self {
        let mut world = Self::new();
        let bus = Bus::start(&world);
        bus.unlock_keyring(&world);
        world.bus = Some(bus);
        world
    }

    /// With a session bus on which nobody offers a keychain.
    pub fn with_bus() -> Self {
        let mut world = Self::new();
        world.bus = Some(Bus::start_without_services(&world));
        world
    }

    /// With a keychain that is there and locked.
    pub fn with_locked_keychain() -> Self {
        let mut world = Self::new();
        let bus = Bus::start(&world);
        bus.locked_keyring(&world);
        world.bus = Some(bus);
        world
    }

    /// With a systemd user manager of its own; `None` where there can be none, which is said.
    #[cfg(target_os = "linux")]
    #[allow(clippy::print_stderr, reason = "a test that is left out says why")]
    pub fn with_user_manager() -> Option<Self> {
        Self::with_user_manager_after(|_| {})
    }

    /// The same; what is mounted in the home before is seen in it too.
    #[cfg(target_os = "linux")]
    #[allow(clippy::print_stderr, reason = "a test that is left out says why")]
    pub fn with_user_manager_after(prepare: impl FnOnce(&Path)) -> Option<Self> {
        if let Some(why) = manager::missing() {
            eprintln!("skipped: {why}");
            return None;
        }
        let mut world = Self::new();
        prepare(world.home());
        let manager = UserManager::start(world.home());
        world.set("XDG_RUNTIME_DIR", &manager.runtime_dir);
        world.manager = Some(manager);
        Some(world)
    }

    /// With a user manager, and an unlocked gnome-keyring on its bus.
    #[cfg(target_os = "linux")]
    pub fn with_user_manager_and_keychain() -> Option<Self> {
        let mut world = Self::with_user_manager()?;
        let runtime = world.manager.as_ref().expect("it was just started").runtime_dir.display().to_string();
        let bus = Bus::at(&format!("unix:path={runtime}/bus"));
        bus.unlock_keyring(&world);
        world.bus = Some(bus);
        Some(world)
    }

    /// Locks the keychain, with what is in it.
    pub fn lock_keychain(&self) {
        self.bus.as_ref().expect("a world with a keychain").lock_keyring(self);
    }

    /// Ends the keychain's program, with everything that it keeps in memory.
    pub fn kill_keychain(&self) {
        self.bus.as_ref().expect("a world with a keychain").kill_keyring();
    }

    /// Unlocks it again.
    pub fn unlock_keychain(&self) {
        self.bus.as_ref().expect("a world with a keychain").unlock_again(self);
    }

    /// The home directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A path under the home directory.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.home.path().join(relative)
    }

    /// Sets a variable for everything started from now on.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.extra.insert(name.into(), value.into());
    }

    /// The whole environment of a program in this world.
    pub fn environment(&self) -> BTreeMap<OsString, OsString> {
        let home = self.home.path();
        let mut vars: BTreeMap<OsString, OsString> = BTreeMap::new();
        for name in ["PATH", "LANG", "RUST_BACKTRACE"] {
            if let Some(value) = std::env::var_os(name) {
                vars.insert(name.into(), value);
            }
        }
        vars.insert("HOME".into(), home.into());
        vars.insert("XDG_RUNTIME_DIR".into(), home.join("run").into());
        vars.insert("XDG_CONFIG_HOME".into(), home.join(".config").into());
        vars.insert("XDG_DATA_HOME".into(), home.join(".local/share").into());
        vars.insert("XDG_CACHE_HOME".into(), home.join(".cache").into());
        vars.insert("XDG_STATE_HOME".into(), home.join(".local/state").into());
        vars.insert("TMPDIR".into(), home.join("tmp").into());
        vars.insert("NO_AT_BRIDGE".into(), "1".into());
        if let Some(bus) = &self.bus {
            vars.insert("DBUS_SESSION_BUS_ADDRESS".into(), bus.address().into());
        }
        vars.extend(self.extra.clone());
        vars
    }

    /// A program in this world.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.outer(program.as_ref());
        command.env_clear().envs(self.environment()).current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    /// Where there is a user manager, programs run in its namespaces.
    fn outer(&self, program: &std::ffi::OsStr) -> Command {
        #[cfg(target_os = "linux")]
        if let Some(manager) = &self.manager {
            let mut command = Command::new("nsenter");
            command.args(["--target", &manager.pid, "--mount", "--cgroup", "--"]).arg(program);
            return command;
        }
        Command::new(program)
    }

    /// Runs `bulkhead` to its end.
    pub fn bulkhead(&self, args: &[&str]) -> Output {
        self.command(programs::bulkhead()).args(args).output().expect("bulkhead starts")
    }

    /// Runs `bulkhead` with something on its standard input.
    pub fn bulkhead_with_input(&self, args: &[&str], input: &str) -> Output {
        use std::io::Write;
        let mut command = self.command(programs::bulkhead());
        let mut child = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bulkhead starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A program that refuses its arguments closes the pipe early; that is its answer, not a fault of the test.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("bulkhead ends")
    }

    /// Runs `bulkhead`, which must succeed, and reads its last line of standard output as JSON.
    pub fn bulkhead_json(&self, args: &[&str]) -> serde_json::Value {
        let out = self.bulkhead(args);
        assert!(out.status.success(), "bulkhead {args:?}: {}\n{}", out.status, text(&out));
        let whole = String::from_utf8_lossy(&out.stdout).into_owned();
        serde_json::from_str(&whole)
            .or_else(|_| serde_json::from_str(whole.trim().lines().last().unwrap_or_default()))
            .unwrap_or_else(|error| panic!("bulkhead {args:?} printed no JSON ({error}): {whole}"))
    }

    /// Starts `bulkhead` and leaves it running.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = self.command(programs::bulkhead());
        command.args(args);
        Running::start(command)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// Both streams of a finished program.
pub fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}
