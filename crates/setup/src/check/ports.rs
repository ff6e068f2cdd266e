//! Ports: spacing as the audit has it, and who listens there now.

use bulkhead_profile::{Finding, Ports};
use serde_json::json;

use super::is_about_ports;
use crate::event::{Reporter, Step, error, warning};
use crate::target::Target;
use crate::world::World;

pub(super) fn check(targets: &[Target<'_>], findings: &[Finding], world: &World, report: &Reporter<'_>) {
    let listening = world.listening();
    for target in targets {
        let name = target.name();
        let Some(ports) = target.port.and_then(|base| Ports::new(base).ok()) else { continue };
        let label = target.place.label();
        let mut clean = true;
        for finding in findings.iter().filter(|f| is_about_ports(f) && f.profiles.contains(&label)) {
            clean &= !finding.is_error();
            report.found(Step::Ports, Some(name), finding.clone());
        }
        for (what, port, fatal) in [
            ("base port", ports.base(), true),
            (
                "browser control port",
                target.existing.config.browser.control_port.unwrap_or(ports.control()),
                false,
            ),
        ] {
            if !listening.contains(&port) {
                continue;
            }
            let holder = world.holder(port);
            if holder.as_ref().is_some_and(|holder| holder.profile.as_deref() == Some(name)) {
                continue;
            }
            let found = error(
                if fatal { "port-taken" } else { "control-port-taken" },
                &[name],
                format!("{what} {port} of {name}"),
                holder.map_or_else(
                    || "a program that listens on it".to_owned(),
                    |holder| format!("{holder} listens on it"),
                ),
                "a free port",
                if fatal {
                    "stop that program, or choose another port (leave it out to get a free one)"
                } else {
                    "stop that program before you use the browser; everything else works"
                },
            );
            clean &= !fatal;
            report.found(Step::Ports, Some(name), if fatal { found } else { warning(found) });
        }
        if clean {
            report.ok(
                Step::Ports,
                Some(name),
                format!(
                    "{name}: {} (gateway), {} (browser control), {}–{} (browsers).",
                    ports.base(),
                    ports.control(),
                    ports.cdp_first(),
                    ports.cdp_last()
                ),
                json!({
                    "base": ports.base(),
                    "control": ports.control(),
                    "cdpFirst": ports.cdp_first(),
                    "cdpLast": ports.cdp_last(),
                    "automatic": target.wanted.is_none(),
                }),
            );
        }
    }
}
