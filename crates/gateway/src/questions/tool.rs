//! `ask_user`: the agent asks the person, and waits.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_agent::{Tool, ToolContext, ToolOutput};
use bulkhead_store::QuestionEnd;
use serde_json::{Value, json};

use super::{AskPerson, PATIENCE, read_questions};
use crate::gateway::Gateway;
use crate::runs::{Source, TurnRequest};

/// The longest that the model may want to wait.
const LONGEST: Duration = Duration::from_hours(1);

/// The tool.
pub(crate) struct AskUser {
    gateway: Weak<Gateway>,
    agent_id: String,
    session_key: String,
}

impl AskUser {
    /// For a turn behind which a person sits: a chat window, or a private chat.
    pub(crate) fn for_turn(gateway: &Arc<Gateway>, request: &TurnRequest) -> Option<Arc<dyn Tool>> {
        let person = match (&request.peer, request.source) {
            (None, Source::Webchat) => true,
            (Some((_, _, peer)), Source::Telegram) => peer.parse::<i64>().is_ok_and(|id| id > 0),
            _ => false,
        };
        person.then(|| {
            Arc::new(Self {
                gateway: Arc::downgrade(gateway),
                agent_id: request.agent_id.clone(),
                session_key: request.session_key.clone(),
            }) as Arc<dyn Tool>
        })
    }
}

/// Takes a question back when nobody waits for its answer any more.
struct TakenBack {
    gateway: Weak<Gateway>,
    id: Option<String>,
}

impl Drop for TakenBack {
    fn drop(&mut self) {
        let (Some(id), Some(gateway)) = (self.id.take(), self.gateway.upgrade()) else { return };
        let running = Arc::clone(&gateway);
        gateway.tasks.spawn(async move {
            let end = QuestionEnd { status: "cancelled", answers: None, resolved_by: None };
            let _ = running.end_question(&id, end).await;
        });
    }
}

#[async_trait]
impl Tool for AskUser {
    fn name(&self) -> &'static str {
        "ask_user"
    }

    fn description(&self) -> &'static str {
        "Ask the person one to three questions with two to four options each, and wait for the answers. Only for decisions \
         that are theirs; never for passwords or keys. They can always answer in their own words."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "questions": {
                    "type": "array", "minItems": 1, "maxItems": 3,
                    "items": {
                        "type": "object",
                        "properties": {
                            "id": {"type": "string", "description": "A name in snake_case"},
                            "header": {"type": "string", "description": "At most 12 characters"},
                            "question": {"type": "string"},
                            "options": {
                                "type": "array", "minItems": 2, "maxItems": 4,
                                "items": {
                                    "type": "object",
                                    "properties": {
                                        "label": {"type": "string"},
                                        "description": {"type": "string"}
                                    },
                                    "required": ["label"]
                                }
                            },
                            "multiSelect": {"type": "boolean", "description": "Several may be chosen"}
                        },
                        "required": ["id", "question", "options"]
                    }
                },
                "timeoutSeconds": {"type": "integer", "minimum": 30, "maximum": 3600, "description": "900 if left out"}
            },
            "required": ["questions"]
        })
    }

    fn patience(&self) -> Option<Duration> {
        Some(LONGEST + Duration::from_secs(30))
    }

    async fn call(&self, context: &ToolContext, args: Value) -> ToolOutput {
        let questions = match read_questions(&args["questions"], true) {
            Ok(questions) => questions,
            Err(problem) => return ToolOutput::error(format!("the questions cannot be asked: {problem}")),
        };
        let Some(gateway) = self.gateway.upgrade() else {
            return ToolOutput::error("the gateway is on its way down");
        };
        let patience = args["timeoutSeconds"].as_u64().map_or(PATIENCE, Duration::from_secs);
        let ask = AskPerson {
            id: None,
            questions,
            agent_id: Some(self.agent_id.clone()),
            session_key: Some(self.session_key.clone()),
            run_id: Some(context.run_id.clone()),
            patience: patience.clamp(Duration::from_secs(30), LONGEST),
        };
        let (asked, mut waiting) = match gateway.ask_person(ask).await {
            Ok(asked) => asked,
            Err(error) => return ToolOutput::error(error.message),
        };
        let mut back = TakenBack { gateway: self.gateway.clone(), id: Some(asked.id) };
        let _paused = gateway.runs.pause(&context.run_id);
        let over = waiting.wait_for(Option::is_some).await.ok().and_then(|over| over.clone());
        back.id = None;
        let answers = over.filter(|over| over.status == "answered").and_then(|over| over.answers);
        match answers {
            Some(answers) => {
                ToolOutput::ok(json!({"status": "answered", "answers": answers["answers"]}).to_string())
            }
            None => ToolOutput::ok(json!({"status": "no_answer"}).to_string()),
        }
    }
}
