//! Paired devices, and those that wait to be.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Store, StoreError, rows};

/// One paired device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Hex SHA-256 of its public key.
    pub id: String,
    /// Its Ed25519 public key, base64url.
    pub public_key: String,
    /// What it calls itself.
    pub display_name: Option<String>,
    /// What an operator calls it; kept when it is recorded anew.
    #[serde(default)]
    pub label: Option<String>,
    /// Operating system.
    pub platform: Option<String>,
    /// Family of hardware.
    pub device_family: Option<String>,
    /// Client id of the protocol.
    pub client_id: String,
    /// Client mode of the protocol.
    pub client_mode: String,
    /// Role that it connected as last.
    pub role: String,
    /// Roles that it is paired for.
    pub roles: Vec<String>,
    /// Scopes that it is paired for.
    pub scopes: Vec<String>,
    /// `silent`, `cli`, `operator`: how it was let in.
    pub approved_via: String,
    /// First seen, in milliseconds since 1970.
    pub created_at: i64,
    /// Let in.
    pub approved_at: i64,
    /// Last connected.
    pub last_seen_at: Option<i64>,
    /// What it did then: `connect`, `device-token-auth`.
    pub last_seen_why: Option<String>,
    /// Whatever else belongs to it.
    pub meta: Value,
}

/// A device that waits to be let in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRequest {
    /// Request id.
    pub id: String,
    /// The device.
    pub device_id: String,
    /// Why it must be asked about: `not-paired`, `scope-upgrade`, `metadata-change`.
    pub reason: String,
    /// What it asked for.
    pub payload: Value,
    /// When, in milliseconds since 1970.
    pub created_at: i64,
}

/// Repository of devices.
#[derive(Debug, Clone)]
pub struct Devices {
    pub(crate) store: Store,
}

impl Devices {
    /// A device by id.
    pub async fn get(&self, id: &str) -> Result<Option<Device>, StoreError> {
        let id = id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                Ok(db.query_row("SELECT * FROM device WHERE id = ?1", [id], device).optional()?)
            })
            .await
    }

    /// Every device, the newest first.
    pub async fn list(&self) -> Result<Vec<Device>, StoreError> {
        self.store
            .jobs
            .call(|db| {
                let mut statement = db.prepare("SELECT * FROM device ORDER BY created_at DESC, id")?;
                let devices = statement.query_map([], device)?.collect::<Result<_, _>>()?;
                Ok(devices)
            })
            .await
    }

    /// Adds or replaces a device; answers its pending requests, and keeps its first `created_at`.
    pub async fn upsert(&self, device: Device) -> Result<(), StoreError> {
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                upsert(&tx, &device)?;
                tx.execute("DELETE FROM device_request WHERE device_id = ?1", [&device.id])?;
                tx.commit().map_err(StoreError::query("record a device"))
            })
            .await
    }

    /// Records that a device connected.
    pub async fn seen(&self, id: &str, why: &str) -> Result<(), StoreError> {
        let row = (id.to_owned(), self.store.now(), why.to_owned());
        self.store
            .jobs
            .call(move |db| {
                db.execute("UPDATE device SET last_seen_at = ?2, last_seen_why = ?3 WHERE id = ?1", row)
                    .map_err(StoreError::query("record a device's visit"))?;
                Ok(())
            })
            .await
    }

    /// Removes a device and withdraws its tokens for good; says whether there was one.
    pub async fn remove(&self, id: &str) -> Result<bool, StoreError> {
        let (id, now) = (id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let gone = tx.execute("DELETE FROM device WHERE id = ?1", [&id])? > 0;
                tx.execute("DELETE FROM device_request WHERE device_id = ?1", [&id])?;
                crate::nodes::forget(&tx, &id)?;
                tx.execute(
                    "UPDATE device_token SET generation = generation + 1, revoked_at = ?2 WHERE device_id = ?1",
                    (&id, now),
                )?;
                tx.commit().map_err(StoreError::query("remove a device"))?;
                Ok(gone)
            })
            .await
    }

    /// Takes one role away from a device and withdraws that role's tokens for good; a device without any role left is
    /// removed. `None`: there is no such device with that role; else whether the device is still there.
    pub async fn remove_role(&self, id: &str, role: &str) -> Result<Option<bool>, StoreError> {
        let (id, role, now) = (id.to_owned(), role.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let Some(mut found) =
                    tx.query_row("SELECT * FROM device WHERE id = ?1", [&id], device).optional()?
                else {
                    return Ok(None);
                };
                let before = found.roles.len();
                found.roles.retain(|one| *one != role);
                if found.roles.len() == before {
                    return Ok(None);
                }
                let stays = !found.roles.is_empty();
                if let Some(other) = found.roles.first() {
                    if found.role == role {
                        found.role.clone_from(other);
                    }
                    upsert(&tx, &found)?;
                } else {
                    tx.execute("DELETE FROM device WHERE id = ?1", [&id])?;
                }
                tx.execute("DELETE FROM device_request WHERE device_id = ?1", [&id])?;
                if role == "node" {
                    crate::nodes::forget(&tx, &id)?;
                }
                tx.execute(
                    "UPDATE device_token SET generation = generation + 1, revoked_at = ?3
                     WHERE device_id = ?1 AND role = ?2",
                    (&id, &role, now),
                )?;
                tx.commit().map_err(StoreError::query("take a role from a device"))?;
                Ok(Some(stays))
            })
            .await
    }

    /// Gives a device an operator's name; says whether there is such a device.
    pub async fn set_label(&self, id: &str, label: &str) -> Result<bool, StoreError> {
        let row = (id.to_owned(), label.to_owned());
        self.store
            .jobs
            .call(move |db| {
                let changed = db
                    .execute("UPDATE device SET label = ?2 WHERE id = ?1", row)
                    .map_err(StoreError::query("name a device"))?;
                Ok(changed > 0)
            })
            .await
    }

    /// Drops requests that were filed before `before`, and returns them.
    pub async fn expire_requests(&self, before: i64) -> Result<Vec<DeviceRequest>, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                let mut statement =
                    db.prepare("DELETE FROM device_request WHERE created_at < ?1 RETURNING *")?;
                let gone = statement.query_map([before], request)?.collect::<Result<_, _>>()?;
                Ok(gone)
            })
            .await
    }

    /// A request that is asked again counts from now.
    pub async fn refresh_request(&self, id: &str) -> Result<(), StoreError> {
        let row = (id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                db.execute("UPDATE device_request SET created_at = ?2 WHERE id = ?1", row)
                    .map_err(StoreError::query("keep a device request"))?;
                Ok(())
            })
            .await
    }

    /// Records that a device waits to be let in; a newer request of the same device replaces its older ones.
    pub async fn add_request(
        &self,
        id: &str,
        device_id: &str,
        reason: &str,
        payload: &Value,
    ) -> Result<DeviceRequest, StoreError> {
        let request = DeviceRequest {
            id: id.to_owned(),
            device_id: device_id.to_owned(),
            reason: reason.to_owned(),
            payload: payload.clone(),
            created_at: self.store.now(),
        };
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                tx.execute("DELETE FROM device_request WHERE device_id = ?1", [&request.device_id])?;
                tx.execute(
                    "INSERT INTO device_request (id, device_id, reason, payload, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                    (
                        &request.id,
                        &request.device_id,
                        &request.reason,
                        request.payload.to_string(),
                        request.created_at,
                    ),
                )?;
                tx.commit().map_err(StoreError::query("record a device request"))?;
                Ok(request)
            })
            .await
    }

    /// Devices that wait, the oldest first.
    pub async fn requests(&self) -> Result<Vec<DeviceRequest>, StoreError> {
        self.store
            .jobs
            .call(|db| {
                let mut statement = db.prepare("SELECT * FROM device_request ORDER BY created_at, id")?;
                let requests = statement.query_map([], request)?.collect::<Result<_, _>>()?;
                Ok(requests)
            })
            .await
    }

    /// Takes a request out, to approve or to reject it.
    pub async fn take_request(&self, id: &str) -> Result<Option<DeviceRequest>, StoreError> {
        let id = id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                Ok(db
                    .query_row("DELETE FROM device_request WHERE id = ?1 RETURNING *", [id], request)
                    .optional()?)
            })
            .await
    }
}

fn upsert(db: &Connection, device: &Device) -> Result<(), StoreError> {
    let list = |list: &[String]| serde_json::to_string(list).unwrap_or_else(|_| "[]".into());
    let meta = if device.meta.is_null() { "{}".to_owned() } else { device.meta.to_string() };
    db.execute(
        "INSERT INTO device (id, public_key, display_name, platform, device_family, client_id, client_mode, role, roles,
           scopes, approved_via, created_at, approved_at, last_seen_at, last_seen_why, meta)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (id) DO UPDATE SET public_key = excluded.public_key, display_name = excluded.display_name,
           platform = excluded.platform, device_family = excluded.device_family, client_id = excluded.client_id,
           client_mode = excluded.client_mode, role = excluded.role, roles = excluded.roles, scopes = excluded.scopes,
           approved_via = excluded.approved_via, approved_at = excluded.approved_at,
           last_seen_at = excluded.last_seen_at, last_seen_why = excluded.last_seen_why, meta = excluded.meta",
        rusqlite::params![
            device.id,
            device.public_key,
            device.display_name,
            device.platform,
            device.device_family,
            device.client_id,
            device.client_mode,
            device.role,
            list(&device.roles),
            list(&device.scopes),
            device.approved_via,
            device.created_at,
            device.approved_at,
            device.last_seen_at,
            device.last_seen_why,
            meta,
        ],
    )
    .map_err(StoreError::query("record a device"))?;
    Ok(())
}

fn device(row: &Row<'_>) -> rusqlite::Result<Device> {
    Ok(Device {
        id: row.get("id")?,
        public_key: row.get("public_key")?,
        display_name: row.get("display_name")?,
        label: row.get("label")?,
        platform: row.get("platform")?,
        device_family: row.get("device_family")?,
        client_id: row.get("client_id")?,
        client_mode: row.get("client_mode")?,
        role: row.get("role")?,
        roles: rows::json(row, "roles")?,
        scopes: rows::json(row, "scopes")?,
        approved_via: row.get("approved_via")?,
        created_at: row.get("created_at")?,
        approved_at: row.get("approved_at")?,
        last_seen_at: row.get("last_seen_at")?,
        last_seen_why: row.get("last_seen_why")?,
        meta: rows::json(row, "meta")?,
    })
}

fn request(row: &Row<'_>) -> rusqlite::Result<DeviceRequest> {
    Ok(DeviceRequest {
        id: row.get("id")?,
        device_id: row.get("device_id")?,
        reason: row.get("reason")?,
        payload: rows::json(row, "payload")?,
        created_at: row.get("created_at")?,
    })
}
