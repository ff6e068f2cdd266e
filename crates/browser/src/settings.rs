//! What the seat is told when it is made.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use bulkhead_config::Browser;
use bulkhead_profile::{Environment, Place, Ports};
use secrecy::{ExposeSecret as _, SecretString};

use crate::endpoint::Endpoint;
use crate::error::BrowserError;
use crate::policy::Reach;

/// The browser profile that is used when none is named.
pub const DEFAULT_PROFILE: &str = "default";

/// One named browser.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProfileSettings {
    /// A fixed CDP port.
    pub cdp_port: Option<u16>,
    /// A running browser to attach to; nothing is ever launched then.
    pub cdp_url: Option<String>,
}

/// Shows where, and not what stands behind it: an address may carry a secret.
impl std::fmt::Debug for ProfileSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown =
            |url: &String| Endpoint::parse(url).map_or_else(|_| "…".to_owned(), |endpoint| endpoint.shown());
        formatter
            .debug_struct("ProfileSettings")
            .field("cdp_port", &self.cdp_port)
            .field("cdp_url", &self.cdp_url.as_ref().map(shown))
            .finish()
    }
}

/// Everything that the seat is made from. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct SeatSettings {
    /// Whose seat it is.
    pub place: Place,
    /// The profile's ports.
    pub ports: Ports,
    /// Where programs and neighbours are looked up, and whether there is a display.
    pub environment: Environment,
    /// Port of the control service.
    pub control_port: u16,
    /// Who may use the control service.
    pub control_token: SecretString,
    /// Which addresses pages may come from.
    pub reach: Reach,
    /// The browser's program; found by itself if `None`.
    pub executable: Option<PathBuf>,
    /// Without a window; `None`: without one where there is no display.
    pub headless: Option<bool>,
    /// Without the browser's sandbox. Always so for root, where it cannot start otherwise.
    pub no_sandbox: bool,
    /// The profile that is used when none is named.
    pub default_profile: String,
    /// The named browsers.
    pub profiles: BTreeMap<String, ProfileSettings>,
    /// How a guard is started; `None`: this executable and `__guard`.
    pub guard: Option<Vec<OsString>>,
}

impl SeatSettings {
    /// One browser named `default`, everything by rule.
    pub fn new(
        place: Place,
        ports: Ports,
        environment: Environment,
        control_token: SecretString,
        reach: Reach,
    ) -> Self {
        Self {
            place,
            ports,
            environment,
            control_port: ports.control(),
            control_token,
            reach,
            executable: None,
            headless: None,
            no_sandbox: false,
            default_profile: DEFAULT_PROFILE.to_owned(),
            profiles: BTreeMap::from([(DEFAULT_PROFILE.to_owned(), ProfileSettings::default())]),
            guard: None,
        }
    }

    /// With what the configuration says under `browser`.
    #[must_use]
    pub fn with_config(mut self, config: &Browser) -> Self {
        self.control_port = config.control_port.unwrap_or(self.ports.control());
        self.executable = config.executable_path.as_deref().map(|path| self.environment.expand(path));
        self.headless = config.headless;
        self.no_sandbox = config.no_sandbox;
        if let Some(name) = &config.default_profile {
            self.profiles.remove(&self.default_profile);
            self.default_profile.clone_from(name);
        }
        for (name, profile) in &config.profiles {
            let settings = ProfileSettings { cdp_port: profile.cdp_port, cdp_url: profile.cdp_url.clone() };
            self.profiles.insert(name.clone(), settings);
        }
        let default = self.profiles.entry(self.default_profile.clone()).or_default();
        // The address for all of them means the one that is used by default, unless that one says otherwise.
        if default.cdp_port.is_none() && default.cdp_url.is_none() {
            default.cdp_url.clone_from(&config.cdp_url);
        }
        self
    }

    /// Whether a seat made from these would be the same: then the running one can stay.
    pub fn same_as(&self, other: &Self) -> bool {
        let shape = |it: &Self| {
            (
                (it.place.clone(), it.ports, it.control_port, it.reach.is_public(), it.environment.clone()),
                (it.executable.clone(), it.headless, it.no_sandbox, it.guard.clone()),
                (it.default_profile.clone(), it.profiles.clone()),
            )
        };
        shape(self) == shape(other)
            && self.control_token.expose_secret() == other.control_token.expose_secret()
    }

    /// Checks names. A `cdpUrl` that cannot be used is told when that browser is asked for: it takes no other one with it.
    pub(crate) fn check(&self) -> Result<(), BrowserError> {
        for name in self.profiles.keys() {
            let valid =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
            if name.is_empty() || name.len() > 32 || !name.bytes().all(valid) {
                return Err(BrowserError::ProfileName { name: name.chars().take(60).collect() });
            }
        }
        if self.control_token.expose_secret().is_empty() {
            return Err(BrowserError::Setting {
                field: "gateway.auth.token".to_owned(),
                found: "nothing".to_owned(),
                expected: "a token, because the browser control service asks for it; set one with: bulkhead secrets set gateway/token"
                    .to_owned(),
            });
        }
        Ok(())
    }

    /// Without a window?
    pub(crate) fn is_headless(&self) -> bool {
        let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| self.environment.var(name).is_some());
        self.headless.unwrap_or(cfg!(target_os = "linux") && !display)
    }

    /// Without a sandbox?
    pub(crate) fn is_unsandboxed(&self) -> bool {
        #[cfg(unix)]
        let root = rustix::process::geteuid().is_root();
        #[cfg(not(unix))]
        let root = false;
        self.no_sandbox || root
    }
}
