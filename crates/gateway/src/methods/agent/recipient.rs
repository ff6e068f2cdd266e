//! Whom a request of `agent` is about: the conversation that it belongs to, and the chat that gets the answer.

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::agent::{AgentParams, DeliveryReport};
use bulkhead_store::Session;

use crate::delivery::{ChannelName, Named, NoChat, TELEGRAM, chat_of, read_channel};
use crate::gateway::Gateway;
use crate::methods::store_failed;
use crate::routing::Origin;
use crate::schedule::Route;
use crate::sessions::{agent_of, resolve};

/// The channels that a request names.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChannelsNamed {
    channel: Option<ChannelName>,
    reply: Option<ChannelName>,
}

/// Refuses channels that nobody knows, also where nothing is delivered.
pub(super) fn check_channels(params: &AgentParams) -> Result<ChannelsNamed, ErrorShape> {
    let read = |name: &Option<String>| {
        read_channel(name.as_deref())
            .map_err(|problem| ErrorShape::invalid_request(format!("invalid agent params: {problem}")))
    };
    Ok(ChannelsNamed { channel: read(&params.channel)?, reply: read(&params.reply_channel)? })
}

/// The conversation of a request.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) session_key: String,
    pub(super) agent_id: String,
    /// Channel, account and chat, where it is the conversation of a chat.
    pub(super) peer: Option<(String, String, String)>,
}

impl From<(String, String)> for Conversation {
    fn from((session_key, agent_id): (String, String)) -> Self {
        Self { session_key, agent_id, peer: None }
    }
}

/// A session by key, by id (an existing one, or a new one of that name), by recipient, or the main one.
pub(super) async fn session_for(
    gateway: &Gateway,
    params: &AgentParams,
    channels: &ChannelsNamed,
) -> Result<Conversation, ErrorShape> {
    let settings = gateway.settings.now();
    let to = said(params.to.as_ref());
    let key = said(params.session_key.as_ref()).or_else(|| to.filter(|to| agent_of(to).is_some()));
    if key.is_none()
        && let Some(id) = params.session_id.as_deref()
    {
        if let Some(session) = gateway.store.sessions().by_session_id(id).await.map_err(store_failed)? {
            return Ok((session.key, session.agent_id).into());
        }
        let agent = params.agent_id.as_deref().unwrap_or(settings.default_agent());
        let key = format!("agent:{agent}:explicit:{id}");
        return resolve(&settings, Some(&key), None).map(Into::into);
    }
    if let (None, Some(to), Some(ChannelName::Telegram)) = (key, to, channels.channel) {
        let peer = chat_of(to).map_err(|problem| ErrorShape::invalid_params("agent", "to", problem))?;
        let account = match said(params.account_id.as_ref()) {
            Some(account) => account.to_owned(),
            None => gateway.default_account().unwrap_or_else(|| "default".to_owned()),
        };
        let origin =
            Origin { channel: TELEGRAM, account: &account, peer: &peer, is_group: peer.starts_with('-') };
        let agent = match params.agent_id.as_deref() {
            Some(agent) => Some(resolve(&settings, None, Some(agent))?.1),
            None => None,
        };
        let found = settings.route_to(origin, agent.as_deref());
        return Ok(Conversation {
            session_key: found.session_key,
            agent_id: found.agent,
            peer: Some((TELEGRAM.to_owned(), account, peer)),
        });
    }
    resolve(&settings, key, params.agent_id.as_deref()).map(Into::into)
}

/// Where the answer goes besides its conversation.
#[derive(Debug)]
pub(super) enum Delivery {
    /// Nowhere.
    NotWanted,
    /// To this chat.
    To {
        /// The chat.
        route: Route,
        /// The run counts as done also when the chat does not get it.
        best_effort: bool,
    },
    /// It should, and there is no chat for it.
    Nowhere(DeliveryReport),
}

impl Delivery {
    /// The chat, if there is one.
    pub(super) fn route(&self) -> Option<&Route> {
        match self {
            Self::To { route, .. } => Some(route),
            _ => None,
        }
    }
}

/// Finds the chat. Without one the request is refused before anything runs, unless best effort is enough; for an agent's
/// main conversation it is when nothing else is said.
pub(super) async fn delivery(
    gateway: &Gateway,
    params: &AgentParams,
    channels: &ChannelsNamed,
    session_key: &str,
    agent_id: &str,
    session: Option<&Session>,
) -> Result<Delivery, ErrorShape> {
    if params.deliver != Some(true) {
        return Ok(Delivery::NotWanted);
    }
    if session.and_then(|session| session.choice("sendPolicy")) == Some("deny") {
        return Err(ErrorShape::invalid_request(format!(
            "send blocked by session policy: {session_key} sends nothing; `/send on` or sessions.patch sendPolicy allows it"
        )));
    }
    if said(params.thread_id.as_ref()).is_some() {
        let problem = "topics of groups are not supported; leave it out, and the answer goes to the group";
        return Err(ErrorShape::invalid_params("agent", "threadId", problem));
    }
    let is_main = session_key == format!("agent:{agent_id}:main");
    let best_effort = params.best_effort_deliver.unwrap_or(is_main);
    let named = Named {
        channel: channels.reply.or(channels.channel),
        to: said(params.reply_to.as_ref())
            .or_else(|| said(params.to.as_ref()).filter(|to| agent_of(to).is_none())),
        account: said(params.reply_account_id.as_ref()).or(said(params.account_id.as_ref())),
    };
    match gateway.recipient(named, session_key, agent_id).await {
        Ok(route) => Ok(Delivery::To { route, best_effort }),
        Err(NoChat { reason, message, .. }) if best_effort => {
            tracing::info!(session = session_key, reason, "an answer stays in its conversation: {message}");
            Ok(Delivery::Nowhere(DeliveryReport::unresolved(reason)))
        }
        Err(NoChat { message, passing: true, .. }) => Err(ErrorShape::unavailable(message)),
        Err(NoChat { message, reason, .. }) => {
            Err(ErrorShape::invalid_request(message).with_details(serde_json::json!({"reason": reason})))
        }
    }
}

/// A text that says something.
fn said(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).map(str::trim).filter(|text| !text.is_empty())
}
