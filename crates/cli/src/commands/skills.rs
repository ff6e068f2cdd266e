//! `bulkhead skills …`: looks at the folders itself; a running gateway has the same report.

use bulkhead_agent::skills::{report, scan};
use bulkhead_gateway::skills::{Machine, places, rules};
use serde_json::{Value, json};

use super::DONE;
use crate::context::{Context, config};
use crate::error::Failure;
use crate::grammar::models::SkillsCommand;
use crate::output::{paint, table};

pub fn run(command: SkillsCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        SkillsCommand::List { eligible, agent } => list(context, eligible, agent.as_deref()),
        SkillsCommand::Info { name, agent } => info(context, &name, agent.as_deref()),
        SkillsCommand::Check { agent } => check(context, agent.as_deref()),
    }
}

/// The report that `skills.status` gives.
fn look(context: &Context, agent: Option<&str>) -> Result<Value, Failure> {
    let place = context.place()?;
    let loaded = config(&place)?;
    let config = loaded.config;
    let id = agent.unwrap_or_else(|| config.default_agent_id()).to_owned();
    let own = config.agents.list.iter().find(|one| one.id == id);
    if own.is_none() && !(config.agents.list.is_empty() && id == "main") {
        let known: Vec<&str> = config.agents.list.iter().map(|one| one.id.as_str()).collect();
        return Err(Failure::usage(format!(
            "no agent {id:?} is configured: expected one of {}",
            known.join(", ")
        )));
    }
    let is_default = id == config.default_agent_id();
    let shared = config.agents.defaults.workspace.as_deref().filter(|_| is_default);
    let workspace = match own.and_then(|one| one.workspace.as_deref()).or(shared) {
        Some(path) => context.env.expand(path),
        None if is_default => place.workspace().to_owned(),
        None => place.agent_workspace(&id),
    };
    let shelf = scan(&places(&place, &context.env, &config, &workspace));
    let rules = rules(&config, &id, &loaded.document.value());
    Ok(report(&shelf, &rules, &Machine, &id, &workspace, &place.state_dir().join("skills")))
}

fn rows(report: &Value) -> &[Value] {
    report["skills"].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

/// Why a skill cannot be used, in a few words.
fn lacks(row: &Value) -> String {
    let mut words = Vec::new();
    if row["disabled"] == true {
        words.push("switched off".to_owned());
    }
    if row["blockedByAgentFilter"] == true {
        words.push("not for this agent".to_owned());
    }
    for (name, label) in [
        ("bins", "program"),
        ("anyBins", "one of"),
        ("env", "variable"),
        ("config", "setting"),
        ("os", "system"),
    ] {
        let names: Vec<&str> =
            row["missing"][name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !names.is_empty() {
            words.push(format!("{label} {}", names.join(", ")));
        }
    }
    words.join("; ")
}

fn list(context: &Context, eligible: bool, agent: Option<&str>) -> Result<u8, Failure> {
    let mut report = look(context, agent)?;
    if eligible && let Some(all) = report["skills"].as_array_mut() {
        all.retain(|row| row["modelVisible"] == true || row["commandVisible"] == true);
    }
    context.out.result(&report, || {
        if rows(&report).is_empty() {
            let (own, managed) = (text(&report, "workspaceDir"), text(&report, "managedSkillsDir"));
            return format!("No skills. Put a folder with a SKILL.md into {own}/skills or {managed}.");
        }
        let lines = rows(&report).iter().map(|row| {
            let lacks = lacks(row);
            let state = if lacks.is_empty() { paint::good("ready") } else { paint::warn(&lacks) };
            [text(row, "name").to_owned(), state, text(row, "description").to_owned()]
        });
        table::rows(["skill", "state", "what for"], lines)
    });
    Ok(DONE)
}

fn info(context: &Context, name: &str, agent: Option<&str>) -> Result<u8, Failure> {
    let report = look(context, agent)?;
    let found = rows(&report)
        .iter()
        .find(|row| text(row, "name") == name)
        .or_else(|| rows(&report).iter().find(|row| text(row, "skillKey").eq_ignore_ascii_case(name)));
    let Some(row) = found else {
        return Err(Failure::failed(
            "skills.unknown",
            format!("no skill {name:?} was found; see `bulkhead skills list`"),
        ));
    };
    context.out.result(row, || {
        let lacks = lacks(row);
        let mut pairs = vec![
            ("skill", paint::strong(text(row, "name"))),
            ("what for", text(row, "description").to_owned()),
            ("file", text(row, "filePath").to_owned()),
            ("state", if lacks.is_empty() { paint::good("ready") } else { paint::warn(&lacks) }),
        ];
        if let Some(page) = row["homepage"].as_str() {
            pairs.push(("page", page.to_owned()));
        }
        table::pairs(&pairs)
    });
    Ok(DONE)
}

fn check(context: &Context, agent: Option<&str>) -> Result<u8, Failure> {
    let report = look(context, agent)?;
    let names = |fits: &dyn Fn(&Value) -> bool| -> Vec<String> {
        rows(&report).iter().filter(|row| fits(row)).map(|row| text(row, "name").to_owned()).collect()
    };
    let eligible = names(&|row| row["eligible"] == true);
    let visible = names(&|row| row["modelVisible"] == true);
    let commands = names(&|row| row["commandVisible"] == true);
    let disabled = names(&|row| row["disabled"] == true);
    let filtered = names(&|row| row["blockedByAgentFilter"] == true);
    let missing: Vec<Value> = rows(&report)
        .iter()
        .filter(|row| row["eligible"] == false && row["disabled"] == false)
        .map(|row| json!({"name": row["name"], "missing": row["missing"]}))
        .collect();
    let result = json!({
        "agentId": report["agentId"],
        "workspaceDir": report["workspaceDir"],
        "managedSkillsDir": report["managedSkillsDir"],
        "summary": {
            "total": rows(&report).len(), "eligible": eligible.len(), "modelVisible": visible.len(),
            "commandVisible": commands.len(), "disabled": disabled.len(), "blocked": 0,
            "agentFiltered": filtered.len(), "missingRequirements": missing.len(),
        },
        "eligible": eligible,
        "modelVisible": visible,
        "commandVisible": commands,
        "disabled": disabled,
        "blocked": [],
        "agentFiltered": filtered,
        "missingRequirements": missing,
        "problems": report.get("problems").cloned().unwrap_or_else(|| json!([])),
    });
    context.out.result(&result, || {
        let mut lines = vec![format!("{} of {} skills can be used", eligible.len(), rows(&report).len())];
        for row in rows(&report).iter().filter(|row| !lacks(row).is_empty()) {
            lines.push(format!("{} {}: {}", paint::warn("lacks"), text(row, "name"), lacks(row)));
        }
        for problem in report["problems"].as_array().into_iter().flatten() {
            lines.push(format!(
                "{} {}: {}",
                paint::bad("left out"),
                text(problem, "path"),
                text(problem, "message")
            ));
        }
        lines.join("\n")
    });
    Ok(DONE)
}
