//! What there is on this machine for skills.

use bulkhead_agent::skills::Surroundings;
use bulkhead_agent::tools::kept_variables;

/// This machine, as commands of agents see it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl Surroundings for Machine {
    fn has_program(&self, name: &str) -> bool {
        if name.is_empty() || name.contains(['/', '\\']) {
            return false;
        }
        let Some(path) = std::env::var_os("PATH") else { return false };
        let names = if cfg!(windows) {
            vec![format!("{name}.exe"), format!("{name}.cmd"), format!("{name}.bat"), name.to_owned()]
        } else {
            vec![name.to_owned()]
        };
        std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .any(|folder| names.iter().any(|name| is_program(&folder.join(name))))
    }

    fn has_variable(&self, name: &str) -> bool {
        kept_variables().contains(&name) && std::env::var_os(name).is_some()
    }

    fn system(&self) -> &'static str {
        match std::env::consts::OS {
            "macos" => "darwin",
            "windows" => "win32",
            other => other,
        }
    }
}

fn is_program(path: &std::path::Path) -> bool {
    let Ok(found) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    let executable = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let executable = true;
    found.is_file() && executable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_looked_for_on_the_search_path_only() {
        let program = if cfg!(windows) { "cmd" } else { "sh" };
        assert!(Machine.has_program(program));
        assert!(!Machine.has_program("/bin/sh") && !Machine.has_program("no-such-program-4711"));
        assert!(!Machine.has_variable("CARGO_MANIFEST_DIR"), "commands do not get it");
    }
}
