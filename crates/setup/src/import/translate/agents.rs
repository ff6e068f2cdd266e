//! `agents`: the folders that they work in are copied, and point to the copies from then on.

use std::path::{Path, PathBuf};

use bulkhead_profile::files;
use serde_json::{Map, Value};

use super::{Draft, Folder};
use crate::import::line::{ImportArea, ImportLine};

impl Draft<'_, '_> {
    pub(super) fn agents(&mut self) {
        let agents = self.config.entry("agents").or_insert_with(|| Value::Object(Map::new()));
        let Some(agents) = agents.as_object_mut().map(std::mem::take) else { return };
        let mut agents = agents;
        let named = agents
            .get("defaults")
            .and_then(|defaults| defaults.get("workspace"))
            .and_then(Value::as_str)
            .map(|path| self.expand(path));
        let shared = named.clone().unwrap_or_else(|| self.terms.their_workspace.clone());
        let ours = self.terms.our_workspace.clone();
        self.done.folders.push(Folder { agent: None, from: shared.clone(), to: ours.clone() });
        let defaults = agents.entry("defaults").or_insert_with(|| Value::Object(Map::new()));
        if let Some(defaults) = defaults.as_object_mut() {
            defaults.insert("workspace".to_owned(), ours.display().to_string().into());
        }
        self.handled.insert("agents.defaults.workspace".to_owned());
        let count = ["entries", "list"].iter().map(|key| size(agents.get(*key))).sum::<usize>();
        if let Some(Value::Array(list)) = agents.get_mut("list") {
            for (index, agent) in list.iter_mut().enumerate() {
                let id = agent.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
                if let Some(agent) = agent.as_object_mut() {
                    self.agent(
                        &id,
                        &format!("agents.list[{index}]"),
                        agent,
                        (&shared, named.is_some(), count),
                    );
                }
            }
        }
        if let Some(Value::Object(entries)) = agents.get_mut("entries") {
            for (id, agent) in entries.iter_mut() {
                if let Some(agent) = agent.as_object_mut() {
                    self.agent(id, &format!("agents.entries.{id}"), agent, (&shared, named.is_some(), count));
                }
            }
        }
        self.config.insert("agents".to_owned(), Value::Object(agents));
    }

    fn agent(
        &mut self,
        id: &str,
        at: &str,
        agent: &mut Map<String, Value>,
        (shared, named, count): (&Path, bool, usize),
    ) {
        if agent.remove("agentDir").is_some() {
            self.say(ImportLine::skipped(
                ImportArea::Config,
                format!("{at}.agentDir"),
                "A folder of OpenClaw's own; the profile keeps its state in one database.",
            ));
        }
        let own = agent.get("workspace").and_then(Value::as_str).map(|path| self.expand(path));
        let from = own.unwrap_or_else(|| match (count, named) {
            (0 | 1, _) => shared.to_owned(),
            (_, true) => shared.join(id),
            (_, false) => self.terms.their_state.join(format!("workspace-{id}")),
        });
        self.handled.insert(format!("{at}.workspace"));
        if files::is_within(&from, shared) {
            let rest = from.strip_prefix(shared).unwrap_or(Path::new(""));
            if rest.as_os_str().is_empty() {
                agent.remove("workspace");
            } else {
                agent.insert(
                    "workspace".to_owned(),
                    self.terms.our_workspace.join(rest).display().to_string().into(),
                );
            }
            return;
        }
        let to = self.terms.our_state.join("agents").join(id).join("workspace");
        agent.insert("workspace".to_owned(), to.display().to_string().into());
        self.done.folders.push(Folder { agent: Some(id.to_owned()), from, to });
    }

    fn expand(&self, path: &str) -> PathBuf {
        match path.strip_prefix('~') {
            Some(rest) => self.terms.home.join(rest.trim_start_matches(['/', '\\'])),
            None => PathBuf::from(path),
        }
    }
}

fn size(agents: Option<&Value>) -> usize {
    match agents {
        Some(Value::Array(list)) => list.len(),
        Some(Value::Object(entries)) => entries.len(),
        _ => 0,
    }
}
