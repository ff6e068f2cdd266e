//! `agents.create` and `agents.update`: entries of the configuration, and the folder of a new agent.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bulkhead_agent::workspace::{Workspace, ensure_templates};
use bulkhead_config::{ConfigDocument, ConfigError, ConfigPath};
use bulkhead_profile::{Environment, Place, files, known_profiles, siblings};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::agents::{
    AgentsCreateParams, AgentsCreateResult, AgentsUpdateParams, AgentsUpdateResult,
};
use bulkhead_server::Reply;
use serde_json::{Value, json};

use super::unknown;
use crate::config_edit::{Base, Change};
use crate::gateway::Gateway;
use crate::identity::id_of;
use crate::methods::{Call, actor};
use crate::runs::out_of_reach;

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

/// Where the entry of an agent stands: in `agents.list`, or in `agents.entries`.
pub(super) fn entry_of(document: &ConfigDocument, id: &str) -> Option<ConfigPath> {
    let list = ConfigPath::root().key("agents").key("list");
    let listed = document.get_at(&list);
    let index = listed
        .as_ref()
        .and_then(Value::as_array)
        .and_then(|list| list.iter().position(|entry| entry.get("id").and_then(Value::as_str) == Some(id)));
    if let Some(index) = index {
        return Some(list.index(index));
    }
    let entry = ConfigPath::root().key("agents").key("entries").key(id);
    document.get_at(&entry).is_some_and(|entry| entry.is_object()).then_some(entry)
}

/// Adds an entry in the form that the file has: a list if there is one with entries, else by id. The agent that was there
/// without an entry gets one, so that it stays, and stays the default.
fn add(document: &mut ConfigDocument, id: &str, entry: Value, default: &str) -> Result<(), ConfigError> {
    let agents = ConfigPath::root().key("agents");
    let list = document.get_at(&agents.key("list"));
    let listed = list.as_ref().and_then(Value::as_array).filter(|list| !list.is_empty());
    if let Some(list) = listed {
        let mut entry = entry;
        entry["id"] = id.into();
        return document.set_at(&agents.key("list").index(list.len()), entry);
    }
    let known = document.get_at(&agents.key("entries"));
    if known.as_ref().and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) && id != default {
        document.set_at(&agents.key("entries").key(default), json!({"default": true}))?;
    }
    document.set_at(&agents.key("entries").key(id), entry)
}

/// Merges into an agent's entry; one that has none yet gets it.
fn merge(document: &mut ConfigDocument, id: &str, patch: &Value, default: &str) -> Result<(), ConfigError> {
    let at = if let Some(at) = entry_of(document, id) {
        at
    } else {
        add(document, id, json!({"default": id == default}), default)?;
        ConfigPath::root().key("agents").key("entries").key(id)
    };
    for (key, value) in patch.as_object().into_iter().flatten() {
        let place = at.key(key);
        match value {
            Value::Null => drop(document.unset_at(&place)?),
            Value::Object(map) if key == "model" => {
                // Fallbacks stay; a model that is only a name becomes another name.
                let place = match document.get_at(&place) {
                    Some(Value::Object(_)) => place.key("primary"),
                    _ => place,
                };
                document.set_at(&place, map.get("primary").cloned().unwrap_or_default())?;
            }
            Value::Object(map) => {
                for (key, value) in map {
                    if value.is_null() {
                        document.unset_at(&place.key(key))?;
                    } else {
                        document.set_at(&place.key(key), value.clone())?;
                    }
                }
            }
            value => document.set_at(&place, value.clone())?,
        }
    }
    Ok(())
}

/// Makes the folder and looks whether an agent may live in it.
async fn prepare(gateway: &Gateway, workspace: &Path) -> Result<(), ErrorShape> {
    let (place, folder) = (gateway.place.clone(), workspace.to_owned());
    let env = Arc::clone(&gateway.settings.now().environment);
    tokio::task::spawn_blocking(move || {
        let foreign = out_of_reach(&place, &env);
        // Nothing is made inside of what belongs to somebody else.
        if belongs_to_others(&place, &env, &folder) {
            return Err("it belongs to another profile".to_owned());
        }
        ensure_templates(&folder).map_err(|error| error.to_string())?;
        Workspace::open(&folder, &foreign).map(drop).map_err(|error| error.to_string())
    })
    .await
    .map_err(|_| ErrorShape::unavailable("making the workspace was interrupted; try again"))?
    .map_err(|problem| {
        ErrorShape::invalid_request(format!(
            "workspace {}: {problem}; choose another folder",
            workspace.display()
        ))
    })
}

fn belongs_to_others(place: &Place, env: &Environment, folder: &Path) -> bool {
    let neighbours: Vec<Place> = known_profiles(env).into_iter().map(|known| known.place).collect();
    let mut others = siblings::foreign_paths(place, &neighbours);
    for other in neighbours.iter().filter(|other| other.state_dir() != place.state_dir()) {
        others.extend([files::canonical(other.state_dir()), files::canonical(other.workspace())]);
    }
    let folder = files::canonical(folder);
    others.iter().any(|other| files::is_within(&folder, other))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> ConfigDocument {
        ConfigDocument::parse("test", text).unwrap()
    }

    #[test]
    fn an_agent_is_added_in_the_form_that_the_file_has() {
        let mut empty = document("{ // mine\n}\n");
        add(&mut empty, "ops", json!({"name": "Ops"}), "main").unwrap();
        assert_eq!(
            empty.value()["agents"]["entries"],
            json!({"main": {"default": true}, "ops": {"name": "Ops"}})
        );
        assert!(empty.to_string().contains("// mine"));
        add(&mut empty, "two", json!({}), "main").unwrap();
        assert_eq!(empty.value()["agents"]["entries"].as_object().unwrap().len(), 3);
        let mut listed = document("{ agents: { list: [{ id: 'a' }] } }");
        add(&mut listed, "b", json!({"name": "B"}), "a").unwrap();
        assert_eq!(listed.value()["agents"]["list"], json!([{"id": "a"}, {"name": "B", "id": "b"}]));
    }

    #[test]
    fn an_update_keeps_what_it_does_not_name() {
        let mut doc = document(
            "{ agents: { entries: { a: { name: 'A', model: { primary: 'x/1', fallbacks: ['x/2'] }, extra: 1 } } } }",
        );
        let patch = json!({"model": {"primary": "x/3"}, "identity": {"emoji": "🦊"}});
        merge(&mut doc, "a", &patch, "a").unwrap();
        assert_eq!(
            doc.value()["agents"]["entries"]["a"],
            json!({"name": "A", "model": {"primary": "x/3", "fallbacks": ["x/2"]}, "extra": 1, "identity": {"emoji": "🦊"}})
        );
        merge(&mut doc, "a", &json!({"model": null}), "a").unwrap();
        assert!(doc.value()["agents"]["entries"]["a"].get("model").is_none());
        let mut none = document("{}");
        merge(&mut none, "main", &json!({"name": "M"}), "main").unwrap();
        assert_eq!(none.value()["agents"]["entries"]["main"], json!({"default": true, "name": "M"}));
    }
}
