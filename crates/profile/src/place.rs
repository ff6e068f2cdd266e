//! The place of a profile: every directory, file and name that is its own, and no other's.

use std::path::{Path, PathBuf};

use crate::name::ProfileName;

/// Where a profile lives and what its things are called. Made by [`Place::resolve`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub(crate) name: ProfileName,
    pub(crate) state_dir: PathBuf,
    pub(crate) config_path: PathBuf,
    pub(crate) workspace: PathBuf,
    /// 8 hex digits of the canonical state directory's hash.
    pub(crate) hash: String,
    pub(crate) overridden: bool,
    /// The flag or variable that named the state directory.
    pub(crate) state_source: Option<String>,
    /// The flag or variable that named the configuration file.
    pub(crate) config_source: Option<String>,
    pub(crate) shared_dir: PathBuf,
    pub(crate) runtime_dir: Option<PathBuf>,
    pub(crate) temp_dir: PathBuf,
}

/// Longest path of a Unix socket that every system takes (macOS: 104 with its end).
const SOCKET_PATH_LIMIT: usize = 100;

impl Place {
    /// Whose place it is.
    pub fn name(&self) -> &ProfileName {
        &self.name
    }

    /// Everything that the profile keeps, but for configuration and workspace if those are elsewhere.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The configuration file (JSON5).
    pub fn config_path(&self) -> &Path {
        &self.config_path
    }

    /// The agents' directory, unless the configuration says otherwise.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Whether the state directory is not the one of the rule.
    pub fn overridden(&self) -> bool {
        self.overridden
    }

    /// Whether the configuration file was named by a flag or variable.
    pub fn config_overridden(&self) -> bool {
        self.config_source.is_some()
    }

    /// The 8 hex digits that keep two instances of one name apart; only with an overridden state directory.
    pub fn suffix(&self) -> Option<&str> {
        self.overridden.then_some(self.hash.as_str())
    }

    /// The flag or variable that named the state directory.
    pub fn state_source(&self) -> Option<&str> {
        self.state_source.as_deref()
    }

    /// The flag or variable that named the configuration file.
    pub fn config_source(&self) -> Option<&str> {
        self.config_source.as_deref()
    }

    fn suffixed(&self, name: String) -> String {
        match self.suffix() {
            Some(suffix) => format!("{name}-{suffix}"),
            None => name,
        }
    }

    /// The keychain service that holds this profile's secrets.
    pub fn keychain_service(&self) -> String {
        self.suffixed(format!("ai.bulkhead.{}", self.name))
    }

    /// The systemd user unit, with `.service`.
    pub fn service_name(&self) -> String {
        let stem = if self.name.is_main() {
            "bulkhead-gateway".to_owned()
        } else {
            format!("bulkhead-gateway-{}", self.name)
        };
        format!("{}.service", self.suffixed(stem))
    }

    /// The launchd label.
    pub fn launchd_label(&self) -> String {
        self.suffixed(if self.name.is_main() {
            "ai.bulkhead.gateway".to_owned()
        } else {
            format!("ai.bulkhead.profile.{}", self.name)
        })
    }

    /// The name in the Windows Task Scheduler.
    pub fn task_name(&self) -> String {
        self.suffixed(if self.name.is_main() {
            "Bulkhead Gateway".to_owned()
        } else {
            format!("Bulkhead Gateway ({})", self.name)
        })
    }

    /// A short name for people: the profile, and the directory if that is not the one of the rule.
    pub fn label(&self) -> String {
        if self.overridden {
            format!("{} ({})", self.name, self.state_dir.display())
        } else {
            self.name.to_string()
        }
    }

    /// The SQLite database.
    pub fn database_path(&self) -> PathBuf {
        self.state_dir.join("bulkhead.sqlite")
    }

    /// The gateway's log (JSON lines).
    pub fn log_path(&self) -> PathBuf {
        self.state_dir.join("logs").join("gateway.jsonl")
    }

    /// What is kept of each crash.
    pub fn crash_dir(&self) -> PathBuf {
        self.state_dir.join("crashes")
    }

    /// The gateway's own certificate for TLS (PEM). Not secret.
    pub fn certificate_path(&self) -> PathBuf {
        self.state_dir.join("tls").join("gateway-cert.pem")
    }

    /// The private key of [`Place::certificate_path`] (PEM, for this user only).
    pub fn certificate_key_path(&self) -> PathBuf {
        self.state_dir.join("tls").join("gateway-key.pem")
    }

    /// The file whose lock says that a gateway runs here.
    pub fn lock_path(&self) -> PathBuf {
        self.state_dir.join("gateway.lock")
    }

    /// Who runs here: process identity, port, version.
    pub fn run_record_path(&self) -> PathBuf {
        self.state_dir.join("run.json")
    }

    /// Whose directory this is.
    pub fn marker_path(&self) -> PathBuf {
        crate::marker::path_in(&self.state_dir)
    }

    /// What the owner wants: running, stopped or paused.
    pub fn desired_path(&self) -> PathBuf {
        self.state_dir.join("desired.json")
    }

    /// The last configuration that a gateway ran well on.
    pub fn last_good_config_path(&self) -> PathBuf {
        self.state_dir.join("bulkhead.last-good.json")
    }

    /// The workspace of an agent that names none and is not the default one.
    pub fn agent_workspace(&self, agent_id: &str) -> PathBuf {
        self.state_dir.join("agents").join(escaped(agent_id)).join("workspace")
    }

    /// Where the workspaces of agents that were removed lie until somebody empties it.
    pub fn trash_dir(&self) -> PathBuf {
        self.state_dir.join("trash")
    }

    /// The user-data directory of a named browser profile.
    pub fn browser_data_dir(&self, browser_profile: &str) -> PathBuf {
        self.browser_dir().join(file_name_of(browser_profile))
    }

    /// What the browser seat keeps.
    pub fn browser_dir(&self) -> PathBuf {
        self.state_dir.join("browser")
    }

    /// Secrets in a file, where the user chose that. Outside of the state directory.
    pub fn secrets_file(&self) -> PathBuf {
        self.shared_dir.join("secrets").join(format!("{}.json", self.suffixed(self.name.to_string())))
    }

    /// The supervisor's private socket (Unix) or pipe (Windows). Short enough for every system.
    pub fn control_socket(&self) -> PathBuf {
        self.control_socket_in(self.runtime_dir.as_deref())
    }

    /// The same as a supervisor sees it that was started with another runtime directory, or with none.
    pub fn control_socket_in(&self, runtime_dir: Option<&Path>) -> PathBuf {
        let name = format!("{}-{}", self.name, self.hash);
        if cfg!(windows) {
            return PathBuf::from(format!(r"\\.\pipe\bulkhead-{name}"));
        }
        let fits = |path: &PathBuf| path.as_os_str().len() <= SOCKET_PATH_LIMIT;
        let preferred = match runtime_dir {
            Some(dir) => dir.join("bulkhead").join(format!("{name}.sock")),
            None => self.state_dir.join("control.sock"),
        };
        let fallbacks = [
            self.state_dir.join("control.sock"),
            self.temp_dir.join(format!("bulkhead-{name}")).join("control.sock"),
        ];
        if fits(&preferred) {
            return preferred;
        }
        fallbacks
            .into_iter()
            .find(fits)
            .unwrap_or_else(|| PathBuf::from(format!("/tmp/bulkhead-{name}")).join("control.sock"))
    }
}

/// A file name for any text: plain characters stay, others become `%XX`; never `.` or `..`, never a device.
fn file_name_of(text: &str) -> String {
    format!("profile-{}", escaped(text))
}

/// The same without a word before it, for names that are no device names.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.bytes().take(64) {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // also in what the tests share
mod tests {
    use super::*;
    use crate::environment::Environment;

    fn rule(name: &str) -> Place {
        let env = Environment::for_test("/home/ada");
        Place::resolve(Some(&ProfileName::parse(name).unwrap()), &env).unwrap()
    }

    #[test]
    fn the_table_of_the_rule() {
        let main = rule("main");
        assert_eq!(main.state_dir(), Path::new("/home/ada/.bulkhead"));
        assert_eq!(main.config_path(), Path::new("/home/ada/.bulkhead/bulkhead.json"));
        assert_eq!(main.workspace(), Path::new("/home/ada/.bulkhead/workspace"));
        assert_eq!(main.service_name(), "bulkhead-gateway.service");
        assert_eq!(main.launchd_label(), "ai.bulkhead.gateway");
        assert_eq!(main.task_name(), "Bulkhead Gateway");
        assert_eq!(main.keychain_service(), "ai.bulkhead.main");
        assert_eq!(main.secrets_file(), Path::new("/home/ada/.config/bulkhead/secrets/main.json"));
        let ops = rule("ops");
        assert_eq!(ops.state_dir(), Path::new("/home/ada/.bulkhead-ops"));
        assert_eq!(ops.config_path(), Path::new("/home/ada/.bulkhead-ops/bulkhead.json"));
        assert_eq!(ops.workspace(), Path::new("/home/ada/.bulkhead/workspace-ops"));
        assert_eq!(ops.service_name(), "bulkhead-gateway-ops.service");
        assert_eq!(ops.launchd_label(), "ai.bulkhead.profile.ops");
        assert_eq!(ops.task_name(), "Bulkhead Gateway (ops)");
        assert_eq!(ops.keychain_service(), "ai.bulkhead.ops");
        assert_eq!(rule("dev").state_dir(), Path::new("/home/ada/.bulkhead-dev"));
        assert!(!main.overridden() && main.suffix().is_none());
    }

    #[test]
    fn sockets_are_short_and_apart() {
        let deep = format!("/home/{}", "d".repeat(200));
        let mut env = Environment::for_test(&deep);
        let place = Place::resolve(None, &env).unwrap();
        assert!(place.control_socket().as_os_str().len() <= SOCKET_PATH_LIMIT);
        env.runtime_dir = Some("/run/user/1000".into());
        let main = Place::resolve(None, &env).unwrap();
        let other = Place::resolve(None, &Environment { home: "/home/eve".into(), ..env.clone() }).unwrap();
        assert!(main.control_socket().starts_with("/run/user/1000/bulkhead"));
        assert_ne!(main.control_socket(), other.control_socket());
    }

    #[test]
    fn browser_directories_never_leave_the_state_directory() {
        let main = rule("main");
        for name in ["default", "../../x", "..", "", "a/b", "CON", "ö\0"] {
            let dir = main.browser_data_dir(name);
            assert_eq!(dir.parent().unwrap(), main.browser_dir(), "{name}");
        }
        assert_ne!(main.browser_data_dir("a/b"), main.browser_data_dir("a-b"));
    }
}
