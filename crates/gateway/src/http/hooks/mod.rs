//! `/hooks/…`: other programs wake the agent, or ask it something. They prove themselves with a token of their own, which
//! opens nothing else.

mod ask;
mod dispatch;
mod template;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::{Extension, Json, Router};
use bulkhead_protocol::methods::cron::WakeMode;
use bulkhead_server::HttpCaller;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::clock;
use crate::gateway::Gateway;
use ask::{Action, Ask, Mapped};
use dispatch::{Replays, Taken};
use template::Facts;

/// Largest body.
const BODY: usize = 256 * 1024;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Failures of one address within [`WINDOW`] before it has to wait.
const FAILURES: u32 = 20;
const WINDOW: Duration = Duration::from_mins(1);
/// Addresses that are remembered.
const ADDRESSES: usize = 4096;
/// Bytes of an idempotency key.
const KEY: usize = 256;

struct Hooks {
    gateway: Arc<Gateway>,
    failures: Mutex<HashMap<IpAddr, (Instant, u32)>>,
    replays: Replays,
}

/// The routes; each request looks up whether hooks are on. Their path holds from the start on.
pub(super) fn routes(gateway: Arc<Gateway>) -> Router {
    let base = gateway.settings.now().config.hooks.base_path();
    let hooks = Arc::new(Hooks { gateway, failures: Mutex::default(), replays: Replays::default() });
    Router::new().route(&format!("{base}/{{*rest}}"), any(handle)).with_state(hooks)
}

async fn handle(
    State(hooks): State<Arc<Hooks>>,
    Extension(caller): Extension<HttpCaller>,
    Path(rest): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let gateway = &hooks.gateway;
    if !gateway.settings.now().config.hooks.enabled {
        return (StatusCode::NOT_FOUND, "Not Found").into_response();
    }
    if method != Method::POST {
        let allow = [(header::ALLOW, HeaderValue::from_static("POST"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow, "Method Not Allowed").into_response();
    }
    let query: BTreeMap<String, String> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
        .collect();
    if query.contains_key("token") {
        return bad(
            "the token belongs into the Authorization header (Bearer) or into X-OpenClaw-Token, not into the address",
        );
    }
    if let Err(refusal) = hooks.admit(caller.remote, &headers) {
        return *refusal;
    }
    if let Err(error) = gateway.may_run() {
        return problem(StatusCode::SERVICE_UNAVAILABLE, &error.message);
    }
    let bytes = match tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, BODY)).await {
        Err(_) => return problem(StatusCode::REQUEST_TIMEOUT, "the body took longer than 30 seconds"),
        Ok(Err(_)) => {
            return problem(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body is larger than {BODY} bytes"));
        }
        Ok(Ok(bytes)) => bytes,
    };
    let payload: Value = match serde_json::from_slice(&bytes) {
        Ok(payload @ Value::Object(_)) => payload,
        Ok(_) => return bad("the body is no JSON object"),
        Err(error) => return bad(&format!("the body is no JSON: {error}")),
    };
    hooks.act(rest.trim_matches('/'), payload, &headers, &query).await
}

impl Hooks {
    /// Whether the caller has the token. Failures of one address are counted; who fails too often waits, even
    /// with the right token.
    fn admit(&self, remote: IpAddr, headers: &HeaderMap) -> Result<(), Box<Response>> {
        let settings = self.gateway.settings.now();
        let token =
            settings.config.hooks.token.as_ref().and_then(|input| self.gateway.credentials.resolve(input));
        let Some(token) = token else {
            return Err(Box::new(problem(StatusCode::SERVICE_UNAVAILABLE, "hooks.token is not there yet")));
        };
        let policy = self.gateway.access_policy();
        if policy.shared_secret.as_ref().is_some_and(|own| same(own, token.expose_secret())) {
            tracing::error!(
                "hooks.token is the gateway's own secret: no hook is answered before it is another one"
            );
            return Err(Box::new(problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "hooks are not set up safely; see the log",
            )));
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|_, (since, _)| since.elapsed() < WINDOW);
        // Before the token is looked at: else whoever guesses would see which guess is right.
        if let Some((since, _)) = failures.get(&remote).filter(|(_, count)| *count >= FAILURES) {
            let wait = WINDOW.saturating_sub(since.elapsed()).as_secs().max(1);
            let mut response = (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests").into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
            return Err(Box::new(response));
        }
        if presented(headers).is_some_and(|presented| same(&token, presented)) {
            failures.remove(&remote);
            return Ok(());
        }
        if failures.len() >= ADDRESSES {
            failures.clear();
        }
        failures.entry(remote).or_insert((Instant::now(), 0)).1 += 1;
        Err(Box::new((StatusCode::UNAUTHORIZED, "Unauthorized").into_response()))
    }

    async fn act(
        &self,
        path: &str,
        payload: Value,
        headers: &HeaderMap,
        query: &BTreeMap<String, String>,
    ) -> Response {
        let settings = self.gateway.settings.now();
        let mapped = match path {
            "wake" => ask::wake(&settings, payload).map(one),
            "agent" => ask::ask(&settings, payload).map(one),
            _ => {
                let plain: BTreeMap<String, String> = headers
                    .iter()
                    // What proves the caller is nobody's business.
                    .filter(|(name, _)| {
                        !matches!(name.as_str(), "authorization" | "x-openclaw-token" | "cookie")
                    })
                    .filter_map(|(name, value)| {
                        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
                    })
                    .collect();
                let now = clock::rfc3339(clock::now_ms());
                let facts = Facts { payload: &payload, headers: &plain, query, path, now: &now };
                match ask::mapped(&settings, &facts) {
                    Some(mapped) => mapped,
                    None => return (StatusCode::NOT_FOUND, "Not Found").into_response(),
                }
            }
        };
        match mapped {
            Err(problem) => bad(&problem),
            Ok(mapped) => self.dispatch(path, mapped, headers).await,
        }
    }

    /// Does what is to be done, and tells what was taken.
    async fn dispatch(&self, path: &str, mapped: Mapped, headers: &HeaderMap) -> Response {
        if mapped.left_out > 0 {
            tracing::warn!(
                path,
                left_out = mapped.left_out,
                "a hook brought more entries than are taken at once"
            );
        }
        if mapped.actions.is_empty() {
            return StatusCode::NO_CONTENT.into_response();
        }
        let mut told = json!({"ok": true});
        let (mut taken, mut problems, asked) = (Vec::new(), Vec::new(), mapped.actions.len());
        for action in mapped.actions {
            match action {
                Action::Wake { session_key, text, mode } => {
                    let queued = self.gateway.schedule.events.add(&session_key, &text);
                    if mode == WakeMode::Now {
                        self.gateway.schedule.wake(&session_key);
                    }
                    if told["eventOutcome"] != "queued" {
                        told["mode"] = json!(mode);
                        told["eventOutcome"] = if queued { "queued" } else { "coalesced" }.into();
                    }
                }
                Action::Agent(ask) => match self.take(path, *ask, headers) {
                    Ok(one) => taken.push(one),
                    Err(problem) => problems.push(problem),
                },
            }
        }
        if let Some((status, text)) = problems.first() {
            if asked == 1 {
                return problem(*status, text);
            }
            let run_ids: Vec<&str> = taken.iter().map(|(one, _)| one.run_id.as_str()).collect();
            let all = taken.len() + problems.len();
            told["ok"] = false.into();
            told["error"] =
                format!("{} of {all} messages were taken, {} were not", taken.len(), problems.len()).into();
            told["runIds"] = run_ids.into();
            told["errors"] = problems.iter().take(5).map(|(_, text)| text.as_str()).collect();
            return (*status, Json(told)).into_response();
        }
        if taken.len() > 1 {
            told["runIds"] = taken.iter().map(|(one, _)| one.run_id.as_str()).collect();
            told["dispatched"] = taken.len().into();
        }
        if let Some((first, wait)) = taken.into_iter().next() {
            told["runId"] = first.run_id.as_str().into();
            if wait {
                told["completion"] = first.completion().await;
            }
        }
        Json(told).into_response()
    }

    /// Takes a question, unless it was taken before; with it, whether its end is waited for.
    fn take(
        &self,
        path: &str,
        mut ask: Ask,
        headers: &HeaderMap,
    ) -> Result<(Taken, bool), (StatusCode, String)> {
        if let Some(account) = ask.account.as_deref()
            && self.gateway.channels.telegram(account).is_none()
        {
            let text = format!("accountId: found {account:?}, expected an account that runs");
            return Err((StatusCode::BAD_REQUEST, text));
        }
        let header = ["idempotency-key", "x-openclaw-idempotency-key"]
            .into_iter()
            .find_map(|name| headers.get(name)?.to_str().ok());
        let key = header.map(str::to_owned).or(ask.idempotency_key.take());
        ask.idempotency_key =
            key.map(|key| key.trim().to_owned()).filter(|key| (1..=KEY).contains(&key.len()));
        let wait = ask.wait;
        let taken = self.replays.ask(&self.gateway, path, ask);
        taken.map(|taken| (taken, wait)).map_err(|()| {
            (StatusCode::SERVICE_UNAVAILABLE, "too many hooks are open; send it again later".to_owned())
        })
    }
}

/// One thing to do.
fn one(action: Action) -> Mapped {
    Mapped { actions: vec![action], left_out: 0 }
}

/// The token of a request: a Bearer token goes first.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    });
    bearer.or_else(|| {
        headers.get("x-openclaw-token")?.to_str().ok().map(str::trim).filter(|token| !token.is_empty())
    })
}

/// Compared by digest, in a time that tells nothing.
fn same(expected: &SecretString, presented: &str) -> bool {
    let expected = expected.expose_secret();
    !expected.is_empty()
        && bool::from(Sha256::digest(expected.as_bytes()).ct_eq(&Sha256::digest(presented.as_bytes())))
}

fn bad(message: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, message)
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"ok": false, "error": message}))).into_response()
}
