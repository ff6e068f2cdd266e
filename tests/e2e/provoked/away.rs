//! Every command that needs a gateway, while none runs.

use super::{ROW, Row, provoke};

const FILES: &[(&str, &str)] = &[(
    ".bulkhead/bulkhead.json",
    "{ gateway: { port: {base}, auth: { mode: \"none\" } },
  models: { providers: { mine: { baseUrl: \"{model}\", models: [{ id: \"fake-1\" }] } } } }\n",
)];

const AWAY: Row = Row { trigger: "no gateway runs", files: FILES, ..ROW };

const ROWS: &[Row] = &[
    Row { name: "away-health", run: &["health"], ..AWAY },
    Row { name: "away-health-json", run: &["health", "--json"], ..AWAY },
    Row { name: "away-gateway-health", run: &["gateway", "health"], ..AWAY },
    Row { name: "away-gateway-probe", run: &["gateway", "probe"], ..AWAY },
    Row { name: "away-gateway-call", run: &["gateway", "call", "sessions.list"], ..AWAY },
    Row {
        name: "away-gateway-start",
        trigger: "nobody supervises the gateway",
        run: &["gateway", "start"],
        ..AWAY
    },
    Row {
        name: "away-gateway-restart",
        trigger: "nobody supervises the gateway",
        run: &["gateway", "restart"],
        ..AWAY
    },
    Row { name: "away-agent", run: &["agent", "--message", "hello"], ..AWAY },
    // Tells what is configured, as OpenClaw does, and why there is no more.
    Row { name: "away-channels", run: &["channels", "status"], exit: 0, ..AWAY },
    Row { name: "away-browser-status", run: &["browser", "status"], ..AWAY },
    Row { name: "away-browser-start", run: &["browser", "start"], ..AWAY },
    Row { name: "away-browser-stop", run: &["browser", "stop"], ..AWAY },
    Row { name: "away-dashboard", run: &["dashboard"], ..AWAY },
    Row { name: "away-logs", trigger: "no gateway has ever run", run: &["logs"], ..AWAY },
    Row { name: "away-logs-url", run: &["logs", "--url", "ws://127.0.0.1:{dead}"], ..AWAY },
];

#[tokio::test(flavor = "multi_thread")]
async fn no_gateway_runs() {
    provoke(ROWS).await;
}
