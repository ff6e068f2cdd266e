//! The roster: which agents the configuration has, and the edits of it that add, change and remove one. They are of the
//! file's text, so that the command line makes them without a gateway just as `agents.*` does within one.

pub mod bindings;

use std::path::{Path, PathBuf};

use bulkhead_agent::workspace::{Workspace, ensure_templates};
use bulkhead_config::{ConfigDocument, ConfigError, ConfigPath, Identity, Loaded};
use bulkhead_profile::{Environment, Place, files, known_profiles, siblings};
use serde_json::{Value, json};

use crate::identity::NameSource;
pub use crate::identity::{id_of, read as read_identity};
use crate::runs::out_of_reach;
use crate::settings::Settings;

/// One agent, with everything that the defaults and its `IDENTITY.md` add.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Whether it answers by default.
    pub is_default: bool,
    /// Where it works.
    pub workspace: PathBuf,
    /// The model that it asks first, as `provider/model`.
    pub model: Option<String>,
    /// How it presents itself.
    pub identity: Identity,
    /// Whether the name that it goes by stands in its `IDENTITY.md`.
    pub named_in_workspace: bool,
}

/// Every agent of a configuration in its order; without any there is one named `main`. Reads their `IDENTITY.md`.
pub fn listed(loaded: Loaded, place: &Place, environment: &Environment) -> Vec<Listed> {
    let settings = Settings::of(loaded, place, std::sync::Arc::new(environment.clone()));
    let listed = |agent: crate::settings::AgentView| {
        let (identity, source) = agent.identity();
        Listed {
            model: agent.models.first().map(crate::settings::ModelRef::full),
            named_in_workspace: source == NameSource::Workspace,
            identity,
            id: agent.id,
            name: agent.name,
            is_default: agent.is_default,
            workspace: agent.workspace,
        }
    };
    settings.agents().into_iter().map(listed).collect()
}

/// Makes the folder of an agent with the files that describe one, and looks whether an agent may live in it. The error is
/// for people.
pub fn make_workspace(place: &Place, env: &Environment, folder: &Path) -> Result<(), String> {
    let make = || {
        // Nothing is made inside of what belongs to somebody else.
        if belongs_to_others(place, env, folder) {
            return Err("it belongs to another profile".to_owned());
        }
        ensure_templates(folder).map_err(|error| error.to_string())?;
        Workspace::open(folder, &out_of_reach(place, env)).map(drop).map_err(|error| error.to_string())
    };
    make().map_err(|problem| format!("workspace {}: {problem}; choose another folder", folder.display()))
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

/// Where the entry of an agent stands: in `agents.list`, or in `agents.entries`.
pub(crate) fn entry_of(document: &ConfigDocument, id: &str) -> Option<ConfigPath> {
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
pub fn add(document: &mut ConfigDocument, id: &str, entry: Value, default: &str) -> Result<(), ConfigError> {
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
pub fn merge(
    document: &mut ConfigDocument,
    id: &str,
    patch: &Value,
    default: &str,
) -> Result<(), ConfigError> {
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

/// Takes the entry and its bindings out; answers how many bindings those were.
pub fn take_out(document: &mut ConfigDocument, id: &str) -> Result<u64, ConfigError> {
    if let Some(entry) = entry_of(document, id) {
        document.unset_at(&entry)?;
    }
    let system = "agents.defaults.systemAgent.agentId";
    if document.get(system)?.as_ref().and_then(Value::as_str) == Some(id) {
        document.unset(system)?;
    }
    let bindings = ConfigPath::root().key("bindings");
    let listed = document.get_at(&bindings).and_then(|list| list.as_array().cloned()).unwrap_or_default();
    let of_it = |binding: &Value| binding.get("agentId").and_then(Value::as_str) == Some(id);
    let gone: Vec<usize> =
        listed.iter().enumerate().filter(|(_, binding)| of_it(binding)).map(|(index, _)| index).collect();
    for index in gone.iter().rev() {
        document.unset_at(&bindings.index(*index))?;
    }
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
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

    #[test]
    fn an_agent_goes_with_its_bindings_and_nothing_else() {
        let text = "{ agents: { defaults: { systemAgent: { agentId: 'b' } }, list: [{ id: 'a' }, { id: 'b' }] },
            bindings: [{ agentId: 'b', match: { channel: 'telegram' } }, { agentId: 'a', match: {} } /* stays */] }";
        let mut document = ConfigDocument::parse("test", text).unwrap();
        assert_eq!(take_out(&mut document, "b").unwrap(), 1);
        let value = document.value();
        assert_eq!(value["agents"]["list"], json!([{"id": "a"}]));
        assert_eq!(value["bindings"].as_array().unwrap().len(), 1);
        assert!(value["agents"]["defaults"]["systemAgent"].get("agentId").is_none());
        assert!(document.to_string().contains("/* stays */"));
    }
}
