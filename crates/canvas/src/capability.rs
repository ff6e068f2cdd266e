//! Who may read documents: whoever shows a capability, for as long as the connection lives that was given it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::document::fill;

/// Bytes of a capability: 256 bits.
const BYTES: usize = 32;
/// Capabilities of one connection; the oldest goes.
const MOST_PER_CONNECTION: usize = 64;

/// What a capability opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every document of the profile: a node's.
    All,
    /// The documents of one conversation.
    Session(String),
    /// One document.
    Document(String),
}

impl Reach {
    /// Whether it opens a document of a conversation.
    pub fn opens(&self, document: &str, session_key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Session(key) => key == session_key,
            Self::Document(id) => id == document,
        }
    }
}

#[derive(Debug, Clone)]
struct Grant {
    hash: [u8; 32],
    connection: String,
    reach: Reach,
    number: u64,
}

/// The capabilities that are good now. Only hashes of them, only in memory.
#[derive(Debug, Default)]
pub struct Capabilities {
    grants: Mutex<(u64, HashMap<[u8; 32], Grant>)>,
}

impl Capabilities {
    /// A new capability for a connection.
    pub fn grant(&self, connection: &str, reach: Reach) -> String {
        let mut bytes = [0_u8; BYTES];
        fill(&mut bytes);
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let hash = hash(&token);
        let mut grants = self.lock();
        grants.0 += 1;
        let number = grants.0;
        let own: Vec<(u64, [u8; 32])> = grants
            .1
            .values()
            .filter(|grant| grant.connection == connection)
            .map(|grant| (grant.number, grant.hash))
            .collect();
        if own.len() >= MOST_PER_CONNECTION
            && let Some((_, oldest)) = own.into_iter().min()
        {
            grants.1.remove(&oldest);
        }
        grants.1.insert(hash, Grant { hash, connection: connection.to_owned(), reach, number });
        token
    }

    /// What a capability opens; `None` if it is none (any more). What is compared are hashes, so the time that a look-up
    /// takes tells nothing of a capability.
    pub fn reach(&self, token: &str) -> Option<Reach> {
        self.lock().1.get(&hash(token)).map(|grant| grant.reach.clone())
    }

    /// A connection is gone, and its capabilities with it.
    pub fn revoke(&self, connection: &str) {
        self.lock().1.retain(|_, grant| grant.connection != connection);
    }

    /// How many are good.
    pub fn count(&self) -> usize {
        self.lock().1.len()
    }

    fn lock(&self) -> MutexGuard<'_, (u64, HashMap<[u8; 32], Grant>)> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_dies_with_its_connection() {
        let all = Capabilities::default();
        let one = all.grant("a", Reach::All);
        let other = all.grant("b", Reach::Session("s".into()));
        assert_eq!(URL_SAFE_NO_PAD.decode(&one).map(|bytes| bytes.len()), Ok(32));
        assert_ne!(one, other);
        assert_eq!(all.reach(&one), Some(Reach::All));
        all.revoke("a");
        assert_eq!(all.reach(&one), None);
        assert_eq!(all.reach(&other), Some(Reach::Session("s".into())));
        assert_eq!(all.reach(""), None);
        assert!(!format!("{all:?}").contains(&other), "it is nowhere but with whoever got it");
    }

    #[test]
    fn a_connection_has_only_so_many() {
        let all = Capabilities::default();
        let first = all.grant("a", Reach::All);
        let kept = all.grant("b", Reach::All);
        for _ in 0..MOST_PER_CONNECTION {
            all.grant("a", Reach::All);
        }
        assert_eq!(all.count(), MOST_PER_CONNECTION + 1);
        assert_eq!((all.reach(&first), all.reach(&kept)), (None, Some(Reach::All)));
    }

    #[test]
    fn it_opens_what_it_is_for() {
        assert!(Reach::All.opens("d", "s"));
        assert!(Reach::Session("s".into()).opens("d", "s") && !Reach::Session("t".into()).opens("d", "s"));
        assert!(Reach::Document("d".into()).opens("d", "s") && !Reach::Document("e".into()).opens("d", "s"));
    }
}
