//! Where a secret comes from: a SecretRef, or plain text that somebody typed into the file.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The kind of place that keeps a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// The keychain of the operating system.
    Keychain,
    /// An environment variable of the supervisor.
    Env,
    /// The profile's secrets file (0600, unencrypted).
    File,
    /// A command that prints the secret.
    Exec,
}

impl SecretSource {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::Env => "env",
            Self::File => "file",
            Self::Exec => "exec",
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names a secret without holding it: `{ "source": "keychain", "id": "telegram/bot-token" }`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretRef {
    /// The kind of place.
    pub source: SecretSource,
    /// Its name there.
    pub id: String,
    /// The entry of `secrets.providers` that says how (for `exec`, and for a `file` elsewhere).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

impl SecretRef {
    /// A reference without a named provider.
    pub fn new(source: SecretSource, id: impl Into<String>) -> Self {
        Self { source, id: id.into(), provider: None }
    }

    /// As it stands in the file.
    pub fn to_value(&self) -> serde_json::Value {
        let mut map = serde_json::Map::new();
        map.insert("source".to_owned(), self.source.as_str().into());
        if let Some(provider) = &self.provider {
            map.insert("provider".to_owned(), provider.as_str().into());
        }
        map.insert("id".to_owned(), self.id.as_str().into());
        serde_json::Value::Object(map)
    }
}

/// A secret field of the file.
///
/// Plain text is accepted when reading; this program itself writes references only. A text `"${NAME}"` is a
/// reference to an environment variable.
#[derive(Clone)]
pub enum SecretInput {
    /// The secret itself.
    Plain(SecretString),
    /// Where it is.
    Ref(SecretRef),
}

impl SecretInput {
    /// The reference, if it is one.
    pub fn reference(&self) -> Option<&SecretRef> {
        match self {
            Self::Ref(reference) => Some(reference),
            Self::Plain(_) => None,
        }
    }

    /// The plain text, if somebody typed it into the file.
    pub fn plain(&self) -> Option<&SecretString> {
        match self {
            Self::Plain(secret) => Some(secret),
            Self::Ref(_) => None,
        }
    }

    fn from_text(text: &str) -> Self {
        env_template(text).map_or_else(
            || Self::Plain(SecretString::from(text.to_owned())),
            |name| Self::Ref(SecretRef::new(SecretSource::Env, name)),
        )
    }
}

/// The variable that a text `${NAME}` names.
pub(crate) fn env_template(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    let valid = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    valid.then_some(name)
}

impl PartialEq for SecretInput {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(a), Self::Plain(b)) => a.expose_secret() == b.expose_secret(),
            (Self::Ref(a), Self::Ref(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Debug for SecretInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("Plain([redacted])"),
            Self::Ref(reference) => f.debug_tuple("Ref").field(reference).finish(),
        }
    }
}

impl<'de> Deserialize<'de> for SecretInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InputVisitor;

        impl<'de> Visitor<'de> for InputVisitor {
            type Value = SecretInput;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a SecretRef such as {\"source\":\"keychain\",\"id\":\"telegram/bot-token\"}, or a text",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretInput, E> {
                Ok(SecretInput::from_text(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretInput, A::Error> {
                SecretRef::deserialize(de::value::MapAccessDeserializer::new(map)).map(SecretInput::Ref)
            }
        }

        deserializer.deserialize_any(InputVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_secret() {
        let input: SecretInput = serde_json::from_str("\"123:abc\"").unwrap();
        assert_eq!(format!("{input:?}"), "Plain([redacted])");
    }

    #[test]
    fn env_templates_are_references() {
        let input: SecretInput = serde_json::from_str("\"${TELEGRAM_BOT_TOKEN}\"").unwrap();
        assert_eq!(
            input.reference().map(|r| (r.source, r.id.as_str())),
            Some((SecretSource::Env, "TELEGRAM_BOT_TOKEN"))
        );
        let plain: SecretInput = serde_json::from_str("\"${lower}\"").unwrap();
        assert!(plain.plain().is_some());
    }
}
