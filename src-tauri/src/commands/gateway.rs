//! The gateway protocol for the page: requests and events go through the Rust client, so no token reaches JavaScript.

use crate::announcements::{Announcement, Announcements};
use crate::cards::ProfileCard;
use crate::failure::{Answer, Failure};
use crate::fleet::Fleet;
use crate::windows;
use bulkhead_protocol::EventFrame;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tauri::ipc::Channel;
use tauri::{Manager, State};
use tokio::sync::broadcast::error::RecvError;

/// What the app tells the window, all over one channel.
#[derive(Debug, Clone, Serialize, specta::Type)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum GatewayNotice {
    /// An event of the protocol.
    Event {
        /// Profile whose gateway sent it.
        profile: String,
        /// The event.
        frame: GatewayEvent,
    },
    /// The connection came up or went down, or events were missed on it.
    Connection {
        /// Profile whose gateway it is.
        profile: String,
        /// How it stands.
        connection: ConnectionReport,
    },
    /// The cards changed.
    Profiles {
        /// All of them.
        profiles: Vec<ProfileCard>,
    },
    /// What the app has to say changed.
    Announcements {
        /// All of it.
        announcements: Vec<Announcement>,
    },
}

/// An event as the page gets it.
#[derive(Debug, Clone, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct GatewayEvent {
    /// Its name.
    pub event: String,
    /// Its payload.
    pub payload: Value,
    /// Its number on the app's connection.
    pub seq: Option<u64>,
}

/// How a connection stands.
#[derive(Debug, Clone, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionReport {
    /// Where it stands.
    pub phase: ConnectionPhase,
    /// Stable code of what went wrong.
    pub code: Option<String>,
    /// The same in words.
    pub message: Option<String>,
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionPhase {
    /// Knocking.
    Connecting,
    /// Requests work.
    Open,
    /// It tries again after a while.
    Waiting,
    /// Trying again won't help.
    Refused,
    /// For good.
    Closed,
}

impl GatewayNotice {
    /// An event of a profile's gateway.
    pub fn event(profile: &str, frame: &EventFrame) -> Self {
        let payload = frame
            .payload
            .as_ref()
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or(Value::Null);
        let frame = GatewayEvent { event: frame.event.clone(), payload, seq: frame.seq };
        Self::Event { profile: profile.to_owned(), frame }
    }
}

/// Largest parameters that a page may send: attachments fit, a runaway page doesn't fill the gateway.
const PARAMS_LIMIT: usize = 24 * 1024 * 1024;

/// One request of the gateway protocol.
#[tauri::command]
#[specta::specta]
pub async fn gateway_request(
    fleet: State<'_, Fleet>,
    profile: String,
    method: String,
    params: Option<Value>,
) -> Answer<Value> {
    let params = params.unwrap_or(Value::Null);
    if params.is_string() || params.to_string().len() > PARAMS_LIMIT {
        return Err(Failure::new("bad-request", "The request is too large.", "Send less at once."));
    }
    fleet.request(&profile, &method, params).await
}

/// How often memory is read while a window is open.
const MEASURE: Duration = Duration::from_secs(5);

/// Sends events, connection changes and cards, until the window is gone or its page was loaded anew.
#[tauri::command]
#[specta::specta]
pub async fn gateway_subscribe(fleet: State<'_, Fleet>, channel: Channel<GatewayNotice>) -> Answer<()> {
    let fleet = fleet.inner().clone();
    let taken_over = fleet.take_stream();
    let mut notices = fleet.notices();
    let mut said = fleet.app().state::<Announcements>().changes();
    said.mark_changed();
    tauri::async_runtime::spawn(async move {
        // Without the cards there is nothing to say: the page asks for them itself and hears why there are none.
        if fleet.known_cards().await.is_ok() && !send_all(&fleet, &channel) {
            return;
        }
        let mut measure = tokio::time::interval(MEASURE);
        measure.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = taken_over.cancelled() => return,
                _ = measure.tick() => {
                    if !windows::is_open(fleet.app()) {
                        return;
                    }
                    fleet.measure();
                }
                changed = said.changed() => {
                    let announcements = said.borrow_and_update().clone();
                    let told = GatewayNotice::Announcements { announcements };
                    if changed.is_err() || channel.send(told).is_err() {
                        return;
                    }
                }
                notice = notices.recv() => match notice {
                    Ok(notice) => if channel.send(notice).is_err() { return },
                    Err(RecvError::Lagged(_)) => if !send_all(&fleet, &channel) { return },
                    Err(RecvError::Closed) => return,
                },
            }
        }
    });
    Ok(())
}

/// How everything stands now. `false` when nobody listens any more.
fn send_all(fleet: &Fleet, channel: &Channel<GatewayNotice>) -> bool {
    std::iter::once(GatewayNotice::Profiles { profiles: fleet.cards() })
        .chain(fleet.connections())
        .all(|notice| channel.send(notice).is_ok())
}
