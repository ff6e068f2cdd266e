//! A command in a chat window: it runs like a message does, under its key, and both sides stay in the transcript, where no
//! model reads them.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_store::{NewMessage, NewRun, NewSession, RunEnd as RecordedEnd, RunStart, RunStatus};
use serde_json::json;

use super::{Context, Typed, answer};
use crate::clock;
use crate::events::{RunLabel, SessionChange};
use crate::gateway::Gateway;
use crate::methods::store_failed;
use crate::runs::registry::{ActiveRun, Begin, EndStatus, RunEnd};
use crate::runs::{TurnRequest, answered_by_gateway, end_of};
use crate::session_rows::Extras;

/// What becomes of a command.
pub(crate) enum InChat {
    /// It is done with: `started`, or how an earlier one under this key stands.
    Taken(&'static str),
    /// These words go on to the model.
    GoOn(String),
}

/// Takes a command up under the request's run id.
pub(crate) async fn in_chat(
    gateway: &Arc<Gateway>,
    request: TurnRequest,
    typed: Typed,
) -> Result<InChat, ErrorShape> {
    let known = gateway.store.runs().by_key(&request.run_id).await.map_err(store_failed)?;
    if typed.is_new() && !typed.arguments.is_empty() {
        if known.is_none() && gateway.runs.session_of(&request.run_id).is_none() {
            gateway.begin_anew(&request.session_key, typed.spec.name).await?;
        }
        return Ok(InChat::GoOn(typed.arguments));
    }
    let run = match gateway.runs.begin(&request.run_id, &request.session_key) {
        Begin::InFlight => return Ok(InChat::Taken("in_flight")),
        Begin::Ended(end) => return Ok(InChat::Taken(end.status.as_str())),
        Begin::New(run) => run,
    };
    if let Some(end) = known.as_ref().and_then(end_of) {
        let end = gateway.runs.finish(&request.run_id, end).tell();
        return Ok(InChat::Taken(end.status.as_str()));
    }
    let gateway = Arc::clone(gateway);
    let owner = Arc::clone(&gateway);
    owner.tasks.spawn(async move {
        let run_id = request.run_id.clone();
        if let Err(error) = take_up(&gateway, &request, &typed, &run).await {
            tracing::warn!(run = %run_id, "a command was not recorded: {}", error.message);
            gateway.runs.give_up(&run_id);
        }
    });
    Ok(InChat::Taken("started"))
}

async fn take_up(
    gateway: &Arc<Gateway>,
    request: &TurnRequest,
    typed: &Typed,
    run: &ActiveRun,
) -> Result<(), ErrorShape> {
    let context = Context {
        session_key: request.session_key.clone(),
        agent_id: request.agent_id.clone(),
        who: "You are the operator of this gateway, in a chat window.".to_owned(),
        cancel: run.cancel.clone(),
    };
    // A new conversation begins with its command; every other command stands where it was written.
    let early = if typed.is_new() { Some(answer(gateway, &context, typed).await) } else { None };
    let started_at = clock::now_ms();
    let sessions = gateway.store.sessions();
    let new = NewSession {
        session_id: request.session_id.clone(),
        ..NewSession::new(&request.session_key, &request.agent_id)
    };
    let session = sessions.get_or_create(new).await.map_err(store_failed)?;
    let label = RunLabel {
        run_id: request.run_id.clone(),
        session_key: request.session_key.clone(),
        session_id: session.session_id.clone(),
        agent_id: request.agent_id.clone(),
    };
    let user = NewMessage::new(&request.session_key, "user", request.message.clone().into())
        .in_run(&request.run_id)
        .once(format!("{}:user", request.run_id))
        .with_meta(json!({"excludeFromContext": true}));
    let new_run = NewRun {
        id: request.run_id.clone(),
        session_key: request.session_key.clone(),
        source: request.source.as_str().to_owned(),
        user_message: Some(user),
    };
    if matches!(gateway.store.runs().start(new_run).await.map_err(store_failed)?, RunStart::Existing(_)) {
        gateway.runs.give_up(&request.run_id);
        return Ok(());
    }
    let row = gateway.session_row(&session, Extras::LISTED).await?;
    for message in sessions.messages_of_run(&request.run_id).await.map_err(store_failed)? {
        gateway.events.session_message(&label, &message, &row);
    }
    gateway.events.sessions_changed(&session.key, &session.agent_id, SessionChange::Reason("send"), &row);
    let text = match early {
        Some(text) => text,
        None => answer(gateway, &context, typed).await,
    };
    let aborted = run.cancel.is_cancelled();
    let status = if aborted { RunStatus::Aborted } else { RunStatus::Ok };
    let mut record = RecordedEnd::new(status, Some(text.clone()));
    record.messages = vec![
        NewMessage::new(&request.session_key, "assistant", json!([{"type": "text", "text": text}]))
            .in_run(&request.run_id)
            .once(request.run_id.clone())
            .with_meta(answered_by_gateway(true)),
    ];
    let messages = gateway.store.runs().finish(&request.run_id, record).await.map_err(store_failed)?;
    let session = sessions.get(&session.key).await.map_err(store_failed)?.unwrap_or(session);
    let end = RunEnd {
        wanted: Vec::new(),
        stop: bulkhead_agent::StopReason::Stop,
        status: if aborted { EndStatus::Aborted } else { EndStatus::Ok },
        text: text.clone(),
        error: None,
        input_tokens: 0,
        output_tokens: 0,
        provider: None,
        model: None,
        started_at,
        ended_at: clock::now_ms(),
    };
    let ended = gateway.runs.finish(&request.run_id, end);
    let row = gateway.session_row(&session, Extras::LISTED).await?;
    for message in &messages {
        gateway.events.session_message(&label, message, &row);
    }
    gateway.events.run(label).answered(&text);
    let settled = SessionChange::Reason("agent.input.settled");
    gateway.events.sessions_changed(&session.key, &session.agent_id, settled, &row);
    ended.tell();
    Ok(())
}
