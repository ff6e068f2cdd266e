//! Telling another program something: JSON to a public address. No redirect is followed, and errors name only the host: what
//! stands behind it may be a secret.

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::WebFetch;
use super::guard::{host_of, refusal_in};
use crate::http;

/// Why something was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct PostError {
    /// Where, what and, where there is one, the next step.
    pub problem: String,
    /// It was certainly not taken now, and may be later.
    pub may_pass: bool,
}

impl PostError {
    fn now(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), may_pass: false }
    }
}

impl WebFetch {
    /// Posts JSON once, within the time of the options.
    pub async fn post(
        &self,
        address: &str,
        token: Option<&SecretString>,
        body: &Value,
    ) -> Result<(), PostError> {
        let url = Url::parse(address.trim()).map_err(|error| PostError::now(format!("no URL: {error}")))?;
        let host = host_of(&url);
        match tokio::time::timeout(self.options.timeout, self.post_to(&url, token, body)).await {
            Ok(posted) => posted,
            // It may have been taken all the same.
            Err(_) => Err(PostError::now(format!(
                "{host} did not answer within {} seconds",
                self.options.timeout.as_secs()
            ))),
        }
    }

    async fn post_to(&self, url: &Url, token: Option<&SecretString>, body: &Value) -> Result<(), PostError> {
        let host = host_of(url);
        let client = self.client_for(url).await.map_err(PostError::now)?;
        let mut request = client.post(url.clone()).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token.expose_secret());
        }
        let answer = request.send().await.map_err(|error| match refusal_in(&error) {
            Some(refusal) => PostError::now(refusal.to_string()),
            None => PostError {
                may_pass: error.is_connect(),
                problem: format!("{host} could not be reached: {}", http::describe(error)),
            },
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let later = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let problem = if status.is_redirection() {
            format!(
                "{host} answered {}, and redirects are not followed; give the address itself",
                status.as_u16()
            )
        } else {
            format!("{host} answered {}, expected 200 to 299", status.as_u16())
        };
        Err(PostError { problem, may_pass: later })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::Router;
    use axum::http::HeaderMap;
    use axum::response::Redirect;
    use axum::routing::post;
    use serde_json::json;

    use super::*;
    use crate::tools::WebFetchOptions;

    #[tokio::test]
    async fn json_goes_to_the_address_itself_and_errors_keep_its_path_to_themselves() {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&heard);
        let take = move |headers: HeaderMap, body: String| {
            let token = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
            seen.lock().unwrap().push(format!("{} {body}", token.unwrap_or_default()));
            async { "fine" }
        };
        let app = Router::new()
            .route("/secret/take", post(take))
            .route("/secret/away", post(|| async { Redirect::temporary("http://example.com/") }))
            .route("/secret/busy", post(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .route("/secret/slow", post(std::future::pending::<()>));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let to = |path: &str| format!("http://127.0.0.1:{port}/secret/{path}");
        let options = WebFetchOptions { timeout: Duration::from_millis(300), ..WebFetchOptions::default() };
        let strict = WebFetch::new(options.clone());
        let refused = strict.post(&to("take"), None, &json!({})).await.unwrap_err();
        assert!(refused.problem.contains("this computer itself") && !refused.may_pass, "{refused}");

        let allowed = BTreeSet::from([format!("127.0.0.1:{port}")]);
        let web = WebFetch::new(WebFetchOptions { allowed, ..options });
        let token = SecretString::from("t".to_owned());
        web.post(&to("take"), Some(&token), &json!({"n": 1})).await.unwrap();
        assert_eq!(*heard.lock().unwrap(), [r#"Bearer t {"n":1}"#]);
        for (path, says, may_pass) in [
            ("away", "redirects", false),
            ("busy", "503", true),
            ("slow", "did not answer", false),
            ("none", "404", false),
        ] {
            let error = web.post(&to(path), None, &json!({})).await.unwrap_err();
            assert!(error.problem.contains(says) && error.may_pass == may_pass, "{path}: {error:?}");
            assert!(!error.problem.contains("secret"), "{error}");
        }
        server.abort();
    }
}
