//! Who may talk to the agent on a channel: strangers ask with a code, a person approves it locally.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;
use serde_json::Value;

use crate::{NewOutbox, OutboxState, Store, StoreError, inbox, outbox, rows};

/// Letters of a code: without 0, O, 1 and I, which people confuse. 32 of them, so a random byte maps evenly.
pub const CODE_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Length of a code.
pub const CODE_LENGTH: usize = 8;
/// How long a code is good.
pub const CODE_LIFETIME_MS: i64 = 60 * 60 * 1000;
/// How many strangers may wait at once, per account.
pub const ALLOWED_PENDING: i64 = 3;

/// A stranger who waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PairingRequest {
    /// Channel, such as `telegram`.
    pub channel: String,
    /// Account (bot) on it.
    pub account: String,
    /// The stranger's id there.
    pub sender: String,
    /// The code that the stranger was told.
    pub code: String,
    /// Name and the like.
    pub meta: Value,
    /// When, in milliseconds since 1970.
    pub created_at: i64,
    /// Until when the code is good.
    pub expires_at: i64,
}

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowedSender {
    /// Channel, such as `telegram`.
    pub channel: String,
    /// Account (bot) on it.
    pub account: String,
    /// Id there.
    pub sender: String,
    /// Name and the like.
    pub meta: Value,
    /// Who let them in: `cli`, `device:<id>`.
    pub approved_by: String,
    /// When, in milliseconds since 1970.
    pub approved_at: i64,
}

/// A stranger's first message.
pub struct NewPairing {
    /// Channel, such as `telegram`.
    pub channel: String,
    /// Account (bot) on it.
    pub account: String,
    /// The stranger's id there.
    pub sender: String,
    /// Which bot would tell the code. A waiting request that another bot answered is replaced: whoever writes to this
    /// one knows nothing of that code.
    pub bot: Option<String>,
    /// Name and the like.
    pub meta: Value,
    /// The update that brought it; done with in the same transaction.
    pub inbox_id: Option<i64>,
    /// Writes the one message that tells the code; it is recorded in the same transaction.
    #[expect(clippy::type_complexity, reason = "a closure that is used once, here")]
    pub notice: Option<Box<dyn FnOnce(&str) -> NewOutbox + Send>>,
}

/// What a stranger's message led to.
#[derive(Debug, Clone, PartialEq)]
pub enum PairingOutcome {
    /// A code was made; tell it once.
    New(PairingRequest),
    /// A code is out already: silence.
    Waiting(PairingRequest),
    /// Too many strangers wait: silence.
    Full,
    /// Let in before.
    Allowed,
}

impl PairingOutcome {
    /// One word for logs; the code is not in it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Waiting(_) => "waiting",
            Self::Full => "full",
            Self::Allowed => "allowed",
        }
    }
}

/// Repository of pairings.
#[derive(Debug, Clone)]
pub struct Pairings {
    pub(crate) store: Store,
}

impl Pairings {
    /// Records a stranger's message. Code, notice and the end of the update are one transaction, so that the code is
    /// told exactly once.
    pub async fn request(&self, new: NewPairing) -> Result<PairingOutcome, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let outcome = decide(&tx, &new, now)?;
                if let (PairingOutcome::New(request), Some(notice)) = (&outcome, new.notice) {
                    outbox::insert(&tx, &notice(&request.code), None, 0, OutboxState::Ready, now)?;
                }
                if let Some(id) = new.inbox_id.filter(|_| outcome != PairingOutcome::Allowed) {
                    inbox::mark_done(&tx, id, now)?;
                }
                tx.commit().map_err(StoreError::query("record a pairing request"))?;
                Ok(outcome)
            })
            .await
    }

    /// Lets the stranger with this code in. Case and surrounding space do not matter.
    pub async fn approve(
        &self,
        channel: &str,
        code: &str,
        approved_by: &str,
    ) -> Result<AllowedSender, StoreError> {
        let (channel, code, by, now) =
            (channel.to_owned(), code.trim().to_ascii_uppercase(), approved_by.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                forget_expired(&tx, now)?;
                let request = tx
                    .query_row(
                        "DELETE FROM pairing_request WHERE channel = ?1 AND code = ?2 RETURNING *",
                        (&channel, &code),
                        request,
                    )
                    .optional()?
                    .ok_or(StoreError::NotFound { what: "pairing code", id: code })?;
                let allowed = AllowedSender {
                    channel: request.channel,
                    account: request.account,
                    sender: request.sender,
                    meta: request.meta,
                    approved_by: by,
                    approved_at: now,
                };
                allow(&tx, &allowed)?;
                tx.commit().map_err(StoreError::query("approve a pairing"))?;
                Ok(allowed)
            })
            .await
    }

    /// Turns the stranger with this code away; says whether there was one.
    pub async fn reject(&self, channel: &str, code: &str) -> Result<bool, StoreError> {
        let at = (channel.to_owned(), code.trim().to_ascii_uppercase());
        self.store
            .jobs
            .call(move |db| {
                Ok(db.execute("DELETE FROM pairing_request WHERE channel = ?1 AND code = ?2", at)? > 0)
            })
            .await
    }

    /// Whether somebody was let in.
    pub async fn is_allowed(&self, channel: &str, account: &str, sender: &str) -> Result<bool, StoreError> {
        let at = (channel.to_owned(), account.to_owned(), sender.to_owned());
        self.store.jobs.call(move |db| Ok(allowed_in(db, &at.0, &at.1, &at.2)?)).await
    }

    /// Strangers who wait with a good code, the oldest first; of every channel if none is named.
    pub async fn list(&self, channel: Option<&str>) -> Result<Vec<PairingRequest>, StoreError> {
        let at = (channel.map(str::to_owned), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM pairing_request WHERE (?1 IS NULL OR channel = ?1) AND expires_at > ?2
                     ORDER BY created_at, sender",
                )?;
                let requests = statement.query_map(at, request)?.collect::<Result<_, _>>()?;
                Ok(requests)
            })
            .await
    }

    /// Everybody who was let in; of every channel if none is named.
    pub async fn allowed(&self, channel: Option<&str>) -> Result<Vec<AllowedSender>, StoreError> {
        let channel = channel.map(str::to_owned);
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM allowed_sender WHERE ?1 IS NULL OR channel = ?1 ORDER BY approved_at, sender",
                )?;
                let senders = statement.query_map([channel], allowed_sender)?.collect::<Result<_, _>>()?;
                Ok(senders)
            })
            .await
    }

    /// Takes a permission back; says whether there was one.
    pub async fn remove(&self, channel: &str, account: &str, sender: &str) -> Result<bool, StoreError> {
        let at = (channel.to_owned(), account.to_owned(), sender.to_owned());
        self.store
            .jobs
            .call(move |db| {
                let gone = db.execute(
                    "DELETE FROM allowed_sender WHERE channel = ?1 AND account = ?2 AND sender = ?3",
                    at,
                )?;
                Ok(gone > 0)
            })
            .await
    }
}

fn decide(db: &Connection, new: &NewPairing, now: i64) -> Result<PairingOutcome, StoreError> {
    if allowed_in(db, &new.channel, &new.account, &new.sender)? {
        return Ok(PairingOutcome::Allowed);
    }
    forget_expired(db, now)?;
    let waiting = db
        .query_row(
            "SELECT * FROM pairing_request WHERE channel = ?1 AND account = ?2 AND sender = ?3",
            (&new.channel, &new.account, &new.sender),
            |row| Ok((request(row)?, row.get::<_, Option<String>>("bot")?)),
        )
        .optional()?;
    if let Some((waiting, told_by)) = waiting {
        let elsewhere = told_by.is_some() && new.bot.is_some() && told_by != new.bot;
        if !elsewhere {
            return Ok(PairingOutcome::Waiting(waiting));
        }
        db.execute(
            "DELETE FROM pairing_request WHERE channel = ?1 AND account = ?2 AND sender = ?3",
            (&new.channel, &new.account, &new.sender),
        )?;
    }
    let count: i64 = db.query_row(
        "SELECT count(*) FROM pairing_request WHERE channel = ?1 AND account = ?2
           AND (bot IS NULL OR ?3 IS NULL OR bot = ?3)",
        (&new.channel, &new.account, &new.bot),
        |row| row.get(0),
    )?;
    if count >= ALLOWED_PENDING {
        return Ok(PairingOutcome::Full);
    }
    let request = PairingRequest {
        channel: new.channel.clone(),
        account: new.account.clone(),
        sender: new.sender.clone(),
        code: new_code(db, &new.channel)?,
        meta: new.meta.clone(),
        created_at: now,
        expires_at: now.saturating_add(CODE_LIFETIME_MS),
    };
    let meta = if request.meta.is_null() { "{}".to_owned() } else { request.meta.to_string() };
    db.execute(
        "INSERT INTO pairing_request (channel, account, sender, code, meta, created_at, expires_at, bot)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            &request.channel,
            &request.account,
            &request.sender,
            &request.code,
            meta,
            request.created_at,
            request.expires_at,
            &new.bot,
        ),
    )?;
    Ok(PairingOutcome::New(request))
}

fn new_code(db: &Connection, channel: &str) -> Result<String, StoreError> {
    loop {
        let mut bytes = [0_u8; CODE_LENGTH];
        getrandom::fill(&mut bytes).map_err(|error| StoreError::Randomness(error.to_string()))?;
        let code: String = bytes
            .iter()
            .map(|byte| char::from(CODE_ALPHABET[usize::from(*byte) % CODE_ALPHABET.len()]))
            .collect();
        let taken: bool = db.query_row(
            "SELECT EXISTS (SELECT 1 FROM pairing_request WHERE channel = ?1 AND code = ?2)",
            (channel, &code),
            |row| row.get(0),
        )?;
        if !taken {
            return Ok(code);
        }
    }
}

fn forget_expired(db: &Connection, now: i64) -> rusqlite::Result<usize> {
    db.execute("DELETE FROM pairing_request WHERE expires_at <= ?1", [now])
}

fn allowed_in(db: &Connection, channel: &str, account: &str, sender: &str) -> rusqlite::Result<bool> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM allowed_sender WHERE channel = ?1 AND account = ?2 AND sender = ?3)",
        (channel, account, sender),
        |row| row.get(0),
    )
}

pub(crate) fn allow(db: &Connection, allowed: &AllowedSender) -> rusqlite::Result<usize> {
    db.execute(
        "INSERT INTO allowed_sender (channel, account, sender, meta, approved_by, approved_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (channel, account, sender) DO UPDATE SET meta = excluded.meta,
           approved_by = excluded.approved_by, approved_at = excluded.approved_at",
        (
            &allowed.channel,
            &allowed.account,
            &allowed.sender,
            allowed.meta.to_string(),
            &allowed.approved_by,
            allowed.approved_at,
        ),
    )
}

fn request(row: &Row<'_>) -> rusqlite::Result<PairingRequest> {
    Ok(PairingRequest {
        channel: row.get("channel")?,
        account: row.get("account")?,
        sender: row.get("sender")?,
        code: row.get("code")?,
        meta: rows::json(row, "meta")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
    })
}

fn allowed_sender(row: &Row<'_>) -> rusqlite::Result<AllowedSender> {
    Ok(AllowedSender {
        channel: row.get("channel")?,
        account: row.get("account")?,
        sender: row.get("sender")?,
        meta: rows::json(row, "meta")?,
        approved_by: row.get("approved_by")?,
        approved_at: row.get("approved_at")?,
    })
}
