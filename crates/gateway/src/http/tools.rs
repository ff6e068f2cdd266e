//! `POST /tools/invoke`: one tool of an agent, without a model.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use bulkhead_config::HttpTools;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{body, refusal};
use crate::gateway::Gateway;
use crate::runs::{Source, TurnRequest};
use crate::sessions::resolve;

/// The largest request.
const LARGEST: usize = 2 * 1024 * 1024;

/// What is not reached this way unless `gateway.tools.allow` names it: whoever holds the gateway's secret could otherwise run
/// programs and write anywhere in one request, with no model and no approval between.
const KEPT_BACK: &[&str] = &[
    "exec",
    "spawn",
    "shell",
    "fs_write",
    "fs_delete",
    "fs_move",
    "apply_patch",
    "sessions_spawn",
    "sessions_send",
    "cron",
    "gateway",
    "nodes",
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    tool: Option<String>,
    name: Option<String>,
    action: Option<String>,
    #[serde(default)]
    args: Map<String, Value>,
    session_key: Option<String>,
    agent_id: Option<String>,
    idempotency_key: Option<String>,
}

/// Runs one tool, if the policy offers it.
pub(super) async fn invoke(State(gateway): State<Arc<Gateway>>, request: Body) -> Response<Body> {
    let read = match body::read(request, LARGEST).await {
        Ok(bytes) => bytes,
        Err(no) => return refusal(no.status(), "invalid_request", &no.message()),
    };
    let bad = |message: &str| refusal(StatusCode::BAD_REQUEST, "invalid_request", message);
    let invocation: Invocation = match serde_json::from_slice(&read) {
        Ok(invocation) => invocation,
        Err(error) => return bad(&format!("the body cannot be read: {error}")),
    };
    let name = invocation.name.as_deref().or(invocation.tool.as_deref()).map(str::trim).unwrap_or_default();
    if name.is_empty() {
        return bad("tools.invoke requires name");
    }
    let settings = gateway.settings.now();
    let key = invocation.session_key.as_deref().filter(|key| *key != "main");
    let (session_key, agent_id) = match resolve(&settings, key, invocation.agent_id.as_deref()) {
        Ok(found) => found,
        Err(error) => return bad(&error.message),
    };
    let absent = || refusal(StatusCode::NOT_FOUND, "not_found", &format!("Tool not available: {name}"));
    if is_kept_back(name, &settings.config.gateway.tools) {
        return absent();
    }
    if let Err(error) = gateway.may_run() {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &error.message);
    }
    let call_id = invocation.idempotency_key.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let request = TurnRequest::new(format!("http-{call_id}"), session_key, agent_id, "", Source::Http);
    let mut args = invocation.args;
    let merged = invocation.action.filter(|_| !args.contains_key("action"));
    match gateway
        .invoke(&request, name, move |schema| {
            if let Some(action) = merged.filter(|_| schema.pointer("/properties/action").is_some()) {
                args.insert("action".to_owned(), action.into());
            }
            Value::Object(args)
        })
        .await
    {
        Ok(None) => absent(),
        Ok(Some(output)) if output.is_error => refusal(StatusCode::BAD_REQUEST, "tool_error", &output.text),
        Ok(Some(output)) => {
            let content = json!([{"type": "text", "text": output.text}]);
            Json(json!({"ok": true, "result": {"content": content}})).into_response()
        }
        Err(problem) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "tool_error", &problem),
    }
}

fn is_kept_back(name: &str, rules: &HttpTools) -> bool {
    let named = |list: &[String]| list.iter().any(|one| one == name);
    named(&rules.deny) || (KEPT_BACK.contains(&name) && !named(&rules.allow))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_denied_stays_denied() {
        let rules = |allow: &[&str], deny: &[&str]| HttpTools {
            allow: allow.iter().map(ToString::to_string).collect(),
            deny: deny.iter().map(ToString::to_string).collect(),
        };
        assert!(is_kept_back("exec", &rules(&[], &[])));
        assert!(!is_kept_back("exec", &rules(&["exec"], &[])));
        assert!(is_kept_back("exec", &rules(&["exec"], &["exec"])));
        assert!(is_kept_back("ls", &rules(&[], &["ls"])));
        assert!(!is_kept_back("ls", &rules(&[], &[])));
    }
}
