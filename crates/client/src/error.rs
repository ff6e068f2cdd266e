//! What can go wrong between a client and a gateway.

use std::time::Duration;

use crate::Fingerprint;

use bulkhead_protocol::{ErrorCode, ErrorShape, close, error_details};

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The close code, if the gateway gave one.
    pub code: Option<u16>,
    /// Its reason, or what happened to the socket.
    pub reason: String,
}

impl Closed {
    fn hint(&self) -> &'static str {
        match self.code {
            Some(close::SERVICE_RESTART) => "the gateway stops or restarts; connect again when it is back",
            Some(close::CREDENTIALS_CHANGED) => {
                "the secret or this device's token was changed or revoked; connect again with the new one"
            }
            Some(close::TRY_AGAIN_LATER) => "the gateway is still starting; connect again in a moment",
            Some(close::TOO_LARGE) => "a message was too large; send less",
            Some(close::POLICY_VIOLATION) => "the gateway ended it; its log says why",
            Some(close::TICK_TIMEOUT) => "the gateway stopped answering; see `bulkhead logs`",
            _ => "see `bulkhead gateway status` and `bulkhead logs`",
        }
    }
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.reason.is_empty()) {
            (Some(code), true) => write!(f, "close code {code}"),
            (Some(code), false) => write!(f, "close code {code}: {}", self.reason),
            (None, true) => f.write_str("no close frame"),
            (None, false) => f.write_str(&self.reason),
        }
    }
}

/// An error of the client. Every text says what, where, what was found and what to do next; none carries a secret.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error("{found:?} is no gateway address ({problem}); expected such as ws://127.0.0.1:18789")]
    BadUrl {
        /// What was given, without secrets.
        found: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nobody listens.
    #[error(
        "no gateway at {url}: found nobody there (connection refused), expected a gateway that listens; start it with `bulkhead gateway run`, or check the port with `bulkhead status`"
    )]
    Refused {
        /// Where.
        url: String,
    },
    /// The way there is broken.
    #[error(
        "{url} cannot be reached: found {problem}, expected a way to that host; check host, port and network"
    )]
    Unreachable {
        /// Where.
        url: String,
        /// What happened.
        problem: String,
    },
    /// The encrypted connection failed.
    #[error(
        "{url}: the encrypted connection failed: found {problem}, expected TLS with a certificate that this system trusts; check the certificate, or use ws:// for a gateway of this machine"
    )]
    Tls {
        /// Where.
        url: String,
        /// What happened.
        problem: String,
    },
    /// Somebody else's certificate, or a new one of the same gateway.
    #[error(
        "{url}: the certificate is not the one that was pinned: found {found}, expected {expected}; if the gateway's certificate was renewed, compare with `bulkhead gateway fingerprint` there and pin the new one (gateway.remote.tlsFingerprint or --tls-fingerprint), else do not connect: somebody may be in between"
    )]
    OtherCertificate {
        /// Where.
        url: String,
        /// The pinned one.
        expected: Fingerprint,
        /// The one that was shown.
        found: Fingerprint,
    },
    /// A certificate is pinned, and the address is not encrypted.
    #[error(
        "{url}: a certificate is pinned, but the address does not ask for TLS; expected wss://; correct the address, or remove the fingerprint"
    )]
    NotEncrypted {
        /// Where.
        url: String,
    },
    /// It took too long to get in.
    #[error("{url}: no answer within {} while {step}; the gateway may be overloaded, or something else listens on that port", seconds(*after))]
    ConnectTimeout {
        /// Where.
        url: String,
        /// What was waited for.
        step: &'static str,
        /// How long.
        after: Duration,
    },
    /// Somebody else listens there.
    #[error(
        "{url} is not a gateway: expected the OpenClaw gateway protocol v4, found {found}; check the port with `bulkhead status`"
    )]
    NotAGateway {
        /// Where.
        url: String,
        /// What was found.
        found: String,
    },
    /// The gateway has too many connections.
    #[error("{url}: the gateway takes no more connections now (HTTP 503); try again in a moment")]
    Busy {
        /// Where.
        url: String,
    },
    /// The secret is wrong or missing.
    #[error(
        "{url}: the gateway refused the credentials ({code}): {message}; expected its own token or password; {next}"
    )]
    Unauthorized {
        /// Where.
        url: String,
        /// `details.code`.
        code: String,
        /// The gateway's words.
        message: String,
        /// What to do.
        next: &'static str,
    },
    /// A person has to approve this device first.
    #[error("{url}: this device waits for approval ({message}{}); approve it with `bulkhead gateway call device.pair.approve` or in the app, then connect again", request(request_id.as_deref()))]
    PairingRequired {
        /// Where.
        url: String,
        /// The gateway's words.
        message: String,
        /// What to approve.
        request_id: Option<String>,
    },
    /// The versions do not meet.
    #[error(
        "{url}: protocol mismatch: this program speaks version {ours}, the gateway expects {theirs}; update the older of the two"
    )]
    ProtocolMismatch {
        /// Where.
        url: String,
        /// Our version.
        ours: u32,
        /// The gateway's.
        theirs: String,
    },
    /// The gateway is not ready yet.
    #[error("{url}: the gateway is still starting; try again in {} ms", retry_after_ms.unwrap_or(500))]
    Starting {
        /// Where.
        url: String,
        /// When to try again.
        retry_after_ms: Option<u64>,
    },
    /// The gateway refused the connection for another reason.
    #[error("{url}: the gateway refused the connection: {error}")]
    Rejected {
        /// Where.
        url: String,
        /// The gateway's words.
        error: Box<ErrorShape>,
    },
    /// The connection is over.
    #[error("{url}: the connection ended ({closed}); {}", closed.hint())]
    Closed {
        /// Where.
        url: String,
        /// How.
        closed: Closed,
    },
    /// There is no connection now.
    #[error("{url}: not connected{}; it is tried again by itself", because(last.as_deref()))]
    NotConnected {
        /// Where.
        url: String,
        /// Why the last attempt failed.
        last: Option<String>,
    },
    /// The gateway said no.
    #[error("{method} failed: {error}{}", hint(error))]
    Request {
        /// What was asked.
        method: String,
        /// The gateway's words.
        error: Box<ErrorShape>,
    },
    /// No answer in time.
    #[error("{method}: no answer from {url} within {}; it may still be at work: see `bulkhead logs`, or allow more with --timeout", seconds(*after))]
    RequestTimeout {
        /// What was asked.
        method: String,
        /// Where.
        url: String,
        /// How long.
        after: Duration,
    },
    /// Too much at once.
    #[error("{method}: {limit} requests wait for {url} already; wait for some answers first")]
    TooManyWaiting {
        /// What was asked.
        method: String,
        /// Where.
        url: String,
        /// The bound.
        limit: usize,
    },
    /// The request is too large or cannot be written.
    #[error("{method}: the parameters cannot be sent: {problem}")]
    Unsendable {
        /// What was asked.
        method: String,
        /// Why not.
        problem: String,
    },
    /// The answer makes no sense.
    #[error(
        "{method}: the answer of {url} could not be read: {problem}; expected the OpenClaw gateway protocol v4"
    )]
    BadAnswer {
        /// What was asked.
        method: String,
        /// Where.
        url: String,
        /// What is wrong.
        problem: String,
    },
}

impl ClientError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadUrl { .. } => "client.bad-url",
            Self::Refused { .. } => "client.refused",
            Self::Unreachable { .. } => "client.unreachable",
            Self::Tls { .. } => "client.tls",
            Self::OtherCertificate { .. } => "client.other-certificate",
            Self::NotEncrypted { .. } => "client.not-encrypted",
            Self::ConnectTimeout { .. } => "client.connect-timeout",
            Self::NotAGateway { .. } => "client.not-a-gateway",
            Self::Busy { .. } => "client.busy",
            Self::Unauthorized { .. } => "client.unauthorized",
            Self::PairingRequired { .. } => "client.pairing-required",
            Self::ProtocolMismatch { .. } => "client.protocol-mismatch",
            Self::Starting { .. } => "client.starting",
            Self::Rejected { .. } => "client.rejected",
            Self::Closed { .. } => "client.closed",
            Self::NotConnected { .. } => "client.not-connected",
            Self::Request { .. } => "client.request-failed",
            Self::RequestTimeout { .. } => "client.request-timeout",
            Self::TooManyWaiting { .. } => "client.too-many-waiting",
            Self::Unsendable { .. } => "client.unsendable",
            Self::BadAnswer { .. } => "client.bad-answer",
        }
    }

    /// Trying again without changing anything cannot help.
    pub fn is_permanent(&self) -> bool {
        match self {
            // A gateway without a secret of its own waits for it: its keychain may be opened any moment.
            Self::Unauthorized { code, .. } => !matches!(
                code.as_str(),
                error_details::AUTH_TOKEN_NOT_CONFIGURED | error_details::AUTH_PASSWORD_NOT_CONFIGURED
            ),
            Self::BadUrl { .. }
            | Self::ProtocolMismatch { .. }
            | Self::Rejected { .. }
            | Self::OtherCertificate { .. }
            | Self::NotEncrypted { .. } => true,
            _ => false,
        }
    }

    /// Turns the refusal of `connect` into what it means.
    pub(crate) fn from_refusal(url: &str, error: ErrorShape) -> Self {
        let url = url.to_owned();
        let detail = error.detail_code().unwrap_or_default().to_owned();
        let text = |name: &str| error.details.as_ref().and_then(|details| details.get(name)).cloned();
        match detail.as_str() {
            error_details::PROTOCOL_MISMATCH => Self::ProtocolMismatch {
                url,
                ours: bulkhead_protocol::PROTOCOL_VERSION,
                theirs: text("expectedProtocol")
                    .map_or_else(|| "another".to_owned(), |value| value.to_string()),
            },
            error_details::PAIRING_REQUIRED => Self::PairingRequired {
                url,
                request_id: text("requestId").and_then(|value| value.as_str().map(ToOwned::to_owned)),
                message: error.message,
            },
            code if code.starts_with("AUTH_")
                || code == error_details::DEVICE_IDENTITY_REQUIRED
                || code == error_details::CONTROL_UI_DEVICE_IDENTITY_REQUIRED =>
            {
                Self::Unauthorized { url, next: advice(code), code: detail, message: error.message }
            }
            _ if error.code == ErrorCode::Unavailable && error.retryable == Some(true) => {
                Self::Starting { url, retry_after_ms: error.retry_after_ms }
            }
            _ => Self::Rejected { url, error: Box::new(error) },
        }
    }
}

fn advice(code: &str) -> &'static str {
    match code {
        error_details::AUTH_RATE_LIMITED => "wait a few minutes after too many failed attempts",
        error_details::AUTH_PASSWORD_MISMATCH | error_details::AUTH_PASSWORD_MISSING => {
            "give the gateway's password with --password"
        }
        error_details::AUTH_DEVICE_TOKEN_MISMATCH => {
            "connect once with the gateway's token to get a new device token"
        }
        error_details::AUTH_SCOPE_MISMATCH => "connect once with the gateway's token to get wider rights",
        _ => "give the token of this profile's gateway with --token, or check --profile",
    }
}

fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}

fn request(id: Option<&str>) -> String {
    id.map(|id| format!(", request {id}")).unwrap_or_default()
}

fn because(last: Option<&str>) -> String {
    last.map(|last| format!(" (last attempt: {last})")).unwrap_or_default()
}

fn hint(error: &ErrorShape) -> String {
    if error.detail_code() == Some(error_details::MISSING_SCOPE) {
        return "; connect with the gateway's token or a device that holds this scope".to_owned();
    }
    if let Some(reason) = error.details.as_ref().and_then(|details| details.get("reason")?.as_str())
        && error.message.starts_with("unknown method: ")
    {
        return format!(" ({})", reason.trim_end_matches('.'));
    }
    match error.retry_after_ms {
        Some(ms) => format!("; try again in {ms} ms"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_waits_for_its_secret_is_asked_again() {
        let refused = |code: &str| ClientError::Unauthorized {
            url: String::new(),
            code: code.to_owned(),
            message: String::new(),
            next: "",
        };
        assert!(!refused("AUTH_TOKEN_NOT_CONFIGURED").is_permanent());
        assert!(!refused("AUTH_PASSWORD_NOT_CONFIGURED").is_permanent());
        assert!(refused("AUTH_TOKEN_MISMATCH").is_permanent());
    }
}
