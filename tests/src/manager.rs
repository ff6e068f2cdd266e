//! A systemd user manager of a test's own: a real one, in namespaces of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running user manager; everything in it ends with it.
pub struct UserManager {
    child: Child,
    /// A process in its namespaces.
    pub pid: String,
    /// Its `XDG_RUNTIME_DIR`.
    pub runtime_dir: PathBuf,
}

/// Why no user manager can be started on this machine; `None` if one can.
pub fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("a systemd user manager of one's own needs root".to_owned());
    }
    if !["/lib/systemd/systemd", "/usr/lib/systemd/systemd"].iter().any(|path| Path::new(path).exists()) {
        return Some("there is no systemd on this machine".to_owned());
    }
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let unified = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"));
    let Some(dir) = unified.and_then(|line| line.split(' ').nth(1)) else {
        return Some("no cgroup2 is mounted".to_owned());
    };
    let probe = Path::new(dir).join(format!("bulkhead-probe-{}", std::process::id()));
    if std::fs::create_dir(&probe).is_err() {
        return Some(format!("no group can be made in {dir}"));
    }
    let _ = std::fs::remove_dir(&probe);
    let namespaces = Command::new("unshare").args(["--mount", "--cgroup", "true"]).status();
    if !namespaces.is_ok_and(|status| status.success()) {
        return Some("namespaces cannot be made".to_owned());
    }
    None
}

impl UserManager {
    /// Starts it for a home directory.
    pub fn start(home: &Path) -> Self {
        let script = crate::programs::checkout().join("tests/scripts/user-manager.sh");
        let mut child = Command::new("bash")
            .arg(script)
            .arg(home)
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("the script says something");
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("ready"), "the user manager did not come up: {line}");
        let pid = words.next().expect("a process").to_owned();
        let runtime_dir = PathBuf::from(words.next().expect("a directory"));
        Self { child, pid, runtime_dir }
    }
}

impl Drop for UserManager {
    fn drop(&mut self) {
        // The end of its input is the script's sign to end everything.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
