//! Flags that every command takes.

use std::path::PathBuf;

use bulkhead_profile::ProfileName;
use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The profile to work on (default: main). Each has its own state, ports, keychain namespace and bot.
    #[arg(long, global = true, value_name = "NAME", value_parser = profile_name, help_heading = "Global options")]
    pub profile: Option<ProfileName>,
    /// Short for --profile dev.
    #[arg(long, global = true, conflicts_with = "profile", help_heading = "Global options")]
    pub dev: bool,
    /// Print one stable JSON value instead of text.
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Print without colours; so does NO_COLOR.
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_color: bool,
    /// The state directory, instead of the profile's own.
    #[arg(long, global = true, value_name = "DIR", hide = true)]
    pub state_dir: Option<PathBuf>,
    /// The configuration file, instead of the profile's own.
    #[arg(long = "config", global = true, value_name = "FILE", hide = true, id = "config_path")]
    pub config_path: Option<PathBuf>,
}

impl Global {
    /// The profile that was asked for, if one was.
    pub fn explicit(&self) -> Option<ProfileName> {
        if self.dev { Some(ProfileName::dev()) } else { self.profile.clone() }
    }
}

fn profile_name(text: &str) -> Result<ProfileName, String> {
    ProfileName::parse(text).map_err(|error| error.to_string())
}
