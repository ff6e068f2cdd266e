//! The configuration file as a lossless document.

use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::edit::{self, Splice, Style};
use crate::merge;
use crate::path::{ConfigPath, Segment};
use crate::tree::{self, Kind, Node, array_index, line_column};
use crate::{ConfigError, ConfigIssue, SyntaxProblem};

const BOM: char = '\u{feff}';

/// A configuration file that can be edited without touching what is not edited.
///
/// ```
/// use bulkhead_config::ConfigDocument;
/// let mut doc = ConfigDocument::parse("bulkhead.json", "{\n  // mine\n  gateway: { port: 18789 },\n}\n")?;
/// doc.set("gateway.port", 19789.into())?;
/// assert_eq!(doc.to_string(), "{\n  // mine\n  gateway: { port: 19789 },\n}\n");
/// # Ok::<(), bulkhead_config::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ConfigDocument {
    file: String,
    bom: bool,
    text: String,
    root: Option<Node>,
}

impl ConfigDocument {
    /// Parses a text; `file` is the name that errors carry.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let (bom, text) = text.strip_prefix(BOM).map_or((false, text), |rest| (true, rest));
        let root = tree::parse(file, text)?;
        if let Some(node) = &root
            && !matches!(node.kind, Kind::Object(_))
        {
            let (line, column) = line_column(text, node.range.start);
            return Err(ConfigError::Syntax(Box::new(SyntaxProblem {
                file: file.to_owned(),
                line,
                column,
                field: String::new(),
                found: kind_name(node).to_owned(),
                expected: "an object, `{ … }`".to_owned(),
                next_step: "Put the settings into one pair of braces.".to_owned(),
            })));
        }
        Ok(Self { file: file.to_owned(), bom, text: text.to_owned(), root })
    }

    /// An empty document.
    pub fn empty() -> Self {
        Self { file: "bulkhead.json".to_owned(), bom: false, text: String::new(), root: None }
    }

    /// The same document under another name for errors.
    #[must_use]
    pub fn named(mut self, file: &str) -> Self {
        file.clone_into(&mut self.file);
        self
    }

    /// The name that errors carry.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether it holds no value at all (an empty file, or only comments).
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The whole value; an empty document is `{}`.
    pub fn value(&self) -> Value {
        self.root.as_ref().map_or_else(|| Value::Object(Map::new()), Node::to_value)
    }

    /// `sha256:<hex>` of the file's bytes.
    pub fn hash(&self) -> String {
        hash_bytes(self.to_string().as_bytes())
    }

    /// The value at a dotted path.
    pub fn get(&self, path: &str) -> Result<Option<Value>, ConfigError> {
        Ok(self.get_at(&ConfigPath::parse(path)?))
    }

    /// The value at a path.
    pub fn get_at(&self, path: &ConfigPath) -> Option<Value> {
        self.node(path).map(Node::to_value)
    }

    /// Line and column of the value at a path; of its nearest parent when it is not there.
    pub fn locate(&self, path: &ConfigPath) -> Option<(usize, usize)> {
        (0..=path.segments().len())
            .rev()
            .find_map(|len| self.node(&path.prefix(len)))
            .map(|node| line_column(&self.text, node.range.start))
    }

    /// Sets a value by dotted path; parents that are missing are made.
    ///
    /// An object or list that is there already is changed entry by entry, so comments in it stay.
    pub fn set(&mut self, path: &str, value: Value) -> Result<(), ConfigError> {
        self.set_at(&ConfigPath::parse(path)?, value)
    }

    /// Sets a value by path.
    pub fn set_at(&mut self, path: &ConfigPath, value: Value) -> Result<(), ConfigError> {
        let mut draft = self.clone();
        draft.assign(path, value)?;
        *self = draft;
        Ok(())
    }

    /// Removes what stands at a dotted path. Returns whether anything was there.
    pub fn unset(&mut self, path: &str) -> Result<bool, ConfigError> {
        self.unset_at(&ConfigPath::parse(path)?)
    }

    /// Removes what stands at a path. Returns whether anything was there.
    pub fn unset_at(&mut self, path: &ConfigPath) -> Result<bool, ConfigError> {
        let Some((last, parents)) = path.segments().split_last() else {
            return Err(self.no_such_place(path, "the whole file", "a field", "Name the field to remove."));
        };
        let Some(container) = self.node(&path.prefix(parents.len())) else { return Ok(false) };
        let index = match (&container.kind, last) {
            (Kind::Object(props), Segment::Key(key)) => props.iter().position(|prop| prop.key == *key),
            (Kind::Array(items), segment) => array_index(segment).filter(|index| *index < items.len()),
            _ => None,
        };
        let Some(index) = index else { return Ok(false) };
        let splices = edit::remove(&self.text, container, index);
        self.apply(splices)?;
        Ok(true)
    }

    pub(crate) fn node(&self, path: &ConfigPath) -> Option<&Node> {
        self.root.as_ref()?.at(path)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    pub(crate) fn issue(
        &self,
        path: &ConfigPath,
        found: String,
        expected: String,
        next: String,
    ) -> ConfigIssue {
        let (line, column) = self.locate(path).unwrap_or((0, 0));
        ConfigIssue {
            severity: crate::IssueSeverity::Error,
            path: path.to_string(),
            line,
            column,
            found,
            expected,
            next_step: next,
        }
    }

    pub(crate) fn assign(&mut self, path: &ConfigPath, value: Value) -> Result<(), ConfigError> {
        if self.root.is_none() {
            self.make_root()?;
        }
        let Some(node) = self.node(path) else { return self.insert(path, value) };
        match (&node.kind, &value) {
            (Kind::Object(props), Value::Object(map)) => {
                let gone: Vec<ConfigPath> = props
                    .iter()
                    .filter(|prop| !map.contains_key(&prop.key))
                    .map(|p| path.key(&p.key))
                    .collect();
                for old in gone {
                    self.unset_at(&old)?;
                }
                for (key, entry) in map {
                    self.assign(&path.key(key), entry.clone())?;
                }
                Ok(())
            }
            (Kind::Array(items), Value::Array(entries)) => {
                let before: Vec<Value> = items.iter().map(Node::to_value).collect();
                for index in merge::gone(&before, entries).into_iter().rev() {
                    self.unset_at(&path.index(index))?;
                }
                for (index, entry) in entries.iter().enumerate() {
                    self.assign(&path.index(index), entry.clone())?;
                }
                Ok(())
            }
            (Kind::Scalar(old), new) if old == new => Ok(()),
            _ if path.is_root() => Err(self.no_such_place(
                path,
                value_name(&value),
                "an object",
                "The file as a whole must be an object.",
            )),
            _ => {
                let style = Style::of(&self.text, self.root.as_ref());
                let splices = edit::replace(&self.text, node, &value, &style);
                self.apply(splices)
            }
        }
    }

    /// Adds a value whose place does not exist yet.
    fn insert(&mut self, path: &ConfigPath, value: Value) -> Result<(), ConfigError> {
        let depth = (0..path.segments().len())
            .rev()
            .find(|len| self.node(&path.prefix(*len)).is_some())
            .unwrap_or_default();
        let parent_path = path.prefix(depth);
        let Some((next, below)) = path.segments().get(depth..).and_then(<[Segment]>::split_first) else {
            return Ok(());
        };
        let value = nest(below, value).map_err(|index| self.missing_index(path, index, 0))?;
        let Some(parent) = self.node(&parent_path) else { return Ok(()) };
        let style = Style::of(&self.text, self.root.as_ref());
        let splices = match (&parent.kind, next) {
            (Kind::Object(_), Segment::Key(key)) => {
                edit::append(&self.text, parent, Some(key), &value, &style)
            }
            (Kind::Array(items), segment) => match array_index(segment) {
                Some(index) if index == items.len() => edit::append(&self.text, parent, None, &value, &style),
                Some(index) => return Err(self.missing_index(path, index, items.len())),
                None => {
                    return Err(self.no_such_place(
                        &parent_path,
                        "a list",
                        "an object",
                        "Use an index such as `[0]` here.",
                    ));
                }
            },
            (Kind::Scalar(Value::Null), segment) => {
                let value = nest(std::slice::from_ref(segment), value)
                    .map_err(|index| self.missing_index(path, index, 0))?;
                edit::replace(&self.text, parent, &value, &style)
            }
            _ => {
                let expected = if matches!(next, Segment::Index(_)) { "a list" } else { "an object" };
                return Err(self.no_such_place(
                    &parent_path,
                    kind_name(parent),
                    expected,
                    "Correct the path, or set this field as a whole first.",
                ));
            }
        };
        self.apply(splices)
    }

    fn make_root(&mut self) -> Result<(), ConfigError> {
        let mut text = std::mem::take(&mut self.text);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str("{}\n");
        self.replace_text(text)
    }

    fn apply(&mut self, splices: Vec<Splice>) -> Result<(), ConfigError> {
        let text = edit::apply(&self.text, splices);
        self.replace_text(text)
    }

    fn replace_text(&mut self, text: String) -> Result<(), ConfigError> {
        self.root = tree::parse(&self.file, &text)?;
        self.text = text;
        Ok(())
    }

    fn missing_index(&self, path: &ConfigPath, index: usize, len: usize) -> ConfigError {
        self.no_such_place(
            path,
            &format!("index {index} of a list with {len} entries"),
            &format!("an index up to {len}"),
            &format!("Use `[{len}]` to add an entry at the end."),
        )
    }

    pub(crate) fn no_such_place(
        &self,
        path: &ConfigPath,
        found: &str,
        expected: &str,
        next_step: &str,
    ) -> ConfigError {
        ConfigError::NoSuchPlace {
            file: self.file.as_str().into(),
            path: path.to_string(),
            found: found.to_owned(),
            expected: expected.to_owned(),
            next_step: next_step.to_owned(),
        }
    }
}

impl fmt::Display for ConfigDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bom {
            write!(f, "{BOM}")?;
        }
        f.write_str(&self.text)
    }
}

/// `sha256:<hex>` of bytes.
pub fn hash_bytes(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Wraps a value into the containers that the remaining steps need.
fn nest(segments: &[Segment], value: Value) -> Result<Value, usize> {
    segments.iter().rev().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => Ok(Value::Object(Map::from_iter([(key.clone(), value)]))),
        Segment::Index(0) => Ok(Value::Array(vec![value])),
        Segment::Index(index) => Err(*index),
    })
}

pub(crate) fn kind_name(node: &Node) -> &'static str {
    match &node.kind {
        Kind::Object(_) => "an object",
        Kind::Array(_) => "a list",
        Kind::Scalar(value) => value_name(value),
    }
}

pub(crate) fn value_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a yes/no value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
