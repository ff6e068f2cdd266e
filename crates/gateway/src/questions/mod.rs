//! Questions that an agent asks a person: up to three together, answered in any client or in the chat.

mod form;
mod telegram;
pub(crate) mod tool;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulkhead_protocol::ErrorShape;
use bulkhead_store::{Question, QuestionEnd};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::gateway::Gateway;
use crate::methods::store_failed;

pub(crate) use form::read_questions;
pub(crate) use telegram::{answer_in_chat, press};

/// How long a person is waited for when nothing else is said.
pub(crate) const PATIENCE: Duration = Duration::from_mins(15);
/// No question waits longer.
pub(crate) const LONGEST: Duration = Duration::from_hours(24);
/// Questions that may wait at one time.
const MOST_WAITING: usize = 256;

/// The end of a question, on its way.
pub(crate) type Waiting = watch::Receiver<Option<Question>>;

/// The questions that this process waits for.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    waiting: Mutex<HashMap<String, Asked>>,
}

#[derive(Debug)]
struct Asked {
    session_key: Option<String>,
    over: watch::Sender<Option<Question>>,
}

/// Something to ask.
#[derive(Debug, Clone)]
pub(crate) struct AskPerson {
    pub(crate) id: Option<String>,
    /// As [`read_questions`] left them.
    pub(crate) questions: Value,
    pub(crate) agent_id: Option<String>,
    pub(crate) session_key: Option<String>,
    pub(crate) run_id: Option<String>,
    pub(crate) patience: Duration,
}

impl Questions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows one that waits.
    pub(crate) fn follow(&self, id: &str) -> Option<Waiting> {
        self.lock().get(id).map(|asked| asked.over.subscribe())
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The question that a session waits for.
    pub(crate) fn waits_in(&self, session_key: &str) -> Option<String> {
        self.lock()
            .iter()
            .find(|(_, asked)| asked.session_key.as_deref() == Some(session_key))
            .map(|(id, _)| id.clone())
    }
}

impl Gateway {
    /// Files a question, and tells everybody who may answer it. It ends by itself when its time is over.
    pub(crate) async fn ask_person(
        self: &Arc<Self>,
        ask: AskPerson,
    ) -> Result<(Question, Waiting), ErrorShape> {
        if self.questions.lock().len() >= MOST_WAITING {
            return Err(ErrorShape::unavailable_retryable(
                format!("{MOST_WAITING} questions wait already; answer some, then ask again"),
                Some(5000),
            ));
        }
        let patience = ask.patience.clamp(Duration::from_millis(1), LONGEST);
        let id = ask.id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let questions = self.store.questions();
        if questions.get(&id).await.map_err(store_failed)?.is_some() {
            return Err(ErrorShape::invalid_request(format!("question '{id}' was asked already")));
        }
        let (over, waiting) = watch::channel(None);
        self.questions.lock().insert(id.clone(), Asked { session_key: ask.session_key.clone(), over });
        let lasts = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        let new = Question {
            id: id.clone(),
            questions: ask.questions,
            agent_id: ask.agent_id,
            session_key: ask.session_key,
            run_id: ask.run_id,
            created_at: 0,
            expires_at: self.store.now().saturating_add(lasts),
            status: "pending".to_owned(),
            answers: None,
            resolved_by: None,
            resolved_at: None,
        };
        let filed = questions.add(new).await.map_err(|error| {
            self.questions.lock().remove(&id);
            store_failed(error)
        })?;
        self.events.question_requested(&record(&filed));
        let (gateway, asked) = (Arc::clone(self), filed.clone());
        self.tasks.spawn(async move { telegram::show(&gateway, &asked).await });
        let (gateway, mut over) = (Arc::downgrade(self), waiting.clone());
        tokio::spawn(async move {
            if tokio::time::timeout(patience, over.wait_for(Option::is_some)).await.is_err()
                && let Some(gateway) = gateway.upgrade()
            {
                let end = QuestionEnd { status: "expired", answers: None, resolved_by: None };
                let _ = gateway.end_question(&id, end).await;
            }
        });
        Ok((filed, waiting))
    }

    /// Takes a person's answers; they must fit the questions.
    pub(crate) async fn answer_question(
        self: &Arc<Self>,
        id: &str,
        answers: &Map<String, Value>,
        by: Option<String>,
    ) -> Result<Question, ErrorShape> {
        let found = self.store.questions().get(id).await.map_err(store_failed)?.ok_or_else(|| unknown(id))?;
        form::check_answers(&found.questions, answers)
            .map_err(|problem| ErrorShape::invalid_params("question.resolve", "answers", problem))?;
        let answers = Some(json!({"answers": answers}));
        self.end_question(id, QuestionEnd { status: "answered", answers, resolved_by: by }).await
    }

    /// Ends one that waits. One that is over already ends no other way.
    pub(crate) async fn end_question(
        self: &Arc<Self>,
        id: &str,
        end: QuestionEnd,
    ) -> Result<Question, ErrorShape> {
        let wanted = end.clone();
        let ended = self.store.questions().resolve(id, end).await;
        let (over, applied) = match ended {
            Ok(found) => found.ok_or_else(|| unknown(id))?,
            Err(error) => {
                self.questions.lock().remove(id);
                return Err(store_failed(error));
            }
        };
        if applied {
            self.question_is_over(&over);
            return Ok(over);
        }
        let same = over.status == wanted.status && over.answers == wanted.answers;
        if same { Ok(over) } else { Err(already(&over)) }
    }

    fn question_is_over(self: &Arc<Self>, over: &Question) {
        if let Some(asked) = self.questions.lock().remove(&over.id) {
            asked.over.send_replace(Some(over.clone()));
        }
        let mut payload = json!({"id": over.id, "status": over.status});
        if let Some(answers) = over.answers.as_ref().filter(|_| over.status == "answered") {
            payload["answers"] = answers.clone();
        }
        self.events.question_resolved(&payload);
        let (gateway, over) = (Arc::clone(self), over.clone());
        self.tasks.spawn(async move { telegram::settle(&gateway, &over).await });
    }

    /// Ends what an earlier process asked. Called once, before any run.
    pub(crate) async fn end_old_questions(self: &Arc<Self>) {
        let ended = self.store.questions().cancel_on_start().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "questions of an earlier run could not be ended");
            Vec::new()
        });
        for mut over in ended {
            "cancelled".clone_into(&mut over.status);
            let gateway = Arc::clone(self);
            tokio::spawn(async move { telegram::settle(&gateway, &over).await });
        }
    }
}

/// As the protocol writes it.
pub(crate) fn record(question: &Question) -> Value {
    let mut record = json!({
        "id": question.id,
        "questions": question.questions,
        "createdAtMs": question.created_at,
        "expiresAtMs": question.expires_at,
        "status": question.status,
    });
    for (name, value) in [
        ("agentId", &question.agent_id),
        ("sessionKey", &question.session_key),
        ("runId", &question.run_id),
        ("resolvedBy", &question.resolved_by),
    ] {
        if let Some(value) = value {
            record[name] = value.clone().into();
        }
    }
    if let Some(answers) = &question.answers {
        record["answers"] = answers.clone();
    }
    record
}

/// There is none of that id.
pub(crate) fn unknown(id: &str) -> ErrorShape {
    ErrorShape::invalid_request(format!("question '{id}' was not found"))
        .with_details(json!({"reason": "QUESTION_NOT_FOUND"}))
}

fn already(over: &Question) -> ErrorShape {
    ErrorShape::invalid_request(format!("question '{}' is already {}", over.id, over.status))
        .with_details(json!({"reason": "QUESTION_ALREADY_RESOLVED"}))
}
