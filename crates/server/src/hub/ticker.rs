//! The one clock of the transport: `tick` events and WebSocket pings for all connections.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{Audience, EventHub};
use crate::limits::Limits;

#[derive(Serialize)]
struct Tick {
    ts: u64,
}

/// Runs until it is dropped.
pub(crate) async fn run(hub: EventHub, limits: Limits) {
    let now = Instant::now();
    let mut ticks = interval_at(now + limits.tick_interval, limits.tick_interval);
    let mut pings = interval_at(now + limits.ping_interval, limits.ping_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // A burst of late rounds would take everybody for silent.
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let everybody = Audience::everybody().droppable();
    loop {
        tokio::select! {
            _ = ticks.tick() => hub.broadcast("tick", &Tick { ts: now_ms() }, &everybody, None),
            _ = pings.tick() => hub.ping_round(),
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
