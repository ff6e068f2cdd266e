//! Names of secrets.

use std::borrow::Borrow;
use std::fmt;

use bulkhead_config::{ConfigPath, Segment};
use serde::{Deserialize, Serialize};

use crate::SecretError;

const MAX_LENGTH: usize = 256;

/// The name of a secret, such as `telegram/bot-token`. No secret itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretId(String);

impl SecretId {
    /// Reads a name: 1 to 256 characters without control characters or spaces at its ends.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let bad = |found: &str| SecretError::BadReference {
            id: text.chars().filter(|c| !c.is_control()).take(40).collect(),
            found: found.to_owned(),
            expected: "a name of 1 to 256 characters, such as telegram/bot-token".to_owned(),
        };
        if text.is_empty() {
            return Err(bad("an empty name"));
        }
        if text.len() > MAX_LENGTH {
            return Err(bad("a name that is too long"));
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(bad("a name with spaces around it or control characters"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The shared token of the gateway.
    pub fn gateway_token() -> Self {
        Self("gateway/token".to_owned())
    }

    /// The shared password of the gateway.
    pub fn gateway_password() -> Self {
        Self("gateway/password".to_owned())
    }

    /// The key that device tokens are derived from.
    pub fn device_key() -> Self {
        Self("device/key".to_owned())
    }

    /// The key under which copies of a foreign configuration are encrypted.
    pub fn rescue_key() -> Self {
        Self("rescue/key".to_owned())
    }

    /// The token of the Telegram bot.
    pub fn telegram_bot_token() -> Self {
        Self("telegram/bot-token".to_owned())
    }

    /// The token of another Telegram account.
    pub fn telegram_account_token(account: &str) -> Self {
        Self(format!("telegram/{account}/bot-token"))
    }

    /// The API key of a model provider.
    pub fn model_api_key(provider: &str) -> Self {
        Self(format!("models/{provider}/api-key"))
    }

    /// The name by rule of the secret that a field of the configuration holds.
    pub fn of_field(path: &ConfigPath) -> Option<Self> {
        let keys: Vec<&str> = path
            .segments()
            .iter()
            .map(|segment| match segment {
                Segment::Key(key) => Some(key.as_str()),
                Segment::Index(_) => None,
            })
            .collect::<Option<_>>()?;
        match keys.as_slice() {
            ["gateway", "auth", "token"] => Some(Self::gateway_token()),
            ["gateway", "auth", "password"] => Some(Self::gateway_password()),
            ["channels", "telegram", "botToken"] => Some(Self::telegram_bot_token()),
            ["channels", "telegram", "accounts", account, "botToken"] => {
                Some(Self::telegram_account_token(account))
            }
            ["models", "providers", provider, "apiKey"] => Some(Self::model_api_key(provider)),
            _ => None,
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The environment variable that holds it by rule: `BULKHEAD_SECRET_TELEGRAM_BOT_TOKEN`.
    pub fn env_variable(&self) -> String {
        let name: String = self
            .0
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        format!("BULKHEAD_SECRET_{name}")
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for SecretId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SecretId {
    type Error = SecretError;

    fn try_from(text: String) -> Result<Self, SecretError> {
        Self::parse(&text)
    }
}

impl From<SecretId> for String {
    fn from(id: SecretId) -> Self {
        id.0
    }
}
