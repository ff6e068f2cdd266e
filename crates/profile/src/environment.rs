//! What the surroundings say: home, variables, the usual directories. Read once; everything after it is pure.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The variables and directories that a place is resolved from.
#[derive(Clone, PartialEq, Eq)]
pub struct Environment {
    /// The home directory; empty if there is none.
    pub home: PathBuf,
    /// Every variable that is valid Unicode.
    pub vars: BTreeMap<String, String>,
    /// Names of `BULKHEAD_*` and `OPENCLAW_*` variables that are no valid Unicode.
    pub unreadable: Vec<String>,
    /// Where temporary files go.
    pub temp_dir: PathBuf,
    /// `XDG_RUNTIME_DIR`, where the system has one.
    pub runtime_dir: Option<PathBuf>,
    /// Where configuration outside of every profile goes (`~/.config`, `%APPDATA%`).
    pub config_home: PathBuf,
}

impl Environment {
    /// Reads this process's environment.
    pub fn from_process() -> Self {
        let mut vars = BTreeMap::new();
        let mut unreadable = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => {
                    vars.insert(name, value);
                }
                Err(_) if name.starts_with("BULKHEAD_") || name.starts_with("OPENCLAW_") => {
                    unreadable.push(name);
                }
                Err(_) => {}
            }
        }
        let home = std::env::home_dir().unwrap_or_default();
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let config_home = if cfg!(windows) {
            absolute("APPDATA").unwrap_or_else(|| home.join("AppData").join("Roaming"))
        } else {
            absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"))
        };
        Self {
            config_home,
            runtime_dir: absolute("XDG_RUNTIME_DIR"),
            temp_dir: std::env::temp_dir(),
            home,
            vars,
            unreadable,
        }
    }

    /// An environment with nothing set, living under `home`.
    pub fn for_test(home: impl AsRef<Path>) -> Self {
        let home = home.as_ref();
        Self {
            home: home.to_owned(),
            vars: BTreeMap::new(),
            unreadable: Vec::new(),
            temp_dir: home.join("tmp"),
            runtime_dir: None,
            config_home: home.join(".config"),
        }
    }

    /// The same with a variable set.
    #[must_use]
    pub fn with_var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A variable that is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// `BULKHEAD_<meaning>`, else `OPENCLAW_<meaning>`: the name that is set, and its value.
    pub fn either(&self, meaning: &str) -> Option<(String, &str)> {
        ["BULKHEAD", "OPENCLAW"].into_iter().find_map(|prefix| {
            let name = format!("{prefix}_{meaning}");
            self.var(&name).map(|value| (name, value))
        })
    }

    /// The directory outside of every profile: register, file secrets.
    pub fn shared_dir(&self) -> PathBuf {
        self.config_home.join("bulkhead")
    }

    /// `~` and `~/x` as the home directory; a relative path from the working directory.
    pub fn expand(&self, path: &str) -> PathBuf {
        let expanded = match path.strip_prefix('~') {
            Some("") => self.home.clone(),
            Some(rest) if rest.starts_with(['/', '\\']) => {
                self.home.join(rest.trim_start_matches(['/', '\\']))
            }
            _ => PathBuf::from(path),
        };
        std::path::absolute(&expanded).unwrap_or(expanded)
    }
}

impl fmt::Debug for Environment {
    /// Variables may hold tokens: only their names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("home", &self.home)
            .field("vars", &self.vars.keys().collect::<Vec<_>>())
            .field("temp_dir", &self.temp_dir)
            .field("runtime_dir", &self.runtime_dir)
            .field("config_home", &self.config_home)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_variables_win_and_empty_ones_do_not_count() {
        let env = Environment::for_test("/h")
            .with_var("OPENCLAW_STATE_DIR", "/o")
            .with_var("BULKHEAD_STATE_DIR", "");
        assert_eq!(env.either("STATE_DIR"), Some(("OPENCLAW_STATE_DIR".to_owned(), "/o")));
        let env = env.with_var("BULKHEAD_STATE_DIR", "/b");
        assert_eq!(env.either("STATE_DIR"), Some(("BULKHEAD_STATE_DIR".to_owned(), "/b")));
    }

    #[test]
    fn debug_hides_values() {
        let env = Environment::for_test("/h").with_var("OPENCLAW_GATEWAY_TOKEN", "planted");
        assert!(!format!("{env:?}").contains("planted"));
    }

    #[cfg(unix)]
    #[test]
    fn tilde_is_home() {
        let env = Environment::for_test("/h");
        assert_eq!(env.expand("~"), PathBuf::from("/h"));
        assert_eq!(env.expand("~/a"), PathBuf::from("/h/a"));
        assert_eq!(env.expand("~other"), std::path::absolute("~other").unwrap());
    }
}
