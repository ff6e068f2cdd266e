//! What a connection may do.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A permission of a connection, and what a method asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Look at everything.
    OperatorRead,
    /// Talk to agents, change sessions.
    OperatorWrite,
    /// Change the gateway itself.
    OperatorAdmin,
    /// Answer approval requests.
    OperatorApprovals,
    /// Answer questions that an agent asks.
    OperatorQuestions,
    /// Approve and remove devices and channel senders.
    OperatorPairing,
    /// Speak and listen.
    OperatorTalk,
    /// Manage talk sessions' secrets.
    OperatorTalkSecrets,
    /// Change sessions, and nothing else.
    OperatorSessionsWrite,
    /// Not a scope an operator can hold: the method belongs to connections with the role `node`.
    Node,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 10] = [
        Self::OperatorRead,
        Self::OperatorWrite,
        Self::OperatorAdmin,
        Self::OperatorApprovals,
        Self::OperatorQuestions,
        Self::OperatorPairing,
        Self::OperatorTalk,
        Self::OperatorTalkSecrets,
        Self::OperatorSessionsWrite,
        Self::Node,
    ];

    /// The scope as the protocol writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OperatorRead => "operator.read",
            Self::OperatorWrite => "operator.write",
            Self::OperatorAdmin => "operator.admin",
            Self::OperatorApprovals => "operator.approvals",
            Self::OperatorQuestions => "operator.questions",
            Self::OperatorPairing => "operator.pairing",
            Self::OperatorTalk => "operator.talk",
            Self::OperatorTalkSecrets => "operator.talk.secrets",
            Self::OperatorSessionsWrite => "operator.sessions.write",
            Self::Node => "node",
        }
    }

    /// Reads a scope; unknown ones are `None` and grant nothing.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    /// Whether holding `self` is enough where `needed` is asked for: admin covers every operator scope, write
    /// covers read, sessions.write and talk; everything covers itself; no operator scope covers [`Scope::Node`].
    pub fn covers(self, needed: Self) -> bool {
        self == needed
            || match self {
                Self::OperatorAdmin => needed != Self::Node,
                Self::OperatorWrite => {
                    matches!(needed, Self::OperatorRead | Self::OperatorSessionsWrite | Self::OperatorTalk)
                }
                _ => false,
            }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(&text), &"a scope"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_reads_back() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::parse("operator.everything"), None);
    }

    #[test]
    fn admin_covers_operators_but_no_node() {
        for needed in Scope::ALL {
            assert_eq!(Scope::OperatorAdmin.covers(needed), needed != Scope::Node, "{needed}");
        }
        assert!(Scope::OperatorWrite.covers(Scope::OperatorRead));
        assert!(!Scope::OperatorRead.covers(Scope::OperatorWrite));
        assert!(!Scope::OperatorWrite.covers(Scope::OperatorPairing));
    }
}
