//! Lingering: whether a user's services run without a log-in (Linux; elsewhere there is no such thing).

use std::path::Path;
use std::time::Duration;

use bulkhead_profile::Environment;

use crate::command;
use crate::error::ServiceError;

const DIR: &str = "/var/lib/systemd/linger";
const LIMIT: Duration = Duration::from_secs(30);

/// The user's name.
pub fn user_name(env: &Environment) -> Option<String> {
    let asked = || {
        let said = command::run("id", &["-un"], &[], LIMIT).ok()?;
        Some(said.text().trim().to_owned()).filter(|name| said.ok() && !name.is_empty())
    };
    // `sudo` and `su` leave these behind; `id` knows better where it is there.
    asked().or_else(|| env.var("USER").or_else(|| env.var("LOGNAME")).map(str::to_owned))
}

/// Whether lingering is on; `None` where there is no such thing.
pub fn status(env: &Environment) -> Option<bool> {
    if !cfg!(target_os = "linux") || !Path::new("/run/systemd/system").is_dir() {
        return None;
    }
    let user = user_name(env)?;
    Some(Path::new(DIR).join(user).exists())
}

/// Turns it on. The system may ask for a password (polkit), or refuse.
pub fn enable(env: &Environment) -> Result<(), ServiceError> {
    let user = user_name(env).unwrap_or_default();
    let next = format!("run: sudo loginctl enable-linger {user}");
    command::run("loginctl", &["--no-ask-password", "enable-linger", &user], &[], LIMIT)?.must(next)?;
    Ok(())
}
