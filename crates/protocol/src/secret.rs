//! The one place where secrets meet the wire: fields of frames that carry a token or a password.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serializer};

/// For `#[serde(with = "bulkhead_protocol::secret::optional")]`: an optional secret field of a frame.
pub mod optional {
    use super::{Deserialize, Deserializer, ExposeSecret, SecretString, Serializer};

    /// Writes the secret into the frame.
    pub fn serialize<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => serializer.serialize_str(secret.expose_secret()),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a secret from a frame.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
    }
}

/// For `#[serde(with = "bulkhead_protocol::secret::required")]`: a secret field of a frame.
pub mod required {
    use super::{Deserialize, Deserializer, ExposeSecret, SecretString, Serializer};

    /// Writes the secret into the frame.
    pub fn serialize<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose_secret())
    }

    /// Reads a secret from a frame.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
        String::deserialize(deserializer).map(SecretString::from)
    }
}
