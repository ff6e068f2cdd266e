//! Skills as `skills.status` tells them.

use std::path::Path;

use serde_json::{Value, json};

use super::gate::{is_on, judge};
use super::{Rules, Shelf, Surroundings};

/// The report for one agent; the command line and the protocol have the same.
pub fn report(
    shelf: &Shelf,
    rules: &Rules,
    here: &dyn Surroundings,
    agent: &str,
    workspace: &Path,
    managed: &Path,
) -> Value {
    let rows: Vec<Value> = shelf
        .skills
        .iter()
        .map(|skill| {
            let verdict = judge(skill, rules, here);
            let manifest = &skill.manifest;
            let eligible = verdict.eligible();
            let checks: Vec<Value> = manifest
                .requirements
                .config
                .iter()
                .map(|path| json!({"path": path, "satisfied": is_on(&rules.config, path)}))
                .collect();
            let mut row = json!({
                "name": skill.name,
                "description": manifest.description,
                "source": skill.source.as_str(),
                "bundled": false,
                "filePath": skill.file().display().to_string(),
                "baseDir": skill.folder.display().to_string(),
                "skillKey": skill.key(),
                "always": manifest.always,
                "disabled": verdict.disabled,
                "blockedByAllowlist": false,
                "blockedByAgentFilter": verdict.excluded,
                "eligible": verdict.ready() && !verdict.disabled,
                "platformIncompatible": verdict.other_system,
                "modelVisible": eligible && !manifest.hidden,
                "userInvocable": manifest.user_invocable,
                "commandVisible": eligible && manifest.user_invocable,
                "requirements": manifest.requirements,
                "missing": verdict.missing,
                "configChecks": checks,
                "install": [],
            });
            for (name, value) in [
                ("emoji", &manifest.emoji),
                ("homepage", &manifest.homepage),
                ("primaryEnv", &manifest.primary_env),
            ] {
                if let Some(value) = value {
                    row[name] = value.as_str().into();
                }
            }
            row
        })
        .collect();
    let mut report = json!({
        "workspaceDir": workspace.display().to_string(),
        "managedSkillsDir": managed.display().to_string(),
        "agentId": agent,
        "skills": rows,
    });
    if !shelf.problems.is_empty() {
        report["problems"] = shelf
            .problems
            .iter()
            .map(|(path, why)| json!({"path": path.display().to_string(), "message": why}))
            .collect();
    }
    report
}
