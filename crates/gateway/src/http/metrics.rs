//! `/metrics`: counters as Prometheus reads them.
//!
//! The text is written here: it is a dozen lines of a format that has not changed in years. The names are an interface; they
//! are listed in the README.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, StatusCode, header};

use super::refusal;
use crate::gateway::{Gateway, VERSION};

/// The text format's media type.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All of them.
pub(super) async fn text(State(gateway): State<Arc<Gateway>>) -> Response<Body> {
    if !gateway.settings.now().config.gateway.metrics.enabled {
        return refusal(
            StatusCode::NOT_FOUND,
            "not_found",
            "metrics are off; turn them on with `bulkhead config set gateway.metrics.enabled true`",
        );
    }
    let mut response = Response::new(Body::from(page(&gateway)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORMAT));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn page(gateway: &Gateway) -> String {
    let mut page = Page::default();
    let lifecycle = &gateway.lifecycle;
    let failing = lifecycle.failing();
    page.gauge("bulkhead_build_info", "Version of the program.", &[("version", VERSION)], 1);
    page.gauge("bulkhead_uptime_seconds", "Time since the start.", &[], lifecycle.uptime_ms() / 1000);
    page.gauge("bulkhead_ready", "Whether /readyz names nothing.", &[], u64::from(failing.is_empty()));
    page.begin("bulkhead_failing", "gauge", "What /readyz names.");
    for what in &failing {
        page.sample("bulkhead_failing", &[("what", what)], 1);
    }
    page.gauge(
        "bulkhead_runs_active",
        "Answers that are being written or wait.",
        &[],
        count(gateway.runs.count()),
    );
    let traffic = &gateway.traffic;
    page.begin("bulkhead_http_responses_total", "counter", "HTTP answers by class of their status.");
    for (class, answers) in (1..=5).zip(traffic.answers()) {
        page.sample("bulkhead_http_responses_total", &[("class", &format!("{class}xx"))], answers);
    }
    page.counter(
        "bulkhead_connections_total",
        "WebSocket connections that were admitted.",
        traffic.sockets(),
    );
    page.gauge("bulkhead_connections", "WebSocket connections that are open.", &[], traffic.open());
    let (calls, failed) = traffic.calls();
    page.counter("bulkhead_requests_total", "Requests of the protocol that were answered.", calls);
    page.counter("bulkhead_request_errors_total", "Those that were answered with an error.", failed);
    page.counter("bulkhead_auth_failures_total", "Failed attempts to prove oneself.", traffic.refusals());
    page.text
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{name}{labels} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: u64) {
        self.begin(name, "gauge", help);
        self.sample(name, labels, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.begin(name, "counter", help);
        self.sample(name, &[], value);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_written_as_prometheus_reads_them() {
        let mut page = Page::default();
        page.gauge("a", "An a.", &[("b", "c\"d")], 1);
        page.counter("e_total", "Es.", 2);
        assert_eq!(
            page.text,
            "# HELP a An a.\n# TYPE a gauge\na{b=\"c\\\"d\"} 1\n# HELP e_total Es.\n# TYPE e_total counter\ne_total 2\n"
        );
    }
}
