//! The command line of a browser, and what it does not inherit. Pure.

use std::path::Path;

/// How a browser is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Without a window.
    pub(crate) headless: bool,
    /// Without its sandbox.
    pub(crate) no_sandbox: bool,
}

/// The arguments. No secret is among them.
pub(crate) fn arguments(data_dir: &Path, port: u16, manner: Manner) -> Vec<String> {
    let mut args = vec![
        format!("--user-data-dir={}", data_dir.display()),
        format!("--remote-debugging-port={port}"),
        "--remote-debugging-address=127.0.0.1".to_owned(),
    ];
    args.extend(
        [
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-default-apps",
            "--disable-sync",
            "--disable-quic",
            "--disable-breakpad",
            "--disable-crash-reporter",
            "--disable-domain-reliability",
            "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication",
            "--disable-session-crashed-bubble",
            "--hide-crash-restore-bubble",
            "--metrics-recording-only",
            "--no-pings",
            // The data directory must open without a keyring's dialog.
            "--password-store=basic",
            "--use-mock-keychain",
            // What a page does not send through us must not go around us either.
            "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
            "--log-level=2",
        ]
        .map(str::to_owned),
    );
    if manner.headless {
        args.extend(["--headless=new", "--hide-scrollbars", "--mute-audio"].map(str::to_owned));
        args.push("--window-size=1280,900".to_owned());
    }
    if manner.no_sandbox {
        args.push("--no-sandbox".to_owned());
    }
    if cfg!(target_os = "linux") {
        // Containers have a /dev/shm of 64 MiB.
        args.push("--disable-dev-shm-usage".to_owned());
    }
    args.push("about:blank".to_owned());
    args
}

/// Variables that a browser must not see: ours, and whatever looks like a credential.
pub(crate) fn hidden(names: impl IntoIterator<Item = String>) -> Vec<String> {
    const WORDS: [&str; 7] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "CREDENTIAL"];
    let secret = |name: &str| {
        let name = name.to_ascii_uppercase();
        ["BULKHEAD_", "OPENCLAW_"].iter().any(|prefix| name.starts_with(prefix))
            || WORDS.iter().any(|word| name.contains(word))
            || name.ends_with("_KEY")
    };
    names.into_iter().filter(|name| secret(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_browser_gets() {
        let args = arguments(
            Path::new("/s/browser/profile-default"),
            18800,
            Manner { headless: false, no_sandbox: false },
        );
        for wanted in [
            "--user-data-dir=/s/browser/profile-default",
            "--remote-debugging-port=18800",
            "--remote-debugging-address=127.0.0.1",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-sync",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-quic",
        ] {
            assert!(args.iter().any(|arg| arg == wanted), "{wanted}");
        }
        assert!(!args.iter().any(|arg| arg.contains("sandbox") || arg.contains("headless")));
        let args = arguments(Path::new("/s"), 1, Manner { headless: true, no_sandbox: true });
        assert!(args.contains(&"--headless=new".to_owned()) && args.contains(&"--no-sandbox".to_owned()));
    }

    #[test]
    fn no_credential_is_inherited() {
        let names = [
            "PATH",
            "HOME",
            "BULKHEAD_PROFILE",
            "OPENAI_API_KEY",
            "GH_TOKEN",
            "http_proxy",
            "DISPLAY",
            "AWS_SECRET_ACCESS_KEY",
        ];
        let names: Vec<String> = names.map(str::to_owned).into();
        assert_eq!(
            hidden(names),
            ["BULKHEAD_PROFILE", "OPENAI_API_KEY", "GH_TOKEN", "AWS_SECRET_ACCESS_KEY"]
        );
    }
}
