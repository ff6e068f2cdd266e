//! The secrets of one gateway, in memory.

use std::collections::BTreeMap;
use std::fmt;

use bulkhead_config::SecretInput;
use secrecy::{ExposeSecret, SecretString};

use crate::SecretId;

/// Resolved secrets by name. Shows names only.
#[derive(Clone, Default)]
pub struct SecretBundle(BTreeMap<SecretId, SecretString>);

impl SecretBundle {
    /// No secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces one.
    pub fn insert(&mut self, id: SecretId, secret: SecretString) {
        self.0.insert(id, secret);
    }

    /// Removes one.
    pub fn remove(&mut self, id: &SecretId) -> bool {
        self.0.remove(id).is_some()
    }

    /// The secret of this name.
    pub fn get(&self, id: &SecretId) -> Option<&SecretString> {
        self.0.get(id)
    }

    /// What a secret field of the configuration means: its own text, or the secret that it refers to.
    pub fn resolve(&self, input: &SecretInput) -> Option<SecretString> {
        match input {
            SecretInput::Plain(secret) => Some(secret.clone()),
            SecretInput::Ref(reference) => self.0.get(reference.id.as_str()).cloned(),
        }
    }

    /// The names.
    pub fn ids(&self) -> impl Iterator<Item = &SecretId> {
        self.0.keys()
    }

    /// Names and secrets.
    pub fn iter(&self) -> impl Iterator<Item = (&SecretId, &SecretString)> {
        self.0.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over an update: new and changed secrets, and names to forget. Returns the names that changed.
    pub fn update(&mut self, new: Self, removed: &[SecretId]) -> Vec<SecretId> {
        let mut changed: Vec<SecretId> = removed.iter().filter(|id| self.remove(id)).cloned().collect();
        for (id, secret) in new.0 {
            let same = self.0.get(&id).is_some_and(|old| old.expose_secret() == secret.expose_secret());
            if !same {
                changed.push(id.clone());
                self.0.insert(id, secret);
            }
        }
        changed
    }
}

impl FromIterator<(SecretId, SecretString)> for SecretBundle {
    fn from_iter<I: IntoIterator<Item = (SecretId, SecretString)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl fmt::Debug for SecretBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
