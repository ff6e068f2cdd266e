//! The headers of every answer about documents: what keeps a document from being anything but a document.

/// Where a document may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embedder<'a> {
    /// In a frame of the web UI under this `Host`, or in a window of its own.
    Host(&'a str),
    /// Only in a window of its own.
    Nobody,
}

/// Scripts and styles that stand in the page run; nothing is fetched from anywhere, nothing is sent anywhere, and the page
/// has an origin of its own, which is never that of the web UI (no `allow-same-origin`). `webrtc` is not known to every
/// browser; the page's first script takes the same away where it is not.
const POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; \
    style-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:; font-src data:; connect-src 'none'; \
    frame-src 'none'; child-src 'none'; worker-src 'none'; object-src 'none'; manifest-src 'none'; base-uri 'none'; \
    form-action 'none'; webrtc 'block'";

/// Features of browsers that no document gets.
const FEATURES: &[&str] = &[
    "accelerometer",
    "ambient-light-sensor",
    "attribution-reporting",
    "autoplay",
    "bluetooth",
    "browsing-topics",
    "camera",
    "clipboard-read",
    "clipboard-write",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "join-ad-interest-group",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "run-ad-auction",
    "screen-wake-lock",
    "serial",
    "speaker-selection",
    "storage-access",
    "usb",
    "window-management",
    "xr-spatial-tracking",
];

/// Name and value of each header, in lower case.
pub fn headers(embedder: Embedder<'_>) -> Vec<(&'static str, String)> {
    let ancestors = match embedder {
        // The page's own origin is opaque, so `'self'` alone may not be what it seems.
        Embedder::Host(host) if is_host(host) => format!("'self' http://{host} https://{host}"),
        Embedder::Host(_) | Embedder::Nobody => "'none'".to_owned(),
    };
    let features: Vec<String> = FEATURES.iter().map(|feature| format!("{feature}=()")).collect();
    let mut all = vec![
        ("content-security-policy", format!("{POLICY}; frame-ancestors {ancestors}")),
        ("x-content-type-options", "nosniff".to_owned()),
        ("cache-control", "no-store".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
        ("cross-origin-resource-policy", "same-origin".to_owned()),
        ("permissions-policy", features.join(", ")),
        // What a policy does not know: connections that are opened ahead of time, names that are looked up, and WebRTC in frames
        // within the page. Chromium keeps to it; the page itself is all that is connected for.
        ("connection-allowlist", "(response-origin)".to_owned()),
        ("x-dns-prefetch-control", "off".to_owned()),
        ("x-robots-tag", "noindex, nofollow".to_owned()),
    ];
    // Older than frame-ancestors, and stricter than it: only where nobody may frame.
    let frames = if ancestors == "'none'" { "DENY" } else { "SAMEORIGIN" };
    all.push(("x-frame-options", frames.to_owned()));
    all
}

/// A `Host` that can stand in a policy: nothing that ends a source or a directive.
fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(embedder: Embedder<'_>) -> String {
        let all = headers(embedder);
        all.into_iter().find(|(name, _)| *name == "content-security-policy").unwrap().1
    }

    #[test]
    fn a_document_is_never_the_web_ui() {
        for embedder in [Embedder::Host("127.0.0.1:18789"), Embedder::Nobody, Embedder::Host("[::1]:1")] {
            let text = policy(embedder);
            assert!(text.starts_with("sandbox allow-scripts;"), "{text}");
            assert!(!text.contains("allow-same-origin") && !text.contains("allow-top-navigation"), "{text}");
            for rule in [
                "default-src 'none'",
                "connect-src 'none'",
                "form-action 'none'",
                "webrtc 'block'",
                "base-uri 'none'",
            ] {
                assert!(text.contains(rule), "{rule} in {text}");
            }
            assert!(!text.contains("http:") || text.contains("frame-ancestors 'self' http:"), "{text}");
        }
    }

    #[test]
    fn only_the_web_ui_frames_it() {
        assert!(
            policy(Embedder::Host("127.0.0.1:18789"))
                .ends_with("frame-ancestors 'self' http://127.0.0.1:18789 https://127.0.0.1:18789")
        );
        assert!(policy(Embedder::Nobody).ends_with("frame-ancestors 'none'"));
        for bad in ["", "a b", "a;script-src *", "a,b", "a'b", "a\r\nx"] {
            assert!(policy(Embedder::Host(bad)).ends_with("frame-ancestors 'none'"), "{bad}");
        }
    }

    #[test]
    fn nothing_is_kept_or_guessed() {
        let all = headers(Embedder::Nobody);
        let value = |name: &str| all.iter().find(|(one, _)| *one == name).map(|(_, value)| value.as_str());
        assert_eq!(value("x-content-type-options"), Some("nosniff"));
        assert_eq!(value("cache-control"), Some("no-store"));
        assert_eq!(value("cross-origin-resource-policy"), Some("same-origin"));
        assert!(value("permissions-policy").unwrap().contains("camera=(), "));
    }
}
