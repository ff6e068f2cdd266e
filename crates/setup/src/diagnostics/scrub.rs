//! Takes out of text whatever is, or looks like, a secret.

use aho_corasick::{AhoCorasick, MatchKind};
use bulkhead_config::ConfigStore;
use bulkhead_profile::Place;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::doctor::DoctorOptions;
use crate::doctor::patient::Patient;
use crate::world::World;

/// What stands in place of a secret.
const MASK: &str = "[secret]";
/// Shorter values would blank out ordinary words.
const SHORTEST: usize = 6;
/// A run of letters and digits that long is no word.
const LONG: usize = 32;

/// Knows secrets by their values and by their looks.
pub(super) struct Scrub {
    known: Option<AhoCorasick>,
    home: Option<String>,
}

impl Scrub {
    /// Learns every secret of these profiles that can be read, in the file or in the keychain, to take it out.
    pub(super) async fn knowing(world: &World, places: &[Place]) -> Self {
        let mut values = Vec::new();
        for place in places {
            let options = DoctorOptions { offline: true, deep: false };
            let patient = Patient::read(world, place, options);
            let resolved = patient.secrets().await;
            values.extend(resolved.bundle.iter().map(|(_, secret)| secret.expose_secret().to_owned()));
            let current = ConfigStore::new(place).load_current();
            let configs = [Some(&patient.config), current.as_ref().ok().map(|loaded| &loaded.config)];
            for config in configs.into_iter().flatten() {
                let inputs = config.secret_inputs();
                let plain = inputs.iter().filter_map(|(_, input)| input.plain());
                values.extend(plain.map(|secret| secret.expose_secret().to_owned()));
            }
        }
        Self::of(values, world.env.home.to_str().map(str::to_owned))
    }

    fn of(mut values: Vec<String>, home: Option<String>) -> Self {
        values.retain(|value| value.len() >= SHORTEST);
        values.sort();
        values.dedup();
        let known = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&values).ok();
        Self { known: known.filter(|_| !values.is_empty()), home: home.filter(|home| home.len() > 1) }
    }

    /// Every text in a value, names of fields included.
    pub(super) fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, item)| (self.text(&name), self.value(item))).collect()
            }
            other => other,
        }
    }

    pub(super) fn text(&self, text: &str) -> String {
        let text = match &self.known {
            Some(known) => {
                let masks = vec![MASK; known.patterns_len()];
                known.replace_all(text, &masks)
            }
            None => text.to_owned(),
        };
        let text = match &self.home {
            Some(home) => text.replace(home.as_str(), "~"),
            None => text,
        };
        by_looks(&text)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.' | '+' | '=' | '~' | '%')
}

/// Words that look like secrets, what follows `Bearer` or `token=`, and the user part of addresses.
fn by_looks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut announced = false;
    while let Some(first) = rest.chars().next() {
        let end =
            if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (piece, after) = rest.split_at(end);
        rest = after;
        if !is_word(first) {
            // `://user:password@host`
            if piece == "@"
                && let Some(at) = out.rfind("://")
                && !out[at + 3..].contains(['/', ' ', '"'])
            {
                out.truncate(at + 3);
                out.push_str(MASK);
            }
            out.push_str(piece);
            announced = announced && piece == " ";
            continue;
        }
        let announces =
            matches!(piece.to_ascii_lowercase().as_str(), "bearer" | "basic" | "bearer:" | "authorization:");
        let named = piece.split_once('=').filter(|(name, value)| names_secret(name) && !value.is_empty());
        if let Some((name, _)) = named {
            out.push_str(name);
            out.push('=');
            out.push_str(MASK);
        } else if (announced && !announces) || looks_secret(piece) {
            out.push_str(MASK);
        } else {
            out.push_str(piece);
        }
        announced = announces;
    }
    out
}

/// Whether a field of this name holds a secret.
fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_'], "");
    [
        "token",
        "apikey",
        "password",
        "passwd",
        "secret",
        "authorization",
        "credential",
        "privatekey",
        "accesskey",
    ]
    .iter()
    .any(|word| name.ends_with(word))
}

fn looks_secret(word: &str) -> bool {
    const PREFIXES: [&str; 12] =
        ["sk-", "sk_", "rk_", "pk_", "ghp_", "gho_", "github_pat_", "xoxb-", "xoxp-", "xapp-", "AIza", "eyJ"];
    let word = word.trim_end_matches(['.', ':']);
    if PREFIXES.iter().any(|prefix| word.starts_with(prefix)) && word.len() >= 12 {
        return true;
    }
    // A bot's token: its id, a colon, and a long word.
    if let Some((id, key)) = word.split_once(':')
        && id.len() >= 6
        && id.bytes().all(|b| b.is_ascii_digit())
        && key.len() >= 20
    {
        return true;
    }
    word.split([':', '.', '=', '%', '+', '~']).any(|part| {
        part.len() >= LONG
            && !is_uuid(part)
            && part.bytes().any(|b| b.is_ascii_digit())
            && part.bytes().any(|b| b.is_ascii_alphabetic())
    })
}

fn is_uuid(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Texts under names that hold secrets, wherever they stand: also those that the configuration does not know.
pub(super) fn without_secret_keys(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, item)| {
                let hide = names_secret(&name) && (item.is_string() || item.is_number());
                let item = if hide { MASK.into() } else { without_secret_keys(item) };
                (name, item)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(without_secret_keys).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_by_value_and_by_looks_and_words_stay() {
        let scrub = Scrub::of(vec!["hunter2!x".to_owned()], Some("/home/ada".to_owned()));
        for (text, expected) in [
            ("the password is hunter2!x, sir", "the password is [secret], sir"),
            ("GET https://ada:pw@proxy.example:8080/x", "GET https://[secret]@proxy.example:8080/x"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer [secret]"),
            ("http://x/?token=abc&page=2", "http://x/?token=[secret]&page=2"),
            ("bot 123456789:AAabcdefghijklmnopqrstuvwxyz012345678 refused", "bot [secret] refused"),
            ("key sk-live-0123456789 refused", "key [secret] refused"),
            ("/home/ada/.bulkhead/bulkhead.json line 14", "~/.bulkhead/bulkhead.json line 14"),
            (
                "run 2f1c7c1e-55d1-4a52-a3f3-0d9be8a2a111 ended",
                "run 2f1c7c1e-55d1-4a52-a3f3-0d9be8a2a111 ended",
            ),
            ("it took 412 ms; ready on 127.0.0.1:18789", "it took 412 ms; ready on 127.0.0.1:18789"),
        ] {
            assert_eq!(scrub.text(text), expected);
        }
    }
}
