//! Which commands a node may do: pure.
//!
//! Three things have to come together: the node offers the command, the platform (or the configuration) allows it, and
//! an operator approved it. The tables are those of OpenClaw's page on node command policy.

use bulkhead_config::GatewayNodes;
use bulkhead_protocol::Scope;
use bulkhead_store::NodeSurface;

/// What a node runs on, as far as the tables tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Ios,
    Watch,
    Android,
    Mac,
    Windows,
    Linux,
    Unknown,
}

impl Platform {
    /// Out of what the client said of itself.
    pub(crate) fn of(platform: &str, family: Option<&str>) -> Self {
        let read = |text: &str| {
            let text = text.trim().to_ascii_lowercase();
            let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
            if begins(&["watchos", "apple watch", "watch"]) {
                Some(Self::Watch)
            } else if begins(&["ios", "ipados", "iphone", "ipad", "visionos"]) {
                Some(Self::Ios)
            } else if begins(&["android"]) {
                Some(Self::Android)
            } else if begins(&["mac", "darwin"]) {
                Some(Self::Mac)
            } else if begins(&["win"]) {
                Some(Self::Windows)
            } else if begins(&["linux"]) {
                Some(Self::Linux)
            } else {
                None
            }
        };
        read(platform).or_else(|| read(family?)).unwrap_or(Self::Unknown)
    }

    fn is_desktop(self) -> bool {
        matches!(self, Self::Mac | Self::Windows | Self::Linux)
    }

    /// What may be done without a word in the configuration.
    fn usual(self) -> &'static [&'static str] {
        match self {
            Self::Ios => &[
                "camera.list",
                "location.get",
                "device.info",
                "device.status",
                "contacts.search",
                "calendar.events",
                "reminders.list",
                "photos.latest",
                "motion.activity",
                "motion.pedometer",
                "system.notify",
            ],
            Self::Watch | Self::Unknown => &["device.info", "device.status", "system.notify"],
            Self::Android => &[
                "camera.list",
                "location.get",
                "notifications.list",
                "notifications.actions",
                "system.notify",
                "device.info",
                "device.status",
                "device.permissions",
                "device.health",
                "device.apps",
                "contacts.search",
                "calendar.events",
                "callLog.search",
                "reminders.list",
                "photos.latest",
                "motion.activity",
                "motion.pedometer",
                "mobile.ui.observe",
                "mobile.ui.act",
            ],
            Self::Mac => &[
                "camera.list",
                "camera.ptz.status",
                "location.get",
                "device.info",
                "device.status",
                "device.apps",
                "contacts.search",
                "calendar.events",
                "reminders.list",
                "photos.latest",
                "motion.activity",
                "motion.pedometer",
                "system.notify",
                "computer.act",
            ],
            Self::Windows => &[
                "camera.list",
                "location.get",
                "device.info",
                "device.status",
                "system.notify",
                "computer.act",
            ],
            Self::Linux => &["system.notify", "computer.act"],
        }
    }
}

/// Showing documents: a window that reaches nothing. `OpenClaw` has the first three, on a Mac; our app has all of them on every
/// desktop. Running scripts of the agent in a window (`canvas.eval`) takes a word in the configuration.
const CANVAS: &[&str] = &[
    "canvas.present",
    "canvas.hide",
    "canvas.navigate",
    "canvas.snapshot",
    "canvas.a2ui.push",
    "canvas.a2ui.pushJSONL",
    "canvas.a2ui.reset",
];

/// What desktops and node hosts offer; worth nothing before an operator approved it.
const HOST: &[&str] = &[
    "browser.proxy",
    "browser.proxy.upload.v1",
    "desktop.stream",
    "fs.listDir",
    "mcp.tools.call.v1",
    "ollama.chat",
    "ollama.models",
    "screen.snapshot",
    "system.execApprovals.get",
    "system.execApprovals.set",
    "system.run",
    "system.run.prepare",
    "system.which",
    "terminal.upload",
];

/// What touches people's privacy, or costs: only with a word in the configuration.
const DANGEROUS: &[&str] = &[
    "camera.snap",
    "camera.clip",
    "camera.ptz.control",
    "screen.record",
    "contacts.add",
    "calendar.add",
    "reminders.add",
    "health.summary",
    "sms.send",
    "sms.search",
];

/// Commands that reach the machine itself: approving them, and some of calling them, is an admin's.
const ADMIN: &[&str] = &[
    "system.run",
    "system.run.prepare",
    "system.which",
    "browser.proxy",
    "browser.proxy.upload.v1",
    "fs.listDir",
    "system.execApprovals.get",
    "system.execApprovals.set",
];

/// The allow and deny lists of the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lists<'a>(pub(crate) &'a GatewayNodes);

impl Lists<'_> {
    fn denied(self, command: &str) -> bool {
        self.0.commands.deny.iter().chain(&self.0.deny_commands).any(|one| one == command)
    }

    fn allowed(self, command: &str) -> bool {
        self.0.commands.allow.iter().chain(&self.0.allow_commands).any(|one| one == command)
    }

    /// Whether the platform or the configuration allows a command.
    pub(crate) fn allow(self, platform: Platform, offered: &NodeSurface, command: &str) -> bool {
        if self.denied(command) {
            return false;
        }
        self.allowed(command)
            || platform.usual().contains(&command)
            || (platform.is_desktop() && (HOST.contains(&command) || CANVAS.contains(&command)))
            || (command.starts_with("talk.ptt.") && offered.caps.iter().any(|cap| cap == "talk"))
    }

    /// What of an offer may be approved at all.
    pub(crate) fn approvable(self, platform: Platform, offered: &NodeSurface) -> NodeSurface {
        let mut surface = offered.clone();
        surface.commands.retain(|command| self.allow(platform, offered, command));
        surface.commands.sort();
        surface.commands.dedup();
        surface.caps.sort();
        surface.caps.dedup();
        surface
    }
}

/// What a node may do now: offered, allowed and approved.
pub(crate) fn effective(approvable: &NodeSurface, approved: Option<&NodeSurface>) -> NodeSurface {
    let Some(approved) = approved else { return NodeSurface::default() };
    NodeSurface {
        caps: approvable.caps.iter().filter(|cap| approved.caps.contains(cap)).cloned().collect(),
        commands: approvable
            .commands
            .iter()
            .filter(|command| approved.commands.contains(command))
            .cloned()
            .collect(),
        permissions: approvable.permissions.clone(),
    }
}

/// The scopes that whoever approves this has to hold.
pub(crate) fn scopes_to_approve(surface: &NodeSurface) -> Vec<Scope> {
    let mut scopes = vec![Scope::OperatorPairing];
    if surface.commands.iter().any(|command| ADMIN.contains(&command.as_str())) {
        scopes.push(Scope::OperatorAdmin);
    } else if !surface.commands.is_empty() {
        scopes.push(Scope::OperatorWrite);
    }
    scopes
}

/// The scope that calling a command asks for.
pub(crate) fn scope_to_invoke(command: &str) -> Scope {
    if ["browser.proxy", "browser.proxy.upload.v1", "fs.listDir", "terminal.upload"].contains(&command) {
        Scope::OperatorAdmin
    } else {
        Scope::OperatorWrite
    }
}

/// Why a command is not done.
pub(crate) struct Rejection {
    /// In words.
    pub(crate) message: String,
    /// The reason in `details`.
    pub(crate) reason: &'static str,
}

/// Whether a node may do a command now, and why not.
pub(crate) fn judge(
    command: &str,
    platform: Platform,
    platform_name: &str,
    offered: &NodeSurface,
    approved: Option<&NodeSurface>,
    lists: Lists<'_>,
) -> Result<(), Rejection> {
    let rejected = |reason, why: String| {
        Err(Rejection { reason, message: format!("node command not allowed: {command:?} {why}") })
    };
    if lists.denied(command) {
        return rejected("command denied", "stands in gateway.nodes.commands.deny".into());
    }
    if !lists.allow(platform, offered, command) {
        let why = if DANGEROUS.contains(&command) {
            "requires explicit gateway.nodes.commands.allow opt-in".to_owned()
        } else {
            format!("is not in the allowlist for platform {platform_name:?}")
        };
        return rejected("command not allowlisted", why);
    }
    if !offered.commands.iter().any(|one| one == command) {
        return rejected("command not declared by node", "was not offered by the node".into());
    }
    if !approved.is_some_and(|approved| approved.commands.iter().any(|one| one == command)) {
        return rejected(
            "command not approved",
            "waits for approval; node.pair.list (bulkhead nodes pending) shows the request".into(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(caps: &[&str], commands: &[&str]) -> NodeSurface {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        NodeSurface { caps: texts(caps), commands: texts(commands), ..NodeSurface::default() }
    }

    #[test]
    fn platforms_are_known_by_what_clients_say() {
        for (said, family, is) in [
            ("iOS 18.4.0", Some("iPhone"), Platform::Ios),
            ("watchos", None, Platform::Watch),
            ("android", None, Platform::Android),
            ("darwin", None, Platform::Mac),
            ("win32", None, Platform::Windows),
            ("linux", Some("Linux"), Platform::Linux),
            ("plan9", Some("Mac"), Platform::Mac),
            ("plan9", None, Platform::Unknown),
        ] {
            assert_eq!(Platform::of(said, family), is, "{said}");
        }
    }

    #[test]
    fn what_is_offered_is_cut_down_to_what_is_allowed_and_approved() {
        let config = GatewayNodes::default();
        let lists = Lists(&config);
        let offered =
            surface(&["system", "file"], &["system.run", "dir.list", "system.which", "camera.snap"]);
        let approvable = lists.approvable(Platform::Linux, &offered);
        assert_eq!(approvable.commands, ["system.run", "system.which"]);
        assert_eq!(approvable.caps, ["file", "system"]);
        assert_eq!(effective(&approvable, None), NodeSurface::default());
        let approved = surface(&["system"], &["system.which", "system.notify"]);
        assert_eq!(effective(&approvable, Some(&approved)).commands, ["system.which"]);
        assert_eq!(effective(&approvable, Some(&approved)).caps, ["system"]);
        assert!(lists.approvable(Platform::Ios, &offered).commands.is_empty(), "a phone runs no programs");
    }

    #[test]
    fn deny_wins_over_allow_and_dangerous_commands_need_a_word() {
        let mut config = GatewayNodes::default();
        let offered = surface(&[], &["camera.snap", "system.notify"]);
        let said = |config: &GatewayNodes, command: &str| {
            judge(command, Platform::Ios, "ios", &offered, Some(&offered), Lists(config))
                .map_err(|no| no.message)
        };
        assert!(said(&config, "camera.snap").unwrap_err().contains("requires explicit"));
        config.commands.allow = vec!["camera.snap".into()];
        assert!(said(&config, "camera.snap").is_ok());
        config.deny_commands = vec!["camera.snap".into(), "system.notify".into()];
        assert!(said(&config, "camera.snap").unwrap_err().contains("deny"));
        assert!(said(&config, "system.notify").is_err());
        assert!(said(&GatewayNodes::default(), "location.get").unwrap_err().contains("not offered"));
    }

    #[test]
    fn who_approves_needs_more_for_more() {
        assert_eq!(scopes_to_approve(&surface(&["x"], &[])), [Scope::OperatorPairing]);
        assert_eq!(
            scopes_to_approve(&surface(&[], &["system.notify"])),
            [Scope::OperatorPairing, Scope::OperatorWrite]
        );
        assert_eq!(
            scopes_to_approve(&surface(&[], &["system.notify", "system.which"])),
            [Scope::OperatorPairing, Scope::OperatorAdmin]
        );
    }
}
