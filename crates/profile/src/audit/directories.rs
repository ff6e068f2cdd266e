//! Directories and names of two profiles: none may be shared, none may lie where the other's agents write.

use std::path::Path;

use super::{Finding, Severity, pair, to_change};
use crate::facts::ProfileFacts;
use crate::files::is_within;

pub(super) fn between(a: &ProfileFacts, b: &ProfileFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let change = to_change(a, b);
    let mut same = |code: &str, what: &str, left: &Path, right: &Path, next: &str| {
        if left == right && !left.as_os_str().is_empty() {
            findings.push(Finding {
                code: code.to_owned(),
                severity: Severity::Error,
                profiles: pair(a, b),
                what: format!("{what} of {} and {}", a.name, b.name),
                found: format!("both are {}", left.display()),
                expected: format!("a {what} of its own for each profile"),
                next_step: format!("{next} of {}", change.name),
            });
            return true;
        }
        false
    };
    let one_state =
        same("state-dir-shared", "state directory", &a.state_dir, &b.state_dir, "change BULKHEAD_STATE_DIR");
    same(
        "config-shared",
        "configuration file",
        &a.config_path,
        &b.config_path,
        "change BULKHEAD_CONFIG_PATH",
    );
    let one_workspace = same(
        "workspace-shared",
        "workspace",
        &a.workspace,
        &b.workspace,
        "change agents.defaults.workspace in the configuration",
    );
    same(
        "keychain-shared",
        "keychain service",
        Path::new(&a.keychain_service),
        Path::new(&b.keychain_service),
        "change the name",
    );
    same(
        "service-shared",
        "service name",
        Path::new(&a.service_name),
        Path::new(&b.service_name),
        "change the name",
    );
    if !one_workspace {
        findings.extend(nested(a, "workspace", &a.workspace, b, "workspace", &b.workspace, Severity::Error));
        findings.extend(nested(b, "workspace", &b.workspace, a, "workspace", &a.workspace, Severity::Error));
    }
    if !one_state {
        for (inner, outer) in [(a, b), (b, a)] {
            findings.extend(nested(
                inner,
                "state directory",
                &inner.state_dir,
                outer,
                "workspace",
                &outer.workspace,
                Severity::Error,
            ));
            if !is_within(&inner.state_dir, &outer.workspace) {
                findings.extend(nested(
                    inner,
                    "state directory",
                    &inner.state_dir,
                    outer,
                    "state directory",
                    &outer.state_dir,
                    Severity::Warning,
                ));
            }
        }
    }
    findings
}

fn nested(
    inner: &ProfileFacts,
    inner_what: &str,
    inner_path: &Path,
    outer: &ProfileFacts,
    outer_what: &str,
    outer_path: &Path,
    severity: Severity,
) -> Option<Finding> {
    if inner_path == outer_path || !is_within(inner_path, outer_path) {
        return None;
    }
    let reason = if severity == Severity::Error { ", where its agents read and write" } else { "" };
    Some(Finding {
        code: format!("{}-nested", inner_what.replace(' ', "-").replace("directory", "dir")),
        severity,
        profiles: pair(inner, outer),
        what: format!("{inner_what} of {}", inner.name),
        found: format!(
            "{} lies in the {outer_what} of {} ({}){reason}",
            inner_path.display(),
            outer.name,
            outer_path.display()
        ),
        expected: format!("a {inner_what} outside of every other profile's {outer_what}"),
        next_step: format!("move the {inner_what} of {} to a directory of its own", inner.name),
    })
}
