//! Who sees an event.

use bulkhead_protocol::Scope;
use bulkhead_protocol::client_ids::caps;

use super::Member;
use crate::conn::info::{ConnId, Role};

/// Who sees an event. Starts wide and is narrowed:
///
/// ```
/// use bulkhead_protocol::Scope;
/// use bulkhead_server::Audience;
///
/// let all_readers = Audience::scope(Scope::OperatorRead);
/// let one_session = Audience::scope(Scope::OperatorRead).session("agent:main:main");
/// let tool_watchers = Audience::scope(Scope::OperatorRead).cap("tool-events").droppable();
/// # let _ = (all_readers, one_session, tool_watchers);
/// ```
#[derive(Debug, Clone)]
pub struct Audience {
    scope: Option<Scope>,
    nodes_only: bool,
    to: To,
    cap: Option<&'static str>,
    except: Option<ConnId>,
    about: Option<String>,
    pub(crate) droppable: bool,
}

#[derive(Debug, Clone)]
enum To {
    Everybody,
    /// Subscribed to all sessions.
    Sessions,
    /// Subscribed to all sessions, or to this one's messages.
    Session(String),
    Connection(ConnId),
    Device(String),
}

impl Audience {
    fn new(scope: Option<Scope>) -> Self {
        Self {
            scope,
            nodes_only: false,
            to: To::Everybody,
            cap: None,
            except: None,
            about: None,
            droppable: false,
        }
    }

    /// Every admitted connection, nodes too.
    pub fn everybody() -> Self {
        Self::new(None)
    }

    /// Operators whose scopes cover `scope`.
    pub fn scope(scope: Scope) -> Self {
        Self::new(Some(scope))
    }

    /// Nodes, and nobody else.
    pub fn nodes() -> Self {
        Self { nodes_only: true, ..Self::new(None) }
    }

    /// One connection.
    pub fn connection(id: ConnId) -> Self {
        Self { to: To::Connection(id), ..Self::new(None) }
    }

    /// The connections of one device.
    pub fn device(id: impl Into<String>) -> Self {
        Self { to: To::Device(id.into()), ..Self::new(None) }
    }

    /// Only those who subscribed to all sessions.
    #[must_use]
    pub fn sessions(self) -> Self {
        Self { to: To::Sessions, ..self }
    }

    /// Only those who subscribed to all sessions or to this one's messages.
    #[must_use]
    pub fn session(self, key: impl Into<String>) -> Self {
        Self { to: To::Session(key.into()), ..self }
    }

    /// It is about a session: those who announced `session-scoped-events` see it only if they subscribed to it.
    #[must_use]
    pub fn about_session(self, key: impl Into<String>) -> Self {
        Self { about: Some(key.into()), ..self }
    }

    /// Only those who announced a capability.
    #[must_use]
    pub fn cap(self, cap: &'static str) -> Self {
        Self { cap: Some(cap), ..self }
    }

    /// All but one connection.
    #[must_use]
    pub fn except(self, id: ConnId) -> Self {
        Self { except: Some(id), ..self }
    }

    /// Slow readers may miss it: a later event makes good for it.
    #[must_use]
    pub fn droppable(self) -> Self {
        Self { droppable: true, ..self }
    }

    pub(super) fn includes(&self, member: &Member) -> bool {
        let info = &member.info;
        if let Some(scope) = self.scope
            && (info.role != Role::Operator || !info.allows(scope))
        {
            return false;
        }
        if self.nodes_only && info.role != Role::Node {
            return false;
        }
        if self.except.as_ref() == Some(&info.id) || self.cap.is_some_and(|cap| !info.has_cap(cap)) {
            return false;
        }
        if let Some(key) = &self.about
            && info.has_cap(caps::SESSION_SCOPED_EVENTS)
            && !member.subscriptions.wants(key)
        {
            return false;
        }
        match &self.to {
            To::Everybody => true,
            To::Sessions => member.subscriptions.all(),
            To::Session(key) => member.subscriptions.wants(key),
            To::Connection(id) => *id == info.id,
            To::Device(id) => info.device_id.as_ref() == Some(id),
        }
    }
}
