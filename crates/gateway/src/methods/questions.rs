//! `question.*`: what agents and clients ask a person.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::questions::{
    QuestionIdParams, QuestionRequestParams, QuestionResolveParams, QuestionWaitParams,
};
use bulkhead_server::Reply;
use bulkhead_store::{Question, QuestionEnd};
use serde_json::{Value, json};

use super::{Call, store_failed};
use crate::gateway::Gateway;
use crate::questions::{AskPerson, PATIENCE, read_questions, record, unknown};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "question.request" => request,
    "question.waitAnswer" => wait_answer,
    "question.resolve" => resolve,
    "question.get" => get,
    "question.list" => list,
};

/// Those that wait, oldest first.
pub(super) async fn list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let pending = gateway.store.questions().pending().await.map_err(store_failed)?;
    Reply::json(&json!({"questions": pending.iter().map(record).collect::<Vec<_>>()}))
}

/// One, waiting or over.
pub(super) async fn get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: QuestionIdParams = call.params()?;
    let found = gateway.store.questions().get(&params.id).await.map_err(store_failed)?;
    let found = found.ok_or_else(|| unknown(&params.id))?;
    Reply::json(&json!({"question": record(&found)}))
}

/// Asks; answers at once.
pub(super) async fn request(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: QuestionRequestParams = call.params()?;
    let questions = read_questions(&params.questions, false)
        .map_err(|problem| ErrorShape::invalid_params("question.request", "questions", problem))?;
    let ask = AskPerson {
        id: params.id,
        questions,
        agent_id: params.agent_id,
        session_key: params.session_key,
        run_id: params.run_id,
        patience: params.timeout_ms.map_or(PATIENCE, Duration::from_millis),
    };
    let (filed, _) = gateway.ask_person(ask).await?;
    Reply::json(&json!({"id": filed.id, "expiresAtMs": filed.expires_at}))
}

/// Waits for the answer, not for ever.
pub(super) async fn wait_answer(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: QuestionWaitParams = call.params()?;
    if let Some(mut waiting) = gateway.questions.follow(&params.id) {
        let patience = params.timeout_ms.map_or(crate::questions::LONGEST, Duration::from_millis);
        let over = tokio::time::timeout(patience, waiting.wait_for(Option::is_some)).await;
        if over.is_err() {
            return Reply::json(&json!({"status": "pending"}));
        }
    }
    let found = gateway.store.questions().get(&params.id).await.map_err(store_failed)?;
    Reply::json(&outcome(&found.ok_or_else(|| unknown(&params.id))?))
}

fn outcome(question: &Question) -> Value {
    match &question.answers {
        Some(answers) if question.status == "answered" => json!({"status": "answered", "answers": answers}),
        _ => json!({"status": question.status}),
    }
}

/// Answers, or takes the question back.
pub(super) async fn resolve(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: QuestionResolveParams = call.params()?;
    let client = &call.ctx.conn.client;
    let by = params.resolved_by.or_else(|| client.display_name.clone()).unwrap_or_else(|| client.id.clone());
    let over = match (params.answers, params.cancel) {
        (Some(answers), _) => gateway.answer_question(&params.id, &answers.answers, Some(by)).await?,
        (None, true) => {
            let end = QuestionEnd { status: "cancelled", answers: None, resolved_by: Some(by) };
            gateway.end_question(&params.id, end).await?
        }
        (None, false) => {
            return Err(ErrorShape::invalid_params(
                "question.resolve",
                "answers",
                "expected answers, or cancel: true",
            ));
        }
    };
    Reply::json(&outcome(&over))
}
