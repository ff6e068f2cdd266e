//! One place of the schema with its children, for clients that drill down instead of reading all of it.

use serde_json::{Map, Value};

use crate::fields::{FieldKind, Shape};
use crate::hints::hint_at;
use crate::path::ConfigPath;
use crate::reload::{ReloadKind, reload_kind};
use crate::schema;

/// One place of the schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// The path as it is written here.
    pub path: String,
    /// Its own schema, without what is below it.
    pub schema: Value,
    /// What a change of it needs.
    pub reload: ReloadKind,
    /// The path of its hint, and the hint.
    pub hint: Option<(String, Value)>,
    /// What may stand directly below it.
    pub children: Vec<Child>,
}

/// What may stand directly below a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// Its key; `*` for any key, `[]` for the entries of a list.
    pub key: String,
    /// Its path.
    pub path: String,
    /// JSON type, where there is one.
    pub kind: Option<Value>,
    /// Whether something may stand below it.
    pub has_children: bool,
    /// What a change of it needs.
    pub reload: ReloadKind,
    /// The path of its hint, and the hint.
    pub hint: Option<(String, Value)>,
}

/// Keys of a schema that lead to other places.
const DEEPER: &[&str] = &["properties", "items", "anyOf", "oneOf", "allOf"];

/// Looks a place up; `*` and `[]` stand for any key and any entry. `.` is the whole configuration.
pub fn lookup(path: &str) -> Option<Lookup> {
    let path = if matches!(path, "." | "/") { ConfigPath::root() } else { parse(path)? };
    let shape = Shape::root().at(&path)?;
    let children = children(&path, shape);
    let mut own = schema::node(shape);
    if let Some(map) = own.as_object_mut() {
        shallow(map);
    }
    Some(Lookup {
        path: if path.is_root() { ".".to_owned() } else { shown(&path) },
        schema: own,
        reload: reload_kind(&path),
        hint: hint_at(&path),
        children,
    })
}

/// Entries may be written `[]`, `[*]`, `*` or by number; steps also with `/`.
fn parse(text: &str) -> Option<ConfigPath> {
    let text = text.replace('/', ".").replace("[]", "[0]").replace("[*]", "[0]");
    ConfigPath::parse(text.trim_matches('.')).ok()
}

fn shown(path: &ConfigPath) -> String {
    path.to_string().replace("[0]", "[]")
}

fn children(path: &ConfigPath, shape: &Shape) -> Vec<Child> {
    let named = shape.keys.iter().map(|(key, child)| ((*key).to_owned(), path.key(key), child));
    let any = shape.any_key.iter().map(|child| ("*".to_owned(), path.key("*"), child.as_ref()));
    let entries = shape.entry.iter().map(|child| ("[]".to_owned(), path.index(0), child.as_ref()));
    named
        .chain(any)
        .chain(entries)
        .map(|(key, path, child)| Child {
            key,
            kind: schema::node(child).get("type").cloned(),
            has_children: !child.keys.is_empty()
                || child.any_key.is_some()
                || child.entry.is_some()
                || child.kind() == FieldKind::Secret,
            reload: reload_kind(&path),
            hint: hint_at(&path),
            path: shown(&path),
        })
        .collect()
}

fn shallow(schema: &mut Map<String, Value>) {
    for key in DEEPER {
        schema.remove(*key);
    }
    if schema.get("additionalProperties").is_some_and(Value::is_object) {
        schema.insert("additionalProperties".to_owned(), true.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_with_what_is_below_it() {
        let auth = lookup("gateway.auth").unwrap();
        let token = auth.children.iter().find(|child| child.key == "token").unwrap();
        assert_eq!((token.path.as_str(), token.has_children), ("gateway.auth.token", true));
        assert_eq!(token.hint.as_ref().unwrap().1["sensitive"], true);
        assert!(auth.schema.get("properties").is_none());
        let binding = lookup("bindings[3]").unwrap();
        assert_eq!(binding.path, "bindings[3]");
        assert_eq!(lookup("bindings[]").unwrap().path, "bindings[]");
        let work = lookup("channels/telegram/accounts/work").unwrap();
        assert_eq!(work.path, "channels.telegram.accounts.work");
        let policy = work.children.iter().find(|child| child.key == "dmPolicy").unwrap();
        assert_eq!(policy.hint.as_ref().unwrap().0, "channels.telegram.accounts.*.dmPolicy");
        assert!(lookup("nope.x").is_none());
        assert!(lookup(".").unwrap().children.len() > 5);
    }
}
