//! What a setup code gives: pure.

use bulkhead_protocol::Scope;
use bulkhead_server::Role;
use sha2::{Digest as _, Sha256};

/// How long a code may be used, in milliseconds.
pub(crate) const LIFETIME: i64 = 10 * 60 * 1000;

/// How much a code gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// A node, and an operator that may do nearly everything.
    Full,
    /// A node, and an operator that may not change the gateway.
    Limited,
    /// A node only; its first commands are approved with it.
    Node,
    /// A node, and an operator that listens and speaks.
    Voice,
}

impl Access {
    const ALL: [Self; 4] = [Self::Full, Self::Limited, Self::Node, Self::Voice];

    /// The word in the database and in requests.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Limited => "limited",
            Self::Node => "node",
            Self::Voice => "voice-node",
        }
    }

    /// Reads it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == text)
    }

    /// The word in results, which knows three of them.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Voice => "limited",
            other => other.as_str(),
        }
    }

    /// The roles that it gives, with their scopes. Approving devices is never among them.
    pub(crate) fn roles(self) -> Vec<(Role, Vec<Scope>)> {
        use Scope::{
            OperatorAdmin, OperatorApprovals, OperatorRead, OperatorTalk, OperatorTalkSecrets, OperatorWrite,
        };
        let mut roles = vec![(Role::Node, Vec::new())];
        let operator = match self {
            Self::Full => {
                vec![OperatorAdmin, OperatorApprovals, OperatorRead, OperatorTalkSecrets, OperatorWrite]
            }
            Self::Limited => vec![OperatorApprovals, OperatorRead, OperatorTalkSecrets, OperatorWrite],
            Self::Voice => vec![OperatorRead, OperatorTalk],
            Self::Node => return roles,
        };
        roles.push((Role::Operator, operator));
        roles
    }
}

/// Under which a code's token is found again. The token has 256 random bits, so nothing slows guessing down further.
pub(crate) fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_lets_others_in() {
        for access in Access::ALL {
            assert_eq!(Access::parse(access.as_str()), Some(access));
            for (_, scopes) in access.roles() {
                assert!(!scopes.contains(&Scope::OperatorPairing), "{access:?}");
            }
        }
        let admin =
            |access: Access| access.roles().iter().any(|(_, scopes)| scopes.contains(&Scope::OperatorAdmin));
        assert!(admin(Access::Full) && !admin(Access::Limited) && !admin(Access::Voice));
        assert_eq!(Access::Node.roles(), [(Role::Node, vec![])]);
    }
}
