//! What a command prints: text for people, or one JSON value for programs. Nothing else prints.

pub mod paint;
pub mod table;

use std::io::Write as _;

use serde::Serialize;

use crate::error::Failure;

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// For people, or for programs.
    pub fn new(json: bool, no_color: bool) -> Self {
        if no_color || json {
            anstream::ColorChoice::Never.write_global();
        }
        Self { json }
    }

    /// Whether a program reads.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// The result: `value` for programs, `text` for people.
    pub fn result<T: Serialize + ?Sized>(self, value: &T, text: impl FnOnce() -> String) {
        if self.json { self.value(value) } else { self.text(&text()) }
    }

    /// One JSON value on one line.
    pub fn value<T: Serialize + ?Sized>(self, value: &T) {
        let text = serde_json::to_string(value).unwrap_or_else(|error| {
            format!(r#"{{"ok":false,"error":{{"code":"output","message":{:?}}}}}"#, error.to_string())
        });
        self.text(&text);
    }

    /// A text for people, or a line that is JSON already. A reader that went away is no error.
    #[allow(clippy::unused_self, reason = "who prints has to hold an Output")]
    pub fn text(self, text: &str) {
        let mut out = anstream::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        if !text.is_empty() && !text.ends_with('\n') {
            let _ = out.write_all(b"\n");
        }
        let _ = out.flush();
    }

    /// Something beside the result; programs do not see it.
    pub fn note(self, text: &str) {
        if !self.json {
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        }
    }

    /// A failed command.
    pub fn failure(self, failure: &Failure) {
        if self.json {
            self.value(&failure.to_json());
        } else {
            let _ = writeln!(anstream::stderr().lock(), "{} {}", paint::bad("error:"), failure.message);
        }
    }
}
