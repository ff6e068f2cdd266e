//! `gateway.restart.*`: what a restart would interrupt, and asking for one.
//!
//! A gateway never restarts itself: whoever supervises it (the app, a service, `gateway supervise`) does. One that
//! nobody supervises says so.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::system::{
    RestartBlocker, RestartCounts, RestartPreflight, RestartRequestParams,
};
use bulkhead_server::Reply;
use bulkhead_supervisor::{ControlClient, ControlRequest};
use serde_json::json;

use super::Call;
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "gateway.restart.preflight" => preflight,
    "gateway.restart.request" => request,
};

/// The longest that a restart waits for answers that are being written.
const PATIENCE: Duration = Duration::from_mins(5);
/// So that the asker hears the answer before the gateway goes down.
const LAST_WORD: Duration = Duration::from_millis(100);
/// How long a restart takes, generously: clients wait that long before they call it an outage.
const EXPECTED_MS: u64 = 3000;
/// Longest reason, in characters.
const REASON: usize = 200;

/// Counts; changes nothing.
pub(super) async fn preflight(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&look(gateway))
}

fn look(gateway: &Gateway) -> RestartPreflight {
    weigh(gateway.lanes.busy(), gateway.lanes.waiting())
}

/// What goes on, in numbers and in words.
fn weigh(writing: usize, waiting: usize) -> RestartPreflight {
    let counts = RestartCounts {
        queue_size: waiting,
        embedded_runs: writing,
        total_active: writing + waiting,
        ..RestartCounts::default()
    };
    let blockers: Vec<RestartBlocker> = [
        ("embeddedRuns", writing, "answers are being written"),
        ("queueSize", waiting, "messages wait for their turn"),
    ]
    .into_iter()
    .filter(|(_, count, _)| *count > 0)
    .map(|(kind, count, what)| RestartBlocker {
        kind: kind.to_owned(),
        count,
        message: format!("{count} {what}"),
    })
    .collect();
    let summary = if blockers.is_empty() {
        "safe to restart now".to_owned()
    } else {
        let words: Vec<&str> = blockers.iter().map(|one| one.message.as_str()).collect();
        format!("restart deferred: {}", words.join("; "))
    };
    RestartPreflight { safe: blockers.is_empty(), counts, blockers, summary }
}

/// Asks the supervisor, at once or when the present answers are written.
pub(super) async fn request(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: RestartRequestParams = call.params()?;
    let control = ControlClient::new(&gateway.place);
    let supervised = control
        .status()
        .await
        .map_err(|error| ErrorShape::unavailable(format!("the supervisor cannot be asked: {error}")))?;
    if supervised.and_then(|status| status.pid) != Some(std::process::id()) {
        return Err(ErrorShape::unavailable(format!(
            "this gateway cannot restart itself: it runs in the foreground (pid {}) and no supervisor looks after it. End it \
             and start it again there, or let a service run it: `bulkhead --profile {} gateway install`",
            std::process::id(),
            gateway.place.name()
        )));
    }
    let before = look(gateway);
    let at_once = params.skip_deferral == Some(true) || before.safe;
    let reason: String = params.reason.unwrap_or_default().trim().chars().take(REASON).collect();
    let first = gateway.restarting.swap(true, std::sync::atomic::Ordering::AcqRel);
    let status = match (first, at_once) {
        (true, _) => "coalesced",
        (false, true) => "scheduled",
        (false, false) => "deferred",
    };
    tracing::info!(reason, status, "a restart was asked for");
    if !first {
        let gateway = Arc::clone(gateway);
        tokio::spawn(async move { gateway.restart(control, at_once).await });
    }
    Reply::json(&json!({
        "ok": true,
        "status": status,
        "preflight": before,
        "restart": {
            "ok": true, "coalesced": first, "pid": std::process::id(), "restartExpectedMs": EXPECTED_MS,
        },
    }))
}

impl Gateway {
    /// Waits for what is being written, then asks the supervisor.
    async fn restart(self: Arc<Self>, control: ControlClient, at_once: bool) {
        let quiet = async {
            loop {
                let ended = self.run_ended.notified();
                tokio::pin!(ended);
                // From here on no end is missed.
                ended.as_mut().enable();
                if look(&self).safe {
                    return;
                }
                ended.await;
            }
        };
        if !at_once && tokio::time::timeout(PATIENCE, quiet).await.is_err() {
            tracing::warn!("the restart waited long enough; what is still being written is interrupted");
        }
        tokio::time::sleep(LAST_WORD).await;
        self.lifecycle.set_farewell("gateway restarting", Some(EXPECTED_MS));
        if let Err(error) = control.ask(&ControlRequest::Restart).await {
            tracing::error!(%error, "the supervisor did not restart this gateway");
            self.restarting.store(false, std::sync::atomic::Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_counted_and_told() {
        let idle = weigh(0, 0);
        assert!(idle.safe && idle.blockers.is_empty());
        assert_eq!(idle.summary, "safe to restart now");
        let busy = weigh(2, 1);
        assert!(!busy.safe);
        assert_eq!(busy.counts.total_active, 3);
        assert_eq!(
            busy.summary,
            "restart deferred: 2 answers are being written; 1 messages wait for their turn"
        );
    }
}
