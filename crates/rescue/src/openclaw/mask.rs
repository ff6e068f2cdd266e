//! Secrets out of foreign lines: what looks like one is hidden, rather too much than too little.

/// Shorter words are no secrets worth hiding.
const SHORTEST: usize = 20;
const HIDDEN: &str = "[hidden]";

/// A line with everything replaced that could be a token, a key or a password.
pub(super) fn mask(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-+=:.~".contains(c);
    let mut shown = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(is_part) {
        let end = rest[start..].find(|c| !is_part(c)).map_or(rest.len(), |length| start + length);
        shown.push_str(&rest[..start]);
        let word = &rest[start..end];
        shown.push_str(if is_secret(word) { HIDDEN } else { word });
        rest = &rest[end..];
    }
    shown.push_str(rest);
    shown.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

fn is_secret(word: &str) -> bool {
    let core = word.trim_matches(['.', ':', '=', '-']);
    if core.len() < SHORTEST {
        return bot_token(core);
    }
    let digits = core.bytes().filter(u8::is_ascii_digit).count();
    let letters = core.bytes().filter(u8::is_ascii_alphabetic).count();
    bot_token(core) || core.starts_with("sk-") || digits >= 3 && letters >= 6 && !is_timestamp(core)
}

/// `123456:AAF…`.
fn bot_token(word: &str) -> bool {
    word.split_once(':').is_some_and(|(id, key)| {
        id.len() >= 5 && id.bytes().all(|byte| byte.is_ascii_digit()) && key.len() >= 8
    })
}

/// `2026-11-20T08:40:55.743+00:00`.
fn is_timestamp(word: &str) -> bool {
    word.len() <= 35
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b'T' | b'Z' | b'+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_words_stay() {
        let line = "2026-11-20T08:40:55.743+00:00 getMe failed for bot 777000111:AAF-very_secret_tokenX (key=sk-abcdefghijklmnop1234)";
        let shown = mask(line);
        assert!(!shown.contains("very_secret") && !shown.contains("abcdefghijklmnop"), "{shown}");
        assert!(shown.starts_with("2026-11-20T08:40:55.743+00:00 getMe failed for bot [hidden]"), "{shown}");
        assert_eq!(
            mask("signal SIGTERM received; shutting down gateway"),
            "signal SIGTERM received; shutting down gateway"
        );
        assert_eq!(mask("a\u{1b}[31mred"), "a[31mred");
    }
}
