//! Reading a request's body: bounded in size and time.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use bytes::Bytes;

/// How long a caller may take to send its body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoBody {
    /// It is larger than allowed.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// It did not come in time.
    TooSlow,
}

impl NoBody {
    /// 413 or 408.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// What, and what to do.
    pub(super) fn message(self) -> String {
        match self {
            Self::TooLarge { limit } => {
                format!("the body is larger than {limit} bytes; send less")
            }
            Self::TooSlow => {
                format!("the body did not arrive within {} seconds; send it again", PATIENCE.as_secs())
            }
        }
    }
}

/// All of it.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, NoBody> {
    match tokio::time::timeout(PATIENCE, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(NoBody::TooLarge { limit }),
        Err(_) => Err(NoBody::TooSlow),
    }
}
