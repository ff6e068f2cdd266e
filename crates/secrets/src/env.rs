//! Secrets in environment variables of the supervisor: read only.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use bulkhead_config::SecretSource;
use secrecy::SecretString;

use crate::{SecretError, SecretId, SecretStore, StoreDescription};

/// Reads `BULKHEAD_SECRET_TELEGRAM_BOT_TOKEN` for `telegram/bot-token`, and a variable by its own name when the id is
/// one (`{ "source": "env", "id": "MY_TOKEN" }`).
#[derive(Clone, Default)]
pub struct EnvStore {
    vars: BTreeMap<String, SecretString>,
}

impl EnvStore {
    /// The variables that a caller gives.
    pub fn new(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { vars: vars.into_iter().map(|(name, value)| (name, SecretString::from(value))).collect() }
    }

    /// The variables of this process.
    pub fn from_process() -> Self {
        Self::new(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// The variable that holds a secret.
    pub fn variable(id: &SecretId) -> String {
        let own_name = id.as_str().starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && id.as_str().chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && id.as_str().chars().any(|c| c.is_ascii_uppercase());
        if own_name { id.as_str().to_owned() } else { id.env_variable() }
    }
}

#[async_trait]
impl SecretStore for EnvStore {
    async fn get(&self, id: &SecretId) -> Result<SecretString, SecretError> {
        let variable = Self::variable(id);
        match self.vars.get(&variable) {
            Some(secret) => Ok(secret.clone()),
            None => Err(SecretError::NotSet { id: id.clone(), variable }),
        }
    }

    async fn set(&self, id: &SecretId, _: &SecretString) -> Result<(), SecretError> {
        Err(SecretError::ReadOnly { id: id.clone(), variable: Self::variable(id) })
    }

    async fn delete(&self, id: &SecretId) -> Result<bool, SecretError> {
        Err(SecretError::ReadOnly { id: id.clone(), variable: Self::variable(id) })
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription {
            source: SecretSource::Env,
            label: "environment variables (BULKHEAD_SECRET_…)".to_owned(),
            encrypted: false,
            writable: false,
        }
    }
}

impl fmt::Debug for EnvStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvStore").field("vars", &self.vars.len()).finish()
    }
}
