//! Commands that wait for a person's yes, and the document that says what needs none.

use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use crate::{Store, StoreError, rows};

/// How long a resolved approval is kept, in milliseconds: 30 days.
const KEPT_MS: i64 = 30 * 24 * 3600 * 1000;
/// No more than this many resolved ones are kept.
const MOST_KEPT: i64 = 2000;

/// How an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalStatus {
    /// Nobody answered yet.
    Pending,
    /// Somebody said yes.
    Allowed,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// Nobody waits for it any more.
    Cancelled,
}

impl ApprovalStatus {
    /// The word in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Allowed, Self::Denied, Self::Expired, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// An approval to file.
#[derive(Debug, Clone, PartialEq)]
pub struct NewApproval {
    /// Names it everywhere.
    pub id: String,
    /// `exec` or `plugin`.
    pub kind: String,
    /// What is asked, as clients are shown it.
    pub request: Value,
    /// The agent that asks.
    pub agent_id: Option<String>,
    /// The session that asks.
    pub session_key: Option<String>,
    /// The run that asks.
    pub run_id: Option<String>,
    /// When nobody may answer any more, in milliseconds since 1970.
    pub expires_at: i64,
}

/// One approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Names it everywhere.
    pub id: String,
    /// `exec`.
    pub kind: String,
    /// What is asked.
    pub request: Value,
    /// The agent that asks.
    pub agent_id: Option<String>,
    /// The session that asks.
    pub session_key: Option<String>,
    /// The run that asks.
    pub run_id: Option<String>,
    /// When it was asked, in milliseconds since 1970.
    pub created_at: i64,
    /// Until when it can be answered.
    pub expires_at: i64,
    /// How it stands.
    pub status: ApprovalStatus,
    /// `allow-once`, `allow-always` or `deny`, if a person decided.
    pub decision: Option<String>,
    /// `user`, `timeout`, `run-aborted` or `gateway-restart`.
    pub reason: Option<String>,
    /// Who decided: `{kind, id, label}`.
    pub resolver: Option<Value>,
    /// When it was decided.
    pub resolved_at: Option<i64>,
    /// When what it allowed was done.
    pub used_at: Option<i64>,
}

/// How an approval ends.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalEnd {
    /// Any status but pending.
    pub status: ApprovalStatus,
    /// The person's word, if there is one.
    pub decision: Option<String>,
    /// Why it ended.
    pub reason: String,
    /// Who decided.
    pub resolver: Option<Value>,
}

/// What trying to resolve an approval found.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    /// This was the first answer, and it counts.
    Applied(Approval),
    /// It was over before; this is how.
    Over(Approval),
    /// There is none of that id.
    Unknown,
}

/// Repository of approvals.
#[derive(Debug, Clone)]
pub struct Approvals {
    pub(crate) store: Store,
}

impl Approvals {
    /// Files one; an id is taken once.
    pub async fn add(&self, new: NewApproval) -> Result<Approval, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                tx.execute(
                    "INSERT INTO approval (id, kind, request, agent_id, session_key, run_id, created_at, expires_at, status)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'pending')",
                    (
                        &new.id,
                        &new.kind,
                        new.request.to_string(),
                        &new.agent_id,
                        &new.session_key,
                        &new.run_id,
                        now,
                        new.expires_at,
                    ),
                )
                .map_err(StoreError::query("file an approval"))?;
                tx.execute(
                    "DELETE FROM approval WHERE resolved_at < ?1 OR (resolved_at IS NOT NULL AND id NOT IN
                       (SELECT id FROM approval ORDER BY created_at DESC LIMIT ?2))",
                    (now.saturating_sub(KEPT_MS), MOST_KEPT),
                )?;
                let filed = require(&tx, &new.id)?;
                tx.commit().map_err(StoreError::query("file an approval"))?;
                Ok(filed)
            })
            .await
    }

    /// One by its id.
    pub async fn get(&self, id: &str) -> Result<Option<Approval>, StoreError> {
        let id = id.to_owned();
        self.store.jobs.call(move |db| find(db, &id)).await
    }

    /// Those that nobody answered yet, oldest first.
    pub async fn pending(&self) -> Result<Vec<Approval>, StoreError> {
        self.store
            .jobs
            .call(|db| {
                let mut statement =
                    db.prepare("SELECT * FROM approval WHERE status = 'pending' ORDER BY created_at, id")?;
                let found = statement.query_map([], approval)?.collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }

    /// Those that are over, the newest first, after `(resolved_at, id)` if given, and only of one kind if it is named.
    pub async fn history(
        &self,
        limit: usize,
        after: Option<(i64, String)>,
        kind: Option<String>,
    ) -> Result<Vec<Approval>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (at, id) = after.unwrap_or((i64::MAX, String::new()));
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM approval WHERE resolved_at IS NOT NULL AND (resolved_at, id) < (?1, ?2)
                       AND (?4 IS NULL OR kind = ?4)
                     ORDER BY resolved_at DESC, id DESC LIMIT ?3",
                )?;
                let found =
                    statement.query_map((at, id, limit, kind), approval)?.collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }

    /// Ends one that is pending: the first answer counts, every later one is told how it ended. A person's answer that
    /// comes after its time counts as none.
    pub async fn resolve(&self, id: &str, end: ApprovalEnd) -> Result<Resolution, StoreError> {
        let (id, now) = (id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let by_person = end.reason == "user";
                let changed = tx
                    .execute(
                        "UPDATE approval SET status = ?2, decision = ?3, reason = ?4, resolver = ?5, resolved_at = ?6
                         WHERE id = ?1 AND status = 'pending' AND (NOT ?7 OR expires_at > ?6)",
                        (
                            &id,
                            end.status.as_str(),
                            &end.decision,
                            &end.reason,
                            end.resolver.as_ref().map(ToString::to_string),
                            now,
                            by_person,
                        ),
                    )
                    .map_err(StoreError::query("resolve an approval"))?;
                let found = find(&tx, &id)?;
                tx.commit().map_err(StoreError::query("resolve an approval"))?;
                Ok(match found {
                    None => Resolution::Unknown,
                    Some(approval) if changed == 1 => Resolution::Applied(approval),
                    Some(approval) => Resolution::Over(approval),
                })
            })
            .await
    }

    /// Claims what was allowed, once: `true` for the one caller that may do it.
    pub async fn claim(&self, id: &str) -> Result<bool, StoreError> {
        let (id, now) = (id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let changed = db
                    .execute(
                        "UPDATE approval SET used_at = ?2 WHERE id = ?1 AND status = 'allowed' AND used_at IS NULL",
                        (id, now),
                    )
                    .map_err(StoreError::query("claim an approval"))?;
                Ok(changed == 1)
            })
            .await
    }

    /// Ends everything that waits: whoever waited is gone with an earlier process. Call it once, before anything may ask.
    pub async fn cancel_on_start(&self) -> Result<Vec<Approval>, StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let mut found: Vec<Approval> = {
                    let mut statement = tx.prepare("SELECT * FROM approval WHERE status = 'pending'")?;
                    statement.query_map([], approval)?.collect::<Result<_, _>>()?
                };
                tx.execute(
                    "UPDATE approval SET status = 'cancelled', reason = 'gateway-restart', resolved_at = ?1
                     WHERE status = 'pending'",
                    [now],
                )?;
                tx.commit().map_err(StoreError::query("end approvals of an earlier run"))?;
                for one in &mut found {
                    one.status = ApprovalStatus::Cancelled;
                    one.reason = Some("gateway-restart".into());
                    one.resolved_at = Some(now);
                }
                Ok(found)
            })
            .await
    }

    /// The document of what may run, as text; `None` while nobody wrote one.
    pub async fn document(&self) -> Result<Option<String>, StoreError> {
        self.store
            .jobs
            .call(|db| Ok(db.query_row("SELECT body FROM exec_document", [], |row| row.get(0)).optional()?))
            .await
    }

    /// Replaces the document, if it still is `expected`; says whether it was.
    pub async fn replace_document(&self, expected: Option<&str>, body: &str) -> Result<bool, StoreError> {
        let (expected, body, now) = (expected.map(str::to_owned), body.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let found: Option<String> =
                    tx.query_row("SELECT body FROM exec_document", [], |row| row.get(0)).optional()?;
                if found != expected {
                    return Ok(false);
                }
                tx.execute(
                    "INSERT INTO exec_document (only, body, updated_at) VALUES (1, ?1, ?2)
                     ON CONFLICT (only) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
                    (body, now),
                )
                .map_err(StoreError::query("replace the document of exec approvals"))?;
                tx.commit().map_err(StoreError::query("replace the document of exec approvals"))?;
                Ok(true)
            })
            .await
    }
}

fn find(db: &Connection, id: &str) -> Result<Option<Approval>, StoreError> {
    Ok(db.query_row("SELECT * FROM approval WHERE id = ?1", [id], approval).optional()?)
}

fn require(db: &Connection, id: &str) -> Result<Approval, StoreError> {
    find(db, id)?.ok_or_else(|| StoreError::NotFound { what: "approval", id: id.to_owned() })
}

fn approval(row: &Row<'_>) -> rusqlite::Result<Approval> {
    Ok(Approval {
        id: row.get("id")?,
        kind: row.get("kind")?,
        request: rows::json(row, "request")?,
        agent_id: row.get("agent_id")?,
        session_key: row.get("session_key")?,
        run_id: row.get("run_id")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        status: rows::word(row, "status", ApprovalStatus::parse)?,
        decision: row.get("decision")?,
        reason: row.get("reason")?,
        resolver: rows::optional_json(row, "resolver")?,
        resolved_at: row.get("resolved_at")?,
        used_at: row.get("used_at")?,
    })
}
