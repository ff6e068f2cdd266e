//! The outcome of a job, posted to another program.

use std::collections::BTreeSet;
use std::time::Duration;

use bulkhead_agent::tools::{WebFetch, WebFetchOptions};
use bulkhead_config::WebhookPolicy;
use bulkhead_protocol::methods::cron::{
    CronDelivery, CronJob, DeliveryMode, DeliveryRoute, DeliveryStatus, DeliveryTrace, ResolvedRoute,
    RunStatusWord,
};
use bulkhead_schedule::heartbeat::{Answer, answer};
use bulkhead_schedule::{Outcome, Run};
use serde_json::{Value, json};
use url::Url;

use crate::gateway::Gateway;

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pauses before further tries, when it was certainly not taken.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

impl Gateway {
    /// Posts the outcome of a run, if the job wants it. A run that the end of the gateway cut off has none.
    pub(super) async fn post_outcome(&self, job: &CronJob, run: &Run, outcome: &mut Outcome) {
        let Some(delivery) = job.delivery.as_ref().filter(|one| one.mode == DeliveryMode::Webhook) else {
            return;
        };
        let Some(status) = outcome.status else { return };
        outcome.best_effort = delivery.best_effort == Some(true);
        let said = answer(outcome.summary.as_deref().unwrap_or_default());
        let quiet = match said {
            Answer::Alert(_) => None,
            Answer::Silent => Some("silent"),
            Answer::Empty => Some("empty"),
        };
        // That something went wrong is told all the same.
        if let Some(quiet) = quiet.filter(|_| status == RunStatusWord::Ok) {
            outcome.delivery = Some(DeliveryStatus::NotDelivered);
            outcome.suppressed = Some(quiet);
            return;
        }
        let sent = self.post_to(delivery, &payload(job, run, outcome)).await;
        outcome.trace = Some(trace(delivery, &sent));
        match sent {
            Ok(()) => outcome.delivery = Some(DeliveryStatus::Delivered),
            Err(problem) => {
                tracing::warn!(job = %job.id, "the outcome of a job could not be posted: {problem}");
                outcome.delivery = Some(DeliveryStatus::NotDelivered);
                outcome.delivery_error = Some(problem);
            }
        }
    }

    async fn post_to(&self, delivery: &CronDelivery, body: &Value) -> Result<(), String> {
        let settings = self.settings.now();
        let cron = &settings.config.cron;
        let address = delivery.to.as_deref().unwrap_or_default().trim();
        let url = Url::parse(address).map_err(|error| format!("delivery.to is no URL: {error}"))?;
        let allowed = allowed(&cron.webhook_ssrf_policy, &url);
        // The token belongs to receivers that the owner named on this machine, not to whatever a job names.
        let known = names(&cron.webhook_ssrf_policy, &url);
        let token = cron.webhook_token.as_ref().filter(|_| known);
        let token = token.and_then(|input| self.credentials.resolve(input));
        let web = WebFetch::new(WebFetchOptions { timeout: PATIENCE, allowed, ..WebFetchOptions::default() });
        let mut pauses = PAUSES.iter();
        loop {
            let Err(error) = web.post(address, token.as_ref(), body).await else { return Ok(()) };
            let Some(pause) = pauses.next().filter(|_| error.may_pass && !self.stop.is_cancelled()) else {
                return Err(error.problem);
            };
            tokio::select! {
                () = tokio::time::sleep(*pause) => {}
                () = self.stop.cancelled() => return Err(error.problem),
            }
        }
    }
}

/// Whether the configuration names a receiver's host.
fn names(policy: &WebhookPolicy, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    policy
        .allowed_hostnames
        .iter()
        .any(|name| name.trim().trim_matches(['[', ']']).eq_ignore_ascii_case(host))
}

/// The receiver, if it may be reached although it is not public.
fn allowed(policy: &WebhookPolicy, url: &Url) -> BTreeSet<String> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let may = policy.dangerously_allow_private_network || names(policy, url);
    may.then(|| format!("{host}:{port}")).into_iter().collect()
}

/// What is posted.
fn payload(job: &CronJob, run: &Run, outcome: &Outcome) -> Value {
    let mut told = json!({
        "action": "finished",
        "jobId": job.id,
        "jobName": job.name,
        "runId": run.id,
        "runAtMs": run.at,
        "status": outcome.status,
    });
    let failed = outcome.status == Some(RunStatusWord::Error);
    for (name, value) in [
        ("summary", outcome.summary.as_ref().filter(|_| !failed)),
        ("error", outcome.error.as_ref()),
        ("sessionKey", outcome.session_key.as_ref()),
        ("sessionId", outcome.session_id.as_ref()),
        ("provider", outcome.model.as_ref().map(|(provider, _)| provider)),
        ("model", outcome.model.as_ref().map(|(_, model)| model)),
    ] {
        if let Some(value) = value {
            told[name] = value.as_str().into();
        }
    }
    if let Some(usage) = &outcome.usage {
        told["usage"] = usage.clone();
    }
    told
}

/// The way that it took, without what stands behind the host.
fn trace(delivery: &CronDelivery, sent: &Result<(), String>) -> DeliveryTrace {
    let url = delivery.to.as_deref().and_then(|to| Url::parse(to.trim()).ok());
    let route = DeliveryRoute {
        channel: Some("webhook".to_owned()),
        to: url.map(|url| url.origin().ascii_serialization()),
        account_id: None,
        source: Some("explicit".to_owned()),
    };
    DeliveryTrace {
        intended: Some(route.clone()),
        resolved: Some(ResolvedRoute { route, ok: true, error: sent.clone().err() }),
        fallback_used: false,
        delivered: Some(sent.is_ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_receivers_of_this_network_are_reached() {
        let url = |text: &str| Url::parse(text).unwrap();
        let strict = WebhookPolicy::default();
        assert!(allowed(&strict, &url("http://127.0.0.1:9/x")).is_empty());
        let named = WebhookPolicy { allowed_hostnames: vec!["Receiver.lan".into(), "::1".into()], ..strict };
        assert_eq!(allowed(&named, &url("http://receiver.lan/x")).len(), 1);
        assert_eq!(allowed(&named, &url("http://[::1]:8/x")).into_iter().collect::<Vec<_>>(), ["[::1]:8"]);
        assert!(allowed(&named, &url("http://other.lan/x")).is_empty());
        let all = WebhookPolicy { dangerously_allow_private_network: true, ..WebhookPolicy::default() };
        assert_eq!(allowed(&all, &url("http://other.lan/x")).len(), 1);
        assert!(!names(&all, &url("http://other.lan/x")), "the token stays here");
    }
}
