//! How a supervisor hands secrets to a gateway: JSON lines on its standard input.
//!
//! `{"v":1,"type":"secrets","secrets":{"telegram/bot-token":"…"}}` comes first; `update` may follow with the same shape
//! and a list `removed`. While a keychain is still locked, `waiting` says so in place of secrets, and the secrets follow as an
//! update. The end of the input means stop.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::{Zeroize, Zeroizing};

use crate::{SecretBundle, SecretError, SecretId};

/// The longest line, with its end.
pub const MAX_LINE: usize = 256 * 1024;
/// The version of the lines.
pub const VERSION: u32 = 1;

/// Why there are no secrets yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// A stable word.
    pub code: String,
    /// In words, with the next step.
    pub message: String,
}

/// One line.
#[derive(Debug, Clone)]
pub enum HandoffMessage {
    /// All secrets; the first line.
    Secrets {
        /// The version of the line.
        version: u32,
        /// The secrets.
        secrets: SecretBundle,
        /// Set while they cannot be read.
        waiting: Option<Waiting>,
    },
    /// A change while the gateway runs: a rotation, a new channel.
    Update {
        /// The version of the line.
        version: u32,
        /// New and changed secrets.
        secrets: SecretBundle,
        /// Names to forget.
        removed: Vec<SecretId>,
        /// Set while they cannot be read.
        waiting: Option<Waiting>,
    },
}

impl HandoffMessage {
    /// The first line.
    pub fn secrets(secrets: SecretBundle) -> Self {
        Self::Secrets { version: VERSION, secrets, waiting: None }
    }

    /// A later line.
    pub fn update(secrets: SecretBundle, removed: Vec<SecretId>) -> Self {
        Self::Update { version: VERSION, secrets, removed, waiting: None }
    }

    /// The first line while the secrets cannot be read yet.
    pub fn waiting(code: impl Into<String>, message: impl Into<String>) -> Self {
        let waiting = Some(Waiting { code: code.into(), message: message.into() });
        Self::Secrets { version: VERSION, secrets: SecretBundle::new(), waiting }
    }

    /// The line with its end; wiped when dropped.
    pub fn to_line(&self) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let (kind, version, secrets, removed, waiting) = match self {
            Self::Secrets { version, secrets, waiting } => ("secrets", *version, secrets, &[][..], waiting),
            Self::Update { version, secrets, removed, waiting } => {
                ("update", *version, secrets, removed.as_slice(), waiting)
            }
        };
        let line = Line {
            v: version,
            kind,
            secrets: secrets.iter().map(|(id, secret)| (id.as_str(), secret.expose_secret())).collect(),
            removed,
            waiting: waiting.as_ref(),
        };
        // Grown once, so that no half-filled copy stays behind in freed memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LINE));
        serde_json::to_writer(&mut *bytes, &line).map_err(|_| bad("secrets that are no text"))?;
        bytes.push(b'\n');
        if bytes.len() > MAX_LINE {
            return Err(bad(&format!("{} bytes of secrets", bytes.len())));
        }
        Ok(bytes)
    }

    /// Reads a line without its end.
    pub fn from_line(line: &[u8]) -> Result<Self, SecretError> {
        if line.len() > MAX_LINE {
            return Err(bad(&format!("a line of more than {MAX_LINE} bytes")));
        }
        let read: ReadLine = serde_json::from_slice(line)
            .map_err(|error| bad(&format!("a line that is no such JSON (column {})", error.column())))?;
        if read.v != VERSION {
            return Err(bad(&format!("version {}", read.v)));
        }
        let ReadLine { kind, mut secrets, removed, waiting, .. } = read;
        let bundle = std::mem::take(&mut secrets.0)
            .into_iter()
            .map(|(id, secret)| (id, SecretString::from(secret)))
            .collect();
        match kind.as_str() {
            "secrets" => Ok(Self::Secrets { version: VERSION, secrets: bundle, waiting }),
            "update" => Ok(Self::Update { version: VERSION, secrets: bundle, removed, waiting }),
            other => Err(bad(&format!("type \"{}\"", other.chars().take(20).collect::<String>()))),
        }
    }
}

/// Writes a line.
pub async fn write_line(
    output: &mut (impl AsyncWrite + Unpin),
    message: &HandoffMessage,
) -> Result<(), SecretError> {
    let line = message.to_line()?;
    let broken = |error: std::io::Error| bad(&format!("a gateway that does not read ({error})"));
    output.write_all(&line).await.map_err(broken)?;
    output.flush().await.map_err(broken)
}

/// Reads a line; `None` at the end of the input. Empty lines are passed over.
pub async fn read_line(
    input: &mut (impl AsyncBufRead + Unpin),
) -> Result<Option<HandoffMessage>, SecretError> {
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    loop {
        let (used, complete) = {
            let chunk = input
                .fill_buf()
                .await
                .map_err(|error| bad(&format!("an input that cannot be read ({error})")))?;
            if chunk.is_empty() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    return Ok(None);
                }
                return HandoffMessage::from_line(&line).map(Some);
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            if line.len() + part.len() > MAX_LINE {
                return Err(bad(&format!("a line of more than {MAX_LINE} bytes")));
            }
            append_wiping(&mut line, part);
            (end.map_or(chunk.len(), |end| end + 1), end.is_some())
        };
        input.consume(used);
        if complete && !line.iter().all(u8::is_ascii_whitespace) {
            return HandoffMessage::from_line(&line).map(Some);
        }
        if complete {
            line.clear();
        }
    }
}

/// Appends; when the buffer has to move, the old place is wiped first.
fn append_wiping(line: &mut Zeroizing<Vec<u8>>, part: &[u8]) {
    if line.len() + part.len() > line.capacity() {
        let mut bigger =
            Zeroizing::new(Vec::with_capacity((line.len() + part.len()).max(line.capacity() * 2)));
        bigger.extend_from_slice(line);
        std::mem::swap(line, &mut bigger);
    }
    line.extend_from_slice(part);
}

fn bad(found: &str) -> SecretError {
    SecretError::Handoff {
        found: found.to_owned(),
        expected: format!("lines of version {VERSION}, at most {MAX_LINE} bytes each"),
    }
}

#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    #[serde(rename = "type")]
    kind: &'a str,
    secrets: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "<[SecretId]>::is_empty")]
    removed: &'a [SecretId],
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<&'a Waiting>,
}

#[derive(Deserialize)]
struct ReadLine {
    v: u32,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    secrets: ReadSecrets,
    #[serde(default)]
    removed: Vec<SecretId>,
    #[serde(default)]
    waiting: Option<Waiting>,
}

#[derive(Deserialize, Default)]
#[serde(transparent)]
struct ReadSecrets(BTreeMap<SecretId, String>);

impl Drop for ReadSecrets {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}

impl fmt::Debug for ReadSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
