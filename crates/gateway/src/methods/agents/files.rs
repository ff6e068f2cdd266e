//! `agents.files.*`: the files of a workspace that describe an agent. Only these, only inside of it, and not too large.

use std::sync::Arc;

use bulkhead_agent::workspace::{Entry, FileError, PROMPT_FILES, Workspace};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::agents::{
    AgentFile, AgentsFilesGetParams, AgentsFilesListParams, AgentsFilesSetParams,
};
use bulkhead_server::Reply;
use serde_json::json;

use super::unknown;
use crate::gateway::Gateway;
use crate::methods::Call;

/// What else is looked for in a workspace besides the files of the prompt.
const MORE: [&str; 2] = ["HEARTBEAT.md", "MEMORY.md"];
/// Nobody misses these.
const EXPECTED_ABSENT: [&str; 2] = ["HEARTBEAT.md", "MEMORY.md"];
/// Largest file that is shown or taken.
const LONGEST: u64 = 1024 * 1024;

fn names() -> impl Iterator<Item = &'static str> {
    PROMPT_FILES.into_iter().chain(MORE)
}

/// Which of the files there are.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AgentsFilesListParams = call.params()?;
    let (workspace, files) = inside(gateway, &params.agent_id, |workspace| {
        Ok(names().map(|name| entry(workspace, name)).collect::<Vec<_>>())
    })
    .await?;
    Reply::json(&json!({"agentId": params.agent_id, "workspace": workspace, "files": files}))
}

/// One of them with its text.
pub(super) async fn get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AgentsFilesGetParams = call.params()?;
    let name = known(&params.name)?;
    let (workspace, file) = inside(gateway, &params.agent_id, move |workspace| read(workspace, name)).await?;
    Reply::json(&json!({"agentId": params.agent_id, "workspace": workspace, "file": file}))
}

/// Writes one of them, if it is still the one that the caller knows.
pub(super) async fn set(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AgentsFilesSetParams = call.params()?;
    let name = known(&params.name)?;
    if u64::try_from(params.content.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err(ErrorShape::invalid_request(format!(
            "content: found {} bytes, expected at most {LONGEST}; keep these files short, they are read before every answer",
            params.content.len()
        )));
    }
    let (content, expected) = (params.content, params.expected_hash);
    let one_at_a_time = gateway.config_writes.lock().await;
    let (workspace, file) = inside(gateway, &params.agent_id, move |workspace| {
        if let Some(expected) = expected {
            let found = read(workspace, name)?.hash;
            if found.as_deref() != Some(expected.as_str()) {
                return Err(conflict(name, found.as_deref()));
            }
        }
        workspace.write(name, content.as_bytes()).map_err(|error| refused(&error))?;
        read(workspace, name)
    })
    .await?;
    drop(one_at_a_time);
    Reply::json(&json!({"ok": true, "agentId": params.agent_id, "workspace": workspace, "file": file}))
}

fn known(name: &str) -> Result<&'static str, ErrorShape> {
    names().find(|known| *known == name).ok_or_else(|| {
        let names = names().collect::<Vec<_>>().join(", ");
        let name: String = name.chars().take(120).collect();
        ErrorShape::invalid_request(format!("unsupported file {name:?}: expected one of {names}"))
    })
}

/// Opens the agent's workspace and works in it, off the runtime's threads. Answers also where it is.
pub(in crate::methods) async fn inside<T: Send + 'static>(
    gateway: &Arc<Gateway>,
    agent_id: &str,
    work: impl FnOnce(&Workspace) -> Result<T, ErrorShape> + Send + 'static,
) -> Result<(String, T), ErrorShape> {
    let settings = gateway.settings.now();
    let agent = settings.agent(agent_id).ok_or_else(|| unknown(agent_id))?;
    let (place, env) = (gateway.place.clone(), Arc::clone(&settings.environment));
    let shown = agent.workspace.display().to_string();
    let done = tokio::task::spawn_blocking(move || {
        let workspace = crate::runs::open_workspace(&place, &env, &agent.workspace)
            .map_err(|error| ErrorShape::unavailable(error.to_string()))?;
        work(&workspace)
    })
    .await
    .map_err(|_| ErrorShape::unavailable("looking into the workspace was interrupted; try again"))??;
    Ok((shown, done))
}

fn entry(workspace: &Workspace, name: &str) -> AgentFile {
    let path = workspace.root().join(name).display().to_string();
    match workspace.look(name) {
        Ok(Entry { folder: false, size, modified_ms, .. }) => AgentFile {
            name: name.to_owned(),
            path,
            size: Some(size),
            updated_at_ms: Some(modified_ms),
            ..AgentFile::default()
        },
        _ => AgentFile {
            name: name.to_owned(),
            path,
            missing: true,
            expected_absent: EXPECTED_ABSENT.contains(&name).then_some(true),
            ..AgentFile::default()
        },
    }
}

fn read(workspace: &Workspace, name: &str) -> Result<AgentFile, ErrorShape> {
    let mut file = entry(workspace, name);
    if file.missing {
        return Ok(file);
    }
    let bytes = workspace.read(name, LONGEST).map_err(|error| refused(&error))?;
    file.size = u64::try_from(bytes.len()).ok();
    let hash = bulkhead_config::hash_bytes(&bytes);
    file.hash = Some(hash.trim_start_matches("sha256:").to_owned());
    file.content = Some(String::from_utf8_lossy(&bytes).into_owned());
    Ok(file)
}

/// Why a file could not be reached, as the protocol tells it.
pub(super) fn refused(error: &FileError) -> ErrorShape {
    match error {
        FileError::Io { error: cause, .. } if cause.kind() != std::io::ErrorKind::NotFound => {
            ErrorShape::unavailable(error.to_string())
        }
        _ => ErrorShape::invalid_request(error.to_string()),
    }
}

fn conflict(name: &str, found: Option<&str>) -> ErrorShape {
    ErrorShape::invalid_request(format!(
        "{name} changed in between; read it again and repeat the change on the new text"
    ))
    .with_details(json!({"type": "agent_file_conflict", "currentHash": found}))
}
