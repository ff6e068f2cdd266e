//! What the seat answers about its browsers, tabs and pages.

use std::path::PathBuf;

use serde::Serialize;

/// How a named browser is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrowserStatus {
    /// The browser profile.
    pub profile: String,
    /// Whether it runs.
    pub running: bool,
    /// Whether it is one that we attach to and never start.
    pub attached: bool,
    /// Its CDP port; for one that never ran the one it would get is not decided yet.
    pub cdp_port: Option<u16>,
    /// Where we attach, without path and query.
    pub cdp_url: Option<String>,
    /// Its process, if we started it.
    pub pid: Option<u32>,
    /// Its program.
    pub executable: Option<PathBuf>,
    /// What it calls itself.
    pub version: Option<String>,
    /// Its data directory, if we start it.
    pub data_dir: Option<PathBuf>,
    /// Without a window.
    pub headless: bool,
    /// Without its sandbox.
    pub no_sandbox: bool,
}

/// A tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TabInfo {
    /// Its id.
    pub id: String,
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Whether it is the one that is meant when none is named.
    pub current: bool,
}

/// Where a tab is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageState {
    /// The tab.
    pub tab: String,
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Whether it finished loading in time.
    pub loaded: bool,
}
