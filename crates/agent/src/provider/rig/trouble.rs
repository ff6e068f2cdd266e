//! rig's errors in our words.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use rig_core::ProviderResponseError;
use rig_core::error::ProviderError as RigError;
use rig_core::http_client::Error as RigHttpError;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::settings::place;
use crate::error::{ProviderError, ProviderErrorKind};
use crate::provider::ProviderSettings;
use crate::provider::transport::Trouble;

/// How much of a provider's own words goes into an error.
const LONGEST_EXPLANATION: usize = 400;

/// What errors need to know, and must not say.
#[derive(Clone)]
pub(super) struct About {
    pub(super) id: Arc<str>,
    pub(super) place: Arc<str>,
    secrets: Arc<[SecretString]>,
}

impl About {
    pub(super) fn new(settings: &ProviderSettings) -> Self {
        let secrets =
            settings.api_key.iter().cloned().chain(settings.headers.values().cloned().map(Into::into));
        Self { id: settings.id.as_str().into(), place: "?".into(), secrets: secrets.collect() }
    }

    pub(super) fn failure(
        &self,
        kind: ProviderErrorKind,
        status: Option<u16>,
        found: String,
    ) -> ProviderError {
        ProviderError {
            kind,
            provider: Arc::clone(&self.id),
            place: Arc::clone(&self.place),
            status,
            found: self.redacted(found),
            retry_after: None,
        }
    }

    pub(super) fn settings(&self, found: String) -> ProviderError {
        self.failure(ProviderErrorKind::Settings, None, found)
    }

    /// Providers like to repeat the key when they refuse it.
    fn redacted(&self, mut text: String) -> String {
        for secret in self.secrets.iter() {
            let secret = secret.expose_secret().trim();
            if secret.len() >= 4 {
                text = text.replace(secret, "[redacted]");
            }
        }
        text
    }

    pub(super) fn error(&self, error: &RigError) -> ProviderError {
        use ProviderErrorKind as Kind;
        match error {
            RigError::ProviderResponse(reply) | RigError::InvalidAuthentication(reply) => {
                self.answered(reply)
            }
            RigError::Http(error) => match error.as_ref() {
                RigHttpError::Instance(inner) => match inner.downcast_ref::<Trouble>() {
                    Some(Trouble::Client(found)) => self.settings(found.clone()),
                    Some(Trouble::Connect(found)) => {
                        self.failure(Kind::Unreachable, None, format!("no connection ({found})"))
                    }
                    Some(Trouble::Broken(found)) => {
                        self.failure(Kind::Unreachable, None, format!("the connection broke ({found})"))
                    }
                    Some(Trouble::Cut(found)) => {
                        self.failure(Kind::StreamCut, None, format!("the answer was cut off ({found})"))
                    }
                    Some(Trouble::TooLarge) => {
                        self.failure(Kind::TooLarge, None, "an answer of more than 32 MiB".to_owned())
                    }
                    None => self.failure(Kind::Unreachable, None, "the connection failed".to_owned()),
                },
                RigHttpError::InvalidContentType(kind) => {
                    let kind = kind.to_str().unwrap_or("?").to_owned();
                    self.failure(Kind::Unreadable, Some(200), format!("an answer of type {kind:?}"))
                }
                other => self.failure(Kind::Unreadable, None, shorten(&other.to_string())),
            },
            RigError::Truncated => self.failure(
                Kind::StreamCut,
                None,
                "the answer ended before the provider ended it".to_owned(),
            ),
            RigError::Json(error) => {
                self.failure(Kind::Unreadable, None, format!("an answer that is not as agreed ({error})"))
            }
            RigError::Response(text) => self.failure(Kind::Unreadable, None, shorten(text)),
            RigError::Provider(text) => self.failure(Kind::Unavailable, None, shorten(text)),
            RigError::Request(error) => self.failure(Kind::Refused, None, shorten(&error.to_string())),
            other => self.failure(Kind::Refused, None, shorten(&other.to_string())),
        }
    }

    fn answered(&self, reply: &ProviderResponseError) -> ProviderError {
        use ProviderErrorKind as Kind;
        let status = reply.status.map(|status| status.as_u16());
        let code = reply.machine_code().unwrap_or_default();
        // Before it is shortened: half a key is a secret too.
        let explained = explanation(&self.redacted(reply.body.clone()));
        let too_long = code.contains("context_length")
            || explained.contains("context length")
            || explained.contains("prompt is too long");
        let kind = match status {
            Some(401 | 403) => Kind::KeyRejected,
            Some(404) => Kind::NotFound,
            Some(429) => Kind::RateLimited,
            Some(300..=399) => Kind::Redirected,
            Some(408 | 425 | 500..=599) => Kind::Unavailable,
            Some(413) => Kind::ContextExceeded,
            Some(400..=499) if too_long => Kind::ContextExceeded,
            Some(400..=499) => Kind::Refused,
            // An error inside of a 200: overload and server faults, said in the stream.
            _ if code.contains("rate_limit") => Kind::RateLimited,
            _ if code.contains("authentication") => Kind::KeyRejected,
            _ => Kind::Unavailable,
        };
        let headers = reply.headers.as_ref();
        let mut found = match reply.status {
            Some(status) if !status.is_success() => format!("status {status}"),
            _ => "an error within the answer".to_owned(),
        };
        if kind == Kind::Redirected
            && let Some(host) = headers.and_then(redirected_to)
        {
            found = format!("{found}, a redirect to {host}");
        } else if !explained.is_empty() {
            found = format!("{found} ({explained})");
        }
        let mut failure = self.failure(kind, status, found);
        failure.retry_after = headers.and_then(retry_after);
        failure
    }
}

/// Only the host: a path or query may hold anything.
fn redirected_to(headers: &HeaderMap) -> Option<String> {
    let url = Url::parse(headers.get(http::header::LOCATION)?.to_str().ok()?).ok()?;
    Some(place(&url))
}

/// `Retry-After` in seconds or as a date, or the millisecond form some providers use.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number("retry-after"));
    if let Some(seconds) = seconds {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let date = httpdate::parse_http_date(text("retry-after")?).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// The human part of an error body.
fn explanation(body: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let message = parsed.as_ref().and_then(|value| {
        ["/error/message", "/message", "/error", "/detail"]
            .iter()
            .find_map(|path| value.pointer(path)?.as_str())
    });
    let trimmed = body.trim_start();
    match message {
        Some(message) => shorten(message),
        None if trimmed.starts_with('<') => "an HTML page".to_owned(),
        None => shorten(trimmed),
    }
}

fn shorten(text: &str) -> String {
    let text = text.trim().replace(['\n', '\r'], " ");
    match text.char_indices().nth(LONGEST_EXPLANATION) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn waiting_times_are_read() {
        let headers = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
        };
        assert_eq!(retry_after(&headers("retry-after", "2")), Some(Duration::from_secs(2)));
        assert_eq!(retry_after(&headers("retry-after-ms", "250")), Some(Duration::from_millis(250)));
        assert_eq!(retry_after(&headers("retry-after", "-1")), Some(Duration::ZERO));
        assert_eq!(
            retry_after(&headers("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after(&headers("retry-after", "soon")), None);
    }
}
