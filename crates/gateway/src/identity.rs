//! How an agent presents itself: what the configuration says, then its workspace's `IDENTITY.md`.

use bulkhead_config::Identity;

use crate::settings::AgentView;

/// Bytes of an `IDENTITY.md` that are read.
const LONGEST: u64 = 64 * 1024;

impl AgentView {
    /// How it presents itself, and where its name is from. Reads a file.
    pub(crate) fn identity(&self) -> (Identity, NameSource) {
        let file = bulkhead_profile::files::read_limited(&self.workspace.join("IDENTITY.md"), LONGEST);
        let workspace = file.map(|bytes| read(&String::from_utf8_lossy(&bytes))).unwrap_or_default();
        joined(&self.configured_identity, self.own_name.as_deref(), &self.id, &workspace)
    }
}

/// Where a name came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameSource {
    /// `identity.name` of the configuration.
    Config,
    /// The agent's own `name`, or its id.
    Agent,
    /// `IDENTITY.md`.
    Workspace,
}

impl NameSource {
    /// As the protocol writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Agent => "agent",
            Self::Workspace => "workspace",
        }
    }
}

/// What an `IDENTITY.md` says, by lines such as `- **Name:** Ada`. What is left empty is not said.
pub fn read(text: &str) -> Identity {
    let mut identity = Identity::default();
    for line in text.lines().take(200) {
        let line = line.trim().trim_start_matches(['-', '*', ' ']);
        let Some((label, value)) = line.split_once(':') else { continue };
        let value = value.trim_matches(['*', '_', '`', ' ', '\t']);
        if value.is_empty() || value.starts_with('(') || value.len() > 4096 {
            continue;
        }
        let slot = match label.trim().trim_matches(['*', '_']).to_lowercase().as_str() {
            "name" => &mut identity.name,
            "theme" | "manner" | "vibe" => &mut identity.theme,
            "emoji" => &mut identity.emoji,
            "avatar" => &mut identity.avatar,
            _ => continue,
        };
        slot.get_or_insert_with(|| value.to_owned());
    }
    identity
}

/// The configuration's word, and where it says nothing the workspace's. Answers where the name is from.
pub(crate) fn joined(
    configured: &Identity,
    agent_name: Option<&str>,
    id: &str,
    workspace: &Identity,
) -> (Identity, NameSource) {
    let pick = |own: &Option<String>, other: &Option<String>| {
        own.clone().filter(|text| !text.trim().is_empty()).or_else(|| other.clone())
    };
    let said = configured.name.clone().filter(|name| !name.trim().is_empty());
    let (name, source) = match (said, agent_name, &workspace.name) {
        (Some(name), _, _) => (name, NameSource::Config),
        (None, Some(name), _) => (name.to_owned(), NameSource::Agent),
        (None, None, Some(name)) => (name.clone(), NameSource::Workspace),
        (None, None, None) => (id.to_owned(), NameSource::Agent),
    };
    let identity = Identity {
        name: Some(name),
        theme: pick(&configured.theme, &workspace.theme),
        emoji: pick(&configured.emoji, &workspace.emoji),
        avatar: pick(&configured.avatar, &workspace.avatar),
    };
    (identity, source)
}

/// An id made of a name: lower case, digits and dashes, at most 64; nothing, if none is left.
pub fn id_of(name: &str) -> Option<String> {
    let mut id = String::new();
    for c in name.trim().to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' => id.push(c),
            _ if id.is_empty() || id.ends_with('-') => {}
            _ => id.push('-'),
        }
    }
    let id: String = id.chars().take(64).collect();
    let id = id.trim_end_matches('-').to_owned();
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_is_filled_in() {
        let read = read(
            "# IDENTITY.md\n\n- Name: Ada\n- **Emoji:** 🦊\n- Manner:\n- **Avatar:** _(a path)_\nVibe: calm\n",
        );
        assert_eq!((read.name.as_deref(), read.emoji.as_deref()), (Some("Ada"), Some("🦊")));
        assert_eq!((read.theme.as_deref(), read.avatar.as_deref()), (Some("calm"), None));
    }

    #[test]
    fn the_configuration_goes_first() {
        let file = Identity { name: Some("File".into()), emoji: Some("🦊".into()), ..Identity::default() };
        let own = Identity { name: Some("Own".into()), ..Identity::default() };
        let (identity, source) = joined(&own, Some("Agent"), "id", &file);
        assert_eq!((identity.name.as_deref(), source), (Some("Own"), NameSource::Config));
        assert_eq!(identity.emoji.as_deref(), Some("🦊"));
        let name = |agent, file: &Identity| joined(&Identity::default(), agent, "id", file);
        assert_eq!(name(Some("Agent"), &file).1, NameSource::Agent);
        assert_eq!(name(None, &file).0.name.as_deref(), Some("File"));
        assert_eq!(name(None, &Identity::default()).0.name.as_deref(), Some("id"));
    }

    #[test]
    fn names_become_ids() {
        let table = [
            ("Ops Team", Some("ops-team")),
            (" Ada_2 ", Some("ada_2")),
            ("--", None),
            ("Ünï", Some("n")),
            ("a//b", Some("a-b")),
        ];
        for (name, id) in table {
            assert_eq!(id_of(name).as_deref(), id, "{name}");
        }
    }
}
