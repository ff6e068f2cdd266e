//! The isolation audit: where two profiles touch. Pure; the facts are gathered by
//! [`gather_facts`](crate::gather_facts).

mod bots;
mod directories;
mod ports;

use serde::{Deserialize, Serialize};

use crate::facts::{FactsKind, ProfileFacts};

pub use ports::spacing_between;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something does not work or is not isolated.
    Error,
    /// It works, with a cost that is told.
    Warning,
    /// Good to know.
    Info,
}

/// Something found: what and where, what was found there, what was expected, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable name for programs.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// The profiles that it concerns.
    pub profiles: Vec<String>,
    /// What and where.
    pub what: String,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: String,
    /// What to do.
    pub next_step: String,
}

impl Finding {
    /// The whole finding as one line.
    pub fn sentence(&self) -> String {
        format!("{}: {}; expected {}; {}", self.what, self.found, self.expected, self.next_step)
    }

    /// Whether it refuses.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Compares every profile with every other; worst findings first.
pub fn isolation(facts: &[ProfileFacts]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in facts.iter().filter(|facts| facts.kind == FactsKind::Bulkhead) {
        findings.extend(unreadable(one));
        findings.extend(ports::within(one));
    }
    for (index, a) in facts.iter().enumerate() {
        for b in &facts[index + 1..] {
            let both_foreign = a.kind == FactsKind::OpenClaw && b.kind == FactsKind::OpenClaw;
            let the_same = a.name == b.name && a.state_dir == b.state_dir && a.config_path == b.config_path;
            if both_foreign || the_same {
                continue;
            }
            findings.extend(directories::between(a, b));
            findings.extend(ports::between(a, b));
            findings.extend(bots::between(a, b));
        }
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}

fn unreadable(facts: &ProfileFacts) -> Option<Finding> {
    (!facts.readable).then(|| Finding {
        code: "config-unreadable".to_owned(),
        severity: Severity::Warning,
        profiles: vec![facts.name.clone()],
        what: format!("configuration of {} ({})", facts.name, facts.config_path.display()),
        found: "it cannot be read, so its ports and bots are known only in part".to_owned(),
        expected: "JSON5".to_owned(),
        next_step: format!("see where it is broken with: bulkhead{} config validate", profile_flag(facts)),
    })
}

/// ` --profile NAME`, for commands in next steps.
fn profile_flag(facts: &ProfileFacts) -> String {
    let name = facts.name.split(' ').next().unwrap_or_default();
    if name == crate::name::MAIN || facts.kind == FactsKind::OpenClaw {
        String::new()
    } else {
        format!(" --profile {name}")
    }
}

/// Which of two is the one to change: never the OpenClaw, else the later one.
fn to_change<'a>(a: &'a ProfileFacts, b: &'a ProfileFacts) -> &'a ProfileFacts {
    let a_is_newer =
        a.base_port.unwrap_or(0) > b.base_port.unwrap_or(0) && !a.name.starts_with(crate::name::MAIN);
    match (a.kind, b.kind) {
        (FactsKind::Bulkhead, FactsKind::OpenClaw) => a,
        (FactsKind::OpenClaw, FactsKind::Bulkhead) => b,
        _ if a_is_newer || b.name == crate::name::MAIN => a,
        _ => b,
    }
}

fn pair(a: &ProfileFacts, b: &ProfileFacts) -> Vec<String> {
    vec![a.name.clone(), b.name.clone()]
}
