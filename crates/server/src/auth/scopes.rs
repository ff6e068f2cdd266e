//! What a scope covers.

use bulkhead_protocol::Scope;

use crate::conn::info::ClientInfo;

/// Whether granted scopes cover the needed one.
pub(crate) fn covers(granted: &[Scope], needed: Scope) -> bool {
    granted.iter().any(|scope| scope.covers(needed))
}

/// Whether every wanted scope is covered.
pub(crate) fn covers_all(granted: &[Scope], wanted: &[Scope]) -> bool {
    wanted.iter().all(|scope| covers(granted, *scope))
}

/// Both lists, nothing twice.
pub(crate) fn union(first: &[Scope], second: &[Scope]) -> Vec<Scope> {
    let mut all = Vec::with_capacity(first.len() + second.len());
    for scope in first.iter().chain(second) {
        if !all.contains(scope) {
            all.push(*scope);
        }
    }
    all
}

/// Programs of this machine that keep their scopes without a device identity, if they come over loopback.
pub(crate) fn keeps_scopes_without_device(client: &ClientInfo) -> bool {
    matches!((client.id.as_str(), client.mode.as_str()), ("gateway-client", "backend") | ("cli", "cli"))
}

/// Clients with a person in front of them: they always have a device identity.
pub(crate) fn is_ui(client: &ClientInfo) -> bool {
    matches!(client.mode.as_str(), "ui" | "webchat")
        || matches!(
            client.id.as_str(),
            "openclaw-control-ui" | "openclaw-tui" | "webchat-ui" | "webchat" | "openclaw-browser-copilot"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_covers_all_and_write_covers_read() {
        assert!(covers(&[Scope::OperatorAdmin], Scope::OperatorPairing));
        assert!(covers(&[Scope::OperatorWrite], Scope::OperatorRead));
        assert!(!covers(&[Scope::OperatorRead], Scope::OperatorWrite));
        assert!(!covers(&[Scope::OperatorWrite], Scope::OperatorAdmin));
        assert!(!covers(&[], Scope::OperatorRead));
        assert!(covers_all(&[], &[]));
        assert_eq!(
            union(&[Scope::OperatorRead], &[Scope::OperatorAdmin, Scope::OperatorRead]),
            [Scope::OperatorRead, Scope::OperatorAdmin]
        );
    }
}
