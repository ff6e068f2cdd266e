//! What a person allowed for good: entries, and whether one fits a command. Pure.

use std::path::{Path, PathBuf};

use bulkhead_agent::command::{Resolved, Simple, is_carrier};
use regex::RegexBuilder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Stands before the hash of exact arguments.
const EXACT: &str = "sha256:argv:";
/// Largest compiled pattern of arguments.
const PATTERN_SIZE: usize = 256 * 1024;
/// Programs that are many in one: which, their caller's name says.
const MANY_IN_ONE: &[&str] = &["busybox", "toybox", "coreutils", "uutils"];

/// One entry of an allowlist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Entry {
    /// Names the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// A path pattern (`/usr/bin/rg`, `~/bin/**`), or the bare name of a program that is found on `PATH`.
    pub(crate) pattern: String,
    /// Which arguments: a regular expression, or the hash of exact ones. Without it any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) arg_pattern: Option<String>,
    /// `allow-always` for those that an answer made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    /// When it let something run last, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_used_at: Option<u64>,
    /// What it let run last; not kept for exact ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_used_command: Option<String>,
    /// Which file that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_resolved_path: Option<String>,
    /// Written by old versions; not kept.
    #[serde(default, skip_serializing)]
    pub(crate) command_text: Option<String>,
}

impl Entry {
    /// An entry that a person writes.
    #[cfg(test)]
    pub(crate) fn manual(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), ..Self::default() }
    }

    /// The entry that "always" makes: this program, these arguments, this folder.
    pub(super) fn exact(simple: &Simple, resolved: &Resolved, cwd: &Path) -> Self {
        Self {
            id: Some(uuid::Uuid::new_v4().to_string()),
            pattern: resolved.path.display().to_string(),
            arg_pattern: Some(exact_hash(simple, resolved, cwd)),
            source: Some("allow-always".to_owned()),
            last_resolved_path: Some(resolved.real.display().to_string()),
            ..Self::default()
        }
    }

    /// Whether it is bound to exact arguments.
    pub(super) fn is_exact(&self) -> bool {
        self.arg_pattern.as_deref().is_some_and(|pattern| pattern.starts_with(EXACT))
    }

    /// Whether it lets this command run.
    pub(super) fn fits(&self, simple: &Simple, resolved: &Resolved, cwd: &Path, home: &Path) -> bool {
        self.fits_program(simple, resolved, home)
            && match self.arg_pattern.as_deref() {
                None => !carries(simple, resolved),
                Some(pattern) if pattern.starts_with(EXACT) => {
                    !simple.moved && pattern == exact_hash(simple, resolved, cwd)
                }
                // What the shell makes of these arguments is not known.
                Some(_) if simple.expands => false,
                Some(pattern) => RegexBuilder::new(pattern)
                    .size_limit(PATTERN_SIZE)
                    .build()
                    .is_ok_and(|pattern| pattern.is_match(&simple.argv[1..].join(" "))),
            }
    }

    fn fits_program(&self, simple: &Simple, resolved: &Resolved, home: &Path) -> bool {
        let pattern = self.pattern.trim();
        if pattern.is_empty() {
            return false;
        }
        if !pattern.contains('/') && !pattern.starts_with('~') {
            return !simple.program().contains('/') && glob(pattern, simple.program());
        }
        let pattern = match pattern.strip_prefix("~/") {
            Some(rest) => format!("{}/{rest}", home.display()),
            None => pattern.to_owned(),
        };
        // A way around (`/usr/bin/../../tmp/x`) counts as where it leads.
        let plain = resolved
            .path
            .components()
            .all(|part| matches!(part, std::path::Component::RootDir | std::path::Component::Normal(_)));
        let found: &PathBuf = if plain { &resolved.path } else { &resolved.real };
        glob(&pattern, &found.display().to_string())
    }
}

/// Whether knowing the program says nothing about what runs.
fn carries(simple: &Simple, resolved: &Resolved) -> bool {
    let name =
        |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let called = name(Path::new(simple.program()));
    let real = name(&resolved.real);
    let one_of_many = MANY_IN_ONE.contains(&real.as_str()) && called != real;
    is_carrier(&called) || (!one_of_many && is_carrier(&real))
}

/// The arguments, the file behind the program and the folder, in one hash.
fn exact_hash(simple: &Simple, resolved: &Resolved, cwd: &Path) -> String {
    let bound = serde_json::json!([
        simple.argv,
        resolved.real.display().to_string(),
        cwd.display().to_string(),
        simple.expands
    ]);
    format!("{EXACT}{}", hex::encode(Sha256::digest(bound.to_string())))
}

/// `*` and `?` stay within one name, `**` does not.
fn glob(pattern: &str, text: &str) -> bool {
    fn fits(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', '*', '/', rest @ ..] if fits(rest, text) => true,
            ['*', '*', rest @ ..] => (0..=text.len()).any(|taken| fits(rest, &text[taken..])),
            ['*', rest @ ..] => (0..=text.len())
                .take_while(|taken| !text[..*taken].contains(&'/'))
                .any(|taken| fits(rest, &text[taken..])),
            ['?', rest @ ..] => text.first().is_some_and(|c| *c != '/') && fits(rest, &text[1..]),
            [c, rest @ ..] => text.first() == Some(c) && fits(rest, &text[1..]),
        }
    }
    // Each star multiplies the work.
    if pattern.matches('*').count() > 8 || pattern.len() > 1024 || text.len() > 4096 {
        return pattern == text;
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    fits(&pattern, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stay_within_a_name_unless_they_say_otherwise() {
        for (pattern, text, fits) in [
            ("/usr/bin/rg", "/usr/bin/rg", true),
            ("/usr/bin/*", "/usr/bin/rg", true),
            ("/usr/bin/*", "/usr/bin/x/rg", false),
            ("/opt/**/rg", "/opt/rg", true),
            ("/opt/**/rg", "/opt/a/b/rg", true),
            ("/opt/**/rg", "/usr/rg", false),
            ("r?", "rg", true),
            ("r?", "r/", false),
            ("*", "anything", true),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
