//! Where a Chrome or Chromium may be, per system. Pure but for the look at the disk that the caller hands in.

use std::path::{Path, PathBuf};

use bulkhead_profile::Environment;

use crate::error::BrowserError;

/// The systems that browsers are looked for on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux and other Unix.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl System {
    /// The system that this is.
    pub const fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }
}

const UNIX_NAMES: [&str; 9] = [
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "chromium",
    "chromium-browser",
    "brave-browser",
    "brave",
    "microsoft-edge",
    "microsoft-edge-stable",
];

/// Every place where a browser may be, best first.
pub fn candidates(system: System, env: &Environment) -> Vec<PathBuf> {
    let mut found = Vec::new();
    match system {
        System::Linux => {
            in_path(&mut found, env, ':', &UNIX_NAMES, '/');
            for path in [
                "/usr/bin/google-chrome",
                "/usr/bin/chromium",
                "/usr/bin/chromium-browser",
                "/opt/google/chrome/chrome",
                "/usr/lib/chromium/chromium",
                "/usr/lib64/chromium-browser/chromium-browser",
                "/opt/brave.com/brave/brave-browser",
                "/opt/microsoft/msedge/msedge",
                "/snap/bin/chromium",
            ] {
                found.push(path.into());
            }
        }
        System::MacOs => {
            let home = env.home.display().to_string();
            for name in
                ["Google Chrome", "Chromium", "Brave Browser", "Microsoft Edge", "Google Chrome Canary"]
            {
                for root in ["", home.as_str()] {
                    found.push(format!("{root}/Applications/{name}.app/Contents/MacOS/{name}").into());
                }
            }
            in_path(&mut found, env, ':', &UNIX_NAMES, '/');
        }
        System::Windows => {
            let folders = ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"];
            for inner in [
                r"Google\Chrome\Application\chrome.exe",
                r"Chromium\Application\chrome.exe",
                r"BraveSoftware\Brave-Browser\Application\brave.exe",
                r"Microsoft\Edge\Application\msedge.exe",
            ] {
                for folder in folders.iter().filter_map(|name| windows_var(env, name)) {
                    found.push(format!(r"{}\{inner}", folder.trim_end_matches('\\')).into());
                }
            }
            in_path(&mut found, env, ';', &["chrome.exe", "chromium.exe", "brave.exe", "msedge.exe"], '\\');
        }
    }
    found
}

/// Windows does not care about the case of a variable's name.
fn windows_var<'a>(env: &'a Environment, name: &str) -> Option<&'a str> {
    let found = env.vars.iter().find(|(known, value)| known.eq_ignore_ascii_case(name) && !value.is_empty());
    found.map(|(_, value)| value.as_str())
}

fn in_path(found: &mut Vec<PathBuf>, env: &Environment, between: char, names: &[&str], separator: char) {
    let dirs: Vec<&str> = windows_var(env, "PATH").unwrap_or_default().split(between).collect();
    for name in names {
        // A relative entry would mean another program in every directory.
        let absolute = dirs.iter().filter(|dir| dir.starts_with(separator) || dir.get(1..2) == Some(":"));
        found.extend(
            absolute
                .map(|dir| PathBuf::from(format!("{}{separator}{name}", dir.trim_end_matches(separator)))),
        );
    }
}

/// The configured browser, else the first candidate that exists.
pub fn find_executable(
    configured: Option<&Path>,
    system: System,
    env: &Environment,
    exists: impl Fn(&Path) -> bool,
) -> Result<PathBuf, BrowserError> {
    match configured {
        Some(path) if exists(path) => Ok(path.to_owned()),
        Some(path) => Err(BrowserError::Executable { path: path.to_owned() }),
        None => candidates(system, env).into_iter().find(|path| exists(path)).ok_or(BrowserError::NoBrowser),
    }
}

/// Whether this is a program that can be run.
pub fn is_program(path: &Path) -> bool {
    let Ok(facts) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        facts.is_file() && facts.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    facts.is_file()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn first(system: System, env: &Environment, there: &[&str]) -> Option<String> {
        let exists = |path: &Path| there.iter().any(|known| Path::new(known) == path);
        find_executable(None, system, env, exists).ok().map(|path| path.display().to_string())
    }

    #[test]
    fn linux() {
        let env = Environment::for_test("/home/ada").with_var("PATH", "bin:/opt/x/:/usr/bin");
        assert_eq!(
            first(System::Linux, &env, &["/usr/bin/chromium", "/opt/x/google-chrome"]).unwrap(),
            "/opt/x/google-chrome"
        );
        assert_eq!(first(System::Linux, &env, &["/snap/bin/chromium"]).unwrap(), "/snap/bin/chromium");
        assert_eq!(first(System::Linux, &env, &["bin/chromium"]), None);
    }

    #[test]
    fn macos() {
        let env = Environment::for_test("/Users/ada");
        let own = "/Users/ada/Applications/Chromium.app/Contents/MacOS/Chromium";
        assert_eq!(first(System::MacOs, &env, &[own]).unwrap(), own);
        let chrome = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
        assert_eq!(first(System::MacOs, &env, &[own, chrome]).unwrap(), chrome);
    }

    #[test]
    fn windows() {
        let env = Environment::for_test("C:\\Users\\ada")
            .with_var("PROGRAMFILES", r"C:\Program Files")
            .with_var("LocalAppData", r"C:\Users\ada\AppData\Local")
            .with_var("Path", r"C:\tools;relative");
        let edge = r"C:\Program Files\Microsoft\Edge\Application\msedge.exe";
        let own = r"C:\Users\ada\AppData\Local\Google\Chrome\Application\chrome.exe";
        assert_eq!(first(System::Windows, &env, &[edge, own]).unwrap(), own);
        assert_eq!(first(System::Windows, &env, &[r"C:\tools\chrome.exe"]).unwrap(), r"C:\tools\chrome.exe");
    }

    #[test]
    fn the_configured_one_or_none() {
        let env = Environment::for_test("/h");
        let error =
            find_executable(Some(Path::new("/x/chrome")), System::Linux, &env, |_| false).unwrap_err();
        assert!(error.to_string().starts_with("browser.executablePath: /x/chrome: no such program"));
        let error = find_executable(None, System::Linux, &env, |_| false).unwrap_err();
        assert_eq!(error.code(), "browser-missing");
    }
}
