//! `sessions.files.*`: the files that an agent read and changed in a session, and the folder around them. Only its workspace
//! is reached.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_agent::workspace::{Entry, FileError, Workspace};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::sessions::{
    SessionsFilesGetParams, SessionsFilesListParams, SessionsFilesSetParams,
};
use bulkhead_server::Reply;
use bulkhead_store::Message;
use serde_json::{Value, json};

use super::existing;
use crate::gateway::Gateway;
use crate::methods::agents::{inside, picture_kind, relative};
use crate::methods::{Call, store_failed};

/// Messages that are looked through for files.
const LOOKED_THROUGH: usize = 2000;
/// Files and entries that one answer names.
const MOST: usize = 500;
/// Folders that a search looks into, and how deep.
const SEARCHED: usize = 2000;
const DEEPEST: usize = 8;
/// Largest text and largest picture that are shown, and largest text that is taken.
const LONGEST_TEXT: u64 = 1024 * 1024;
const LARGEST_PICTURE: u64 = 8 * 1024 * 1024;

/// What a session did with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Touch {
    Read,
    Modified,
    Mixed,
}

impl Touch {
    fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Mixed }
    }

    /// What rows say; a file that was also read counts as modified.
    fn kind(self) -> &'static str {
        if self == Self::Read { "read" } else { "modified" }
    }

    fn relevance(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Modified => "modified",
            Self::Mixed => "mixed",
        }
    }
}

/// The files that a transcript's tool calls name, by their path in the workspace.
fn touched(messages: &[Message]) -> BTreeMap<String, Touch> {
    let mut found: BTreeMap<String, Touch> = BTreeMap::new();
    let blocks = messages.iter().flat_map(|message| message.content.as_array().into_iter().flatten());
    for block in blocks.filter(|block| block["type"] == "toolCall") {
        let touch = match block["name"].as_str() {
            Some("read") => Touch::Read,
            Some("write" | "edit") => Touch::Modified,
            _ => continue,
        };
        let path = block["arguments"]["path"].as_str().unwrap_or_default();
        let Ok(path) = relative(path) else { continue };
        if !path.is_empty() {
            found.entry(path).and_modify(|known| *known = known.and(touch)).or_insert(touch);
        }
    }
    found
}

/// The files of a session, and what is in a folder or found by a name.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SessionsFilesListParams = call.params()?;
    let session = existing(gateway, &params.session_key, params.agent_id.as_deref()).await?;
    let folder = relative(params.path.as_deref().unwrap_or_default())?;
    let search = params.search.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
    let messages =
        gateway.store.sessions().history(&session.key, LOOKED_THROUGH, None).await.map_err(store_failed)?;
    let touched = touched(&messages);
    let (root, (files, browser)) = inside(gateway, &session.agent_id, move |workspace| {
        let files: Vec<Value> =
            touched.iter().take(MOST).map(|(path, touch)| row(workspace, path, touch.kind())).collect();
        Ok((files, browser(workspace, &folder, search.as_deref(), &touched)?))
    })
    .await?;
    Reply::json(&json!({"sessionKey": session.key, "root": root, "files": files, "browser": browser}))
}

/// One file with its text or picture.
pub(super) async fn get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SessionsFilesGetParams = call.params()?;
    let session = existing(gateway, &params.session_key, params.agent_id.as_deref()).await?;
    let path = relative(&params.path)?;
    let (root, file) =
        inside(gateway, &session.agent_id, move |workspace| Ok(whole(workspace, &path))).await?;
    Reply::json(&json!({"sessionKey": session.key, "root": root, "file": file}))
}

/// Writes one file, if it is still the one that the caller knows.
pub(super) async fn set(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SessionsFilesSetParams = call.params()?;
    let session = existing(gateway, &params.session_key, params.agent_id.as_deref()).await?;
    let path = relative(&params.path)?;
    if u64::try_from(params.content.len()).unwrap_or(u64::MAX) > LONGEST_TEXT {
        let problem = format!("found {} bytes, expected at most {LONGEST_TEXT}", params.content.len());
        return Err(ErrorShape::invalid_params("sessions.files.set", "content", problem));
    }
    let one_at_a_time = gateway.config_writes.lock().await;
    let (root, file) = inside(gateway, &session.agent_id, move |workspace| {
        let found = whole(workspace, &path);
        if found["missing"] == true {
            return Err(refused(
                "session_file_not_found",
                &format!("there is no file {path:?}"),
                &Value::Null,
            ));
        }
        if found["hash"] != params.expected_hash.as_str() {
            let why =
                format!("{path} changed in between; read it again and repeat the change on the new text");
            return Err(refused("session_file_conflict", &why, &found["hash"]));
        }
        workspace
            .write(&path, params.content.as_bytes())
            .map_err(|error| refused("session_file_unwritable", &error.to_string(), &found["hash"]))?;
        Ok(whole(workspace, &path))
    })
    .await?;
    drop(one_at_a_time);
    Reply::json(&json!({"sessionKey": session.key, "root": root, "file": file}))
}

fn refused(kind: &str, message: &str, hash: &Value) -> ErrorShape {
    let mut details = json!({"type": kind});
    if !hash.is_null() {
        details["currentHash"] = hash.clone();
    }
    ErrorShape::invalid_request(message.to_owned()).with_details(details)
}

fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn row(workspace: &Workspace, path: &str, kind: &str) -> Value {
    let mut row =
        json!({"path": path, "workspacePath": path, "name": name_of(path), "kind": kind, "missing": true});
    if let Ok(Entry { folder: false, size, modified_ms, .. }) = workspace.look(path) {
        row["missing"] = false.into();
        row["size"] = size.into();
        row["updatedAtMs"] = modified_ms.into();
    }
    row
}

/// A file with what is in it, as far as that can be shown.
fn whole(workspace: &Workspace, path: &str) -> Value {
    let mut file = row(workspace, path, "read");
    if file["missing"] == true {
        return file;
    }
    let picture = picture_kind(path);
    let limit = if picture.is_some() { LARGEST_PICTURE } else { LONGEST_TEXT };
    let bytes = match workspace.read(path, limit) {
        Ok(bytes) => bytes,
        Err(FileError::TooLarge { .. }) => {
            file["previewKind"] = "unsupported".into();
            return file;
        }
        Err(_) => {
            file["missing"] = true.into();
            return file;
        }
    };
    file["hash"] = bulkhead_config::hash_bytes(&bytes).trim_start_matches("sha256:").into();
    match (picture, String::from_utf8(bytes)) {
        (Some(mime), bytes) => {
            let bytes = bytes.map_or_else(std::string::FromUtf8Error::into_bytes, String::into_bytes);
            file["mimeType"] = mime.into();
            file["contentEncoding"] = "base64".into();
            file["previewKind"] = "image".into();
            file["content"] = STANDARD.encode(bytes).into();
        }
        (None, Ok(text)) => {
            file["mimeType"] = "text/plain".into();
            file["contentEncoding"] = "utf8".into();
            file["previewKind"] = "text".into();
            file["content"] = text.into();
        }
        (None, Err(_)) => file["previewKind"] = "unsupported".into(),
    }
    file
}

/// What is in a folder; with a search, what is below it and has that in its path.
fn browser(
    workspace: &Workspace,
    folder: &str,
    search: Option<&str>,
    touched: &BTreeMap<String, Touch>,
) -> Result<Value, ErrorShape> {
    let at = if folder.is_empty() { "." } else { folder };
    let (mut rows, mut truncated) = (Vec::new(), false);
    match search {
        None => {
            let (entries, total) = workspace.entries(at, 0, MOST).map_err(|error| missing(&error, folder))?;
            truncated = total > entries.len();
            rows.extend(
                entries.into_iter().map(|entry| entry_row(&join(folder, &entry.name), &entry, touched)),
            );
        }
        Some(search) => {
            let mut folders = vec![(folder.to_owned(), 0)];
            let mut looked = 0;
            while let Some((folder, depth)) = folders.pop() {
                looked += 1;
                let at = if folder.is_empty() { "." } else { &folder };
                let Ok((entries, _)) = workspace.entries(at, 0, MOST) else { continue };
                for entry in entries {
                    let path = join(&folder, &entry.name);
                    if path.to_lowercase().contains(search) {
                        rows.push(entry_row(&path, &entry, touched));
                    }
                    let hidden = entry.name.starts_with('.') || entry.name == "node_modules";
                    if entry.folder && depth < DEEPEST && !hidden {
                        folders.push((path, depth + 1));
                    }
                }
                if rows.len() >= MOST || looked >= SEARCHED {
                    truncated = true;
                    break;
                }
            }
            rows.truncate(MOST);
        }
    }
    let mut browser = json!({"path": folder, "entries": rows});
    if !folder.is_empty() {
        browser["parentPath"] = folder.rsplit_once('/').map_or("", |(parent, _)| parent).into();
    }
    if let Some(search) = search {
        browser["search"] = search.into();
    }
    if truncated {
        browser["truncated"] = true.into();
    }
    Ok(browser)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn entry_row(path: &str, entry: &Entry, touched: &BTreeMap<String, Touch>) -> Value {
    let mut row = json!({
        "path": path,
        "name": entry.name,
        "kind": if entry.folder { "directory" } else { "file" },
        "updatedAtMs": entry.modified_ms,
    });
    if !entry.folder {
        row["size"] = entry.size.into();
    }
    let below = format!("{path}/");
    let within =
        touched.iter().filter(|(known, _)| *known == path || entry.folder && known.starts_with(&below));
    if let Some(touch) = within.map(|(_, touch)| *touch).reduce(Touch::and) {
        row["sessionKind"] = touch.relevance().into();
    }
    row
}

fn missing(error: &FileError, folder: &str) -> ErrorShape {
    refused("session_file_not_found", &format!("folder {folder:?} cannot be shown: {error}"), &Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_names_the_files_that_it_was_about() {
        let call =
            |name: &str, path: &str| json!({"type": "toolCall", "name": name, "arguments": {"path": path}});
        let message = Message {
            id: "1".into(),
            session_id: "s".into(),
            seq: 1,
            role: "assistant".into(),
            content: json!([
                call("read", "./notes.md"), call("edit", "notes.md"), call("write", "sub/new.txt"),
                call("read", "../outside"), call("exec", "notes.md"), {"type": "text", "text": "done"},
            ]),
            run_id: None,
            idempotency_key: None,
            meta: Value::Null,
            ts: 1,
        };
        let found = touched(&[message]);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["notes.md", "sub/new.txt"]);
        assert_eq!((found["notes.md"].relevance(), found["notes.md"].kind()), ("mixed", "modified"));
        assert_eq!(found["sub/new.txt"].relevance(), "modified");
    }
}
