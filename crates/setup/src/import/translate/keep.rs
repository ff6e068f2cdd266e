//! What is left after the parts that have a rule: known fields as they are, unknown ones where they are harmless.

use bulkhead_config::{ConfigPath, is_known, is_sensitive};
use serde_json::{Map, Value};

use super::{Draft, Translation};
use crate::import::line::{ImportArea, ImportLine};
use crate::import::secrecy_of::may_be_secret;
use crate::import::variables::substitute;

impl Draft<'_, '_> {
    pub(super) fn keep(mut self) -> (Translation, Value) {
        let config = std::mem::take(&mut self.config);
        let kept = self.object(&ConfigPath::root(), config);
        self.variables();
        (self.done, Value::Object(kept))
    }

    fn object(&mut self, at: &ConfigPath, map: Map<String, Value>) -> Map<String, Value> {
        let mut kept = Map::new();
        for (key, value) in map {
            let path = at.key(&key);
            if let Some(value) = self.value(&path, value) {
                kept.insert(key, value);
            }
        }
        kept
    }

    fn value(&mut self, at: &ConfigPath, value: Value) -> Option<Value> {
        if !is_known(at) {
            return self.unknown(at, value);
        }
        match value {
            Value::Object(map) if is_reference(&map) => Some(Value::Object(map)),
            Value::Object(map) => {
                let had = !map.is_empty();
                let kept = self.object(at, map);
                (!had || !kept.is_empty()).then_some(Value::Object(kept))
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let kept = items
                    .into_iter()
                    .enumerate()
                    .filter_map(|(index, item)| self.value(&at.index(index), item))
                    .collect();
                Some(Value::Array(kept))
            }
            leaf => self.known(at, leaf),
        }
    }

    fn known(&mut self, at: &ConfigPath, leaf: Value) -> Option<Value> {
        let item = at.to_string();
        let Value::String(text) = &leaf else {
            self.taken(&item);
            return Some(leaf);
        };
        let done = substitute(text, &self.terms.credentials.variables);
        let cleared = self.cleared.contains(&item);
        if (is_sensitive(at) && !cleared) || (!done.used.is_empty() && may_be_secret(&done.text)) {
            self.handled.insert(item.clone());
            self.say(
                ImportLine::skipped(
                    ImportArea::Secrets,
                    item,
                    "It may hold a secret, and would stand in the file as plain text.",
                )
                .then("add it by hand where it is needed"),
            );
            return None;
        }
        if !done.missing.is_empty() {
            self.handled.insert(item.clone());
            self.say(
                ImportLine::skipped(
                    ImportArea::Config,
                    item,
                    format!("It names the variable {}, which is set nowhere here.", done.missing.join(", ")),
                )
                .then("set it by hand with: bulkhead config set"),
            );
            return None;
        }
        if !done.used.is_empty() {
            self.put_in.extend(done.used.iter().cloned());
            self.handled.insert(item.clone());
            self.say(ImportLine::changed(
                ImportArea::Config,
                item,
                format!("With the value of {} put in.", done.used.join(", ")),
            ));
            return Some(done.text.into());
        }
        self.taken(&item);
        Some(leaf)
    }

    fn taken(&mut self, item: &str) {
        if self.handled.insert(item.to_owned()) {
            self.say(ImportLine::taken(ImportArea::Config, item, "As it is."));
        }
    }

    /// The whole of what stands under a key that Bulkhead does not know, in one line.
    fn unknown(&mut self, at: &ConfigPath, value: Value) -> Option<Value> {
        let mut left = Vec::new();
        let kept = harmless(at, value, &mut left);
        for path in left {
            self.say(ImportLine::skipped(
                ImportArea::Secrets,
                path.to_string(),
                "It may be a secret, and Bulkhead has no use for it; it stays in OpenClaw's file.",
            ));
        }
        let kept = kept?;
        let item = at.to_string();
        if self.handled.insert(item.clone()) {
            self.say(ImportLine::taken(
                ImportArea::Config,
                item,
                "Bulkhead does not know it: kept, without effect.",
            ));
        }
        Some(kept)
    }
}

/// A value without what may be a secret; paths that were left out are added to `left`.
fn harmless(at: &ConfigPath, value: Value, left: &mut Vec<ConfigPath>) -> Option<Value> {
    match value {
        Value::String(text) => {
            if is_sensitive(at) || may_be_secret(&text) {
                left.push(at.clone());
                return None;
            }
            Some(Value::String(text))
        }
        Value::Array(items) => {
            let had = !items.is_empty();
            let kept: Vec<Value> = items
                .into_iter()
                .enumerate()
                .filter_map(|(index, item)| harmless(&at.index(index), item, left))
                .collect();
            (!had || !kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(map) => {
            let had = !map.is_empty();
            let mut kept = Map::new();
            for (key, value) in map {
                if let Some(value) = harmless(&at.key(&key), value, left) {
                    kept.insert(key, value);
                }
            }
            (!had || !kept.is_empty()).then_some(Value::Object(kept))
        }
        plain => Some(plain),
    }
}

fn is_reference(map: &Map<String, Value>) -> bool {
    map.contains_key("source") && map.contains_key("id")
}
