//! Looking for planted secrets: in files, in processes, in output; raw, base64 and URL-encoded.

use base64::Engine;
use std::path::{Path, PathBuf};

/// The forms in which a secret could leak.
pub fn forms(secret: &str) -> Vec<Vec<u8>> {
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let encoded: String = secret
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let mut forms = vec![secret.as_bytes().to_vec(), encoded.into_bytes()];
    // A base64 text in which the secret begins at any of the three phases shares all but its edges.
    for pad in 0..3 {
        let padded = [&b"xx"[..pad], secret.as_bytes()].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            if text.len() > 12 {
                forms.push(text.as_bytes()[4..text.len() - 4].to_vec());
            }
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && haystack.windows(needle.len()).any(|window| window == needle)
}

/// Whether any form of the secret is in the bytes.
pub fn leaks(haystack: &[u8], secret: &str) -> bool {
    forms(secret).iter().any(|form| contains(haystack, form))
}

/// Files under `folder` that contain the secret in any form, but for those that `allowed` names.
pub fn files_with(folder: &Path, secret: &str, allowed: impl Fn(&Path) -> bool + Copy) -> Vec<PathBuf> {
    let forms = forms(secret);
    let mut found = Vec::new();
    walk(folder, &mut |path| {
        if !allowed(path)
            && let Ok(bytes) = std::fs::read(path)
            && forms.iter().any(|form| contains(&bytes, form))
        {
            found.push(path.to_path_buf());
        }
    });
    found
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), visit),
            Ok(kind) if kind.is_file() => visit(&entry.path()),
            _ => {}
        }
    }
}

/// Command lines and environments of the machine's processes that contain the secret, as `pid: what`.
pub fn processes_with(secret: &str) -> Vec<String> {
    let forms = forms(secret);
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == own || !name.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        for what in ["cmdline", "environ"] {
            if let Ok(bytes) = std::fs::read(entry.path().join(what))
                && forms.iter().any(|form| contains(&bytes, form))
            {
                found.push(format!("{name}: {what}"));
            }
        }
    }
    found
}

/// Running processes whose browser data lies in `folder`.
#[cfg(target_os = "linux")]
pub fn processes_of_folder(folder: &Path) -> Vec<u32> {
    let wanted = format!("--user-data-dir={}", folder.display());
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let pid = entry.file_name().to_string_lossy().parse().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            line.split(|byte| *byte == 0).any(|word| word == wanted.as_bytes()).then_some(pid)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::leaks;
    use base64::Engine;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let secret = "123456:AAF-x/y+z_planted";
        assert!(leaks(b"url https://h/bot123456:AAF-x/y+z_planted/getMe", secret));
        assert!(leaks(b"q=123456%3AAAF-x%2Fy%2Bz_planted", secret));
        for lead in ["", "a", "ab", "abc"] {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{lead}{secret}!"));
            assert!(leaks(text.as_bytes(), secret), "{lead}");
        }
        assert!(!leaks(b"nothing here", secret));
    }
}
