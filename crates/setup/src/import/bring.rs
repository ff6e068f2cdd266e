//! Writing it down: folders, conversations, people, jobs. Every step is in the journal before it is done, and each can be
//! done again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use bulkhead_profile::{Finding, Place, files};
use bulkhead_store::{
    AllowedSender, CronJobRow, CronWrite, ImportedMessage, ImportedSession, NewSession, Store, StoreError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::folders;
use super::prepare::Brought;
use super::sessions::Conversation;
use crate::event::error;

const MASK: &str = "[secret]";

/// What an import made in one profile, for its undoing. No secret is in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BroughtJournal {
    /// Folders by where they go: under which name they are made, and what they are when whole.
    folders: BTreeMap<PathBuf, Copied>,
    /// Whether the database was there before.
    had_database: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Copied {
    staging: PathBuf,
    fingerprint: Option<String>,
}

/// Where timed jobs that did not come along are kept for whoever makes them anew.
pub(super) fn jobs_path(place: &Place) -> PathBuf {
    place.state_dir().join("imported").join("openclaw-cron.json")
}

/// Writes everything. `save` puts the journal on disk before each step.
pub(crate) async fn bring(
    brought: &Brought,
    place: &Place,
    earlier: Option<BroughtJournal>,
    mut save: impl FnMut(&BroughtJournal) -> Result<(), Finding>,
) -> Result<String, Finding> {
    let mut journal = earlier.unwrap_or_else(|| BroughtJournal {
        had_database: place.database_path().exists(),
        ..Default::default()
    });
    save(&journal)?;
    for (folder, survey) in &brought.folders {
        let copied = journal.folders.get(&folder.to).cloned().unwrap_or_default();
        if is_whole(&folder.to, &copied) {
            continue;
        }
        let trouble = |found: &io::Error| unwritable(place, &folder.to, found);
        if is_occupied(&folder.to) {
            return Err(error(
                "workspace-not-empty",
                &[place.name().as_str()],
                format!("workspace {}", folder.to.display()),
                "a folder with files in it",
                "none, or an empty one: an import never mixes two workspaces",
                "move it away, or import into another profile with --profile",
            ));
        }
        let staging = staging(&folder.to);
        journal.folders.insert(folder.to.clone(), Copied { staging: staging.clone(), fingerprint: None });
        save(&journal)?;
        remove_tree(&staging).map_err(|error| trouble(&error))?;
        if let Some(above) = folder.to.parent() {
            files::create_private_dir(above).map_err(|error| trouble(&error))?;
        }
        folders::copy(&folder.from, &staging, survey).map_err(|error| trouble(&error))?;
        let fingerprint = folders::fingerprint(&staging);
        journal.folders.insert(folder.to.clone(), Copied { staging: staging.clone(), fingerprint });
        save(&journal)?;
        let _ = fs::remove_dir(&folder.to);
        fs::rename(&staging, &folder.to).map_err(|error| trouble(&error))?;
    }
    let sessions = rows(brought, place).await.map_err(|trouble| {
        error(
            trouble.code(),
            &[place.name().as_str()],
            format!("database {}", place.database_path().display()),
            trouble.to_string(),
            "a database that can be written",
            "free some space or correct its permissions, and run this again",
        )
    })?;
    if !brought.left_jobs.is_empty() {
        let path = jobs_path(place);
        let kept = json!({ "version": 1, "from": "openclaw", "jobs": brought.left_jobs });
        let bytes = serde_json::to_vec_pretty(&kept).unwrap_or_default();
        files::atomic_write_in_new_dir(&path, &bytes, 0o600)
            .map_err(|error| unwritable(place, &path, &error))?;
    }
    Ok(format!(
        "{} folders, {sessions} conversations, {} people and {} timed jobs came along.",
        brought.folders.len(),
        brought.people.len(),
        brought.jobs.len()
    ))
}

async fn rows(brought: &Brought, place: &Place) -> Result<usize, StoreError> {
    if brought.conversations.is_empty() && brought.people.is_empty() && brought.jobs.is_empty() {
        return Ok(0);
    }
    let store = Store::open(place.database_path())?;
    for conversation in &brought.conversations {
        store.sessions().import(of_openclaw(conversation, brought.finder.as_ref())).await?;
    }
    let now = store.now();
    for person in &brought.people {
        let allowed = AllowedSender {
            channel: "telegram".to_owned(),
            account: person.account.clone(),
            sender: person.sender.clone(),
            meta: json!({}),
            approved_by: "import:openclaw".to_owned(),
            approved_at: now,
        };
        store.pairings().allow(allowed).await?;
    }
    for job in &brought.jobs {
        let row = bulkhead_schedule::row(job);
        // Done again, nothing is doubled, and what somebody changed since stays.
        let only_new = |known: Option<CronJobRow>| match known {
            Some(_) => (Vec::new(), ()),
            None => (vec![CronWrite::Job(row)], ()),
        };
        store.cron().decide(&job.id, only_new).await?;
    }
    store.close().await;
    Ok(brought.conversations.len())
}

fn of_openclaw(conversation: &Conversation, finder: Option<&AhoCorasick>) -> ImportedSession {
    let messages = conversation
        .messages
        .iter()
        .map(|said| ImportedMessage {
            role: said.role.to_owned(),
            content: without_secrets(said.content.clone(), finder),
            meta: without_secrets(said.meta.clone(), finder),
            idempotency_key: format!("openclaw:{}", said.id),
            ts: said.at,
        })
        .collect();
    ImportedSession {
        session: NewSession {
            key: conversation.key.clone(),
            agent_id: conversation.agent.clone(),
            kind: Some(conversation.kind.to_owned()),
            session_id: Some(conversation.session_id.clone()),
            channel: conversation.channel.clone(),
            account: conversation.account.clone(),
            peer: conversation.peer.clone(),
            label: conversation.label.clone(),
            parent: None,
        },
        created_at: conversation.created_at,
        updated_at: conversation.updated_at,
        messages,
    }
}

/// Whether one of the secrets stands in a value.
pub(super) fn holds_secret(value: &Value, finder: Option<&AhoCorasick>) -> bool {
    let Some(finder) = finder else { return false };
    match value {
        Value::String(text) => finder.is_match(text),
        Value::Array(items) => items.iter().any(|item| holds_secret(item, Some(finder))),
        Value::Object(map) => map.values().any(|item| holds_secret(item, Some(finder))),
        _ => false,
    }
}

fn without_secrets(value: Value, finder: Option<&AhoCorasick>) -> Value {
    let Some(finder) = finder else { return value };
    match value {
        Value::String(text) if finder.is_match(&text) => {
            let masks = vec![MASK; finder.patterns_len()];
            finder.replace_all(&text, &masks).into()
        }
        Value::Array(items) => items.into_iter().map(|item| without_secrets(item, Some(finder))).collect(),
        Value::Object(map) => Value::Object(
            map.into_iter().map(|(key, item)| (key, without_secrets(item, Some(finder)))).collect(),
        ),
        other => other,
    }
}

/// Takes back what an import made, as far as nobody changed it since.
pub(crate) fn undo(journal: &BroughtJournal, place: &Place) {
    for (to, copied) in &journal.folders {
        let _ = remove_tree(&copied.staging);
        if is_whole(to, copied) {
            let _ = remove_tree(to);
        }
        // `agents/<id>` above an agent's own folder; only empty ones go.
        let mut above = to.parent();
        while let Some(dir) =
            above.filter(|dir| *dir != place.state_dir() && files::is_within(dir, place.state_dir()))
        {
            let _ = fs::remove_dir(dir);
            above = dir.parent();
        }
    }
    if !journal.had_database {
        let database = place.database_path();
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = database.as_os_str().to_owned();
            name.push(suffix);
            let _ = fs::remove_file(PathBuf::from(name));
        }
        let jobs = jobs_path(place);
        let _ = fs::remove_file(&jobs);
        let _ = jobs.parent().map(fs::remove_dir);
    }
}

fn is_whole(to: &Path, copied: &Copied) -> bool {
    copied.fingerprint.is_some() && to.is_dir() && folders::fingerprint(to) == copied.fingerprint
}

fn is_occupied(to: &Path) -> bool {
    match fs::read_dir(to) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => to.exists(),
    }
}

fn staging(to: &Path) -> PathBuf {
    let name = to.file_name().and_then(|name| name.to_str()).unwrap_or("workspace");
    to.with_file_name(format!(".bulkhead-import-{name}"))
}

fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn unwritable(place: &Place, path: &Path, found: &io::Error) -> Finding {
    error(
        "path-not-writable",
        &[place.name().as_str()],
        path.display().to_string(),
        found.to_string(),
        "a folder that can be read and written, with space for the copy",
        "free some space or correct its permissions, and run this again",
    )
}
