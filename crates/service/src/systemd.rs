//! The systemd unit: rendered, and read back. Pure.

mod words;

use std::fmt::Write as _;

use crate::drift::Format;
use crate::metadata::{self, Metadata};
use crate::scope::Scope;
use crate::spec::{CLEARED, ServiceSpec};

pub use words::{quoted_argument, quoted_program, quoted_text, split_words};

const SECTION: &str = "X-Bulkhead";
const EMPTY_DIGEST: &str = "\nDigest=\n";

/// Writes the unit of a service.
///
/// What is in it and why:
/// - `Type=notify`: it counts as started when the gateway is ready, or waits for the keychain; the watchdog is fed by
///   the supervisor's own loop.
/// - Exit code 78 (a configuration that is refused) is not restarted: it would be refused again.
/// - `KillMode=mixed`: the supervisor is asked and drains its gateway; what is left after the limit is killed.
/// - `OOMPolicy=continue`: a browser that was killed for its memory must not take the gateway with it.
/// - `LimitCORE=0`: a core dump would hold secrets.
/// - Of the hardening that systemd offers, a user's unit gets what needs no namespaces of its own: Chromium makes them
///   for its sandbox, V8 makes code as it runs, and the workspace may be anywhere.
pub fn render(spec: &ServiceSpec) -> String {
    let name = spec.place.name();
    let label = spec.place.label();
    let system = spec.scope.is_system();
    let edit = if system { "sudo systemctl edit" } else { "systemctl --user edit" };
    let mut unit = Unit::default();
    unit.comment(&format!(
        "Made by Bulkhead. Own changes belong in a drop-in: {edit} {}",
        spec.place.service_name()
    ));
    unit.comment(&format!(
        "What stands here is written anew by: bulkhead --profile {name} gateway install{}",
        if system { " --system" } else { "" }
    ));
    unit.section("Unit");
    unit.raw("Description", &words::specifiers(&format!("Bulkhead gateway {label}")));
    unit.raw("Documentation", "https://github.com/bulkhead-ai/bulkhead");
    if system {
        unit.raw("Wants", "network-online.target");
        unit.raw("After", "network-online.target");
    }
    unit.raw("StartLimitIntervalSec", "120");
    unit.raw("StartLimitBurst", "5");
    unit.section("Service");
    unit.raw("Type", "notify");
    unit.raw("NotifyAccess", "main");
    if let Scope::System { user } = &spec.scope {
        unit.raw("User", user);
        unit.raw("WorkingDirectory", "~");
    }
    let arguments: Vec<_> =
        spec.arguments(Format::Systemd).iter().map(|word| quoted_argument(word)).collect();
    unit.raw("ExecStart", &format!("{} {}", quoted_program(&spec.program), arguments.join(" ")));
    for (variable, value) in spec.environment() {
        unit.raw("Environment", &quoted_text(&format!("{variable}={value}")));
    }
    unit.raw("UnsetEnvironment", &CLEARED.join(" "));
    for (key, value) in [
        ("Restart", "on-failure"),
        ("RestartSec", "500ms"),
        ("RestartPreventExitStatus", "78"),
        ("WatchdogSec", "60"),
        ("TimeoutStartSec", "90"),
        ("TimeoutStopSec", "30"),
        ("KillMode", "mixed"),
        ("OOMPolicy", "continue"),
        ("UMask", "0077"),
        ("LimitCORE", "0"),
    ] {
        unit.raw(key, value);
    }
    hardening(&mut unit, spec);
    unit.section("Install");
    unit.raw("WantedBy", if system { "multi-user.target" } else { "default.target" });
    unit.section(SECTION);
    for (key, value) in spec.metadata().fields() {
        unit.raw(key, &value);
    }
    metadata::sealed(&unit.0, EMPTY_DIGEST, |digest| format!("\nDigest={digest}\n"))
}

fn hardening(unit: &mut Unit, spec: &ServiceSpec) {
    // Each of these implies that no program gains rights.
    if !spec.setuid_programs {
        for key in ["NoNewPrivileges", "RestrictSUIDSGID", "LockPersonality", "RestrictRealtime"] {
            unit.raw(key, "yes");
        }
        unit.raw("SystemCallArchitectures", "native");
    }
    if spec.scope.is_system() {
        unit.raw("ProtectSystem", "full");
        for key in ["ProtectControlGroups", "ProtectKernelModules", "ProtectKernelLogs", "ProtectClock"] {
            unit.raw(key, "yes");
        }
        if !spec.setuid_programs {
            unit.raw("CapabilityBoundingSet", "");
        }
    }
}

#[derive(Default)]
struct Unit(String);

impl Unit {
    fn comment(&mut self, text: &str) {
        let _ = writeln!(self.0, "# {text}");
    }

    fn section(&mut self, name: &str) {
        let _ = writeln!(self.0, "\n[{name}]");
    }

    fn raw(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.0, "{key}={value}");
    }
}

/// The last value of a key in a section.
pub fn value(unit: &str, section: &str, key: &str) -> Option<String> {
    let mut inside = false;
    let mut found = None;
    for line in unit.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = name == section;
        } else if inside
            && let Some((left, right)) = line.split_once('=')
            && left.trim_end() == key
        {
            found = Some(right.trim_start().to_owned());
        }
    }
    found
}

/// What a unit says about itself; `None` if it is not ours.
pub fn metadata(unit: &str) -> Option<Metadata> {
    Metadata::from_fields(|key| value(unit, SECTION, key))
}

/// The digest of a unit without the digest that it names.
pub(crate) fn digest(unit: &str) -> String {
    let lines =
        unit.split_inclusive('\n').map(|line| if line.starts_with("Digest=") { "Digest=\n" } else { line });
    metadata::digest(&lines.collect::<String>())
}
