//! The API over HTTP: `/bot<TOKEN>/<method>`, parameters in the query, as a form or as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Map, Value, json};

use super::bot::ApiCall;
use super::control::{TelegramControl, now};
use super::control_routes;
use super::fault::{self, Fault};
use super::methods::{self, Refusal, integer};

pub(super) fn router(control: TelegramControl) -> Router {
    Router::new()
        .route("/{bot}/{method}", any(api))
        .nest("/control/bots", control_routes::router())
        .layer(DefaultBodyLimit::max(50 * 1024 * 1024))
        .with_state(control)
}

async fn api(
    State(control): State<TelegramControl>,
    Path((bot, method)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(token) = bot.strip_prefix("bot").filter(|token| well_formed(token)) else {
        return refuse(&Refusal::new(404, "Not Found"));
    };
    let params = match parameters(&query, &headers, &body) {
        Ok(params) => params,
        Err(refusal) => return refuse(&refusal),
    };
    let (index, struck) = {
        let mut bots = control.lock();
        let Some(bot) = bots.get_mut(token).filter(|bot| !bot.revoked) else {
            return refuse(&Refusal::new(401, "Unauthorized"));
        };
        bot.calls.push(ApiCall { method: method.clone(), params: params.clone(), status: 0, at: now() });
        (bot.calls.len() - 1, fault::strike(&mut bot.faults, &method))
    };
    control.touch();
    let response = answer(&control, token, &method, &params, struck).await;
    if let Some(bot) = control.lock().get_mut(token)
        && let Some(call) = bot.calls.get_mut(index)
    {
        call.status = response.status().as_u16();
    }
    control.touch();
    response
}

fn well_formed(token: &str) -> bool {
    token.split_once(':').is_some_and(|(id, secret)| {
        !id.is_empty() && id.bytes().all(|c| c.is_ascii_digit()) && !secret.is_empty()
    })
}

async fn answer(
    control: &TelegramControl,
    token: &str,
    method: &str,
    params: &Value,
    struck: Option<Fault>,
) -> Response {
    match struck {
        Some(Fault::TooManyRequests { retry_after }) => refuse(&Refusal {
            retry_after: Some(retry_after),
            ..Refusal::new(429, format!("Too Many Requests: retry after {retry_after}"))
        }),
        Some(Fault::Refuse { status, description }) => refuse(&Refusal::new(status, description)),
        Some(Fault::HtmlPage { status }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, [(header::CONTENT_TYPE, "text/html")], "<html><body>something in between</body></html>")
                .into_response()
        }
        Some(Fault::Redirect { location }) => {
            (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
        }
        Some(Fault::CutCall) => cut(&json!({"ok": true, "result": {"lost": true}}).to_string()),
        Some(Fault::CutAnswer) => {
            let body = envelope(perform(control, token, method, params).await).1.to_string();
            cut(&body)
        }
        Some(Fault::Delay { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            respond(perform(control, token, method, params).await)
        }
        Some(Fault::Hold) => {
            held(control, token).await;
            respond(perform(control, token, method, params).await)
        }
        Some(Fault::HoldAnswer) => {
            let outcome = perform(control, token, method, params).await;
            held(control, token).await;
            respond(outcome)
        }
        Some(Fault::RepeatUpdates { count }) => {
            if let Some(bot) = control.lock().get_mut(token) {
                let first = bot.confirmed.len().saturating_sub(count);
                let again = bot.confirmed.get(first..).unwrap_or_default().to_vec();
                return respond(Ok(again.into()));
            }
            refuse(&Refusal::new(401, "Unauthorized"))
        }
        None => respond(perform(control, token, method, params).await),
    }
}

/// Waits until the test releases the bot's held calls.
async fn held(control: &TelegramControl, token: &str) {
    let before = control.lock().get(token).map_or(0, |bot| bot.released);
    let released = |control: &TelegramControl| {
        control.lock().get(token).is_none_or(|bot| bot.released > before).then_some(())
    };
    control.wait(Duration::from_mins(10), released).await;
}

async fn perform(
    control: &TelegramControl,
    token: &str,
    method: &str,
    params: &Value,
) -> Result<Value, Refusal> {
    if method.eq_ignore_ascii_case("getUpdates") {
        return get_updates(control, token, params).await;
    }
    let outcome = match control.lock().get_mut(token) {
        Some(bot) => methods::call(bot, method, params, now()),
        None => Err(Refusal::new(401, "Unauthorized")),
    };
    control.touch();
    outcome
}

/// Counts a waiting poll while it lives, also when its client goes away.
struct Waiting<'a> {
    control: &'a TelegramControl,
    token: &'a str,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(bot) = self.control.lock().get_mut(self.token) {
            bot.waiting = bot.waiting.saturating_sub(1);
        }
        self.control.touch();
    }
}

async fn get_updates(control: &TelegramControl, token: &str, params: &Value) -> Result<Value, Refusal> {
    let offset = integer(&params["offset"]);
    let limit =
        integer(&params["limit"]).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100).clamp(1, 100);
    let timeout = integer(&params["timeout"]).and_then(|s| u64::try_from(s).ok()).unwrap_or(0).min(50);
    let gone = || Refusal::new(401, "Unauthorized");
    let poll = {
        let mut bots = control.lock();
        let bot = bots.get_mut(token).ok_or_else(gone)?;
        if bot.webhook.is_some() {
            return Err(Refusal::new(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            ));
        }
        if let Some(kinds) = params["allowed_updates"].as_array() {
            bot.allowed = Some(kinds.iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect());
        }
        bot.poll += 1;
        bot.waiting += 1;
        // Confirms what comes before the offset, so that whoever waits for that hears of it with the touch below.
        let _ = bot.due(offset, limit);
        bot.poll
    };
    let waiting = Waiting { control, token };
    control.touch();
    let due = control
        .wait(Duration::from_secs(timeout), |control| {
            let mut bots = control.lock();
            let Some(bot) = bots.get_mut(token).filter(|bot| !bot.revoked) else { return Some(Err(gone())) };
            if bot.poll != poll {
                return Some(Err(Refusal::new(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                )));
            }
            let due = bot.due(offset, limit);
            bot.handed_out += due.len() as u64;
            Some(due).filter(|due| !due.is_empty()).map(Ok)
        })
        .await;
    drop(waiting);
    due.unwrap_or_else(|| Ok(Vec::new())).map(Value::Array)
}

fn parameters(query: &BTreeMap<String, String>, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let mut params = Map::new();
    for (name, value) in query {
        params.insert(name.clone(), value.clone().into());
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if body.is_empty() {
        return Ok(params.into());
    }
    if kind.starts_with("application/json") {
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| Refusal::new(400, "Bad Request: can't parse JSON object"))?;
        if let Value::Object(body) = body {
            params.extend(body.into_iter().filter(|(_, value)| !value.is_null()));
        }
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        let text = String::from_utf8_lossy(body);
        let uri = format!("/?{text}").parse().map_err(|_| Refusal::new(400, "Bad Request: bad form"))?;
        let Query(form) = Query::<BTreeMap<String, String>>::try_from_uri(&uri)
            .map_err(|_| Refusal::new(400, "Bad Request: bad form"))?;
        params.extend(form.into_iter().map(|(name, value)| (name, value.into())));
    }
    Ok(params.into())
}

fn envelope(outcome: Result<Value, Refusal>) -> (u16, Value) {
    match outcome {
        Ok(result) => (200, json!({"ok": true, "result": result})),
        Err(refusal) => {
            let mut body =
                json!({"ok": false, "error_code": refusal.status, "description": refusal.description});
            if let Some(seconds) = refusal.retry_after {
                body["parameters"] = json!({"retry_after": seconds});
            }
            (refusal.status, body)
        }
    }
}

fn respond(outcome: Result<Value, Refusal>) -> Response {
    let (status, body) = envelope(outcome);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(body)).into_response()
}

fn refuse(refusal: &Refusal) -> Response {
    respond(Err(refusal.clone()))
}

/// Announces the whole body, sends half of it, and breaks off.
fn cut(body: &str) -> Response {
    let half = Bytes::copy_from_slice(&body.as_bytes()[..body.len() / 2]);
    // A pause between the two lets the half reach the wire.
    let pieces = futures::stream::unfold(Some(half), async |half| {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        tokio::task::yield_now().await;
        Some((Err(std::io::Error::other("cut on demand")), None))
    });
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, body.len())
        .body(Body::from_stream(pieces))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
