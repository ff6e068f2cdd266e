//! Other gateway-like services on this machine: of other profiles, of OpenClaw, of the system, left from older
//! installs; and what to do about each.

mod scan;

use std::path::{Path, PathBuf};

use bulkhead_profile::{Place, Ports};
use serde::Serialize;

use crate::metadata::Metadata;

pub use scan::scan;

/// A gateway-like service as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name for the service manager.
    pub name: String,
    /// Its file; for a scheduled task its name.
    pub path: PathBuf,
    /// Whether it is the system's.
    pub system: bool,
    /// The command line that it starts; empty if that is not known.
    pub command: Vec<String>,
    /// What it says about itself, if it is ours.
    pub metadata: Option<Metadata>,
    /// The base port that it names.
    pub port: Option<u16>,
}

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Ours.
    Bulkhead,
    /// OpenClaw, also under its older names.
    OpenClaw,
}

/// What is the matter with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing: another profile or product, on ports of its own.
    Beside,
    /// It is for the profile that was asked about, too: two services would want one gateway.
    Duplicate,
    /// The program that it starts is not there.
    ProgramMissing,
    /// The profile that it is for is not there.
    ProfileMissing,
    /// It was made by something older, under a name that is no longer used.
    OldName,
    /// Its port lies in the interval of the profile that was asked about.
    PortOverlap,
}

/// A service that is not this profile's own, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherService {
    /// Its name for the service manager.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// `user` or `system`.
    pub scope: &'static str,
    /// Whose it is.
    pub product: Product,
    /// The profile that it names.
    pub profile: Option<String>,
    /// The base port that it names.
    pub port: Option<u16>,
    /// What is the matter with it.
    pub verdict: Verdict,
    /// In words, with the next step.
    pub advice: String,
}

/// The names that OpenClaw had.
const OLD_NAMES: [&str; 4] = ["clawdbot", "clawdis", "moltbot", "bot.molt"];

/// Whose service a name or a command line is; `None` if it is no gateway.
pub(crate) fn product_of(name: &str, command: &[String]) -> Option<Product> {
    let name = name.to_lowercase();
    let runs = |program: &str| {
        command.iter().any(|word| word.to_lowercase().contains(program))
            && command.iter().any(|word| word == "gateway")
    };
    let ours = ["bulkhead-gateway", "ai.bulkhead.", "bulkhead gateway"];
    if ours.iter().any(|prefix| name.starts_with(prefix)) || runs("bulkhead") {
        return Some(Product::Bulkhead);
    }
    let theirs = [
        "openclaw-gateway",
        "ai.openclaw.",
        "com.openclaw.",
        "openclaw gateway",
        "com.clawdbot.",
        "com.clawdis.",
    ];
    let old = OLD_NAMES.iter().any(|old| name.starts_with(old));
    (old || theirs.iter().any(|prefix| name.starts_with(prefix)) || runs("openclaw") || runs("clawdbot"))
        .then_some(Product::OpenClaw)
}

/// What to do about a service, seen from the profile at `place` with base port `port`; `None` if it is that profile's
/// own (`own` is its file). `exists` looks at the disk.
pub fn judge(
    found: &Found,
    place: &Place,
    own: &Path,
    port: u16,
    exists: impl Fn(&Path) -> bool,
) -> Option<OtherService> {
    if found.path == own {
        return None;
    }
    let product = product_of(&found.name, &found.command)?;
    let profile = found
        .metadata
        .as_ref()
        .map(|about| about.profile.clone())
        .or_else(|| flag(&found.command, "--profile"));
    let (verdict, advice) = verdict(found, product, profile.as_deref(), place, port, &exists);
    Some(OtherService {
        name: found.name.clone(),
        path: found.path.clone(),
        scope: if found.system { "system" } else { "user" },
        product,
        profile,
        port: found
            .port
            .or_else(|| found.metadata.as_ref().map(|about| about.port).filter(|port| *port != 0)),
        verdict,
        advice,
    })
}

fn verdict(
    found: &Found,
    product: Product,
    profile: Option<&str>,
    place: &Place,
    port: u16,
    exists: &impl Fn(&Path) -> bool,
) -> (Verdict, String) {
    let away = removal(found);
    let missing =
        found.command.iter().take(2).map(Path::new).find(|word| word.is_absolute() && !exists(word));
    if let Some(program) = missing {
        let text = format!(
            "it starts {}, which is not there (a stale service); remove it: {away}",
            program.display()
        );
        return (Verdict::ProgramMissing, text);
    }
    if product == Product::Bulkhead {
        let state_dir = found.metadata.as_ref().map(|about| Path::new(&about.state_dir));
        if state_dir.is_some_and(|dir| dir == place.state_dir())
            || state_dir.is_none() && profile == Some(place.name().as_str())
        {
            let text = format!(
                "it is for profile {} as well, so two services want one gateway; keep one and remove this one: {away}",
                place.name()
            );
            return (Verdict::Duplicate, text);
        }
        if let Some(dir) = state_dir.filter(|dir| !exists(dir)) {
            let text = format!(
                "the profile that it is for ({}) is not there (a stale service); remove it: {away}",
                dir.display()
            );
            return (Verdict::ProfileMissing, text);
        }
        let name = profile.unwrap_or("?");
        return (
            Verdict::Beside,
            format!(
                "another profile's service, nothing to do; see: bulkhead --profile {name} gateway status"
            ),
        );
    }
    let lower = found.name.to_lowercase();
    if OLD_NAMES.iter().any(|old| lower.contains(old)) {
        let text = format!(
            "a service of OpenClaw under an older name; if you no longer use it, remove it, or it takes ports and bots: {away}"
        );
        return (Verdict::OldName, text);
    }
    if let Some(theirs) = found.port.filter(|theirs| overlap(*theirs, port)) {
        let text = format!(
            "OpenClaw on port {theirs}, which overlaps this profile's ports from {port} on; give one of them another port: \
             bulkhead --profile {} config set gateway.port PORT",
            place.name()
        );
        return (Verdict::PortOverlap, text);
    }
    (Verdict::Beside, "OpenClaw beside this one, nothing to do; Bulkhead can watch it as main, or import it: bulkhead import openclaw".to_owned())
}

/// How a service is removed by hand.
fn removal(found: &Found) -> String {
    let path = found.path.display();
    let extension = found.path.extension().and_then(|extension| extension.to_str());
    match (extension, found.system) {
        (Some("service"), true) => format!("sudo systemctl disable --now {}; sudo rm {path}", found.name),
        (Some("service"), false) => format!("systemctl --user disable --now {}; rm {path}", found.name),
        (Some("plist"), true) => format!("sudo launchctl bootout system/{}; sudo rm {path}", found.name),
        (Some("plist"), false) => format!("launchctl bootout gui/$(id -u)/{}; rm {path}", found.name),
        _ => format!("schtasks /Delete /TN \"{}\" /F", found.name),
    }
}

/// Whether the intervals of two base ports touch.
fn overlap(one: u16, other: u16) -> bool {
    let first = Ports::new(one.max(other)).map(Ports::base);
    let last = Ports::new(one.min(other)).map(Ports::cdp_last);
    matches!((first, last), (Ok(first), Ok(last)) if first <= last)
}

/// The value of a flag in a command line.
fn flag(command: &[String], name: &str) -> Option<String> {
    let at = command.iter().position(|word| word == name);
    at.and_then(|at| command.get(at + 1).cloned()).or_else(|| {
        command.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    })
}

/// The port that a command line names.
pub(crate) fn port_of(command: &[String]) -> Option<u16> {
    flag(command, "--port")?.parse().ok()
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)] // also in what the tests share
mod tests;
