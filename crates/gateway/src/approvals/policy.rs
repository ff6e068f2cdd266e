//! Whether a command runs, is asked about, or is refused. Pure: what programs are there is handed in.

use std::path::Path;

use bulkhead_agent::command::{Hidden, Programs, Reading, Resolved, Simple, is_builtin, read};
use bulkhead_config::{Exec, ExecAsk, ExecSecurity};

use super::allowlist::Entry;

/// What holds for one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) security: ExecSecurity,
    pub(crate) ask: ExecAsk,
    /// What holds when nobody answers.
    pub(crate) fallback: ExecSecurity,
}

/// What the configuration asks for; `None`: commands do not run at all. On a channel a person is asked unless the file
/// says otherwise.
pub(crate) fn requested(everybody: &Exec, agent: &Exec, on_channel: bool) -> Option<(ExecSecurity, ExecAsk)> {
    let (for_all, for_one) = (everybody.said(), agent.said());
    let said = for_all != (None, None) || for_one != (None, None);
    if !agent.enabled.or(everybody.enabled).unwrap_or(said) {
        return None;
    }
    let usual = if on_channel {
        (ExecSecurity::Allowlist, ExecAsk::OnMiss)
    } else {
        (ExecSecurity::Full, ExecAsk::Off)
    };
    let security = for_one.0.or(for_all.0).unwrap_or(usual.0);
    let ask = for_one.1.or(for_all.1).unwrap_or(usual.1);
    (security != ExecSecurity::Deny).then_some((security, ask))
}

/// A command and the files that its programs mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) hidden: Option<Hidden>,
    pub(crate) parts: Vec<Part>,
}

/// One command of a chain, and the file behind its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) simple: Simple,
    pub(crate) resolved: Option<Resolved>,
}

impl Plan {
    /// Reads a command and finds its programs.
    pub(crate) fn of(command: &str, programs: &dyn Programs, cwd: &Path) -> Self {
        match read(command) {
            Reading::Hidden(hidden) => Self { hidden: Some(hidden), parts: Vec::new() },
            Reading::Plain(simple) => {
                let part = |simple: Simple| {
                    // After a `cd`, a relative path leads somewhere that is not known.
                    let unknown =
                        simple.moved && simple.program().contains('/') && !simple.program().starts_with('/');
                    let resolved = if unknown { None } else { programs.resolve(simple.program(), cwd) };
                    Part { simple, resolved }
                };
                Self { hidden: None, parts: simple.into_iter().map(part).collect() }
            }
        }
    }

    /// The file of the first program, for people.
    pub(crate) fn first_path(&self) -> Option<String> {
        Some(self.parts.first()?.resolved.as_ref()?.real.display().to_string())
    }
}

impl Part {
    fn is_builtin(&self) -> bool {
        is_builtin(self.simple.program())
    }
}

/// What is known about where a command runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) entries: &'a [Entry],
    pub(crate) cwd: &'a Path,
    pub(crate) home: &'a Path,
}

impl Ground<'_> {
    fn fitting(&self, part: &Part) -> Option<usize> {
        let resolved = part.resolved.as_ref()?;
        self.entries.iter().position(|entry| entry.fits(&part.simple, resolved, self.cwd, self.home))
    }

    /// The entries that let the whole of it run, if they do.
    fn covers(&self, plan: &Plan) -> Option<Vec<usize>> {
        if plan.hidden.is_some() {
            return None;
        }
        let mut used = Vec::new();
        for part in &plan.parts {
            match self.fitting(part) {
                Some(entry) => used.push(entry),
                None if part.is_builtin() => {}
                None => return None,
            }
        }
        Some(used)
    }

    /// What "always" would add, if it can be said for sure what runs.
    fn always(&self, plan: &Plan) -> Option<Vec<Entry>> {
        if plan.hidden.is_some() {
            return None;
        }
        let mut added = Vec::new();
        for part in plan.parts.iter().filter(|part| !part.is_builtin() && self.fitting(part).is_none()) {
            let resolved = part.resolved.as_ref().filter(|_| !part.simple.moved)?;
            added.push(Entry::exact(&part.simple, resolved, self.cwd));
        }
        (!added.is_empty()).then_some(added)
    }
}

/// What becomes of a command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// It runs; these entries let it.
    Run(Vec<usize>),
    /// A person is asked, and why; "always" would add these entries, if it may be said.
    Ask { why: String, always: Option<Vec<Entry>> },
    /// It does not run, and why.
    Refuse(String),
}

/// Decides. The allowlist never loosens `ask: always`, and what hides its programs is never covered by it.
pub(crate) fn decide(policy: Policy, plan: &Plan, ground: Ground<'_>) -> Verdict {
    if policy.security == ExecSecurity::Deny {
        return Verdict::Refuse("commands are switched off for this agent".to_owned());
    }
    if policy.ask == ExecAsk::Always {
        return Verdict::Ask { why: "every command is asked about".to_owned(), always: None };
    }
    let used = ground.covers(plan);
    match (policy.security, used) {
        (_, Some(used)) => Verdict::Run(used),
        (ExecSecurity::Full, None) => Verdict::Run(Vec::new()),
        (_, None) => {
            let why = missed(plan, ground);
            if policy.ask == ExecAsk::Off {
                Verdict::Refuse(format!("{why}, and nobody is asked here (tools.exec.ask is off)"))
            } else {
                Verdict::Ask { why, always: ground.always(plan) }
            }
        }
    }
}

/// Why the allowlist does not cover it.
fn missed(plan: &Plan, ground: Ground<'_>) -> String {
    if let Some(hidden) = plan.hidden {
        return hidden.in_words().to_owned();
    }
    let part = plan.parts.iter().find(|part| !part.is_builtin() && ground.fitting(part).is_none());
    match part {
        Some(Part { simple, resolved: None }) => {
            format!("it cannot be said which program {:?} is", simple.program())
        }
        Some(part) => format!("{:?} is not on the allowlist with these arguments", part.simple.program()),
        None => "it is not on the allowlist".to_owned(),
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
