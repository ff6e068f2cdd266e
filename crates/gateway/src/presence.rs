//! Who is here: the gateway itself and one entry per client instance.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::clock;

/// A client that left stays visible for this long.
const LINGER_MS: u64 = 5 * 60 * 1000;
/// No more entries than this; the oldest that left go first.
const MOST: usize = 256;

/// No more clients than this are shown, the last active first.
const SHOWN: usize = 100;

/// One entry, exactly the fields of the protocol.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_family: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
    pub(crate) reason: &'static str,
    pub(crate) text: String,
    pub(crate) ts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) online_since: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) roles: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance_id: Option<String>,
}

/// All entries, with a version that grows with every change.
#[derive(Debug)]
pub(crate) struct Presence {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    version: u64,
    gateway: Entry,
    /// By client instance (or connection, for clients without one).
    clients: BTreeMap<String, Client>,
    rendered: Option<Arc<RawValue>>,
}

#[derive(Debug)]
struct Client {
    entry: Entry,
    /// The connections that stand for this instance now.
    connections: Vec<String>,
    /// Whether it stays visible for a while after it left.
    lingers: bool,
}

impl Presence {
    /// Only the gateway is here.
    pub(crate) fn new(version: &str) -> Self {
        let host = Some(bulkhead_process::Host::look().name)
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "localhost".to_owned());
        let platform = std::env::consts::OS;
        let ip = crate::nodes::doorway::own_address().map(|ip| ip.to_string());
        let shown = ip.as_ref().map(|ip| format!(" ({ip})")).unwrap_or_default();
        let gateway = Entry {
            text: format!("Gateway: {host}{shown} · app {version} · mode gateway · reason self"),
            host: Some(host),
            client_id: None,
            ip,
            version: Some(version.to_owned()),
            platform: Some(system()),
            device_family: Some(family(platform).to_owned()),
            mode: Some("gateway".to_owned()),
            reason: "self",
            ts: clock::now_ms(),
            online_since: None,
            device_id: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            instance_id: Some(uuid::Uuid::new_v4().to_string()),
        };
        Self { inner: Mutex::new(Inner { version: 1, gateway, clients: BTreeMap::new(), rendered: None }) }
    }

    /// The gateway's own instance: new for every start.
    pub(crate) fn instance_id(&self) -> String {
        self.lock().gateway.instance_id.clone().unwrap_or_default()
    }

    /// A client connected. `key` is its instance id, or its connection's id.
    pub(crate) fn arrive(&self, key: String, connection: String, entry: Entry, lingers: bool) {
        self.change(|inner| {
            let now = clock::now_ms();
            let slot = inner.clients.entry(key).or_insert_with(|| Client {
                entry: entry.clone(),
                connections: Vec::new(),
                lingers,
            });
            let since = slot.entry.online_since.filter(|_| !slot.connections.is_empty());
            slot.entry = Entry { online_since: since.or(Some(now)), ts: now, reason: "connect", ..entry };
            slot.connections.push(connection);
        });
    }

    /// Somebody told of a device that has no connection of its own.
    pub(crate) fn note(&self, key: String, entry: Entry) {
        self.change(|inner| {
            let entry = Entry { ts: clock::now_ms(), ..entry };
            match inner.clients.get_mut(&key) {
                Some(known) => known.entry = Entry { online_since: known.entry.online_since, ..entry },
                None => {
                    inner.clients.insert(key, Client { entry, connections: Vec::new(), lingers: true });
                }
            }
        });
    }

    /// A connection ended. Answers whether that changed anything.
    pub(crate) fn leave(&self, connection: &str) -> bool {
        let mut changed = false;
        self.change(|inner| {
            for client in inner.clients.values_mut() {
                let before = client.connections.len();
                client.connections.retain(|id| id != connection);
                if client.connections.len() != before {
                    changed = true;
                    if client.connections.is_empty() {
                        client.entry.reason = "disconnect";
                        client.entry.ts = clock::now_ms();
                    }
                }
            }
        });
        changed
    }

    /// The version that the state carries now.
    pub(crate) fn version(&self) -> u64 {
        self.lock().version
    }

    /// The entries as a JSON array, rendered once per change.
    pub(crate) fn render(&self) -> Arc<RawValue> {
        let mut inner = self.lock();
        if let Some(rendered) = &inner.rendered {
            return Arc::clone(rendered);
        }
        inner.gateway.ts = clock::now_ms();
        let mut all: Vec<&Entry> = inner.clients.values().map(|client| &client.entry).collect();
        all.sort_by_key(|entry| std::cmp::Reverse(entry.ts));
        all.truncate(SHOWN);
        all.insert(0, &inner.gateway);
        let rendered = crate::json::raw(&all);
        inner.rendered = Some(Arc::clone(&rendered));
        rendered
    }

    fn change(&self, with: impl FnOnce(&mut Inner)) {
        let mut inner = self.lock();
        with(&mut inner);
        let horizon = clock::now_ms().saturating_sub(LINGER_MS);
        inner.clients.retain(|_, client| {
            !client.connections.is_empty() || (client.lingers && client.entry.ts >= horizon)
        });
        while inner.clients.len() > MOST {
            let oldest = inner
                .clients
                .iter()
                .filter(|(_, client)| client.connections.is_empty())
                .min_by_key(|(_, client)| client.entry.ts)
                .map(|(key, _)| key.clone());
            let Some(key) = oldest else { break };
            inner.clients.remove(&key);
        }
        inner.version += 1;
        inner.rendered = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The system and the version of its kernel.
fn system() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", std::env::consts::OS, kernel.trim()).trim_end().to_owned()
}

fn family(os: &str) -> &'static str {
    match os {
        "macos" => "Mac",
        "windows" => "Windows",
        "linux" => "Linux",
        _ => "Computer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        Entry {
            host: Some(name.to_owned()),
            client_id: None,
            ip: None,
            version: None,
            platform: None,
            device_family: None,
            mode: Some("ui".to_owned()),
            reason: "connect",
            text: String::new(),
            ts: 0,
            online_since: None,
            device_id: None,
            roles: vec![],
            scopes: vec![],
            instance_id: Some(name.to_owned()),
        }
    }

    #[test]
    fn one_entry_per_instance_however_often_it_connects() {
        let presence = Presence::new("1");
        let start = presence.version();
        presence.arrive("a".into(), "c1".into(), entry("a"), true);
        presence.arrive("a".into(), "c2".into(), entry("a"), true);
        let list: Vec<serde_json::Value> = serde_json::from_str(presence.render().get()).unwrap();
        assert_eq!(list.len(), 2);
        assert!(presence.leave("c1"));
        let list: Vec<serde_json::Value> = serde_json::from_str(presence.render().get()).unwrap();
        assert_eq!(list[1]["reason"], "connect");
        presence.leave("c2");
        let list: Vec<serde_json::Value> = serde_json::from_str(presence.render().get()).unwrap();
        assert_eq!(list[1]["reason"], "disconnect");
        assert!(!presence.leave("c2"));
        assert!(presence.version() > start);
    }
}
