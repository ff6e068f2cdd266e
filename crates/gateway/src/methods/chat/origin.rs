//! Where a message of `chat.send` came from, as its sender says, and the chat that gets the answer too.

use bulkhead_protocol::{ErrorShape, Scope};
use serde::Deserialize;

use crate::delivery::{Named, read_channel};
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::schedule::Route;

/// The channel that the sender stands for; asks for admin.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names that the protocol has")]
pub(super) struct Origin {
    originating_channel: Option<String>,
    originating_to: Option<String>,
    originating_account_id: Option<String>,
    originating_thread_id: Option<String>,
}

impl Origin {
    fn is_given(&self) -> bool {
        [
            &self.originating_channel,
            &self.originating_to,
            &self.originating_account_id,
            &self.originating_thread_id,
        ]
        .into_iter()
        .any(|field| said(field.as_ref()).is_some())
    }
}

/// The chat that gets the answer: the sender's, where one is named, else that of a conversation that is held on a channel.
/// Chat windows show answers themselves: theirs stay there unless a chat is named.
pub(super) async fn chat(
    gateway: &Gateway,
    call: &Call<'_>,
    origin: &Origin,
    deliver: bool,
    session_key: &str,
    agent_id: &str,
) -> Result<Option<Route>, ErrorShape> {
    let refused = |message: String| ErrorShape::invalid_request(message);
    if origin.is_given() {
        call.require(Scope::OperatorAdmin)?;
        let Some(channel) = said(origin.originating_channel.as_ref()) else {
            return Err(refused(
                "originatingChannel is required when using originating route fields".to_owned(),
            ));
        };
        let Some(to) = said(origin.originating_to.as_ref()) else {
            return Err(refused("originatingTo is required when using originating route fields".to_owned()));
        };
        let channel = read_channel(Some(channel))
            .map_err(|problem| refused(format!("originatingChannel: {problem}")))?;
        if !deliver {
            return Ok(None);
        }
        let named = Named { channel, to: Some(to), account: said(origin.originating_account_id.as_ref()) };
        let route = gateway.recipient(named, session_key, agent_id).await;
        return route.map(Some).map_err(|found| {
            if found.passing { ErrorShape::unavailable(found.message) } else { refused(found.message) }
        });
    }
    if !deliver || call.ctx.conn.client.mode == "webchat" {
        return Ok(None);
    }
    let session = gateway.store.sessions().get(session_key).await.map_err(store_failed)?;
    let on_channel = session.is_some_and(|session| session.peer.is_some());
    let main_by_hand = call.ctx.conn.client.mode == "cli" && session_key == format!("agent:{agent_id}:main");
    if !on_channel && !main_by_hand {
        return Ok(None);
    }
    Ok(gateway.recipient(Named::default(), session_key, agent_id).await.ok())
}

fn said(field: Option<&String>) -> Option<&str> {
    field.map(String::as_str).map(str::trim).filter(|text| !text.is_empty())
}
