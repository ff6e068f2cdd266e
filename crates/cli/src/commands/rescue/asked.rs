//! Through the running gateway that watches: the same remedies as its buttons, with the same audit.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_client::{Client, ClientError};
use bulkhead_protocol::EventFrame;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::Watch;
use crate::asking;
use crate::commands::DONE;
use crate::error::{FAILED, Failure};
use crate::grammar::gateway::Target;
use crate::output::paint;

/// How long a repair may take until its verdict.
const VERDICT: Duration = Duration::from_mins(2);
/// How long looking at everything may take.
const ANSWER: Duration = Duration::from_mins(1);

/// What to say at the door: a look may take longer than a question usually does.
fn target() -> Target {
    Target { timeout: Some(ANSWER), ..Target::default() }
}

pub fn remedy(watch: &Watch, remedy: &str, version: Option<&str>, yes: bool) -> Result<u8, Failure> {
    let context = &watch.context;
    let (reply, outcome) = context.block_on(async {
        let (client, mut events) = connect(watch).await?;
        let ask = |confirmed: bool| {
            json!({"remedy": remedy, "confirmed": confirmed, "version": version, "idempotencyKey": Uuid::new_v4().to_string()})
        };
        let mut reply = client.request("rescue.remedy", ask(yes)).await.map_err(refused)?;
        if reply["reply"] == "confirm" {
            watch.confirm(reply["text"].as_str().unwrap_or_default(), false)?;
            reply = client.request("rescue.remedy", ask(true)).await.map_err(refused)?;
        }
        let mut outcome = None;
        if reply["reply"] == "accepted" {
            let request = reply["request"].clone();
            context.out.note(reply["text"].as_str().unwrap_or_default());
            outcome = wait(&mut events, |event| {
                let found = event["event"] == "remedy" && event["outcome"]["request"] == request;
                (found && event["outcome"]["verdict"]["verdict"] != "running").then(|| event["outcome"].clone())
            })
            .await;
        }
        client.close().await;
        Ok((reply, outcome))
    })?;
    let verdict = outcome.as_ref().map(|outcome| outcome["verdict"].clone());
    let ok = match verdict.as_ref().and_then(|verdict| verdict["verdict"].as_str()) {
        Some("repaired" | "done") => true,
        Some(_) => false,
        // What only looks has no verdict; a repair without one is still under way.
        None => reply["reply"] != "accepted",
    };
    let result = json!({
        "ok": ok, "via": "rescue", "profile": watch.place.name(), "remedy": remedy,
        "text": reply["text"], "verdict": verdict,
    });
    context.out.result(&result, || in_words(remedy, &reply, verdict.as_ref()));
    Ok(if ok { DONE } else { FAILED })
}

fn in_words(remedy: &str, reply: &Value, verdict: Option<&Value>) -> String {
    let text = reply["text"].as_str().unwrap_or_default();
    let Some(verdict) = verdict else {
        return if reply["reply"] == "accepted" {
            format!(
                "{} {remedy}: not over after {} s; see `bulkhead rescue status`",
                paint::warn("still under way"),
                VERDICT.as_secs()
            )
        } else {
            text.to_owned()
        };
    };
    match verdict["verdict"].as_str().unwrap_or_default() {
        "repaired" => format!("{} {remedy}: it is seen healthy again", paint::good("repaired")),
        "done" => format!("{} {remedy}", paint::good("done")),
        "no-effect" => {
            let seen = verdict["seen"].as_str().unwrap_or("it is still not well");
            format!("{} {remedy}: {seen}", paint::bad("no effect"))
        }
        _ => {
            let why = verdict["refusal"]["message"].as_str().unwrap_or("it could not be done");
            format!("{} {remedy}: {why}", paint::bad("failed"))
        }
    }
}

/// Connects, and hears everything from then on.
pub async fn connect(watch: &Watch) -> Result<(Client, Receiver<Arc<EventFrame>>), Failure> {
    let door = asking::door(&watch.context, &target()).await?;
    let connected = Client::connect_with_events(door.cli()).await;
    let (client, _, events) = connected.map_err(|error| door.explain(error))?;
    Ok((client, events))
}

/// Waits for an event of the watch.
pub async fn wait<T>(
    events: &mut Receiver<Arc<EventFrame>>,
    wanted: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    let waiting = async {
        loop {
            let frame = match events.recv().await {
                Ok(frame) => frame,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return None,
            };
            if frame.event != "rescue.incident" {
                continue;
            }
            let payload = frame.payload.as_ref().and_then(|raw| serde_json::from_str(raw.get()).ok());
            if let Some(found) = payload.as_ref().and_then(&wanted) {
                return Some(found);
            }
        }
    };
    tokio::time::timeout(VERDICT, waiting).await.ok().flatten()
}

/// A refusal keeps its own code and says what can be done instead.
pub fn refused(error: ClientError) -> Failure {
    if let ClientError::Request { error: shape, .. } = &error
        && let Some(details) = &shape.details
        && let Some(code) = details["code"].as_str()
    {
        let mut failure = Failure::failed(format!("rescue.{code}"), shape.message.clone());
        failure.details = Some(details.clone());
        return failure;
    }
    error.into()
}
