//! Which changes a running gateway takes up by itself.

use crate::fields::Shape;
use crate::path::ConfigPath;

/// What it takes for a change to be in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReloadKind {
    /// A restart of the gateway.
    Restart,
    /// Nothing: the running gateway takes it up.
    Hot,
    /// Nothing at all: no part of the program reads it.
    None,
}

impl ReloadKind {
    /// `restart`, `hot` or `none`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Hot => "hot",
            Self::None => "none",
        }
    }
}

/// What is bound or set up once, at a start.
const AT_START: &[&str] = &[
    "gateway.port",
    "gateway.bind",
    "gateway.customBindHost",
    "gateway.controlUi.enabled",
    "gateway.controlUi.root",
    "gateway.controlUi.basePath",
    "logging.level",
];

/// What a change at this path needs. A section as a whole needs what the strictest of its fields needs.
pub fn reload_kind(path: &ConfigPath) -> ReloadKind {
    let text = path.to_string();
    let below = |whole: &str, part: &str| {
        part == whole || part.strip_prefix(whole).is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    if AT_START.iter().any(|start| below(&text, start) || below(start, &text)) {
        return ReloadKind::Restart;
    }
    if Shape::root().at(path).is_some() { ReloadKind::Hot } else { ReloadKind::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_restart_is_known() {
        let kind = |path: &str| reload_kind(&ConfigPath::parse(path).unwrap()).as_str();
        assert_eq!(kind("gateway.port"), "restart");
        assert_eq!(kind("gateway"), "restart");
        assert_eq!(kind("gateway.auth.token"), "hot");
        assert_eq!(kind("channels.telegram.accounts.work.dmPolicy"), "hot");
        assert_eq!(kind("plugins.entries.x"), "none");
    }
}
