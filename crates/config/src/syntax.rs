//! Why a text is no JSON5, in words and with the field around it.

use std::ops::Range;

use crate::path::ConfigPath;
use crate::tree::{line_column, shorten, skip_opaque};
use crate::{ConfigError, SyntaxProblem};

/// An error of the parser in our words.
pub(crate) fn syntax_error(file: &str, text: &str, error: &jsonc_parser::errors::ParseError) -> ConfigError {
    use jsonc_parser::errors::ParseErrorKind as Kind;
    let at = error.range().start.min(text.len());
    let word = text.get(at..).and_then(|rest| rest.split_whitespace().next());
    let no_value = text.get(..at).is_some_and(|before| before.trim_end().ends_with(':'));
    let no_number = word.is_some_and(|word| {
        ["NaN", "Infinity"].contains(&word.trim_start_matches(['-', '+']).trim_end_matches([',', '}', ']']))
    });
    let (expected, next_step) = match error.kind() {
        _ if no_number => ("a finite number", "Write a number; NaN and Infinity have no meaning here."),
        Kind::UnexpectedCloseBrace | Kind::UnexpectedCloseBracket | Kind::UnexpectedComma if no_value => {
            ("a value after `:`", "Write a value, or remove the key.")
        }
        Kind::ExpectedComma => ("a comma between two entries", "Add a comma at the end of the entry before."),
        Kind::ExpectedColonAfterObjectKey => ("`:` after a key", "Write `key: value`."),
        Kind::ExpectedObjectValue => ("a value after `:`", "Write a value, or remove the key."),
        Kind::UnterminatedObject => {
            ("`}` that closes this object", "Add the missing `}`; the file may have been cut off.")
        }
        Kind::UnterminatedArray => {
            ("`]` that closes this list", "Add the missing `]`; the file may have been cut off.")
        }
        Kind::UnterminatedCommentBlock => ("`*/` that closes this comment", "Add `*/`."),
        Kind::String(_) => {
            ("a string that is closed and whose escapes are valid", "Check the quotes and backslashes.")
        }
        Kind::MultipleRootJsonValues => {
            ("one object and nothing after it", "Remove what follows the closing `}`.")
        }
        Kind::UnexpectedWord => {
            ("a value: string, number, true, false, null, {…} or […]", "Put text in quotes.")
        }
        Kind::UnexpectedCloseBrace | Kind::UnexpectedCloseBracket => {
            ("an opening bracket before this one", "Remove it, or add the missing opening bracket.")
        }
        Kind::UnexpectedComma => ("a value before the comma", "Remove the comma or write the value."),
        Kind::NestingDepthExceeded => ("a flatter file", "Check for brackets that are never closed."),
        _ => ("valid JSON5", "Correct this place."),
    };
    let found = match word {
        None => "the end of the file".to_owned(),
        Some(word) if matches!(error.kind(), Kind::String(_)) => {
            format!("`{}…` ({})", shorten(&word.chars().take(4).collect::<String>()), error.kind())
        }
        Some(word) => format!("`{}`", shorten(&word.chars().take(24).collect::<String>())),
    };
    let (line, column) = line_column(text, at);
    ConfigError::Syntax(Box::new(SyntaxProblem {
        file: file.to_owned(),
        line,
        column,
        field: field_before(text, at),
        found,
        expected: expected.to_owned(),
        next_step: next_step.to_owned(),
    }))
}

/// Whether somebody wrote comments into a text that parses.
pub(crate) fn has_comments(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match skip_opaque(bytes, at) {
            Some(_) if *byte == b'/' => return true,
            Some(next) => at = next,
            None => at += 1,
        }
    }
    false
}

/// The field that encloses a place in a text that does not parse: a best effort by brackets and keys.
fn field_before(text: &str, end: usize) -> String {
    let bytes = text.as_bytes();
    let mut stack: Vec<(u8, Option<String>, usize)> = Vec::new();
    let mut word: Option<Range<usize>> = None;
    let mut pending: Option<String> = None;
    let mut at = 0;
    while at < end {
        if let Some(next) = skip_opaque(bytes, at) {
            if bytes[at] != b'/' {
                word = (next <= end && next >= at + 2).then(|| at + 1..next - 1);
            }
            at = next;
            continue;
        }
        match bytes[at] {
            b':' => pending = word.take().and_then(|range| text.get(range)).map(str::to_owned),
            open @ (b'{' | b'[') => {
                stack.push((open, pending.take(), 0));
                word = None;
            }
            b'}' | b']' => {
                stack.pop();
                pending = None;
            }
            b',' => {
                pending = None;
                word = None;
                if let Some(top) = stack.last_mut() {
                    top.2 += 1;
                }
            }
            byte if !byte.is_ascii_whitespace() => {
                let start = word.take().filter(|range| range.end == at).map_or(at, |range| range.start);
                word = Some(start..at + 1);
            }
            _ => {}
        }
        at += 1;
    }
    let mut path = ConfigPath::root();
    let mut container: Option<(u8, usize)> = None;
    for (open, key, count) in &stack {
        if let Some(key) = key {
            path = path.key(key);
        } else if let Some((b'[', index)) = container {
            path = path.index(index);
        }
        container = Some((*open, *count));
    }
    if let Some(key) = pending {
        path = path.key(&key);
    }
    path.to_string()
}
