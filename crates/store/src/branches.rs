//! Going back in a conversation. What was said after that point is not lost: it stays beside the present transcript as a
//! branch, and people can switch to it. Messages keep their ids on every way that they belong to first; where two ways share
//! a beginning, the other one has copies.

use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use crate::messages::message;
use crate::sessions::require;
use crate::{Message, NewSession, Session, Sessions, Store, StoreError, StoredPicture};

/// One way that a conversation went.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Its last message; names the branch.
    pub leaf: Message,
    /// How many messages it has.
    pub messages: i64,
    /// Whether it is the present one.
    pub active: bool,
}

/// What cutting a conversation at a message came to.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one of it lives for the length of an answer")]
pub enum Cut<T> {
    /// It is done.
    Done {
        /// The message that the cut is before, with its pictures: to be said again, in other words.
        message: Message,
        /// Its pictures.
        pictures: Vec<StoredPicture>,
        /// What came of it.
        made: T,
    },
    /// There is no such message in the present transcript.
    NoMessage,
    /// It is not a person's.
    NotAPersons,
}

impl Sessions {
    /// The ways that a conversation went, the present one first, then the newest.
    pub async fn branches(&self, key: &str) -> Result<Vec<Branch>, StoreError> {
        let key = key.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let present = require(db, &key)?.session_id;
                let mut found: Vec<Branch> = leaf(db, &present, true)?.into_iter().collect();
                let mut others: Vec<Branch> = Vec::new();
                for id in beside(db, &present)? {
                    others.extend(leaf(db, &id, false)?);
                }
                others.sort_by_key(|branch| std::cmp::Reverse(branch.leaf.ts));
                found.extend(others);
                Ok(found)
            })
            .await
    }

    /// Goes back to before a message of a person. What was said from there on becomes a branch.
    pub async fn rewind(&self, key: &str, message_id: &str) -> Result<Cut<Session>, StoreError> {
        let (key, id, now) = (key.to_owned(), message_id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let session = require(&tx, &key)?;
                let (message, pictures) = match asked(&tx, &session.session_id, &id)? {
                    Ok(found) => found,
                    Err(cut) => return Ok(cut),
                };
                let branch = Uuid::new_v4().to_string();
                let present = &session.session_id;
                copy(&tx, present, &branch, message.seq, now)?;
                tx.execute(
                    "UPDATE message SET session_id = ?2 WHERE session_id = ?1 AND seq >= ?3",
                    (present, &branch, message.seq),
                )?;
                tx.execute(
                    "UPDATE compaction SET session_id = ?2 WHERE session_id = ?1 AND kept_from > ?3",
                    (present, &branch, message.seq),
                )?;
                tx.execute(
                    "INSERT INTO branch (session_id, present_id, created_at) VALUES (?1, ?2, ?3)",
                    (&branch, present, now),
                )?;
                let session = turned(&tx, &key, now)?;
                tx.commit().map_err(StoreError::query("go back in a conversation"))?;
                Ok(Cut::Done { message, pictures, made: session })
            })
            .await
    }

    /// Makes the branch that ends with a message the present one. `None`: there is no such branch.
    pub async fn switch_branch(&self, key: &str, leaf_id: &str) -> Result<Option<Session>, StoreError> {
        let (key, leaf_id, now) = (key.to_owned(), leaf_id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let session = require(&tx, &key)?;
                let present = session.session_id.as_str();
                if leaf(&tx, present, true)?.is_some_and(|branch| branch.leaf.id == leaf_id) {
                    return Ok(Some(session));
                }
                let mut wanted = None;
                for id in beside(&tx, present)? {
                    if leaf(&tx, &id, false)?.is_some_and(|branch| branch.leaf.id == leaf_id) {
                        wanted = Some(id);
                    }
                }
                let Some(wanted) = wanted else { return Ok(None) };
                let former = Uuid::new_v4().to_string();
                for (from, to) in [(present, former.as_str()), (wanted.as_str(), present)] {
                    tx.execute("UPDATE message SET session_id = ?2 WHERE session_id = ?1", (from, to))?;
                    tx.execute("UPDATE compaction SET session_id = ?2 WHERE session_id = ?1", (from, to))?;
                }
                tx.execute("DELETE FROM branch WHERE session_id = ?1", [&wanted])?;
                // Nothing was said on the former way: there is nothing to go back to.
                if leaf(&tx, &former, false)?.is_some() {
                    tx.execute(
                        "INSERT INTO branch (session_id, present_id, created_at) VALUES (?1, ?2, ?3)",
                        (&former, present, now),
                    )?;
                }
                let session = turned(&tx, &key, now)?;
                tx.commit().map_err(StoreError::query("switch to another branch"))?;
                Ok(Some(session))
            })
            .await
    }

    /// Begins another conversation with what was said before a message of a person.
    pub async fn fork(
        &self,
        key: &str,
        message_id: &str,
        new: NewSession,
    ) -> Result<Cut<Session>, StoreError> {
        let (key, id) = (key.to_owned(), message_id.to_owned());
        let Sessions { store } = self.clone();
        let cut = store
            .jobs
            .call(move |db| {
                let session = require(db, &key)?;
                let found = asked(db, &session.session_id, &id)?;
                Ok(found.map(|(message, pictures)| (session, message, pictures)))
            })
            .await?;
        let (from, message, pictures) = match cut {
            Ok(found) => found,
            Err(cut) => return Ok(cut),
        };
        let made = self.get_or_create(new).await?;
        let made = fill(&store, &from, made, message.seq).await?;
        Ok(Cut::Done { message, pictures, made })
    }
}

/// Gives a new conversation the beginning of another one, and what was chosen for that.
async fn fill(store: &Store, from: &Session, made: Session, before: i64) -> Result<Session, StoreError> {
    let (from, now) = (from.clone(), store.now());
    store
        .jobs
        .call(move |db| {
            let tx = db.transaction()?;
            copy(&tx, &from.session_id, &made.session_id, before, now)?;
            own_pictures(&tx, &from.session_id, &made.session_id)?;
            tx.execute(
                "UPDATE session SET choices = ?2, category = ?3, model_provider = ?4, model = ?5 WHERE key = ?1",
                (&made.key, from.choices.to_string(), &from.category, &from.model_provider, &from.model),
            )?;
            let session = require(&tx, &made.key)?;
            tx.commit().map_err(StoreError::query("fork a conversation"))?;
            Ok(session)
        })
        .await
}

type Asked = Result<(Message, Vec<StoredPicture>), Cut<Session>>;

/// The message that is meant, with its pictures, or why there is no cut.
fn asked(db: &Connection, session_id: &str, id: &str) -> Result<Asked, StoreError> {
    let found = db
        .query_row("SELECT * FROM message WHERE id = ?1 AND session_id = ?2", (id, session_id), message)
        .optional()?;
    let Some(found) = found else { return Ok(Err(Cut::NoMessage)) };
    if found.role != "user" {
        return Ok(Err(Cut::NotAPersons));
    }
    let mut pictures = Vec::new();
    for id in crate::pictures::named(&found.content) {
        pictures.extend(crate::pictures::find(db, id)?);
    }
    Ok(Ok((found, pictures)))
}

/// The transcripts beside a present one.
fn beside(db: &Connection, present: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare("SELECT session_id FROM branch WHERE present_id = ?1")?;
    let ids = statement.query_map([present], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

fn leaf(db: &Connection, session_id: &str, active: bool) -> Result<Option<Branch>, StoreError> {
    let leaf = db
        .query_row(
            "SELECT * FROM message WHERE session_id = ?1 ORDER BY seq DESC LIMIT 1",
            [session_id],
            message,
        )
        .optional()?;
    let messages =
        db.query_row("SELECT count(*) FROM message WHERE session_id = ?1", [session_id], |row| row.get(0))?;
    Ok(leaf.map(|leaf| Branch { leaf, messages, active }))
}

/// Copies what was said before a place into another transcript, and the summaries of it.
fn copy(db: &Connection, from: &str, to: &str, before: i64, now: i64) -> Result<(), StoreError> {
    let ids = {
        let mut statement =
            db.prepare("SELECT id FROM message WHERE session_id = ?1 AND seq < ?2 ORDER BY seq")?;
        statement.query_map((from, before), |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?
    };
    let mut insert = db.prepare(
        "INSERT INTO message (id, session_id, seq, role, content, run_id, idempotency_key, meta, ts)
         SELECT ?2, ?3, seq, role, content, run_id, idempotency_key, meta, ts FROM message WHERE id = ?1",
    )?;
    for id in ids {
        insert.execute((id, Uuid::new_v4().to_string(), to))?;
    }
    let summaries = {
        let mut statement =
            db.prepare("SELECT id FROM compaction WHERE session_id = ?1 AND kept_from <= ?2")?;
        statement.query_map((from, before), |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?
    };
    for id in summaries {
        db.execute(
            "INSERT INTO compaction (id, session_id, kept_from, summary, reason, tokens_before, tokens_after, created_at)
             SELECT ?2, ?3, kept_from, summary, reason, tokens_before, tokens_after, ?4 FROM compaction WHERE id = ?1",
            (id, Uuid::new_v4().to_string(), to, now),
        )?;
    }
    Ok(())
}

/// Gives the messages of a copied transcript pictures of their own, so that they outlive the other one's.
fn own_pictures(db: &Connection, from: &str, to: &str) -> Result<(), StoreError> {
    let ids = {
        let mut statement = db.prepare("SELECT id FROM picture WHERE session_id = ?1")?;
        statement.query_map([from], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?
    };
    for id in ids {
        let own = Uuid::new_v4().to_string();
        let named = db.execute(
            "UPDATE message SET content = replace(content, ?2, ?3) WHERE session_id = ?1 AND instr(content, ?2) > 0",
            (to, &id, &own),
        )?;
        if named > 0 {
            db.execute(
                "INSERT INTO picture (id, session_id, mime_type, data) SELECT ?2, ?3, mime_type, data FROM picture WHERE id = ?1",
                (id, own, to),
            )?;
        }
    }
    Ok(())
}

/// Notes that the transcript is another one now: whoever read up to a place in it must read it anew.
fn turned(db: &Connection, key: &str, now: i64) -> Result<Session, StoreError> {
    db.execute(
        "UPDATE session SET meta = json_set(meta, '$.turned', coalesce(json_extract(meta, '$.turned'), 0) + 1),
           context_tokens = 0, updated_at = max(updated_at, ?2) WHERE key = ?1",
        (key, now),
    )
    .map_err(StoreError::query("note a turn of a conversation"))?;
    require(db, key)
}

/// Removes the transcripts beside a present one; within the caller's transaction.
pub(crate) fn forget(db: &Connection, present: &str) -> Result<(), StoreError> {
    for table in ["message", "compaction"] {
        db.execute(
            &format!(
                "DELETE FROM {table} WHERE session_id IN (SELECT session_id FROM branch WHERE present_id = ?1)"
            ),
            [present],
        )?;
    }
    db.execute("DELETE FROM branch WHERE present_id = ?1", [present])?;
    Ok(())
}
