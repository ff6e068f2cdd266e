//! Another content for a document, with as little changed in its text as possible.

use serde_json::Value;

use crate::ConfigError;
use crate::document::{ConfigDocument, value_name};
use crate::merge::{self, Lists};
use crate::path::ConfigPath;
use crate::redact::REDACTED;
use crate::syntax::has_comments;

impl ConfigDocument {
    /// Applies a JSON merge patch (RFC 7396): `null` removes, objects merge, everything else replaces.
    ///
    /// A redaction placeholder in the patch keeps what is stored; where nothing is stored it is refused.
    pub fn merge_patch(&mut self, patch: &Value) -> Result<(), ConfigError> {
        self.merge(patch, Lists::Replace)
    }

    /// The same for a patch of somebody who may have seen only a part: lists of objects with ids merge by id, and any
    /// other list loses entries only where `replace` names it (`bindings`, `models.providers.x.models[].input`).
    pub fn merge_guarded(&mut self, patch: &Value, replace: &[String]) -> Result<(), ConfigError> {
        self.merge(patch, Lists::Guarded(replace))
    }

    fn merge(&mut self, patch: &Value, lists: Lists<'_>) -> Result<(), ConfigError> {
        if !patch.is_object() {
            return Err(self.no_such_place(
                &ConfigPath::root(),
                value_name(patch),
                "a patch that is an object",
                "Send the changed fields inside `{ … }`.",
            ));
        }
        let value = merge::merged(&self.value(), patch, lists)?;
        self.become_value(value)
    }

    /// Takes another whole content, as a client sends it back after reading a redacted copy of this one.
    ///
    /// Placeholders become the stored values again. A text without comments is a form's: then this text stays, comments
    /// included, and only what differs is changed in it. A text with comments was edited by a person and is taken as it is.
    pub fn replace_with(&mut self, wanted: &Self) -> Result<(), ConfigError> {
        let value = merge::restored(&self.value(), &wanted.value())?;
        if self.is_empty() || has_comments(&wanted.to_string()) {
            let mut next = wanted.clone().named(self.file());
            if wanted.to_string().contains(REDACTED) {
                next.become_value(value)?;
            }
            *self = next;
            return Ok(());
        }
        self.become_value(value)
    }

    /// Makes the content this value, by changes of the text where it differs.
    fn become_value(&mut self, value: Value) -> Result<(), ConfigError> {
        let mut draft = self.clone();
        draft.assign(&ConfigPath::root(), value)?;
        *self = draft;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = "{\n  // mine\n  gateway: { auth: { token: 'very-secret-token' } }, // kept\n  unknown: [1, 2],\n  bindings: [\n    // boss\n    { agentId: 'a', match: { channel: 'x' } },\n    // child\n    { agentId: 'b', match: { channel: 'y' } },\n  ],\n}\n";

    fn document(text: &str) -> ConfigDocument {
        ConfigDocument::parse("test", text).unwrap()
    }

    #[test]
    fn what_a_form_sends_back_changes_only_what_differs() {
        let mut doc = document(STORED);
        let sent = r#"{"gateway":{"auth":{"token":"__OPENCLAW_REDACTED__"},"port":19000},"unknown":[1,2],
            "bindings":[{"agentId":"b","match":{"channel":"y"}}]}"#;
        doc.replace_with(&document(sent)).unwrap();
        insta::assert_snapshot!(doc.to_string(), @r"
        {
          // mine
          gateway: { auth: { token: 'very-secret-token' }, port: 19000 }, // kept
          unknown: [1, 2],
          bindings: [
            // boss
            // child
            { agentId: 'b', match: { channel: 'y' } },
          ],
        }
        ");
    }

    #[test]
    fn what_a_person_wrote_is_taken_as_it_is_with_its_secrets_back() {
        let mut doc = document(STORED);
        let sent = "{ // other words\n  gateway: { auth: { token: \"__OPENCLAW_REDACTED__\" } } }\n";
        doc.replace_with(&document(sent)).unwrap();
        assert_eq!(
            doc.to_string(),
            "{ // other words\n  gateway: { auth: { token: \"very-secret-token\" } } }\n"
        );
    }

    #[test]
    fn a_placeholder_that_hides_nothing_is_refused() {
        let mut doc = document(STORED);
        let error = doc
            .replace_with(&document(r#"{"gateway":{"auth":{"password":"__OPENCLAW_REDACTED__"}}}"#))
            .unwrap_err();
        assert!(matches!(error, ConfigError::Redacted { path } if path == "gateway.auth.password"));
        assert_eq!(doc.to_string(), STORED);
    }
}
