//! The goal of a conversation on disk: beside the conversation, changed in one piece.

use bulkhead_protocol::ErrorShape;
use bulkhead_store::Session;
use serde_json::{Value, json};

use super::{Goal, Standing, Step};
use crate::clock;
use crate::gateway::Gateway;
use crate::methods::store_failed;

/// Names in the free part of a conversation: the goal, and what came of the last request about it.
const GOAL: &str = "goal";
const RECEIPT: &str = "goalReceipt";

/// A request about a goal, which may come again.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Names the request.
    pub(crate) operation: String,
    /// The goal that the asker saw.
    pub(crate) goal: String,
    /// `edit`, `pause`, `resume`, `complete`, `block` or `clear`.
    pub(crate) action: String,
    /// What to do; nothing: take it away.
    pub(crate) step: Option<Step>,
}

/// The goal of a conversation, if it has one.
pub(crate) fn goal_of(session: &Session) -> Option<Goal> {
    serde_json::from_value(session.meta.get(GOAL)?.clone()).ok()
}

/// Tokens that a conversation took so far.
pub(crate) fn tokens_of(session: &Session) -> u64 {
    session.input_tokens + session.output_tokens
}

impl Gateway {
    /// Gives a conversation a goal. One that has one already keeps it, unless it is this very one.
    pub(crate) async fn begin_goal(
        &self,
        key: &str,
        id: String,
        objective: &str,
    ) -> Result<Session, ErrorShape> {
        let objective = objective.to_owned();
        self.change_goal(key, move |session| match goal_of(session) {
            Some(known) if known.id == id => Ok(with(session, GOAL, None)),
            Some(_) => Err("goal already exists; clear it first".to_owned()),
            None => {
                let goal = Goal::begin(id, &objective, tokens_of(session), clock::now_ms())?;
                Ok(with(session, GOAL, Some(json!(goal))))
            }
        })
        .await
    }

    /// Takes a step with the goal that a conversation has, whichever it is.
    pub(crate) async fn step_goal(&self, key: &str, step: Step) -> Result<Session, ErrorShape> {
        self.change_goal(key, move |session| {
            let goal = goal_of(session).ok_or("there is no goal; /goal followed by words sets one")?;
            let next = goal.after(&step, tokens_of(session), clock::now_ms())?;
            Ok(with(session, GOAL, Some(json!(next))))
        })
        .await
    }

    /// Takes the goal away.
    pub(crate) async fn clear_goal(&self, key: &str) -> Result<Session, ErrorShape> {
        self.change_goal(key, |session| {
            goal_of(session).ok_or("there is no goal")?;
            Ok(with(session, GOAL, Some(Value::Null)))
        })
        .await
    }

    /// Does what a client asks for the goal that it saw. The same request again changes nothing and gets the same answer.
    pub(crate) async fn operate_goal(&self, key: &str, asked: Asked) -> Result<Value, ErrorShape> {
        let operation = asked.operation.clone();
        let session = self
            .change_goal(key, move |session| {
                if session.meta[RECEIPT]["operationId"] == asked.operation.as_str() {
                    let mut receipt = session.meta[RECEIPT].clone();
                    receipt["replayed"] = true.into();
                    return Ok(with(session, RECEIPT, Some(receipt)));
                }
                let goal = goal_of(session).filter(|goal| goal.id == asked.goal);
                let goal = goal.ok_or("the goal is another one now, or there is none; look at the session again")?;
                let next = match &asked.step {
                    Some(step) => Some(goal.after(step, tokens_of(session), clock::now_ms())?),
                    None => None,
                };
                let mut receipt = json!({
                    "operationId": asked.operation, "action": asked.action, "sessionId": session.session_id,
                    "goalId": goal.id, "status": if next.is_some() { "updated" } else { "cleared" },
                });
                if let Some(next) = &next {
                    receipt["goal"] = json!(next);
                }
                let meta = with(session, GOAL, Some(next.map_or(Value::Null, |next| json!(next))));
                Ok(put(meta, RECEIPT, receipt))
            })
            .await?;
        let mut receipt = session.meta.get(RECEIPT).cloned().unwrap_or_default();
        if receipt["operationId"] != operation.as_str() {
            receipt = Value::Null;
        }
        Ok(receipt)
    }

    /// A run failed: the goal of its conversation waits for a person.
    pub(crate) async fn goal_failed(&self, session: &Session, why: &str) {
        if goal_of(session).is_none_or(|goal| goal.status != Standing::Active) {
            return;
        }
        let step = Step::To(Standing::Paused, Some(why.to_owned()));
        if let Err(error) = self.step_goal(&session.key, step).await {
            tracing::debug!(session = %session.key, "a goal was not paused: {}", error.message);
        }
    }

    async fn change_goal(
        &self,
        key: &str,
        change: impl FnOnce(&Session) -> Result<Value, String> + Send + 'static,
    ) -> Result<Session, ErrorShape> {
        let changed = self.store.sessions().change_meta(key, change).await.map_err(store_failed)?;
        let session =
            changed.map_err(|problem| ErrorShape::invalid_request(format!("Goal error: {problem}")))?;
        self.tell_session(&session, "goal").await;
        Ok(session)
    }
}

/// The free part of a conversation with another value; `None`: as it is, null: without it.
fn with(session: &Session, name: &str, value: Option<Value>) -> Value {
    let meta = if session.meta.is_object() { session.meta.clone() } else { json!({}) };
    match value {
        None => meta,
        Some(value) => put(meta, name, value),
    }
}

fn put(mut meta: Value, name: &str, value: Value) -> Value {
    if let Value::Object(map) = &mut meta {
        if value.is_null() {
            map.remove(name);
        } else {
            map.insert(name.to_owned(), value);
        }
    }
    meta
}
