//! `sessions.goal.*`: what people do with the goal of a session. It begins with `/goal`, or with a message that says so.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde::Deserialize;

use super::existing;
use crate::gateway::Gateway;
use crate::goals::{Asked, Standing, Step};
use crate::methods::Call;
use crate::methods::chat::{Said, say};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateParams {
    #[serde(flatten)]
    which: Which,
    action: Action,
    objective: Option<String>,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Which {
    session_key: String,
    agent_id: Option<String>,
    session_id: Option<String>,
    goal_id: String,
    operation_id: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Action {
    Edit,
    Pause,
    Resume,
    Complete,
    Block,
}

/// Rewords, pauses, resumes, completes or blocks the goal that the caller saw. To resume it is to go on with it at once.
pub(super) async fn update(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: UpdateParams = call.params()?;
    let (word, step) = match params.action {
        Action::Edit => ("edit", Step::Edit(params.objective.unwrap_or_default())),
        Action::Pause => ("pause", Step::To(Standing::Paused, params.note)),
        Action::Resume => ("resume", Step::To(Standing::Active, params.note)),
        Action::Complete => ("complete", Step::To(Standing::Complete, params.note)),
        Action::Block => ("block", Step::To(Standing::Blocked, params.note)),
    };
    let key = named(gateway, &params.which).await?;
    let resumes = params.action == Action::Resume;
    if resumes && !gateway.runs.active_in(&key).is_empty() {
        return Err(ErrorShape::unavailable_retryable(
            "the goal is resumed when nothing is being answered; wait, or stop it with sessions.abort",
            None,
        ));
    }
    let mut receipt = operate(gateway, &key, params.which, word, Some(step)).await?;
    if resumes {
        // The same request again adopts the same run.
        let run_id = format!("goal:{}", receipt["operationId"].as_str().unwrap_or_default());
        let agent = crate::sessions::agent_of(&key).unwrap_or_default().to_owned();
        let said =
            Said { commands: false, ..Said::new(run_id.clone(), key, agent, "Go on with the goal of this conversation.") };
        say(gateway, said).await?;
        receipt["runId"] = run_id.into();
    }
    Reply::json(&receipt)
}

/// Takes the goal away that the caller saw.
pub(super) async fn clear(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let which: Which = call.params()?;
    let key = named(gateway, &which).await?;
    Reply::json(&operate(gateway, &key, which, "clear", None).await?)
}

async fn named(gateway: &Gateway, which: &Which) -> Result<String, ErrorShape> {
    let session = existing(gateway, &which.session_key, which.agent_id.as_deref()).await?;
    if let Some(expected) = which.session_id.as_ref().filter(|id| **id != session.session_id) {
        return Err(super::life::changed(&session, expected));
    }
    Ok(session.key)
}

async fn operate(
    gateway: &Gateway,
    key: &str,
    which: Which,
    action: &str,
    step: Option<Step>,
) -> Result<serde_json::Value, ErrorShape> {
    let asked =
        Asked { operation: which.operation_id, goal: which.goal_id, action: action.to_owned(), step };
    gateway.operate_goal(key, asked).await
}
