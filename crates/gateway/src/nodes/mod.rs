//! Devices that lend themselves to the gateway: who is here, what they may do, and what is asked of them.
//!
//! A node connects with the role `node` and says what it offers (`caps`, `commands`). What it may do of that is decided by
//! [`policy`] and an operator's approval, which is kept in the store; [`arrival`] compares the two at every connect. Here
//! is only what dies with the connection.

pub(crate) mod arrival;
pub(crate) mod doorway;
pub(crate) mod events;
pub(crate) mod invoke;
pub(crate) mod policy;
pub(crate) mod rows;
pub(crate) mod tool;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use bulkhead_agent::Tool;
use bulkhead_server::ConnInfo;
use bulkhead_store::NodeSurface;
use serde_json::Value;

use policy::{Lists, Platform};

use crate::gateway::Gateway;

/// The nodes of a running gateway.
#[derive(Default)]
pub(crate) struct Nodes {
    live: Mutex<HashMap<String, Live>>,
    /// What is being asked of them.
    pub(crate) invokes: invoke::Invokes,
    /// One change of what nodes may do at a time.
    pub(crate) changes: tokio::sync::Mutex<()>,
    /// The gateway that they belong to, for the agents' tool.
    gateway: OnceLock<Weak<Gateway>>,
}

/// A node that is here.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) conn: Arc<ConnInfo>,
    /// Figures of its machine, with `updatedAtMs`.
    pub(crate) host_stats: Option<Value>,
    /// When somebody last used its keyboard or mouse, milliseconds since 1970.
    pub(crate) last_input_at: Option<u64>,
    /// Tools that it publishes for agents.
    pub(crate) tools: Vec<Value>,
    /// Skills that it publishes.
    pub(crate) skills: Vec<Value>,
    /// It says that it would host sessions.
    pub(crate) session_host: bool,
}

impl Live {
    /// The device.
    pub(crate) fn id(&self) -> &str {
        self.conn.device_id.as_deref().unwrap_or_default()
    }

    /// What it offers.
    pub(crate) fn offered(&self) -> NodeSurface {
        NodeSurface {
            caps: self.conn.caps.clone(),
            commands: self.conn.commands.clone(),
            permissions: self.conn.permissions.clone(),
        }
    }

    /// What it runs on.
    pub(crate) fn platform(&self) -> Platform {
        Platform::of(&self.conn.client.platform, self.conn.client.device_family.as_deref())
    }

    /// What of its offer may be approved.
    pub(crate) fn approvable(&self, lists: Lists<'_>) -> NodeSurface {
        lists.approvable(self.platform(), &self.offered())
    }
}

impl Nodes {
    /// They belong to this gateway.
    pub(crate) fn belong_to(&self, gateway: &Arc<Gateway>) {
        let _ = self.gateway.set(Arc::downgrade(gateway));
    }

    /// The agents' tool, while a node is here.
    pub(crate) fn tool(&self) -> Option<Arc<dyn Tool>> {
        if self.live().is_empty() {
            return None;
        }
        Some(Arc::new(tool::NodesTool::new(self.gateway.get()?.clone())))
    }

    /// A node connected; an older connection of the same device stands back.
    pub(crate) fn arrive(&self, conn: &Arc<ConnInfo>) {
        let Some(id) = conn.device_id.clone() else { return };
        let live = Live {
            conn: Arc::clone(conn),
            host_stats: None,
            last_input_at: None,
            tools: Vec::new(),
            skills: Vec::new(),
            session_host: false,
        };
        self.live().insert(id, live);
    }

    /// A connection ended; what was asked of it ends too.
    pub(crate) fn leave(&self, conn: &ConnInfo) {
        if let Some(id) = conn.device_id.as_deref() {
            let mut live = self.live();
            if live.get(id).is_some_and(|live| live.conn.id == conn.id) {
                live.remove(id);
            }
        }
        self.invokes.gone(&conn.id);
    }

    /// A node that is here.
    pub(crate) fn get(&self, id: &str) -> Option<Live> {
        self.live().get(id).cloned()
    }

    /// Those that are here.
    pub(crate) fn here(&self) -> Vec<Live> {
        self.live().values().cloned().collect()
    }

    /// Changes what is known of a connection that is still the node's; says whether it is.
    pub(crate) fn change(&self, conn: &ConnInfo, with: impl FnOnce(&mut Live)) -> bool {
        let id = conn.device_id.as_deref().unwrap_or_default();
        match self.live().get_mut(id).filter(|live| live.conn.id == conn.id) {
            Some(live) => {
                with(live);
                true
            }
            None => false,
        }
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<String, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
