//! What people set about a conversation.

use serde_json::{Map, Value};

use crate::sessions::{require, set};
use crate::{Session, Sessions, StoreError};

/// Changes of one conversation; what is `None` stays, `Some(None)` is taken away.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionPatch {
    /// What a person calls it.
    pub label: Option<Option<String>>,
    /// The group that it is sorted under; one that is new is added to the groups.
    pub category: Option<Option<String>>,
    /// Put away, or not.
    pub archived: Option<bool>,
    /// Pinned, or not.
    pub pinned: Option<bool>,
    /// Marked as not read, or read just now.
    pub unread: Option<bool>,
    /// Choices by name; `null` takes one away.
    pub choices: Map<String, Value>,
}

impl Sessions {
    /// Changes a conversation, all or nothing. Its place in lists by time stays.
    pub async fn patch(&self, key: &str, patch: SessionPatch) -> Result<Session, StoreError> {
        let (key, now) = (key.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let session = require(&tx, &key)?;
                if let Some(label) = patch.label {
                    set(&tx, &key, "label", label)?;
                }
                if let Some(category) = patch.category {
                    if let Some(name) = &category {
                        crate::session_groups::ensure(&tx, name)?;
                    }
                    set(&tx, &key, "category", category)?;
                }
                if let Some(archived) = patch.archived {
                    set(&tx, &key, "archived_at", archived.then_some(now))?;
                }
                if let Some(pinned) = patch.pinned {
                    set(&tx, &key, "pinned_at", pinned.then_some(now))?;
                }
                if let Some(unread) = patch.unread {
                    set(&tx, &key, "marked_unread_at", unread.then_some(now))?;
                    if !unread {
                        set(&tx, &key, "read_at", Some(now))?;
                    }
                }
                if !patch.choices.is_empty() {
                    let mut choices = session.choices.as_object().cloned().unwrap_or_default();
                    for (name, value) in patch.choices {
                        if value.is_null() {
                            choices.remove(&name);
                        } else {
                            choices.insert(name, value);
                        }
                    }
                    set(&tx, &key, "choices", Value::Object(choices).to_string())?;
                }
                let session = require(&tx, &key)?;
                tx.commit().map_err(StoreError::query("change a session"))?;
                Ok(session)
            })
            .await
    }

    /// The session that carries a label, if one does.
    pub async fn by_label(&self, label: &str) -> Result<Option<Session>, StoreError> {
        let filter =
            crate::SessionFilter { label: Some(label.to_owned()), limit: Some(1), ..Default::default() };
        Ok(self.list(filter).await?.pop())
    }
}
