//! `agents.workspace.*`: looking around in an agent's workspace. Nothing is written, and nothing outside is reached.

use std::sync::Arc;

use base64::Engine as _;
use bulkhead_agent::workspace::{Entry, FileError};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::agents::{
    AgentsWorkspaceGetParams, AgentsWorkspaceListParams, WorkspaceEntry,
};
use bulkhead_server::Reply;
use serde_json::json;

use super::files::inside;
use crate::gateway::Gateway;
use crate::methods::Call;

/// Entries of one page when nothing else is said, and at most.
const PAGE: usize = 200;
const LONGEST_PAGE: usize = 1000;
/// Largest text and largest picture that are shown.
const LONGEST_TEXT: u64 = 1024 * 1024;
const LARGEST_PICTURE: u64 = 8 * 1024 * 1024;
/// Pictures by the end of their name.
const PICTURES: [(&str, &str); 5] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
];

/// What is in a folder, page by page.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AgentsWorkspaceListParams = call.params()?;
    let path = relative(params.path.as_deref().unwrap_or_default())?;
    let offset = usize::try_from(params.offset.unwrap_or(0)).unwrap_or(usize::MAX);
    let limit =
        params.limit.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(PAGE)).clamp(1, LONGEST_PAGE);
    let asked = path.clone();
    let (_, (entries, total)) = inside(gateway, &params.agent_id, move |workspace| {
        let folder = if asked.is_empty() { "." } else { &asked };
        workspace.entries(folder, offset, limit).map_err(|error| refused(&error, &asked, "directory"))
    })
    .await?;
    let rows: Vec<WorkspaceEntry> = entries.into_iter().map(|entry| row(&path, entry)).collect();
    let mut answer = json!({
        "agentId": params.agent_id, "path": path, "entries": rows, "totalEntries": total, "offset": offset,
    });
    if !path.is_empty() {
        answer["parentPath"] = path.rsplit_once('/').map_or("", |(parent, _)| parent).into();
    }
    Reply::json(&answer)
}

/// One text or picture.
pub(super) async fn get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AgentsWorkspaceGetParams = call.params()?;
    let path = relative(&params.path)?;
    let picture = picture_kind(&path);
    let limit = if picture.is_some() { LARGEST_PICTURE } else { LONGEST_TEXT };
    let asked = path.clone();
    let (_, (entry, bytes)) = inside(gateway, &params.agent_id, move |workspace| {
        let bytes = workspace.read(&asked, limit).map_err(|error| refused(&error, &asked, "file"))?;
        let entry = workspace.look(&asked).map_err(|error| refused(&error, &asked, "file"))?;
        Ok((entry, bytes))
    })
    .await?;
    let (mime, encoding, content) = match (picture, String::from_utf8(bytes)) {
        (Some(mime), Ok(text)) => (mime, "base64", base64::engine::general_purpose::STANDARD.encode(text)),
        (Some(mime), Err(bytes)) => {
            (mime, "base64", base64::engine::general_purpose::STANDARD.encode(bytes.as_bytes()))
        }
        (None, Ok(text)) => ("text/plain", "utf8", text),
        (None, Err(_)) => {
            return Err(invalid("workspace_file_unsupported", "only texts and pictures are shown", &path));
        }
    };
    Reply::json(&json!({
        "agentId": params.agent_id,
        "file": {
            "path": path, "name": entry.name, "size": entry.size, "updatedAtMs": entry.modified_ms,
            "mimeType": mime, "encoding": encoding, "content": content,
        },
    }))
}

/// The kind of a picture, by the end of its name.
pub(in crate::methods) fn picture_kind(path: &str) -> Option<&'static str> {
    let end = path.rsplit_once('.')?.1.to_ascii_lowercase();
    PICTURES.iter().find(|(known, _)| *known == end).map(|(_, mime)| *mime)
}

/// A path inside of the workspace as it is shown: steps joined by `/`, none of them leading up or to a root.
pub(in crate::methods) fn relative(path: &str) -> Result<String, ErrorShape> {
    let escapes = || invalid("workspace_path_invalid", "path escapes the agent workspace", path);
    if path.len() > 4096 || path.contains(['\0', '\\']) || path.starts_with('/') || path.starts_with('~') {
        return Err(escapes());
    }
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
    if steps.contains(&"..") || steps.iter().any(|step| step.contains(':')) {
        return Err(escapes());
    }
    Ok(steps.join("/"))
}

fn row(folder: &str, entry: Entry) -> WorkspaceEntry {
    WorkspaceEntry {
        path: if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) },
        name: entry.name,
        kind: if entry.folder { "directory" } else { "file" }.to_owned(),
        size: (!entry.folder).then_some(entry.size),
        updated_at_ms: Some(entry.modified_ms),
    }
}

fn refused(error: &FileError, path: &str, what: &str) -> ErrorShape {
    match error {
        FileError::Outside(_) | FileError::Foreign(_) => {
            invalid("workspace_path_invalid", "path escapes the agent workspace", path)
        }
        FileError::Io { error, .. } if error.kind() == std::io::ErrorKind::NotFound => {
            invalid("workspace_path_not_found", &format!("workspace {what} not found"), path)
        }
        FileError::TooLarge { size, limit, .. } => {
            invalid("workspace_file_too_large", &format!("{size} bytes, at most {limit} are shown"), path)
        }
        other => invalid("workspace_path_invalid", &other.to_string(), path),
    }
}

fn invalid(kind: &str, message: &str, path: &str) -> ErrorShape {
    let path: String = path.chars().take(400).collect();
    ErrorShape::invalid_request(message.to_owned()).with_details(json!({"type": kind, "path": path}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert_eq!(relative("a//./b").unwrap(), "a/b");
        assert_eq!(relative("").unwrap(), "");
        for bad in ["../x", "a/../../x", "/etc", "~/x", "a\\b", "c:/x"] {
            assert!(relative(bad).is_err(), "{bad}");
        }
    }
}
