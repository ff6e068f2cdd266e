//! The parsed file: values with the byte ranges where they stand.

use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::ast;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Map, Number, Value};

use crate::path::{ConfigPath, Segment};
use crate::syntax::syntax_error;
use crate::{ConfigError, SyntaxProblem};

/// Larger files are refused: the largest real configurations are a few hundred kilobytes.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;
const MAX_DEPTH: usize = 96;

/// A value of the file and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Object(Vec<Prop>),
    Array(Vec<Node>),
    Scalar(Value),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Prop {
    pub(crate) key: String,
    pub(crate) range: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    /// The value without its place.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::Array(items) => Value::Array(items.iter().map(Node::to_value).collect()),
            Kind::Object(props) => {
                let map: Map<String, Value> =
                    props.iter().map(|prop| (prop.key.clone(), prop.value.to_value())).collect();
                Value::Object(map)
            }
        }
    }

    /// The child that a segment names.
    pub(crate) fn child(&self, segment: &Segment) -> Option<&Node> {
        match (&self.kind, segment) {
            (Kind::Object(props), Segment::Key(key)) => {
                props.iter().find(|prop| prop.key == *key).map(|prop| &prop.value)
            }
            (Kind::Array(items), segment) => array_index(segment).and_then(|index| items.get(index)),
            _ => None,
        }
    }

    /// The value at a path.
    pub(crate) fn at(&self, path: &ConfigPath) -> Option<&Node> {
        path.segments().iter().try_fold(self, |node, segment| node.child(segment))
    }
}

/// The index that a segment means on an array.
pub(crate) fn array_index(segment: &Segment) -> Option<usize> {
    match segment {
        Segment::Index(index) => Some(*index),
        Segment::Key(key) if !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()) => key.parse().ok(),
        Segment::Key(_) => None,
    }
}

/// Parses a text (without BOM). An empty text is `None`.
pub(crate) fn parse(file: &str, text: &str) -> Result<Option<Node>, ConfigError> {
    if text.len() > MAX_BYTES {
        return Err(ConfigError::TooLarge {
            file: file.to_owned(),
            size: text.len() as u64,
            limit: MAX_BYTES as u64,
        });
    }
    check_depth(file, text)?;
    let options = ParseOptions {
        allow_missing_commas: false,
        allow_non_finite_numbers: false,
        ..ParseOptions::default()
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options)
        .map_err(|error| syntax_error(file, text, &error))?;
    let mut reader = Reader { file, text, path: ConfigPath::root() };
    parsed.value.map(|value| reader.node(value)).transpose()
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    path: ConfigPath,
}

impl Reader<'_> {
    fn node(&mut self, value: ast::Value<'_>) -> Result<Node, ConfigError> {
        match value {
            ast::Value::StringLit(lit) => Ok(scalar(lit.range, Value::String(lit.value.into_owned()))),
            ast::Value::BooleanLit(lit) => Ok(scalar(lit.range, Value::Bool(lit.value))),
            ast::Value::NullKeyword(lit) => Ok(scalar(lit.range, Value::Null)),
            ast::Value::NumberLit(lit) => {
                let number = number(lit.value).ok_or_else(|| {
                    self.error(
                        lit.range.start,
                        format!("the number {}", shorten(lit.value)),
                        "a number that fits into 64 bits",
                        "Write a smaller number, or put it in quotes if it is a name.",
                    )
                })?;
                Ok(scalar(lit.range, Value::Number(number)))
            }
            ast::Value::Array(array) => {
                let range = array.range.start..array.range.end;
                let parent = self.path.clone();
                let mut items = Vec::with_capacity(array.elements.len());
                for (index, element) in array.elements.into_iter().enumerate() {
                    self.path = parent.index(index);
                    items.push(self.node(element)?);
                }
                self.path = parent;
                Ok(Node { range, kind: Kind::Array(items) })
            }
            ast::Value::Object(object) => self.object(object),
        }
    }

    fn object(&mut self, object: ast::Object<'_>) -> Result<Node, ConfigError> {
        let parent = self.path.clone();
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut props = Vec::with_capacity(object.properties.len());
        for prop in object.properties {
            let key = prop.name.as_str().to_owned();
            self.path = parent.key(&key);
            if let Some(first) = seen.insert(key.clone(), prop.range.start) {
                let (line, _) = line_column(self.text, first);
                return Err(self.error(
                    prop.range.start,
                    format!("the key `{}` a second time (first on line {line})", shorten(&key)),
                    "every key once in an object",
                    "Remove one of the two.",
                ));
            }
            let range = prop.range.start..prop.range.end;
            props.push(Prop { key, range, value: self.node(prop.value)? });
        }
        self.path = parent;
        Ok(Node { range: object.range.start..object.range.end, kind: Kind::Object(props) })
    }

    fn error(&self, at: usize, found: String, expected: &str, next_step: &str) -> ConfigError {
        let (line, column) = line_column(self.text, at);
        ConfigError::Syntax(Box::new(SyntaxProblem {
            file: self.file.to_owned(),
            line,
            column,
            field: self.path.to_string(),
            found,
            expected: expected.to_owned(),
            next_step: next_step.to_owned(),
        }))
    }
}

fn scalar(range: jsonc_parser::common::Range, value: Value) -> Node {
    Node { range: range.start..range.end, kind: Kind::Scalar(value) }
}

/// A JSON5 number: decimal, `+5`, `.5`, `5.`, `0xFF`.
fn number(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        let value = u64::from_str_radix(hex, 16).ok()?;
        return if negative {
            i64::try_from(value).ok().map(|value| Number::from(-value))
        } else {
            Some(Number::from(value))
        };
    }
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => digits.split_at(at),
        None => (digits, ""),
    };
    let mut full = String::with_capacity(text.len() + 2);
    if negative {
        full.push('-');
    }
    if mantissa.starts_with('.') {
        full.push('0');
    }
    full.push_str(mantissa);
    if mantissa.ends_with('.') {
        full.push('0');
    }
    full.push_str(exponent);
    // serde_json reads a long fraction or exponent only nearly; the standard library reads it exactly.
    let number: Number = full.parse().ok()?;
    if number.is_f64() { Number::from_f64(full.parse().ok()?) } else { Some(number) }
}

/// Line and column, from 1, of a byte offset; columns count characters.
pub(crate) fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// A piece of text short enough for a message.
pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// What lies between tokens: skips a string or comment that starts at `at` and returns its end.
pub(crate) fn skip_opaque(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes[at] {
        quote @ (b'"' | b'\'') => {
            let mut i = at + 1;
            while i < bytes.len() {
                match bytes[i] {
                    b'\\' => i += 2,
                    b if b == quote => return Some(i + 1),
                    _ => i += 1,
                }
            }
            Some(bytes.len())
        }
        b'/' if bytes.get(at + 1) == Some(&b'/') => {
            let end = bytes[at..].iter().position(|b| matches!(b, b'\n' | b'\r'));
            Some(end.map_or(bytes.len(), |end| at + end))
        }
        b'/' if bytes.get(at + 1) == Some(&b'*') => {
            let end = bytes[at + 2..].windows(2).position(|pair| pair == b"*/");
            Some(end.map_or(bytes.len(), |end| at + 2 + end + 2))
        }
        _ => None,
    }
}

/// The parser recurses; a file nested deeper than any real one is refused before it may.
fn check_depth(file: &str, text: &str) -> Result<(), ConfigError> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        if let Some(end) = skip_opaque(bytes, at) {
            at = end;
            continue;
        }
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            let (line, column) = line_column(text, at);
            return Err(ConfigError::Syntax(Box::new(SyntaxProblem {
                file: file.to_owned(),
                line,
                column,
                field: String::new(),
                found: format!("more than {MAX_DEPTH} levels of nesting"),
                expected: "a flatter file".to_owned(),
                next_step: "Check for brackets that are never closed.".to_owned(),
            })));
        }
        at += 1;
    }
    Ok(())
}
