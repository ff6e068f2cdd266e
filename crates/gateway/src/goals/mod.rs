//! The goal of a conversation: one objective that stays in sight over many turns, until it is reached or taken away. What may
//! follow what is pure; [`keep`] puts it on disk, [`tool`] lets the agent say that it is reached.

mod keep;
mod tool;

use serde::{Deserialize, Serialize};

use tool::UpdateGoal;

pub(crate) use keep::Asked;
pub(crate) use tool::for_turn;

/// Longest objective and longest note, in characters.
pub(crate) const LONGEST_OBJECTIVE: usize = 16_000;
pub(crate) const LONGEST_NOTE: usize = 2000;
/// Characters of the objective that a model reads with every turn.
const IN_SIGHT: usize = 2000;

/// How a goal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// It is pursued.
    Active,
    /// A person, or a run that failed, put it off.
    Paused,
    /// Something is in the way.
    Blocked,
    /// It is reached.
    Complete,
}

/// The goal of a conversation, as the protocol shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Goal {
    schema_version: u8,
    pub(crate) id: String,
    pub(crate) objective: String,
    pub(crate) status: Standing,
    created_at: u64,
    updated_at: u64,
    /// Tokens of the conversation when it began.
    token_start: u64,
    tokens_used: u64,
    continuation_turns: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_status_note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocked_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    completed_at: Option<u64>,
}

/// What is done with a goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Other words for the same goal.
    Edit(String),
    /// Another standing, and why.
    To(Standing, Option<String>),
}

impl Goal {
    /// A goal that begins now, in a conversation that took so many tokens so far.
    pub(crate) fn begin(id: String, objective: &str, tokens: u64, now: u64) -> Result<Self, String> {
        Ok(Self {
            schema_version: 1,
            id,
            objective: objective_of(objective)?,
            status: Standing::Active,
            created_at: now,
            updated_at: now,
            token_start: tokens,
            tokens_used: 0,
            continuation_turns: 0,
            last_status_note: None,
            paused_at: None,
            blocked_at: None,
            completed_at: None,
        })
    }

    /// The goal after a step. What cannot follow is said.
    pub(crate) fn after(&self, step: &Step, tokens: u64, now: u64) -> Result<Self, String> {
        let mut next = Self { updated_at: now, ..self.shown(tokens) };
        match step {
            Step::Edit(objective) => next.objective = objective_of(objective)?,
            Step::To(Standing::Complete, note) => {
                next.status = Standing::Complete;
                next.completed_at.get_or_insert(now);
                next.note(note.as_deref());
            }
            Step::To(..) if self.status == Standing::Complete => {
                return Err("the goal is complete; clear it before another one begins".to_owned());
            }
            Step::To(Standing::Active, note) => {
                next.status = Standing::Active;
                (next.paused_at, next.blocked_at) = (None, None);
                next.last_status_note = None;
                next.note(note.as_deref());
            }
            Step::To(Standing::Paused, _) if self.status != Standing::Active => {
                return Err("only a goal that is pursued can be paused".to_owned());
            }
            Step::To(standing, note) => {
                next.status = *standing;
                let since = if *standing == Standing::Paused { &mut next.paused_at } else { &mut next.blocked_at };
                since.get_or_insert(now);
                next.note(note.as_deref());
            }
        }
        Ok(next)
    }

    /// The goal with what it took so far; one that is not pursued takes nothing more.
    pub(crate) fn shown(&self, tokens: u64) -> Self {
        let mut shown = self.clone();
        if self.status == Standing::Active {
            shown.tokens_used = tokens.saturating_sub(self.token_start);
        }
        shown
    }

    /// What a model reads of it with every turn.
    pub(crate) fn in_sight(&self) -> Option<String> {
        (self.status == Standing::Active).then(|| {
            let objective: String = self.objective.chars().take(IN_SIGHT).collect();
            format!(
                "The goal of this conversation: {objective}\nBring it forward with this turn. When all of it is reached and \
                 verified, say so with {name}; when the same thing stands in its way for the third turn, say that. Answer the \
                 person all the same.",
                name = UpdateGoal::NAME
            )
        })
    }

    /// What people read of it.
    pub(crate) fn in_words(&self) -> String {
        let status = match self.status {
            Standing::Active => "active",
            Standing::Paused => "paused",
            Standing::Blocked => "blocked",
            Standing::Complete => "complete",
        };
        let note = self.last_status_note.as_ref().map_or_else(String::new, |note| format!("\nNote: {note}"));
        format!(
            "Goal\nStatus: {status}\nObjective: {}\nTokens used: {}{note}\n\nCommands: /goal edit …, pause, resume, block, \
             complete, clear",
            self.objective, self.tokens_used
        )
    }

    fn note(&mut self, note: Option<&str>) {
        if let Some(note) = note.map(str::trim).filter(|note| !note.is_empty()) {
            self.last_status_note = Some(note.chars().take(LONGEST_NOTE).collect());
        }
    }
}

fn objective_of(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("found no objective, expected some words about what is to be reached".to_owned()),
        long if long > LONGEST_OBJECTIVE => {
            Err(format!("found {long} characters, expected at most {LONGEST_OBJECTIVE}"))
        }
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_goes_its_way() {
        let goal = Goal::begin("g".into(), " tidy up ", 100, 1).unwrap();
        assert!(goal.in_sight().unwrap().contains("tidy up"));
        let to = |goal: &Goal, standing, note: &str| {
            goal.after(&Step::To(standing, Some(note.to_owned())), 150, 2)
        };
        let paused = to(&goal, Standing::Paused, "lunch").unwrap();
        assert_eq!((paused.tokens_used, paused.paused_at, paused.in_sight()), (50, Some(2), None));
        assert_eq!(paused.shown(900).tokens_used, 50, "a goal that waits takes nothing");
        assert!(to(&paused, Standing::Paused, "").is_err());
        let active = to(&paused, Standing::Active, "").unwrap();
        assert_eq!((active.paused_at, active.last_status_note.as_deref()), (None, None));
        let done = to(&active, Standing::Complete, "checked").unwrap();
        assert_eq!((done.completed_at, done.last_status_note.as_deref()), (Some(2), Some("checked")));
        assert!(to(&done, Standing::Active, "").unwrap_err().contains("complete"));
        let edited = active.after(&Step::Edit("tidy all".into()), 150, 3).unwrap();
        assert_eq!((edited.objective.as_str(), edited.status), ("tidy all", Standing::Active));
        assert!(active.after(&Step::Edit(" ".into()), 150, 3).is_err());
    }
}
