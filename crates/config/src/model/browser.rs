//! `browser`: the browser seat.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `browser`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Browser {
    /// On or off; unset means on.
    pub enabled: Option<bool>,
    /// The control service's port; unset means base port + 2.
    pub control_port: Option<u16>,
    /// A running browser to attach to.
    pub cdp_url: Option<String>,
    /// The browser's executable.
    pub executable_path: Option<String>,
    /// Without a window.
    pub headless: Option<bool>,
    /// Without the browser's sandbox (containers).
    pub no_sandbox: bool,
    /// The profile that is used when none is named.
    pub default_profile: Option<String>,
    /// Named browser profiles.
    pub profiles: BTreeMap<String, BrowserProfile>,
}

/// One entry of `browser.profiles`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrowserProfile {
    /// A fixed CDP port.
    pub cdp_port: Option<u16>,
    /// A running browser to attach to.
    pub cdp_url: Option<String>,
    /// The window's accent.
    pub color: Option<String>,
}
