//! Where on a channel approvals and questions are shown, and what their buttons carry.

use rusqlite::{OptionalExtension, Row};

use crate::{Store, StoreError};

/// How long a button that was used or ended is remembered: a second tap is known as such.
const KEPT_MS: i64 = 24 * 3600 * 1000;

/// A message that shows an approval or a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptPlace {
    /// The approval or question.
    pub subject: String,
    /// Such as `telegram`.
    pub channel: String,
    /// Account of the channel.
    pub account: String,
    /// The chat.
    pub chat: String,
    /// The message.
    pub message_id: i64,
}

/// What one button carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptButton {
    /// What comes back when it is pressed.
    pub nonce: String,
    /// The approval or question.
    pub subject: String,
    /// What pressing it says.
    pub choice: String,
    /// Account of the channel that it was sent by.
    pub account: String,
    /// Who may press it.
    pub person: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_at: i64,
    /// When it was used.
    pub used_at: Option<i64>,
}

/// Repository of prompts.
#[derive(Debug, Clone)]
pub struct Prompts {
    pub(crate) store: Store,
}

impl Prompts {
    /// Remembers what buttons carry, and forgets those that ended long ago. Before the message with them goes out.
    pub async fn add_buttons(&self, buttons: Vec<PromptButton>) -> Result<(), StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                for button in &buttons {
                    tx.execute(
                        "INSERT INTO prompt_button (nonce, subject, choice, account, person, expires_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        (
                            &button.nonce,
                            &button.subject,
                            &button.choice,
                            &button.account,
                            &button.person,
                            button.expires_at,
                        ),
                    )
                    .map_err(StoreError::query("record what a button carries"))?;
                }
                tx.execute(
                    "DELETE FROM prompt_button WHERE max(expires_at, coalesce(used_at, 0)) < ?1",
                    [now.saturating_sub(KEPT_MS)],
                )?;
                tx.execute(
                    "DELETE FROM prompt_place WHERE created_at < ?1",
                    [now.saturating_sub(7 * KEPT_MS)],
                )?;
                tx.commit().map_err(StoreError::query("record what a button carries"))
            })
            .await
    }

    /// What a button carries.
    pub async fn button(&self, nonce: &str) -> Result<Option<PromptButton>, StoreError> {
        let nonce = nonce.to_owned();
        self.store
            .jobs
            .call(move |db| {
                Ok(db
                    .query_row("SELECT * FROM prompt_button WHERE nonce = ?1", [nonce], button)
                    .optional()?)
            })
            .await
    }

    /// Uses a button up, once: `true` for the one press that counts.
    pub async fn use_button(&self, nonce: &str) -> Result<bool, StoreError> {
        let (nonce, now) = (nonce.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let changed = db
                    .execute(
                        "UPDATE prompt_button SET used_at = ?2 WHERE nonce = ?1 AND used_at IS NULL AND expires_at > ?2",
                        (nonce, now),
                    )
                    .map_err(StoreError::query("use a button"))?;
                Ok(changed == 1)
            })
            .await
    }

    /// Remembers where something is shown.
    pub async fn add_place(&self, place: PromptPlace) -> Result<(), StoreError> {
        let now = self.store.now();
        self.store
            .jobs
            .call(move |db| {
                db.execute(
                    "INSERT INTO prompt_place (subject, channel, account, chat, message_id, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (subject, channel, account, chat) DO UPDATE SET message_id = excluded.message_id",
                    (&place.subject, &place.channel, &place.account, &place.chat, place.message_id, now),
                )
                .map_err(StoreError::query("record where something is asked"))?;
                Ok(())
            })
            .await
    }

    /// Where something is shown; it is forgotten with this, since whoever asks changes those messages for good.
    pub async fn take_places(&self, subject: &str) -> Result<Vec<PromptPlace>, StoreError> {
        let subject = subject.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let found: Vec<PromptPlace> = {
                    let mut statement = tx.prepare("SELECT * FROM prompt_place WHERE subject = ?1")?;
                    statement.query_map([&subject], place)?.collect::<Result<_, _>>()?
                };
                tx.execute("DELETE FROM prompt_place WHERE subject = ?1", [&subject])?;
                tx.commit().map_err(StoreError::query("forget where something was asked"))?;
                Ok(found)
            })
            .await
    }
}

fn button(row: &Row<'_>) -> rusqlite::Result<PromptButton> {
    Ok(PromptButton {
        nonce: row.get("nonce")?,
        subject: row.get("subject")?,
        choice: row.get("choice")?,
        account: row.get("account")?,
        person: row.get("person")?,
        expires_at: row.get("expires_at")?,
        used_at: row.get("used_at")?,
    })
}

fn place(row: &Row<'_>) -> rusqlite::Result<PromptPlace> {
    Ok(PromptPlace {
        subject: row.get("subject")?,
        channel: row.get("channel")?,
        account: row.get("account")?,
        chat: row.get("chat")?,
        message_id: row.get("message_id")?,
    })
}
