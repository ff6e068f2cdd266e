//! Comparing secrets.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Whether a presented secret is the expected one, in a time that tells nothing of either. Digests are compared, so
/// that lengths do not show. An empty secret matches nothing.
pub(crate) fn matches(expected: Option<&SecretString>, presented: &str) -> bool {
    let Some(expected) = expected.map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty()) else {
        return false;
    };
    let expected = Sha256::digest(expected.as_bytes());
    let presented = Sha256::digest(presented.as_bytes());
    bool::from(expected.ct_eq(&presented))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_matches() {
        let secret = SecretString::from("a-token".to_owned());
        assert!(matches(Some(&secret), "a-token"));
        for wrong in ["", "a-toke", "a-tokens", "A-token", "a-token "] {
            assert!(!matches(Some(&secret), wrong), "{wrong:?}");
        }
        assert!(!matches(None, ""));
        assert!(!matches(Some(&SecretString::from(String::new())), ""));
    }
}
