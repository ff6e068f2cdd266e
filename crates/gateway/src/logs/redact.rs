//! Knows every secret of this process and takes them out of text, in whatever spelling.

use std::fmt::Write as _;
use std::sync::{Arc, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// What stands in the place of a secret.
pub const MASK: &str = "[redacted]";

/// Secrets shorter than this are not searched for: they would blank out ordinary words.
const SHORTEST: usize = 6;

/// A shared, growing set of secrets. Cloning shares it.
#[derive(Clone, Default)]
pub struct Redactor {
    inner: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    secrets: Vec<String>,
    matcher: Option<AhoCorasick>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor(..)")
    }
}

impl Redactor {
    /// A redactor that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds secrets. Old ones stay known: a rotated token in a late log line is still a token.
    pub fn learn<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let mut known = self.inner.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = known.secrets.len();
        for secret in secrets {
            if secret.len() >= SHORTEST && !known.secrets.iter().any(|have| have == secret) {
                known.secrets.push(secret.to_owned());
            }
        }
        if known.secrets.len() == before {
            return;
        }
        let mut needles: Vec<String> = known.secrets.iter().flat_map(|secret| spellings(secret)).collect();
        needles.sort();
        needles.dedup();
        known.matcher = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&needles).ok();
    }

    /// The text without any known secret. Also takes out bot tokens and bearer values nobody told us about.
    pub fn redact(&self, text: &str) -> String {
        let masked = {
            let known = self.inner.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            match &known.matcher {
                Some(matcher) if matcher.is_match(text) => {
                    let mut out = String::with_capacity(text.len());
                    matcher.replace_all_with(text, &mut out, |_, _, dst| {
                        dst.push_str(MASK);
                        true
                    });
                    out
                }
                _ => text.to_owned(),
            }
        };
        mask_bearer(&mask_bot_tokens(&masked))
    }
}

/// Every spelling in which a secret may turn up in a log line.
fn spellings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut all = vec![
        secret.to_owned(),
        percent(secret, false, true),
        percent(secret, false, false),
        percent(secret, true, true),
        json_escaped(secret),
        format!("{secret:?}").trim_matches('"').to_owned(),
        hex::encode(bytes),
        hex::encode_upper(bytes),
    ];
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        all.push(engine.encode(bytes));
    }
    // Inside a longer base64 text (`user:secret`) the secret begins at any of three offsets.
    for offset in 0..3usize {
        let mut shifted = vec![0_u8; offset];
        shifted.extend_from_slice(bytes);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&shifted);
            let head = if offset == 0 { 0 } else { offset + 1 };
            let tail = if shifted.len() % 3 == 0 { text.len() } else { text.len() - 1 };
            if tail > head && tail - head >= SHORTEST {
                all.push(text[head..tail].to_owned());
            }
        }
    }
    all.retain(|spelling| spelling.len() >= SHORTEST);
    all
}

fn json_escaped(secret: &str) -> String {
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    quoted.trim_matches('"').to_owned()
}

fn percent(secret: &str, form: bool, upper: bool) -> String {
    let mut out = String::with_capacity(secret.len() * 3);
    for byte in secret.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(char::from(byte)),
            b'~' if !form => out.push('~'),
            b'*' if form => out.push('*'),
            b' ' if form => out.push('+'),
            _ if upper => {
                let _ = write!(out, "%{byte:02X}");
            }
            _ => {
                let _ = write!(out, "%{byte:02x}");
            }
        }
    }
    out
}

/// Masks `<digits>:<30 or more token characters>`, the shape of a Telegram bot token.
fn mask_bot_tokens(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, _) in text.match_indices(':') {
        let digits = bytes[..at].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let tail = bytes[at + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_' || **byte == b'-')
            .count();
        let start = at - digits;
        if digits >= 6 && tail >= 30 && start >= copied {
            out.push_str(&text[copied..start]);
            out.push_str(MASK);
            copied = at + 1 + tail;
        }
    }
    out.push_str(&text[copied..]);
    out
}

/// Masks what follows `Bearer `.
fn mask_bearer(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("Bearer ").or_else(|| rest.find("bearer ")) {
        let value = at + "Bearer ".len();
        let length = rest[value..]
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte))
            .count();
        out.push_str(&rest[..value]);
        if length >= 8 {
            out.push_str(MASK);
        } else {
            out.push_str(&rest[value..value + length]);
        }
        rest = &rest[value + length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_secret_is_taken_out() {
        let secret = "p@ss/w\"ord+42 ?x";
        let redactor = Redactor::new();
        redactor.learn([secret]);
        for text in spellings(secret) {
            let line = format!("before {text} after");
            let clean = redactor.redact(&line);
            assert!(!clean.contains(&text), "{text} survived as {clean}");
            assert!(clean.starts_with("before ") && clean.ends_with(" after"), "{clean}");
        }
        let basic = STANDARD.encode(format!("user:{secret}"));
        let clean = redactor.redact(&basic);
        assert!(clean.contains(MASK), "{clean}");
    }

    #[test]
    fn unknown_bot_tokens_and_bearer_values_are_taken_out() {
        let redactor = Redactor::new();
        let token = format!("123456789:{}", "A".repeat(35));
        let clean = redactor.redact(&format!("https://api.telegram.org/bot{token}/getMe"));
        assert_eq!(clean, format!("https://api.telegram.org/bot{MASK}/getMe"));
        assert_eq!(
            redactor.redact("Authorization: Bearer abcdefgh12345"),
            format!("Authorization: Bearer {MASK}")
        );
        assert_eq!(redactor.redact("at 12:30:55 it began"), "at 12:30:55 it began");
    }

    #[test]
    fn short_secrets_and_multibyte_text_are_left_alone() {
        let redactor = Redactor::new();
        redactor.learn(["abc"]);
        assert_eq!(redactor.redact("abc grün → 東京"), "abc grün → 東京");
    }
}
