//! Devices that came as nodes: what they offer and what an operator lets them do.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Store, StoreError, rows};

/// What a node offers, or may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSurface {
    /// Families of what it can do, sorted.
    pub caps: Vec<String>,
    /// Commands, sorted.
    pub commands: Vec<String>,
    /// What its system lets it do.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub permissions: BTreeMap<String, bool>,
}

impl NodeSurface {
    /// Whether everything in `other` is in here too.
    pub fn holds(&self, other: &Self) -> bool {
        other.caps.iter().all(|cap| self.caps.contains(cap))
            && other.commands.iter().all(|command| self.commands.contains(command))
            && other
                .permissions
                .iter()
                .all(|(name, granted)| !granted || self.permissions.get(name) == Some(&true))
    }
}

/// What is remembered of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The device's id.
    pub id: String,
    /// What an operator calls it.
    pub display_name: Option<String>,
    /// Version of its program when it was here last.
    pub version: Option<String>,
    /// What it may do; `None`: nothing yet.
    pub surface: Option<NodeSurface>,
    /// When the first surface was approved.
    pub surface_created_at: Option<i64>,
    /// When this one was.
    pub approved_at: Option<i64>,
    /// When it connected last.
    pub connected_at: Option<i64>,
    /// The last figures of its machine.
    pub host_stats: Option<Value>,
}

/// A node that offers more than it may do.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeRequest {
    /// Request id.
    pub id: String,
    /// The node.
    pub node_id: String,
    /// What it offers.
    pub surface: NodeSurface,
    /// Who it is, as shown to people.
    pub about: Value,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// Repository of nodes.
#[derive(Debug, Clone)]
pub struct Nodes {
    pub(crate) store: Store,
}

impl Nodes {
    /// A node by its device's id.
    pub async fn get(&self, id: &str) -> Result<Option<Node>, StoreError> {
        let id = id.to_owned();
        self.store
            .jobs
            .call(move |db| Ok(db.query_row("SELECT * FROM node WHERE id = ?1", [id], node).optional()?))
            .await
    }

    /// Every node.
    pub async fn list(&self) -> Result<Vec<Node>, StoreError> {
        self.store
            .jobs
            .call(|db| {
                let mut statement = db.prepare("SELECT * FROM node ORDER BY id")?;
                let nodes = statement.query_map([], node)?.collect::<Result<_, _>>()?;
                Ok(nodes)
            })
            .await
    }

    /// Records that a node connected.
    pub async fn connected(&self, id: &str, version: &str) -> Result<(), StoreError> {
        let row = (id.to_owned(), version.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "INSERT INTO node (id, version, connected_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (id) DO UPDATE SET version = excluded.version, connected_at = excluded.connected_at",
                    row,
                )
                .map_err(StoreError::query("record a node's visit"))?;
                Ok(())
            })
            .await
    }

    /// Gives a node an operator's name; says whether there is such a node.
    pub async fn rename(&self, id: &str, display_name: &str) -> Result<bool, StoreError> {
        let row = (id.to_owned(), display_name.to_owned());
        self.store
            .jobs
            .call(move |db| {
                let changed = db
                    .execute("UPDATE node SET display_name = ?2 WHERE id = ?1", row)
                    .map_err(StoreError::query("name a node"))?;
                Ok(changed > 0)
            })
            .await
    }

    /// Keeps the figures of a node's machine.
    pub async fn set_host_stats(&self, id: &str, stats: &Value) -> Result<(), StoreError> {
        let row = (id.to_owned(), stats.to_string());
        self.store
            .jobs
            .call(move |db| {
                db.execute("UPDATE node SET host_stats = ?2 WHERE id = ?1", row)
                    .map_err(StoreError::query("keep a node's figures"))?;
                Ok(())
            })
            .await
    }

    /// Lets a node do what is in `surface`, and nothing else; its request is answered.
    pub async fn approve(&self, id: &str, surface: &NodeSurface) -> Result<(), StoreError> {
        let (id, surface, now) = (id.to_owned(), json(surface), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                tx.execute(
                    "INSERT INTO node (id, surface, surface_created_at, approved_at) VALUES (?1, ?2, ?3, ?3)
                     ON CONFLICT (id) DO UPDATE SET surface = excluded.surface, approved_at = excluded.approved_at,
                       surface_created_at = coalesce(surface_created_at, excluded.surface_created_at)",
                    (&id, surface, now),
                )?;
                tx.execute("DELETE FROM node_request WHERE node_id = ?1", [&id])?;
                tx.commit().map_err(StoreError::query("approve what a node does"))
            })
            .await
    }

    /// Records what a node asks for. The same again keeps its request; another one replaces it, and the replaced
    /// request comes back beside the new one.
    pub async fn ask(
        &self,
        new_id: &str,
        node_id: &str,
        surface: &NodeSurface,
        about: &Value,
    ) -> Result<(NodeRequest, Asked), StoreError> {
        let asked = NodeRequest {
            id: new_id.to_owned(),
            node_id: node_id.to_owned(),
            surface: surface.clone(),
            about: about.clone(),
            created_at: self.store.now(),
        };
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let before = tx
                    .query_row("SELECT * FROM node_request WHERE node_id = ?1", [&asked.node_id], request)
                    .optional()?;
                if let Some(same) = before.as_ref().filter(|one| one.surface == asked.surface) {
                    tx.execute(
                        "UPDATE node_request SET about = ?2 WHERE id = ?1",
                        (&same.id, asked.about.to_string()),
                    )?;
                    let same = NodeRequest { about: asked.about, ..same.clone() };
                    tx.commit().map_err(StoreError::query("keep a node's request"))?;
                    return Ok((same, Asked::Before));
                }
                tx.execute(
                    "INSERT OR REPLACE INTO node_request (node_id, id, surface, about, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                    (&asked.node_id, &asked.id, json(&asked.surface), asked.about.to_string(), asked.created_at),
                )?;
                tx.commit().map_err(StoreError::query("record a node's request"))?;
                Ok((asked, before.map_or(Asked::New, |before| Asked::Replaces(before.id))))
            })
            .await
    }

    /// Nodes that wait, the oldest first.
    pub async fn requests(&self) -> Result<Vec<NodeRequest>, StoreError> {
        self.store
            .jobs
            .call(|db| {
                let mut statement = db.prepare("SELECT * FROM node_request ORDER BY created_at, id")?;
                let requests = statement.query_map([], request)?.collect::<Result<_, _>>()?;
                Ok(requests)
            })
            .await
    }

    /// Drops a request by its id, or that of a node by the node's.
    pub async fn drop_request(&self, id_or_node: &str) -> Result<Option<NodeRequest>, StoreError> {
        let id = id_or_node.to_owned();
        self.store
            .jobs
            .call(move |db| {
                Ok(db
                    .query_row(
                        "DELETE FROM node_request WHERE id = ?1 OR node_id = ?1 RETURNING *",
                        [id],
                        request,
                    )
                    .optional()?)
            })
            .await
    }
}

/// Whether a node asked for the same before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It did.
    Before,
    /// It had not asked for anything.
    New,
    /// It had asked for something else, under this id.
    Replaces(String),
}

/// Everything that hangs on a device being a node.
pub(crate) fn forget(db: &Connection, id: &str) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM node WHERE id = ?1",
        "DELETE FROM node_request WHERE node_id = ?1",
        "DELETE FROM node_work WHERE node_id = ?1",
    ] {
        db.execute(statement, [id]).map_err(StoreError::query("forget a node"))?;
    }
    Ok(())
}

fn json(surface: &NodeSurface) -> String {
    serde_json::to_string(surface).unwrap_or_else(|_| "{}".into())
}

fn node(row: &Row<'_>) -> rusqlite::Result<Node> {
    let optional = |name: &str| -> rusqlite::Result<Option<Value>> {
        Ok(row.get::<_, Option<String>>(name)?.and_then(|text| serde_json::from_str(&text).ok()))
    };
    Ok(Node {
        id: row.get("id")?,
        display_name: row.get("display_name")?,
        version: row.get("version")?,
        surface: optional("surface")?.and_then(|value| serde_json::from_value(value).ok()),
        surface_created_at: row.get("surface_created_at")?,
        approved_at: row.get("approved_at")?,
        connected_at: row.get("connected_at")?,
        host_stats: optional("host_stats")?,
    })
}

fn request(row: &Row<'_>) -> rusqlite::Result<NodeRequest> {
    Ok(NodeRequest {
        id: row.get("id")?,
        node_id: row.get("node_id")?,
        surface: rows::json(row, "surface")?,
        about: rows::json(row, "about")?,
        created_at: row.get("created_at")?,
    })
}
