//! Paths into the configuration: `models.providers["my.host"].baseUrl`, `agents.list[0].name`.

use std::fmt;

use crate::ConfigError;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A key of an object; on an array, a key of digits is taken as index.
    Key(String),
    /// An index of an array.
    Index(usize),
}

/// A path into the configuration; empty means the whole file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ConfigPath(Vec<Segment>);

impl ConfigPath {
    /// The whole file.
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads a dotted path with `[0]` indices and `["quoted"]` keys.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Parser { text, chars: text.chars().collect(), at: 0 }.path()
    }

    /// The steps.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// This path with one key more.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut next = self.clone();
        next.0.push(Segment::Key(key.to_owned()));
        next
    }

    /// This path with one index more.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut next = self.clone();
        next.0.push(Segment::Index(index));
        next
    }

    /// Whether this is the whole file.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path as far as `len` steps.
    #[must_use]
    pub fn prefix(&self, len: usize) -> Self {
        Self(self.0.iter().take(len).cloned().collect())
    }
}

impl fmt::Display for ConfigPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_plain(key) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Segment::Key(key) => write!(f, "[{}]", serde_json::Value::String(key.clone()))?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_plain_char)
}

fn is_plain_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '/' | ':' | '@' | '+' | '*')
}

struct Parser<'a> {
    text: &'a str,
    chars: Vec<char>,
    at: usize,
}

impl Parser<'_> {
    fn path(mut self) -> Result<ConfigPath, ConfigError> {
        let mut segments = Vec::new();
        if self.chars.is_empty() {
            return Err(self.bad("nothing"));
        }
        loop {
            if self.peek() == Some('[') {
                segments.push(self.bracket()?);
            } else {
                segments.push(self.word()?);
            }
            match self.peek() {
                None => return Ok(ConfigPath(segments)),
                Some('[') => {}
                Some('.') => self.at += 1,
                Some(_) => return Err(self.bad_char()),
            }
        }
    }

    fn word(&mut self) -> Result<Segment, ConfigError> {
        let start = self.at;
        while self.peek().is_some_and(is_plain_char) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.bad_char());
        }
        Ok(Segment::Key(self.chars[start..self.at].iter().collect()))
    }

    fn bracket(&mut self) -> Result<Segment, ConfigError> {
        self.at += 1;
        let segment = match self.peek() {
            Some(quote @ ('"' | '\'')) => Segment::Key(self.quoted(quote)?),
            Some(c) if c.is_ascii_digit() => {
                let start = self.at;
                while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                    self.at += 1;
                }
                let digits: String = self.chars[start..self.at].iter().collect();
                Segment::Index(digits.parse().map_err(|_| self.bad("an index that is too large"))?)
            }
            _ => return Err(self.bad_char()),
        };
        if self.peek() != Some(']') {
            return Err(self.bad_char());
        }
        self.at += 1;
        Ok(segment)
    }

    fn quoted(&mut self, quote: char) -> Result<String, ConfigError> {
        self.at += 1;
        let mut key = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            if c == quote {
                return Ok(key);
            }
            if c != '\\' {
                key.push(c);
                continue;
            }
            let Some(escaped) = self.peek() else { break };
            self.at += 1;
            match escaped {
                'n' => key.push('\n'),
                't' => key.push('\t'),
                'r' => key.push('\r'),
                'b' => key.push('\u{8}'),
                'f' => key.push('\u{c}'),
                'u' => {
                    let digits: String = self.chars.iter().skip(self.at).take(4).collect();
                    let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                    key.push(code.ok_or_else(|| self.bad("an unknown escape"))?);
                    self.at += 4;
                }
                other => key.push(other),
            }
        }
        Err(self.bad("the end inside a quoted key"))
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn bad_char(&self) -> ConfigError {
        match self.peek() {
            Some(c) => self.bad(&format!("`{c}`")),
            None => self.bad("the end"),
        }
    }

    fn bad(&self, found: &str) -> ConfigError {
        ConfigError::BadPath { path: self.text.to_owned(), at: self.at + 1, found: found.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_round_trip() {
        for text in [
            "gateway.port",
            "agents.list[0].name",
            "models.providers[\"my.host\"].baseUrl",
            "[\"a b\"][2]",
            "a",
        ] {
            assert_eq!(ConfigPath::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn broken_paths_say_where() {
        for text in ["", ".", "a.", "a..b", "a[", "a[x]", "a[\"b]", "a b", "a[99999999999999999999999]"] {
            assert_eq!(ConfigPath::parse(text).unwrap_err().code(), "config.bad-path", "{text}");
        }
    }
}
