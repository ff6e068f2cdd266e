//! The generation of device tokens. Tokens themselves are derived elsewhere, and never stored.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use crate::{Devices, StoreError, rows};

/// State of a device's token for one role. The token is derived from a key in the keychain over device, role and
/// generation, so it can be checked and withdrawn without being stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceToken {
    /// The device.
    pub device_id: String,
    /// The role.
    pub role: String,
    /// Goes into the derivation; a new one makes every older token void.
    pub generation: i64,
    /// Scopes that it carries.
    pub scopes: Vec<String>,
    /// First issued.
    pub created_at: i64,
    /// Generation changed.
    pub rotated_at: Option<i64>,
    /// Last used.
    pub used_at: Option<i64>,
    /// Withdrawn.
    pub revoked_at: Option<i64>,
}

impl Devices {
    /// The token state of a device for a role, revoked ones included.
    pub async fn token(&self, device_id: &str, role: &str) -> Result<Option<DeviceToken>, StoreError> {
        let at = (device_id.to_owned(), role.to_owned());
        self.store.jobs.call(move |db| find_token(db, &at.0, &at.1)).await
    }

    /// Every token state, of all devices.
    pub async fn tokens(&self) -> Result<Vec<DeviceToken>, StoreError> {
        self.store
            .jobs
            .call(|db| {
                let mut statement = db.prepare("SELECT * FROM device_token ORDER BY device_id, role")?;
                let tokens = statement.query_map([], token)?.collect::<Result<_, _>>()?;
                Ok(tokens)
            })
            .await
    }

    /// Issues a token, or returns the present one if its scopes are the same; a revoked one gets a new generation.
    /// Other scopes keep the generation: the same token then carries them.
    pub async fn issue_token(
        &self,
        device_id: &str,
        role: &str,
        scopes: &[String],
    ) -> Result<DeviceToken, StoreError> {
        let (device_id, role, now) = (device_id.to_owned(), role.to_owned(), self.store.now());
        let scopes = serde_json::to_string(scopes).unwrap_or_else(|_| "[]".into());
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "INSERT INTO device_token (device_id, role, generation, scopes, created_at) VALUES (?1, ?2, 1, ?3, ?4)
                     ON CONFLICT (device_id, role) DO UPDATE SET scopes = excluded.scopes, revoked_at = NULL",
                    (&device_id, &role, scopes, now),
                )
                .map_err(StoreError::query("issue a device token"))?;
                require_token(db, &device_id, &role)
            })
            .await
    }

    /// Makes every token of the device for the role void and issues the next generation, with these scopes.
    pub async fn rotate_token(
        &self,
        device_id: &str,
        role: &str,
        scopes: &[String],
    ) -> Result<DeviceToken, StoreError> {
        let (device_id, role, now) = (device_id.to_owned(), role.to_owned(), self.store.now());
        let scopes = serde_json::to_string(scopes).unwrap_or_else(|_| "[]".into());
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "UPDATE device_token SET generation = generation + 1, rotated_at = ?3, revoked_at = NULL, scopes = ?4
                     WHERE device_id = ?1 AND role = ?2",
                    (&device_id, &role, now, scopes),
                )
                .map_err(StoreError::query("rotate a device token"))?;
                require_token(db, &device_id, &role)
            })
            .await
    }

    /// Withdraws the token of the device for the role; says whether there was one.
    pub async fn revoke_token(&self, device_id: &str, role: &str) -> Result<bool, StoreError> {
        let row = (device_id.to_owned(), role.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let changed = db
                    .execute(
                        "UPDATE device_token SET generation = generation + 1, revoked_at = ?3
                         WHERE device_id = ?1 AND role = ?2 AND revoked_at IS NULL",
                        row,
                    )
                    .map_err(StoreError::query("withdraw a device token"))?;
                Ok(changed > 0)
            })
            .await
    }

    /// Records that a token was used.
    pub async fn token_used(&self, device_id: &str, role: &str) -> Result<(), StoreError> {
        let row = (device_id.to_owned(), role.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                db.execute("UPDATE device_token SET used_at = ?3 WHERE device_id = ?1 AND role = ?2", row)
                    .map_err(StoreError::query("record a token's use"))?;
                Ok(())
            })
            .await
    }
}

fn find_token(db: &Connection, device_id: &str, role: &str) -> Result<Option<DeviceToken>, StoreError> {
    Ok(db
        .query_row("SELECT * FROM device_token WHERE device_id = ?1 AND role = ?2", (device_id, role), token)
        .optional()?)
}

fn require_token(db: &Connection, device_id: &str, role: &str) -> Result<DeviceToken, StoreError> {
    find_token(db, device_id, role)?
        .ok_or_else(|| StoreError::NotFound { what: "device token", id: format!("{device_id} as {role}") })
}

fn token(row: &Row<'_>) -> rusqlite::Result<DeviceToken> {
    Ok(DeviceToken {
        device_id: row.get("device_id")?,
        role: row.get("role")?,
        generation: row.get("generation")?,
        scopes: rows::json(row, "scopes")?,
        created_at: row.get("created_at")?,
        rotated_at: row.get("rotated_at")?,
        used_at: row.get("used_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}
