//! Edits of the text: only the bytes that must change do; comments stay.
//!
//! Every edit is a list of splices computed from the ranges of the parsed tree, so everything outside them is
//! byte for byte what it was.

use std::ops::Range;

use serde_json::Value;

use crate::tree::{Kind, Node, skip_opaque};

/// One replacement of a byte range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splice {
    range: Range<usize>,
    text: String,
}

impl Splice {
    fn insert(at: usize, text: String) -> Self {
        Self { range: at..at, text }
    }

    fn delete(range: Range<usize>) -> Self {
        Self { range, text: String::new() }
    }
}

/// Applies splices that do not overlap; equal positions keep their order.
pub(crate) fn apply(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.range.start);
    let mut out = String::with_capacity(text.len() + splices.iter().map(|s| s.text.len()).sum::<usize>());
    let mut at = 0;
    for splice in splices {
        out.push_str(text.get(at..splice.range.start).unwrap_or_default());
        out.push_str(&splice.text);
        at = at.max(splice.range.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// How this file is written: its indent, its line ends, whether it quotes keys.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    unit: String,
    newline: &'static str,
    quoted_keys: bool,
}

impl Style {
    pub(crate) fn of(text: &str, root: Option<&Node>) -> Self {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let first = root.and_then(|node| match &node.kind {
            Kind::Object(props) => props.first(),
            _ => None,
        });
        let unit = first
            .filter(|prop| starts_line(text, prop.range.start))
            .map(|prop| line_indent(text, prop.range.start).to_owned())
            .filter(|unit| !unit.is_empty())
            .unwrap_or_else(|| "  ".to_owned());
        let quoted_keys =
            first.is_none_or(|prop| matches!(text.as_bytes().get(prop.range.start), Some(b'"' | b'\'')));
        Self { unit, newline, quoted_keys }
    }

    fn key(&self, key: &str) -> String {
        let plain = key.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
            && key.chars().all(|c| c.is_ascii_alphanumeric())
            && !matches!(key, "true" | "false" | "null" | "NaN" | "Infinity");
        if self.quoted_keys || !plain { Value::String(key.to_owned()).to_string() } else { key.to_owned() }
    }

    fn render(&self, value: &Value, indent: &str, inline: bool) -> String {
        match value {
            Value::Array(items) if !items.is_empty() => {
                let flat: Vec<String> = items.iter().map(|item| self.render(item, indent, true)).collect();
                let scalars = items.iter().all(|item| !item.is_object() && !item.is_array());
                let length: usize = flat.iter().map(|item| item.len() + 2).sum();
                if inline || (scalars && length + indent.len() < 90) {
                    return format!("[{}]", flat.join(", "));
                }
                let deeper = format!("{indent}{}", self.unit);
                let lines: Vec<String> = items
                    .iter()
                    .map(|item| format!("{deeper}{}", self.render(item, &deeper, false)))
                    .collect();
                self.block('[', &lines, indent, ']')
            }
            Value::Object(map) if !map.is_empty() => {
                if inline {
                    let entries: Vec<String> = map
                        .iter()
                        .map(|(key, value)| {
                            format!("{}: {}", self.key(key), self.render(value, indent, true))
                        })
                        .collect();
                    return format!("{{ {} }}", entries.join(", "));
                }
                let deeper = format!("{indent}{}", self.unit);
                let lines: Vec<String> = map
                    .iter()
                    .map(|(key, value)| {
                        format!("{deeper}{}: {}", self.key(key), self.render(value, &deeper, false))
                    })
                    .collect();
                self.block('{', &lines, indent, '}')
            }
            other => other.to_string(),
        }
    }

    fn block(&self, open: char, lines: &[String], indent: &str, close: char) -> String {
        let separator = format!(",{}", self.newline);
        format!("{open}{nl}{}{nl}{indent}{close}", lines.join(&separator), nl = self.newline)
    }
}

/// Replaces a value.
pub(crate) fn replace(text: &str, node: &Node, value: &Value, style: &Style) -> Vec<Splice> {
    let indent = line_indent(text, node.range.start);
    let inline = !text[..node.range.start].contains('\n') && text[node.range.end..].trim() == "}" && {
        // A file that is one line stays one line.
        !text.trim_end().contains('\n')
    };
    vec![Splice { range: node.range.clone(), text: style.render(value, indent, inline) }]
}

/// Adds an entry at the end of an object (`key` given) or an array.
pub(crate) fn append(
    text: &str,
    container: &Node,
    key: Option<&str>,
    value: &Value,
    style: &Style,
) -> Vec<Splice> {
    let items = item_ranges(container);
    let open = container.range.start + 1;
    let close = container.range.end - 1;
    let entry = |indent: &str, inline: bool| {
        let rendered = style.render(value, indent, inline);
        key.map_or(rendered.clone(), |key| format!("{}: {rendered}", style.key(key)))
    };
    let Some(last) = items.last() else {
        return append_to_empty(text, container, &entry, value, key.is_none(), style);
    };
    let before_last = items.iter().rev().nth(1).map_or(open, |item| item.end);
    let comma = find_comma(text, last.end, close);
    let tail = comma.map_or(last.end, |comma| comma + 1);
    let (lead, trail) = if comma.is_some() { ("", ",") } else { (",", "") };
    if !text[before_last..last.start].contains('\n') {
        return vec![Splice::insert(tail, format!("{lead} {}{trail}", entry("", true)))];
    }
    let indent = line_indent(text, last.start).to_owned();
    let at = end_of_line_trivia(text, tail, close);
    let line = format!("{}{indent}{}{trail}", style.newline, entry(&indent, false));
    if lead.is_empty() {
        vec![Splice::insert(at, line)]
    } else if at == last.end {
        vec![Splice::insert(at, format!("{lead}{line}"))]
    } else {
        vec![Splice::insert(last.end, lead.to_owned()), Splice::insert(at, line)]
    }
}

fn append_to_empty(
    text: &str,
    container: &Node,
    entry: &dyn Fn(&str, bool) -> String,
    value: &Value,
    is_array: bool,
    style: &Style,
) -> Vec<Splice> {
    let open = container.range.start + 1;
    let close = container.range.end - 1;
    let interior = &text[open..close];
    let last_comment = last_comment_end(text, open, close);
    let scalar = !value.is_object() && !value.is_array();
    if last_comment.is_none() && !interior.contains('\n') && is_array && scalar {
        return vec![Splice::insert(open, entry("", true))];
    }
    if let Some(end) = last_comment.filter(|_| !interior.contains(['\n', '\r'])) {
        return vec![Splice::insert(end, format!(" {}", entry("", true)))];
    }
    let outer = line_indent(text, container.range.start).to_owned();
    let indent = format!("{outer}{}", style.unit);
    let at = last_comment.unwrap_or(open);
    let mut line = format!("{}{indent}{}", style.newline, entry(&indent, false));
    if !text[at..close].contains('\n') {
        line.push_str(style.newline);
        line.push_str(&outer);
    }
    vec![Splice::insert(at, line)]
}

/// Removes the entry at `index`; comments around it stay.
pub(crate) fn remove(text: &str, container: &Node, index: usize) -> Vec<Splice> {
    let items = item_ranges(container);
    let Some(item) = items.get(index) else { return Vec::new() };
    let open = container.range.start + 1;
    let close = container.range.end - 1;
    let boundary = items.get(index + 1).map_or(close, |next| next.start);
    let mut splices = Vec::new();
    let mut end = item.end;
    let mut start = item.start;
    if let Some(comma) = find_comma(text, item.end, boundary) {
        if text[item.end..comma].trim().is_empty() {
            end = comma + 1;
        } else {
            splices.push(Splice::delete(comma..comma + 1));
        }
    } else if let Some(previous) = index.checked_sub(1).and_then(|index| items.get(index))
        && let Some(comma) = find_comma(text, previous.end, item.start)
    {
        if text[comma + 1..item.start].chars().all(|c| c == ' ' || c == '\t') {
            splices.push(Splice::delete(comma..end));
            return splices;
        }
        splices.push(Splice::delete(comma..comma + 1));
    }
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let alone_before = line_start >= open && text[line_start..start].trim().is_empty();
    let rest = &text[end..close];
    let line_rest = rest.find('\n').map(|newline| &rest[..newline]);
    match line_rest {
        Some(line) if alone_before && line.trim().is_empty() => {
            start = line_start;
            end += line.len() + 1;
        }
        _ => {
            end += rest.len() - rest.trim_start_matches([' ', '\t']).len();
        }
    }
    splices.push(Splice::delete(start..end));
    splices
}

fn item_ranges(container: &Node) -> Vec<Range<usize>> {
    match &container.kind {
        Kind::Object(props) => props.iter().map(|prop| prop.range.clone()).collect(),
        Kind::Array(items) => items.iter().map(|item| item.range.clone()).collect(),
        Kind::Scalar(_) => Vec::new(),
    }
}

fn find_comma(text: &str, from: usize, to: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < to {
        if let Some(end) = skip_opaque(bytes, at) {
            at = end;
        } else if bytes[at] == b',' {
            return Some(at);
        } else {
            at += 1;
        }
    }
    None
}

fn last_comment_end(text: &str, from: usize, to: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut last) = (from, None);
    while at < to {
        if let Some(end) = skip_opaque(bytes, at) {
            last = Some(end);
            at = end;
        } else {
            at += 1;
        }
    }
    last
}

/// The end of what belongs to the line after an entry: spaces and comments on it.
fn end_of_line_trivia(text: &str, from: usize, close: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut end) = (from, from);
    while at < close {
        match bytes[at] {
            b' ' | b'\t' => at += 1,
            b'/' => match skip_opaque(bytes, at) {
                Some(next) if !text[at..next].contains('\n') => {
                    at = next;
                    end = next;
                }
                _ => break,
            },
            _ => break,
        }
    }
    end
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn starts_line(text: &str, at: usize) -> bool {
    text[..at].contains('\n') && text[line_start(text, at)..at].trim().is_empty()
}

fn line_indent(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..at];
    let length = line.len() - line.trim_start_matches([' ', '\t']).len();
    &line[..length]
}
