//! What can go wrong in the browser seat: what, where, what was expected, the next step.

use std::path::PathBuf;

use bulkhead_process::ProcessError;

/// An error of the browser seat. No message carries a token or the query of an address.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The configuration names a browser profile in a way that cannot be a folder's name.
    #[error(
        "browser.profiles.{name}: not a name for a browser profile; expected 1 to 32 of a-z, 0-9, - and _, for example: work"
    )]
    ProfileName {
        /// The name.
        name: String,
    },
    /// A value of the configuration cannot be used.
    #[error("{field}: found {found}; expected {expected}")]
    Setting {
        /// The field.
        field: String,
        /// What it holds.
        found: String,
        /// What it should hold, with an example.
        expected: String,
    },
    /// No browser profile of this name.
    #[error("browser profile \"{name}\": not known; expected one of: {known}; add it under browser.profiles")]
    UnknownProfile {
        /// The name.
        name: String,
        /// Those that are known.
        known: String,
    },
    /// No browser on this machine.
    #[error(
        "no browser found: looked for Chrome, Chromium, Brave and Edge in PATH and the usual places; install Chromium, or name one in browser.executablePath"
    )]
    NoBrowser,
    /// The configured browser is not there.
    #[error("browser.executablePath: {path}: no such program; expected the path of a Chrome or Chromium", path = .path.display())]
    Executable {
        /// The path.
        path: PathBuf,
    },
    /// A port is taken.
    #[error("{what}: port {port} is taken by {holder}; expected it to be free; {next}")]
    PortTaken {
        /// What it is for.
        what: String,
        /// The port.
        port: u16,
        /// Who holds it.
        holder: String,
        /// What to do.
        next: &'static str,
    },
    /// Every CDP port of the profile is claimed or taken.
    #[error(
        "browser profile \"{profile}\": no free port in {first}–{last}; expected one that no other profile claims and nobody listens on; move this profile's base port further from its neighbour's (bulkhead profiles check)"
    )]
    NoPort {
        /// The browser profile.
        profile: String,
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
    },
    /// Another browser runs on our data directory.
    #[error("{dir}: in use by process {pid}; expected no other browser on this data directory; close that browser", dir = .dir.display())]
    DataDirInUse {
        /// The directory.
        dir: PathBuf,
        /// The process.
        pid: u32,
    },
    /// A file of the seat.
    #[error("{path}: cannot {action}: {source}; expected a place that you may read and write; check its permissions and the free space", path = .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The guard could not start it.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The browser ended or did not open its port.
    #[error("{program}: started, but {why}; expected it to open CDP port {port}; {said}", program = .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The CDP port.
        port: u16,
        /// What happened instead.
        why: String,
        /// Its last words and the next step.
        said: String,
    },
    /// A running browser that cannot be attached to.
    #[error("{url}: cannot attach: {why}; expected a browser started with --remote-debugging-port there")]
    Attach {
        /// The address, without its query.
        url: String,
        /// Why not.
        why: String,
    },
    /// The seat is given up.
    #[error(
        "the browser seat is closing, because the gateway stops or its configuration changed; try again in a moment"
    )]
    Closing,
    /// It does not run.
    #[error("browser profile \"{profile}\": not running; start it first, or open a page")]
    NotRunning {
        /// The browser profile.
        profile: String,
    },
    /// No such tab.
    #[error("tab \"{tab}\": no such tab; expected one of the list of tabs, or none for the current one")]
    NoTab {
        /// What was asked for.
        tab: String,
    },
    /// A reference of an older snapshot.
    #[error(
        "{reference}: not on the page as it is now; expected a reference of the last snapshot of this tab, such as e3; take a snapshot again"
    )]
    StaleReference {
        /// The reference.
        reference: String,
    },
    /// An element that cannot be acted on.
    #[error("{reference}: cannot {action}: {why}; take a snapshot again and choose another element")]
    Element {
        /// The reference.
        reference: String,
        /// What was tried.
        action: &'static str,
        /// Why not.
        why: String,
    },
    /// The address may not be visited.
    #[error("{url} is {kind}; the browser opens public http and https pages only")]
    Refused {
        /// The address, without its query.
        url: String,
        /// What kind of place it is.
        kind: String,
    },
    /// The page did not load.
    #[error("{url}: did not load: {why}; check the address, or try again")]
    Page {
        /// The address, without its query.
        url: String,
        /// What the browser says.
        why: String,
    },
    /// A value of a request.
    #[error("{what}: found {found}; expected {expected}")]
    Input {
        /// The field.
        what: &'static str,
        /// What was given.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The browser said no, or went away.
    #[error("the browser did not {action}: {why}; try again, or restart the browser")]
    Cdp {
        /// What was asked.
        action: String,
        /// What came back.
        why: String,
    },
}

impl BrowserError {
    /// The stable code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ProfileName { .. } => "browser-profile-name",
            Self::Setting { .. } => "browser-setting",
            Self::UnknownProfile { .. } => "browser-profile-unknown",
            Self::NoBrowser => "browser-missing",
            Self::Executable { .. } => "browser-executable",
            Self::PortTaken { .. } => "browser-port-taken",
            Self::NoPort { .. } => "browser-no-port",
            Self::DataDirInUse { .. } => "browser-data-in-use",
            Self::File { .. } => "browser-file",
            Self::Process(error) => error.code(),
            Self::Start { .. } => "browser-start",
            Self::Attach { .. } => "browser-attach",
            Self::Closing => "browser-closing",
            Self::NotRunning { .. } => "browser-not-running",
            Self::NoTab { .. } => "browser-no-tab",
            Self::StaleReference { .. } => "browser-stale-reference",
            Self::Element { .. } => "browser-element",
            Self::Refused { .. } => "browser-refused",
            Self::Page { .. } => "browser-page",
            Self::Input { .. } => "browser-input",
            Self::Cdp { .. } => "browser-cdp",
        }
    }

    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    pub(crate) fn cdp(action: &str, why: impl std::fmt::Display) -> Self {
        Self::Cdp { action: action.to_owned(), why: why.to_string().chars().take(300).collect() }
    }
}
