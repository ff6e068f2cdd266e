//! An answer that also goes to a chat. It is recorded in the same transaction as the end of its run, under the run's id: so
//! it goes out once, whoever asks again and whatever happens in between.

mod recipient;

use std::time::Duration;

use bulkhead_channels::Delivered;
use bulkhead_protocol::methods::agent::DeliveryReport;
use bulkhead_schedule::heartbeat::{Answer, answer};
use bulkhead_store::OutgoingOnce;

use crate::gateway::Gateway;
use crate::schedule::Route;

pub(crate) use recipient::{ChannelName, Named, NoChat, TELEGRAM, chat_of, read_channel};

/// How long whoever asked waits until the answer is out.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is told of an answer that waits in the outbox.
pub(crate) const QUEUED: &str = "outbound_delivery_queued";

impl Gateway {
    /// What goes into the outbox for this answer. `None`: it says nothing to a person, or its account does not run.
    pub(crate) fn outgoing(&self, run_id: &str, route: &Route, text: &str) -> Option<OutgoingOnce> {
        let Answer::Alert(said) = answer(text) else { return None };
        let Some(account) = self.channels.telegram(&route.account) else {
            tracing::warn!(
                run = run_id, account = %route.account,
                "an answer is not sent: its account does not run; it stands in its conversation"
            );
            return None;
        };
        Some(OutgoingOnce { key: key(run_id), parts: account.parts(&route.to, &said) })
    }

    /// Something was recorded for this chat.
    pub(crate) fn wake_outbox(&self, route: &Route) {
        if let Some(account) = self.channels.telegram(&route.account) {
            account.wake();
        }
    }

    /// What became of the answer of a run; waits a while until it is out.
    pub(crate) async fn delivered(&self, run_id: &str, route: &Route, text: &str) -> DeliveryReport {
        match answer(text) {
            Answer::Silent | Answer::Empty => return DeliveryReport::suppressed("no_visible_payload"),
            Answer::Alert(_) => {}
        }
        let Some(account) = self.channels.telegram(&route.account) else {
            return DeliveryReport::failed(
                None,
                format!("account {:?} of channel {} does not run", route.account, route.channel),
            );
        };
        match account.sent_once(&key(run_id), PATIENCE).await {
            Ok(Some((messages, Delivered::Out(_)))) => DeliveryReport::sent(messages),
            Ok(Some((_, Delivered::Refused(why)))) => DeliveryReport::failed(Some("platform_send"), why),
            Ok(Some((_, Delivered::Waiting))) => DeliveryReport::failed(
                Some(QUEUED),
                "the answer is on record and goes out as soon as the channel takes it",
            ),
            Ok(None) => DeliveryReport::failed(
                Some("queue"),
                "the answer was not put on its way; it stands in its conversation",
            ),
            Err(error) => DeliveryReport::failed(Some("queue"), error.to_string()),
        }
    }
}

fn key(run_id: &str) -> String {
    format!("run:{run_id}")
}
