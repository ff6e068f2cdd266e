//! Events to all who may see them: serialised once, shared by every socket.

mod audience;
mod subscriptions;
pub(crate) mod ticker;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bulkhead_protocol::close;
use serde::Serialize;

pub use audience::Audience;
pub use bulkhead_protocol::StateVersion;

use crate::conn::info::{AuthMethod, ConnId, ConnInfo, Role};
use crate::conn::outgoing::EventText;
use crate::conn::queue::{End, Queue};
use crate::limits::Limits;
use subscriptions::Subscriptions;

/// Hands events to the connections of a gateway. Clones share one hub.
#[derive(Debug, Clone)]
pub struct EventHub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    members: RwLock<HashMap<ConnId, Arc<Member>>>,
    max_buffered_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) info: Arc<ConnInfo>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) subscriptions: Subscriptions,
}

impl EventHub {
    /// A hub without members. Its limits should be those of the server it is given to.
    pub fn new(limits: &Limits) -> Self {
        Self(Arc::new(Inner { members: RwLock::default(), max_buffered_bytes: limits.max_buffered_bytes }))
    }

    /// Sends an event to all who may see it. The payload is serialised once, however many see it.
    pub fn broadcast<T: Serialize + ?Sized>(
        &self,
        event: &'static str,
        payload: &T,
        audience: &Audience,
        state_version: Option<StateVersion>,
    ) {
        let members = self.0.members.read().unwrap_or_else(PoisonError::into_inner);
        let mut text: Option<Arc<EventText>> = None;
        for member in members.values().filter(|member| audience.includes(member)) {
            let text = match &text {
                Some(text) => text,
                None => match EventText::new(event, payload, state_version, audience.droppable) {
                    Ok(made) => text.insert(Arc::new(made)),
                    Err(error) => {
                        tracing::error!(event, %error, "an event could not be written as JSON and was not sent");
                        return;
                    }
                },
            };
            member.queue.push_event(text);
        }
    }

    /// Whether anybody would see an event: spares building a costly payload for nobody.
    pub fn has_listeners(&self, audience: &Audience) -> bool {
        let members = self.0.members.read().unwrap_or_else(PoisonError::into_inner);
        members.values().any(|member| audience.includes(member))
    }

    /// The admitted connections, oldest first.
    pub fn connections(&self) -> Vec<Arc<ConnInfo>> {
        let members = self.0.members.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = members.values().map(|member| Arc::clone(&member.info)).collect();
        drop(members);
        all.sort_by(|a, b| (a.connected_at_ms, &a.id).cmp(&(b.connected_at_ms, &b.id)));
        all
    }

    /// How many connections are admitted.
    pub fn len(&self) -> usize {
        self.0.members.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no connection is admitted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The connection wants to hear of all sessions (`sessions.subscribe`), or no longer.
    pub fn subscribe_sessions(&self, conn: &ConnId, on: bool) {
        if let Some(member) = self.member(conn) {
            member.subscriptions.set_all(on);
        }
    }

    /// The connection wants to hear of one session's messages (`sessions.messages.subscribe`). Returns `false`
    /// when it already listens to as many sessions as one connection may.
    pub fn subscribe_messages(&self, conn: &ConnId, session_key: &str) -> bool {
        self.member(conn).is_none_or(|member| member.subscriptions.add(session_key))
    }

    /// The connection no longer wants to hear of one session's messages.
    pub fn unsubscribe_messages(&self, conn: &ConnId, session_key: &str) {
        if let Some(member) = self.member(conn) {
            member.subscriptions.remove(session_key);
        }
    }

    /// Closes every connection of a device (its token was rotated or revoked, or it was removed): code 4001.
    pub fn close_device(&self, device_id: &str, role: Option<Role>) {
        self.close_where(|info| {
            info.device_id.as_deref() == Some(device_id) && role.is_none_or(|role| role == info.role)
        });
    }

    /// Closes every connection that came in by the shared secret (it was rotated): code 4001.
    pub fn close_shared_secret(&self) {
        self.close_where(|info| matches!(info.auth_method, AuthMethod::Token | AuthMethod::Password));
    }

    fn close_where(&self, which: impl Fn(&ConnInfo) -> bool) {
        let members = self.0.members.read().unwrap_or_else(PoisonError::into_inner);
        for member in members.values().filter(|member| which(&member.info)) {
            member.queue.end(End::Close {
                code: close::CREDENTIALS_CHANGED,
                reason: "credentials changed; connect again".into(),
            });
        }
    }

    pub(crate) fn close_all(&self, code: u16, reason: &'static str) {
        let members = self.0.members.read().unwrap_or_else(PoisonError::into_inner);
        for member in members.values() {
            member.queue.end(End::Close { code, reason: reason.into() });
        }
    }

    pub(crate) fn ping_round(&self) {
        let members = self.0.members.read().unwrap_or_else(PoisonError::into_inner);
        for member in members.values() {
            member.queue.ping_round();
        }
    }

    pub(crate) fn new_queue(&self) -> Arc<Queue> {
        Queue::new(self.0.max_buffered_bytes)
    }

    /// Adds an admitted connection; it leaves when the guard is dropped.
    pub(crate) fn join(&self, info: Arc<ConnInfo>, queue: Arc<Queue>) -> Membership {
        let id = info.id.clone();
        let member = Arc::new(Member { info, queue, subscriptions: Subscriptions::default() });
        self.0.members.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), member);
        Membership { hub: self.clone(), id }
    }

    fn member(&self, conn: &ConnId) -> Option<Arc<Member>> {
        self.0.members.read().unwrap_or_else(PoisonError::into_inner).get(conn).cloned()
    }
}

/// Keeps a connection in the hub for as long as it lives.
#[derive(Debug)]
pub(crate) struct Membership {
    hub: EventHub,
    id: ConnId,
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut members = self.hub.0.members.write().unwrap_or_else(PoisonError::into_inner);
        members.remove(&self.id);
        if members.is_empty() {
            members.shrink_to_fit();
        }
    }
}
