//! The page of a web UI: mounted below a path, with the hashes of its own scripts. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The page for a UI that is served below `base`: its relative links become absolute, because the same page is served for
/// every path of the app. A Control UI of OpenClaw also reads the path from an attribute of the document.
pub(crate) fn mounted(html: &str, base: &str) -> String {
    let page = html.replace("=\"./", &format!("=\"{base}/"));
    let reads_attribute =
        page.contains("data-openclaw-control-ui-") && !page.contains("data-openclaw-control-ui-base-path=\"");
    if !reads_attribute {
        return page;
    }
    page.replacen("<html", &format!("<html data-openclaw-control-ui-base-path=\"{base}\""), 1)
}

/// Base64 SHA-256 of every script that stands in the page itself, as a content security policy names it.
pub(crate) fn inline_scripts(html: &str) -> Vec<String> {
    let mut hashes = Vec::new();
    let mut rest = html;
    while let Some(begin) = rest.find("<script") {
        rest = &rest[begin + "<script".len()..];
        let Some(open) = rest.find('>') else { break };
        let (attributes, body) = (&rest[..open], &rest[open + 1..]);
        let Some(close) = body.find("</script") else { break };
        if !attributes.contains("src=") && !body[..close].trim().is_empty() {
            hashes.push(STANDARD.encode(Sha256::digest(&body.as_bytes()[..close])));
        }
        rest = &body[close..];
    }
    hashes
}

/// Whether a file below `assets/` carries a hash in its name (`index-DsEuFQRE.js`): it never changes under that name.
pub(crate) fn is_hashed(path: &str) -> bool {
    let Some(name) = path.strip_prefix("assets/") else { return false };
    let stem = name.split('.').next().unwrap_or_default();
    stem.len() > 9
        && stem.is_char_boundary(stem.len() - 9)
        && stem[stem.len() - 9..]
            .strip_prefix('-')
            .is_some_and(|hash| hash.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'))
}

/// A base path as it is used: empty, or with a slash before and none behind. What cannot be part of a path counts as none.
pub fn base_path(configured: &str) -> String {
    let inner = configured.trim().trim_matches('/');
    let plain = inner.split('/').all(|part| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
    });
    if plain { format!("/{inner}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_mounted_below_its_path() {
        let page = r#"<html data-openclaw-control-ui-build-id="1"><script src="./assets/a.js"></script>"#;
        assert_eq!(
            mounted(page, "/ui"),
            r#"<html data-openclaw-control-ui-base-path="/ui" data-openclaw-control-ui-build-id="1"><script src="/ui/assets/a.js"></script>"#
        );
        assert_eq!(mounted(r#"<html><a href="./b">"#, ""), r#"<html><a href="/b">"#);
    }

    #[test]
    fn only_scripts_of_the_page_itself_are_named() {
        let page =
            "<script>a()</script><script type=\"module\" src=\"x.js\"></script><script data-x>b()</script>";
        assert_eq!(inline_scripts(page).len(), 2);
        // `printf 'a()' | openssl dgst -sha256 -binary | base64`
        assert_eq!(inline_scripts(page)[0], STANDARD.encode(Sha256::digest(b"a()")));
        assert!(inline_scripts("<script>never closed").is_empty());
    }

    #[test]
    fn hashed_names_and_base_paths() {
        assert!(is_hashed("assets/index-DsEuFQRE.js"));
        assert!(is_hashed("assets/control-ui-core-B0xWHkRR.js"));
        assert!(!is_hashed("assets/logo.svg"));
        assert!(!is_hashed("index-DsEuFQRE.js"));
        assert_eq!(base_path("gateway/"), "/gateway");
        assert_eq!(base_path("/a/b"), "/a/b");
        assert_eq!(
            (base_path("/").as_str(), base_path("/../x").as_str(), base_path("a b").as_str()),
            ("", "", "")
        );
    }
}
