//! Whether a text may be a secret, by its look: for settings that Bulkhead does not know. Pure.

const PREFIXES: [&str; 17] = [
    "sk-",
    "sk_",
    "pk-",
    "rk_",
    "xox",
    "xapp-",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "AIza",
    "AKIA",
    "ya29.",
    "eyJ",
    "SG.",
    "Bearer ",
];

/// Whether a text is better not copied: it looks like a key, a token, or an address with a password in it.
pub(super) fn may_be_secret(text: &str) -> bool {
    let text = text.trim();
    if text.len() >= 12 && PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
        return true;
    }
    if bulkhead_profile::bot_id_of_token(text).is_some() && text.len() > 30 {
        return true;
    }
    if let Ok(url) = url::Url::parse(text)
        && url.has_host()
    {
        let in_query = url.query_pairs().any(|(key, value)| {
            let key = key.to_lowercase();
            !value.is_empty()
                && ["token", "key", "secret", "password", "sig"].iter().any(|word| key.contains(word))
        });
        return url.password().is_some() || in_query;
    }
    text.split(|c: char| c.is_whitespace() || matches!(c, '=' | ',' | ';' | '"' | '\'')).any(is_random)
}

/// One word of a token's alphabet that is long and mixed as no name is.
fn is_random(word: &str) -> bool {
    let alphabet = word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'.'));
    if word.len() < 24 || !alphabet || is_uuid(word) {
        return false;
    }
    let count = |test: fn(&u8) -> bool| word.as_bytes().iter().filter(|b| test(b)).count();
    let (digits, upper, lower) =
        (count(u8::is_ascii_digit), count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let hex = word.len() >= 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
    hex || (digits >= 2 && upper >= 2 && lower >= 2)
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_seen_and_names_are_not() {
        for secret in [
            "sk-proj-0123456789abcdef",
            "7000000001:AAFakeOpenClawBotTokenForTests000001",
            "https://user:pass@proxy.example:3128",
            "https://x.example/hook?token=abc",
            "--auth=aB3dE6gH9jK2mN5pQ8sT1vW4",
            "0123456789abcdef0123456789abcdef",
            "eyJhbGciOiJIUzI1NiJ9.e30.abc",
        ] {
            assert!(may_be_secret(secret), "{secret}");
        }
        for name in [
            "claude-opus-4-5-20251101",
            "https://example.com/path?page=2",
            "/home/somebody/.openclaw/workspace/very-long-folder-name",
            "53c1fd33-fc69-4948-a3a8-cb27b7d596f2",
            "a sentence that says something at some length, with commas",
            "short",
        ] {
            assert!(!may_be_secret(name), "{name}");
        }
    }
}
