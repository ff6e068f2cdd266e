//! The paths of the control service. `?profile=NAME` names a browser; without it the default one is meant.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::{HeaderValue, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::access::{self, Denied};
use crate::error::BrowserError;
use crate::seat::BrowserSeat;
use crate::status::PageState;

const BODY: usize = 256 * 1024;
const REQUEST_TIME: Duration = Duration::from_secs(90);

#[derive(Clone)]
struct Desk {
    seat: BrowserSeat,
    port: u16,
}

pub(crate) fn router(seat: BrowserSeat, port: u16) -> Router {
    let desk = Desk { seat, port };
    Router::new()
        .route("/", get(status))
        .route("/profiles", get(profiles))
        .route("/start", post(start))
        .route("/stop", post(stop))
        .route("/tabs", get(tabs))
        .route("/tabs/open", post(open))
        .route("/tabs/focus", post(focus))
        .route("/tabs/{tab}", delete(close))
        .route("/navigate", post(navigate))
        .route("/snapshot", get(snapshot))
        .route("/screenshot", post(screenshot))
        .route("/act", post(act))
        .fallback(async || Failure::new(StatusCode::NOT_FOUND, "not-found", "no such path; expected one of: / /profiles /start /stop /tabs /navigate /snapshot /screenshot /act"))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(desk.clone(), guard))
        .with_state(desk)
}

/// Access, a limit of time, and headers that keep answers out of caches and sniffers.
async fn guard(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let token = &desk.seat.settings().control_token;
    let mut response = match access::check(request.headers(), desk.port, token.expose_secret()) {
        Err(denied) => Failure::from(denied).into_response(),
        Ok(()) => match tokio::time::timeout(REQUEST_TIME, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Failure::new(
                StatusCode::GATEWAY_TIMEOUT,
                "timeout",
                "the browser took longer than 90 s; try again",
            )
            .into_response(),
        },
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// An answer that says what went wrong.
struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::new(denied.status, denied.code, denied.message)
    }
}

impl From<BrowserError> for Failure {
    fn from(error: BrowserError) -> Self {
        let status = match &error {
            BrowserError::UnknownProfile { .. } | BrowserError::NoTab { .. } => StatusCode::NOT_FOUND,
            BrowserError::NotRunning { .. }
            | BrowserError::StaleReference { .. }
            | BrowserError::DataDirInUse { .. } => StatusCode::CONFLICT,
            BrowserError::Refused { .. } => StatusCode::FORBIDDEN,
            BrowserError::Input { .. } | BrowserError::Element { .. } => StatusCode::BAD_REQUEST,
            BrowserError::Page { .. } | BrowserError::Cdp { .. } | BrowserError::Attach { .. } => {
                StatusCode::BAD_GATEWAY
            }
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = json_body(&json!({"error": {"code": self.code, "message": self.message}}));
        *response.status_mut() = self.status;
        response
    }
}

fn json_body(value: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

type Answer = Result<Response, Failure>;

#[allow(clippy::unnecessary_wraps)] // the last word of every handler
fn answer(value: &impl Serialize) -> Answer {
    Ok(json_body(value))
}

/// A JSON body; an empty one is `{}`.
fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Failure> {
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::new(StatusCode::BAD_REQUEST, "invalid-request", format!("body: {error}; expected JSON"))
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Which {
    profile: Option<String>,
    #[serde(alias = "targetId")]
    tab: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    url: String,
    #[serde(alias = "targetId")]
    tab: Option<String>,
    #[serde(rename = "fullPage")]
    whole: bool,
}

async fn status(State(desk): State<Desk>, Query(which): Query<Which>) -> Answer {
    answer(&desk.seat.status(which.profile.as_deref()).await?)
}

async fn profiles(State(desk): State<Desk>) -> Answer {
    answer(&json!({"profiles": desk.seat.statuses().await}))
}

async fn start(State(desk): State<Desk>, Query(which): Query<Which>) -> Answer {
    answer(&desk.seat.start(which.profile.as_deref()).await?)
}

async fn stop(State(desk): State<Desk>, Query(which): Query<Which>) -> Answer {
    answer(&json!({"stopped": desk.seat.stop(which.profile.as_deref()).await?}))
}

async fn tabs(State(desk): State<Desk>, Query(which): Query<Which>) -> Answer {
    answer(&json!({"tabs": desk.seat.tabs(which.profile.as_deref()).await?}))
}

async fn open(State(desk): State<Desk>, Query(which): Query<Which>, bytes: Bytes) -> Answer {
    let page: Page = body(&bytes)?;
    answer(&desk.seat.open(which.profile.as_deref(), &page.url).await?)
}

async fn focus(State(desk): State<Desk>, Query(which): Query<Which>, bytes: Bytes) -> Answer {
    let page: Page = body(&bytes)?;
    desk.seat.focus(which.profile.as_deref(), page.tab.as_deref().unwrap_or_default()).await?;
    answer(&json!({"ok": true}))
}

async fn close(State(desk): State<Desk>, Path(tab): Path<String>, Query(which): Query<Which>) -> Answer {
    desk.seat.close_tab(which.profile.as_deref(), &tab).await?;
    answer(&json!({"ok": true}))
}

async fn navigate(State(desk): State<Desk>, Query(which): Query<Which>, bytes: Bytes) -> Answer {
    let page: Page = body(&bytes)?;
    let tab = page.tab.as_deref().or(which.tab.as_deref());
    answer(&desk.seat.navigate(which.profile.as_deref(), tab, &page.url).await?)
}

async fn snapshot(State(desk): State<Desk>, Query(which): Query<Which>) -> Answer {
    answer(&desk.seat.snapshot(which.profile.as_deref(), which.tab.as_deref(), which.limit).await?)
}

async fn screenshot(State(desk): State<Desk>, Query(which): Query<Which>, bytes: Bytes) -> Answer {
    let page: Page = body(&bytes)?;
    let tab = page.tab.as_deref().or(which.tab.as_deref());
    let picture = desk.seat.screenshot(which.profile.as_deref(), tab, page.whole).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], Body::from(picture.png)).into_response())
}

/// What `/act` does.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Deed {
    Click {
        r#ref: String,
    },
    Type {
        r#ref: String,
        text: String,
        #[serde(default)]
        submit: bool,
    },
    Select {
        r#ref: String,
        value: String,
    },
    Press {
        key: String,
    },
}

async fn act(State(desk): State<Desk>, Query(which): Query<Which>, bytes: Bytes) -> Answer {
    let place: Page = body(&bytes)?;
    let deed: Deed = body(&bytes)?;
    let profile = which.profile.as_deref();
    let tab = place.tab.as_deref().or(which.tab.as_deref());
    let seat = &desk.seat;
    let state: PageState = match deed {
        Deed::Click { r#ref } => seat.click(profile, tab, &r#ref).await?,
        Deed::Type { r#ref, text, submit } => seat.type_text(profile, tab, &r#ref, &text, submit).await?,
        Deed::Select { r#ref, value } => seat.select(profile, tab, &r#ref, &value).await?,
        Deed::Press { key } => seat.press(profile, tab, &key).await?,
    };
    answer(&state)
}
