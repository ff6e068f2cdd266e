//! How a gateway says no.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::Scope;
use crate::error_details;
use crate::methods::unserved;

/// `error.code` of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is wrong: shape, parameters, state, or the method is unknown.
    InvalidRequest,
    /// The device has to be approved first.
    NotPaired,
    /// A channel is not linked.
    NotLinked,
    /// The connection lacks a scope.
    Forbidden,
    /// No such approval, or it is over.
    ApprovalNotFound,
    /// An agent took too long.
    AgentTimeout,
    /// Not now; see `retryable`.
    Unavailable,
    /// A code that this version does not know.
    Other(String),
}

impl ErrorCode {
    /// The code as the protocol writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::NotPaired => "NOT_PAIRED",
            Self::NotLinked => "NOT_LINKED",
            Self::Forbidden => "FORBIDDEN",
            Self::ApprovalNotFound => "APPROVAL_NOT_FOUND",
            Self::AgentTimeout => "AGENT_TIMEOUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::Other(code) => code,
        }
    }

    /// Reads a code; unknown ones are kept.
    pub fn parse(text: &str) -> Self {
        [
            Self::InvalidRequest,
            Self::NotPaired,
            Self::NotLinked,
            Self::Forbidden,
            Self::ApprovalNotFound,
            Self::AgentTimeout,
            Self::Unavailable,
        ]
        .into_iter()
        .find(|code| code.as_str() == text)
        .unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&<std::borrow::Cow<'_, str>>::deserialize(deserializer)?))
    }
}

/// `error` of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{code}: {message}")]
pub struct ErrorShape {
    /// What kind of no.
    pub code: ErrorCode,
    /// For people: what, where, found, expected, next step.
    pub message: String,
    /// For programs; `details.code` is stable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// The same request may succeed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// When to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorShape {
    /// An error with a code and a text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.is_empty() {
            code.as_str().clone_into(&mut message);
        }
        Self { code, message, details: None, retryable: None, retry_after_ms: None }
    }

    /// The request is wrong.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    /// The parameters of a method are wrong at `path` (empty: as a whole).
    pub fn invalid_params(method: &str, path: &str, problem: impl fmt::Display) -> Self {
        let place = if path.is_empty() || path == "." { String::new() } else { format!("at {path}: ") };
        Self::invalid_request(format!("invalid {method} params: {place}{problem}"))
            .with_details(json!({ "method": method, "path": if path == "." { "" } else { path } }))
    }

    /// This gateway has no such method. The message is compared whole by clients that try a newer method first; why a
    /// method that `OpenClaw` has is not served stands in `details.reason`.
    pub fn unknown_method(method: &str) -> Self {
        let shown: String = method.chars().take(128).collect();
        let error = Self::invalid_request(format!("unknown method: {shown}"));
        match unserved::reason(method) {
            Some(reason) => error.with_details(json!({ "method": method, "reason": reason })),
            None => error,
        }
    }

    /// Not now, and nothing is known about later.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unavailable, message)
    }

    /// Not now; the same request may succeed after a while.
    pub fn unavailable_retryable(message: impl Into<String>, retry_after_ms: Option<u64>) -> Self {
        Self { retryable: Some(true), retry_after_ms, ..Self::unavailable(message) }
    }

    /// The gateway is still starting.
    pub fn starting() -> Self {
        Self::unavailable_retryable("gateway starting; retry shortly", Some(500))
            .with_details(json!({ "reason": error_details::STARTUP_REASON }))
    }

    /// Not allowed.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Forbidden, message)
    }

    /// The connection lacks a scope.
    pub fn forbidden_missing_scope(missing: Scope) -> Self {
        Self::forbidden(format!("missing scope: {missing}")).with_details(json!({
            "code": error_details::MISSING_SCOPE,
            "missingScope": missing,
            "requiredScopes": [missing],
        }))
    }

    /// The device has to be approved first.
    pub fn not_paired(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotPaired, message)
    }

    /// Adds details for programs.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Adds `details.code`, and keeps details that are there.
    #[must_use]
    pub fn with_detail_code(mut self, code: &str) -> Self {
        match &mut self.details {
            Some(Value::Object(map)) => {
                map.insert("code".to_owned(), code.into());
            }
            details => *details = Some(json!({ "code": code })),
        }
        self
    }

    /// `details.code`, if there is one.
    pub fn detail_code(&self) -> Option<&str> {
        self.details.as_ref()?.get("code")?.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_only_what_is_there() {
        let error = ErrorShape::unknown_method("x.y");
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            json!({ "code": "INVALID_REQUEST", "message": "unknown method: x.y" })
        );
        let error = ErrorShape::unknown_method("talk.speak");
        assert_eq!(error.message, "unknown method: talk.speak");
        assert_eq!(error.details.unwrap()["reason"], "Bulkhead neither speaks nor listens.");
        let error = ErrorShape::forbidden_missing_scope(Scope::OperatorAdmin);
        assert_eq!(error.detail_code(), Some("MISSING_SCOPE"));
        assert_eq!(error.details.unwrap()["requiredScopes"], json!(["operator.admin"]));
    }

    #[test]
    fn keeps_unknown_codes() {
        let error: ErrorShape =
            serde_json::from_value(json!({ "code": "TEAPOT", "message": "short and stout" })).unwrap();
        assert_eq!(error.code, ErrorCode::Other("TEAPOT".into()));
        assert_eq!(serde_json::to_value(&error).unwrap()["code"], "TEAPOT");
    }

    #[test]
    fn a_message_is_never_empty() {
        assert_eq!(ErrorShape::invalid_request("").message, "INVALID_REQUEST");
    }
}
