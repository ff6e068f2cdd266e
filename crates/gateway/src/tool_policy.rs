//! Which tools an agent has: the lists of the configuration over the tools that there are. Pure.

use bulkhead_config::ToolLists;

/// Groups of tools by name.
const GROUPS: &[(&str, &[&str])] = &[
    ("group:fs", &["read", "write", "edit", "ls"]),
    ("group:runtime", &["exec"]),
    ("group:web", &["web_fetch"]),
    ("group:ui", &["browser"]),
];

/// Several pairs of lists, from the widest to the closest: each may only take away.
#[derive(Debug, Clone)]
pub(crate) struct ToolPolicy<'a>(Vec<&'a ToolLists>);

impl<'a> ToolPolicy<'a> {
    /// From all lists that hold.
    pub(crate) fn new(lists: impl IntoIterator<Item = &'a ToolLists>) -> Self {
        Self(lists.into_iter().collect())
    }

    /// Whether there is such a tool for this agent. A denial anywhere wins.
    pub(crate) fn allows(&self, tool: &str) -> bool {
        self.0.iter().all(|lists| {
            let listed = |list: &[String]| list.iter().any(|entry| means(entry, tool));
            (lists.allow.is_empty() || listed(&lists.allow)) && !listed(&lists.deny)
        })
    }
}

/// Whether an entry of a list means a tool: its name, a group, a name with `*` at its end, or all.
fn means(entry: &str, tool: &str) -> bool {
    let entry = entry.trim().to_ascii_lowercase().replace('-', "_");
    let tool = tool.to_ascii_lowercase().replace('-', "_");
    if let Some((_, members)) = GROUPS.iter().find(|(name, _)| *name == entry) {
        return members.contains(&tool.as_str());
    }
    match entry.strip_suffix('*') {
        Some(start) => tool.starts_with(start),
        None => entry == tool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(allow: &[&str], deny: &[&str]) -> ToolLists {
        let own = |list: &[&str]| list.iter().map(|entry| (*entry).to_owned()).collect();
        ToolLists { allow: own(allow), deny: own(deny) }
    }

    #[test]
    fn lists_only_take_away() {
        let all = ["read", "write", "exec", "web_fetch", "browser"];
        let left = |of: &[ToolLists]| {
            let policy = ToolPolicy::new(of);
            all.iter().filter(|tool| policy.allows(tool)).copied().collect::<Vec<_>>().join(" ")
        };
        let table = [
            (vec![], "read write exec web_fetch browser"),
            (vec![lists(&["*"], &[])], "read write exec web_fetch browser"),
            (vec![lists(&["group:fs"], &[])], "read write"),
            (vec![lists(&["group:fs", "web-fetch"], &["write"])], "read web_fetch"),
            (vec![lists(&[], &["exec"]), lists(&["exec", "read"], &[])], "read"),
            (vec![lists(&[], &[]), lists(&[], &["web*", "browser"])], "read write exec"),
            (vec![lists(&[], &["*"])], ""),
        ];
        for (of, expected) in table {
            assert_eq!(left(&of), expected, "{of:?}");
        }
    }
}
