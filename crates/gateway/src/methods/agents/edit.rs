//! `agents.create` and `agents.update`: entries of the configuration, and the folder of a new agent.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bulkhead_config::{ConfigDocument, ConfigError};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::agents::{
    AgentsCreateParams, AgentsCreateResult, AgentsUpdateParams, AgentsUpdateResult,
};
use bulkhead_server::Reply;
use serde_json::{Value, json};

use super::unknown;
use crate::config_edit::{Base, Change};
use crate::gateway::Gateway;
use crate::methods::{Call, actor};
use crate::roster::{self, add, id_of, merge};

/// Longest name, emoji or address of a picture.
const LONGEST: usize = 4096;

/// Adds an agent with a folder of its own.
pub(super) async fn create(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AgentsCreateParams = call.params()?;
    let name = words("name", &params.name)?.trim().to_owned();
    if name.is_empty() {
        return Err(ErrorShape::invalid_request("agent name is required"));
    }
    let id = id_of(&name).ok_or_else(|| {
        ErrorShape::invalid_request(format!(
            "agent name {name:?} has no letters or digits to make an id of; use some of a-z and 0-9"
        ))
    })?;
    let settings = gateway.settings.now();
    if settings.agents().iter().any(|agent| agent.id.eq_ignore_ascii_case(&id)) {
        return Err(ErrorShape::invalid_request(format!("agent \"{id}\" already exists")));
    }
    let workspace = match &params.workspace {
        Some(path) => absolute(gateway, path)?,
        None => gateway.place.agent_workspace(&id),
    };
    prepare(gateway, &workspace).await?;
    let mut entry = json!({"name": name, "workspace": workspace.display().to_string()});
    if let Some(model) = &params.model {
        entry["model"] = model_name(model)?.into();
    }
    for (key, value) in [("emoji", &params.emoji), ("avatar", &params.avatar)] {
        if let Some(value) = value {
            entry["identity"][key] = words(key, value)?.into();
        }
    }
    let (new, default) = (id.clone(), settings.default_agent().to_owned());
    change(gateway, &call, "agents.create", move |document| add(document, &new, entry, &default)).await?;
    Reply::json(&AgentsCreateResult {
        ok: true,
        agent_id: id,
        name,
        workspace: workspace.display().to_string(),
        model: params.model,
    })
}

/// Changes what the configuration says of an agent.
pub(super) async fn update(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AgentsUpdateParams = call.params()?;
    let id = params.agent_id.clone();
    let settings = gateway.settings.now();
    settings.agent(&id).ok_or_else(|| unknown(&id))?;
    let mut patch = json!({});
    if let Some(name) = &params.name {
        patch["name"] = words("name", name)?.trim().into();
    }
    if let Some(path) = &params.workspace {
        let workspace = absolute(gateway, path)?;
        prepare(gateway, &workspace).await?;
        patch["workspace"] = workspace.display().to_string().into();
    }
    match &params.model {
        Some(Some(model)) => patch["model"] = json!({"primary": model_name(model)?}),
        Some(None) => patch["model"] = Value::Null,
        None => {}
    }
    for (key, value) in [("emoji", &params.emoji), ("avatar", &params.avatar)] {
        if let Some(value) = value {
            let value = words(key, value)?;
            patch["identity"][key] = if value.is_empty() { Value::Null } else { value.into() };
        }
    }
    let (changed, default) = (id.clone(), settings.default_agent().to_owned());
    change(gateway, &call, "agents.update", move |document| merge(document, &changed, &patch, &default))
        .await?;
    Reply::json(&AgentsUpdateResult { ok: true, agent_id: id })
}

pub(super) async fn change(
    gateway: &Arc<Gateway>,
    call: &Call<'_>,
    action: &'static str,
    edit: impl FnOnce(&mut ConfigDocument) -> Result<(), ConfigError> + Send + 'static,
) -> Result<(), ErrorShape> {
    let change = Change { actor: &actor(call), action, base: Base::Present, note: None };
    gateway.change_config(change, edit).await.map(drop)
}

/// Makes the folder and looks whether an agent may live in it.
async fn prepare(gateway: &Gateway, workspace: &Path) -> Result<(), ErrorShape> {
    let (place, folder) = (gateway.place.clone(), workspace.to_owned());
    let env = Arc::clone(&gateway.settings.now().environment);
    tokio::task::spawn_blocking(move || roster::make_workspace(&place, &env, &folder))
        .await
        .map_err(|_| ErrorShape::unavailable("making the workspace was interrupted; try again"))?
        .map_err(ErrorShape::invalid_request)
}

fn absolute(gateway: &Gateway, path: &str) -> Result<PathBuf, ErrorShape> {
    let path = words("workspace", path)?.trim();
    let expanded = gateway.settings.now().environment.expand(path);
    let leads_up = expanded.components().any(|part| part == std::path::Component::ParentDir);
    if leads_up || !(Path::new(path).is_absolute() || path.starts_with("~/")) {
        return Err(ErrorShape::invalid_request(format!(
            "workspace: found {path:?}, expected an absolute path without `..`, or one that begins with ~/"
        )));
    }
    Ok(expanded)
}

fn model_name(model: &str) -> Result<&str, ErrorShape> {
    if crate::settings::ModelRef::parse(model.trim()).is_none() {
        return Err(ErrorShape::invalid_request(format!(
            "model: found {model:?}, expected provider/model, as models.list names it"
        )));
    }
    Ok(model.trim())
}

fn words<'t>(field: &str, text: &'t str) -> Result<&'t str, ErrorShape> {
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(ErrorShape::invalid_request(format!(
            "{field}: found {} bytes, expected at most {LONGEST} on one line",
            text.len()
        )));
    }
    Ok(text)
}
