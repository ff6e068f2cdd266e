//! `rescue.*`: the gateway that this one watches.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::rescue::{
    INCIDENTS, RescueDrillStartParams, RescueDrillStartResult, RescueIncidentsParams, RescueIncidentsResult,
    RescueRemedyParams, RescueRemedyResult, RescueStatusResult,
};
use bulkhead_rescue::{Actor, Ask, DrillKind, Refusal, RefusalKind, RemedyKind, RemedyReply, RemedyRequest};
use bulkhead_server::{ConnInfo, Reply};
use serde_json::{Value, json};

use super::Call;
use crate::clock;
use crate::gateway::Gateway;
use crate::rescue;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "rescue.status" => status,
    "rescue.incidents" => incidents,
    "rescue.remedy" => remedy,
    "rescue.drill.start" => drill_start,
};

/// Incidents in one answer when nobody says how many.
const USUAL: usize = 20;

/// How the watched gateway is, and who is told.
pub(super) async fn status(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let settings = gateway.settings.now();
    let config = &settings.config.rescue;
    let mut result = RescueStatusResult {
        configured: config.is_watching(),
        operators: config.operators.clone(),
        warnings: rescue::warnings(gateway).await,
        ..RescueStatusResult::default()
    };
    if let Some(trouble) = gateway.rescue.trouble() {
        result.warnings.insert(0, trouble);
    }
    if let Some(watched) = gateway.rescue.watched() {
        result.watched = Some(watched.name.clone());
        result.kind = Some(watched.kind.to_owned());
        result.auto = Some(rescue::auto_word(config.auto).to_owned());
        let view = watched.view();
        result.health = Some(rescue::word(view.shade));
        result.summary = Some(rescue::summary(&view, clock::now_ms()));
        result.remedies = view.remedies.iter().map(|remedy| remedy.as_str().to_owned()).collect();
        result.incident = view.incident.as_ref().and_then(|incident| serde_json::to_value(incident).ok());
        let mut details = serde_json::to_value(&*view).unwrap_or_default();
        details["timeline"] = serde_json::to_value(watched.timeline().await).unwrap_or_default();
        result.details = Some(details);
    }
    Reply::json(&result)
}

/// What happened to it, the newest first.
pub(super) async fn incidents(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: RescueIncidentsParams = call.params()?;
    params.check()?;
    let limit = params.limit.map_or(USUAL, |limit| usize::try_from(limit.min(INCIDENTS)).unwrap_or(USUAL));
    let incidents = gateway.rescue.incidents(limit).await;
    let incidents = incidents.iter().filter_map(|incident| serde_json::to_value(incident).ok()).collect();
    Reply::json(&RescueIncidentsResult { incidents })
}

/// Does something for it. What a repair led to is told by `rescue.incident`.
pub(super) async fn remedy(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: RescueRemedyParams = call.params()?;
    params.check()?;
    let Some(remedy) = RemedyKind::parse(&params.remedy) else {
        let known: Vec<&str> = RemedyKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let problem = format!("found {:?}, expected one of: {}", params.remedy, known.join(" "));
        return Err(ErrorShape::invalid_params(call.spec.name, "remedy", problem));
    };
    let request = RemedyRequest {
        id: format!("rpc:{}", params.idempotency_key),
        by: asker(&call.ctx.conn),
        ask: Ask::Command { remedy, confirmed: params.confirmed, version: params.version },
    };
    let id = request.id.clone();
    let reply = gateway.rescue.request(request).await.map_err(|refusal| refused(&refusal))?;
    let (reply, text) = match reply {
        RemedyReply::Accepted { text, .. } => ("accepted", text),
        // Its buttons are for messengers: here the same is asked again with `confirmed`.
        RemedyReply::Confirm { text, .. } => ("confirm", text),
        RemedyReply::Answer { text } => ("answer", text),
    };
    Reply::json(&RescueRemedyResult { reply: reply.to_owned(), text, request: id })
}

/// Begins a drill; its report comes as `rescue.incident`.
pub(super) async fn drill_start(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: RescueDrillStartParams = call.params()?;
    params.check()?;
    let kind = match params.how.as_deref() {
        Some("stop") => DrillKind::Stop,
        _ => DrillKind::Kill,
    };
    let id = format!("rpc:{}", params.idempotency_key);
    let began_ms = clock::now_ms();
    let result = |text: &str| {
        Reply::json(&RescueDrillStartResult { drill: id.clone(), began_ms, text: text.to_owned() })
    };
    if !gateway.rescue.remember_drill(&id) {
        return result("It was begun before.");
    }
    let (running, by) = (Arc::clone(gateway), asker(&call.ctx.conn));
    let mut drill = tokio::spawn(async move { running.rescue.drill(kind, by).await });
    // A refusal comes at once; the report takes as long as the drill.
    match tokio::time::timeout(std::time::Duration::from_secs(2), &mut drill).await {
        Ok(Ok(Err(refusal))) => Err(refused(&refusal)),
        _ => result("The drill has begun; rescue.incident tells how it ends."),
    }
}

/// Whoever may call this has an operator's connection.
fn asker(conn: &ConnInfo) -> Actor {
    Actor::local(match conn.client.mode.as_str() {
        "cli" => "cli",
        _ => "app",
    })
}

/// A refusal on its way to a client: its kind is in the details.
fn refused(refusal: &Refusal) -> ErrorShape {
    let details = json!({
        "code": refusal.kind.code(),
        "instead": refusal.instead.iter().map(|remedy| Value::from(remedy.as_str())).collect::<Vec<_>>(),
    });
    let shape = match refusal.kind {
        RefusalKind::Unsupported | RefusalKind::NothingToRollBack => {
            ErrorShape::invalid_request(refusal.message.clone())
        }
        _ => ErrorShape::unavailable(refusal.message.clone()),
    };
    shape.with_details(details)
}
