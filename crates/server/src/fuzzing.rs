//! Entry points of the fuzz targets: what a socket sends.

use crate::conn::envelope::{Envelope, Malformed};

/// Reads one message as an open socket does: id and method of a request, or `None`.
///
/// # Panics
/// When what is answered to a malformed message is not bounded.
pub fn request(text: &str) -> Option<(String, String)> {
    match Envelope::parse(text) {
        Ok(envelope) => Some((envelope.id.into_owned(), envelope.method.into_owned())),
        Err(Malformed::NotJson) => None,
        Err(Malformed::NotRequest { id, .. }) => {
            assert!(id.is_none_or(|id| !id.is_empty() && id.len() <= 256), "an id beyond its limit");
            None
        }
    }
}
