//! Whether a skill can be used here: what it needs against what there is, and what the configuration says. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::Skill;

/// What a skill needs, or what of it is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirements {
    /// Programs, all of them.
    pub bins: Vec<String>,
    /// Programs, one of them.
    pub any_bins: Vec<String>,
    /// Variables.
    pub env: Vec<String>,
    /// Settings that must be on.
    pub config: Vec<String>,
    /// Systems, one of them: `linux`, `darwin`, `win32`.
    pub os: Vec<String>,
}

impl Requirements {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
            && self.any_bins.is_empty()
            && self.env.is_empty()
            && self.config.is_empty()
            && self.os.is_empty()
    }
}

/// What the configuration says about skills.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// `skills.entries`.
    pub entries: BTreeMap<String, Entry>,
    /// The skills that this agent may use; `None` means all.
    pub allowed: Option<Vec<String>>,
    /// The configuration itself, for `requires.config`. Without secrets.
    pub config: Value,
}

/// One of `skills.entries`.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// `enabled`.
    pub enabled: Option<bool>,
    /// Variables that commands get for this skill.
    pub env: BTreeSet<String>,
    /// Whether its main variable is filled.
    pub has_key: bool,
}

/// What there is on this machine.
pub trait Surroundings {
    /// Whether a program is on the search path.
    fn has_program(&self, name: &str) -> bool;
    /// Whether commands get this variable.
    fn has_variable(&self, name: &str) -> bool;
    /// `linux`, `darwin` or `win32`.
    fn system(&self) -> &str;
}

/// Whether and why a skill can be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Switched off in the configuration.
    pub disabled: bool,
    /// Not one of those that this agent may use.
    pub excluded: bool,
    /// Made for other systems.
    pub other_system: bool,
    /// What it needs and is not there.
    pub missing: Requirements,
}

impl Verdict {
    /// Whether this agent can use it.
    pub fn eligible(&self) -> bool {
        !self.disabled && !self.excluded && self.ready()
    }

    /// Whether everything that it needs is there.
    pub fn ready(&self) -> bool {
        !self.other_system && self.missing.is_empty()
    }
}

/// Judges a skill.
pub(super) fn judge(skill: &Skill, rules: &Rules, here: &dyn Surroundings) -> Verdict {
    let needs = &skill.manifest.requirements;
    let entry = rules.entries.get(skill.key());
    let other_system = !needs.os.is_empty() && !needs.os.iter().any(|os| os == here.system());
    let mut missing = Requirements::default();
    if other_system {
        missing.os.clone_from(&needs.os);
    }
    if !skill.manifest.always {
        let lacks = |names: &[String], there: &dyn Fn(&str) -> bool| -> Vec<String> {
            names.iter().filter(|name| !there(name)).cloned().collect()
        };
        missing.bins = lacks(&needs.bins, &|name| here.has_program(name));
        if !needs.any_bins.iter().any(|name| here.has_program(name)) {
            missing.any_bins.clone_from(&needs.any_bins);
        }
        missing.env = lacks(&needs.env, &|name| {
            let filled = |entry: &Entry| {
                entry.env.contains(name)
                    || (entry.has_key && skill.manifest.primary_env.as_deref() == Some(name))
            };
            here.has_variable(name) || entry.is_some_and(filled)
        });
        missing.config = lacks(&needs.config, &|path| is_on(&rules.config, path));
    }
    Verdict {
        disabled: entry.and_then(|entry| entry.enabled) == Some(false),
        excluded: rules
            .allowed
            .as_ref()
            .is_some_and(|allowed| !allowed.iter().any(|name| name == &skill.name)),
        other_system,
        missing,
    }
}

/// Whether a setting is there and neither off nor empty.
pub(super) fn is_on(config: &Value, path: &str) -> bool {
    let found = path.split('.').try_fold(config, |value, key| value.get(key));
    match found {
        None | Some(Value::Null) => false,
        Some(Value::Bool(on)) => *on,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Array(_) | Value::Object(_)) => true,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::skills::{Manifest, Source};

    pub(in crate::skills) struct Machine;

    impl Surroundings for Machine {
        fn has_program(&self, name: &str) -> bool {
            name == "git"
        }

        fn has_variable(&self, name: &str) -> bool {
            name == "HOME"
        }

        fn system(&self) -> &'static str {
            "linux"
        }
    }

    pub(in crate::skills) fn skill(name: &str, requirements: Requirements) -> Skill {
        Skill {
            name: name.into(),
            source: Source::Workspace,
            folder: format!("/w/skills/{name}").into(),
            manifest: Manifest {
                description: "d".into(),
                primary_env: Some("KEY".into()),
                requirements,
                user_invocable: true,
                ..Manifest::default()
            },
        }
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_missing_is_named() {
        let needs = Requirements {
            bins: list(&["git", "uv"]),
            any_bins: list(&["a", "git"]),
            env: list(&["HOME", "KEY"]),
            config: list(&["browser.enabled", "tools.exec.enabled"]),
            os: list(&["darwin"]),
        };
        let mut rules = Rules { config: json!({"browser": {"enabled": true}}), ..Rules::default() };
        let verdict = judge(&skill("x", needs.clone()), &rules, &Machine);
        assert_eq!(
            verdict.missing,
            Requirements {
                bins: list(&["uv"]),
                any_bins: vec![],
                env: list(&["KEY"]),
                config: list(&["tools.exec.enabled"]),
                os: list(&["darwin"]),
            }
        );
        assert!(verdict.other_system && !verdict.eligible());
        rules.entries.insert("x".into(), Entry { has_key: true, ..Entry::default() });
        assert!(judge(&skill("x", needs), &rules, &Machine).missing.env.is_empty(), "its key is configured");
    }

    #[test]
    fn the_configuration_switches_off_and_excludes() {
        let mut rules = Rules { allowed: Some(list(&["y"])), ..Rules::default() };
        assert!(judge(&skill("x", Requirements::default()), &rules, &Machine).excluded);
        assert!(judge(&skill("y", Requirements::default()), &rules, &Machine).eligible());
        rules.entries.insert("y".into(), Entry { enabled: Some(false), ..Entry::default() });
        let off = judge(&skill("y", Requirements::default()), &rules, &Machine);
        assert!(off.disabled && !off.eligible() && off.ready());
    }
}
