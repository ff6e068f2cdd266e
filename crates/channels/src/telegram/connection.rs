//! How the server is reached: what a token and an address may look like, and the HTTP client.

use std::sync::Once;
use std::time::Duration;

use reqwest::{Client, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::ChannelError;

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Characters of a wrong address that are repeated.
const ADDRESS_LIMIT: usize = 300;

/// Whether a text has the form of a token. It goes into an address, so nothing else may pass.
pub(super) fn well_formed(token: &str) -> bool {
    token.split_once(':').is_some_and(|(id, secret)| {
        let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-');
        !id.is_empty()
            && id.len() <= 20
            && id.bytes().all(|c| c.is_ascii_digit())
            && (1..=128).contains(&secret.len())
            && secret.bytes().all(good)
    })
}

pub(super) fn parse_root(root: &str) -> Result<Url, ChannelError> {
    let bad = || ChannelError::BadApiRoot { found: without_credentials(root) };
    let url = Url::parse(root).map_err(|_| bad())?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return Err(bad());
    }
    Ok(url)
}

fn without_credentials(address: &str) -> String {
    match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://…{}", &address[..scheme], &address[at..]),
        _ => address.chars().take(ADDRESS_LIMIT).collect(),
    }
}

/// Scheme, host and port: enough to say where.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

pub(super) fn client(root: &Url, proxy: Option<&SecretString>) -> Result<Client, ChannelError> {
    install_crypto();
    // HTTP/1 only: one poll and few calls need no more, and less is held and logged.
    let mut builder = Client::builder()
        .http1_only()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(Duration::from_secs(20))
        .pool_max_idle_per_host(2)
        .user_agent(concat!("bulkhead/", env!("CARGO_PKG_VERSION")));
    let on_loopback = match root.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match proxy {
        Some(proxy) => {
            // The address may hold a password: only the kind of mistake is repeated.
            let address = proxy.expose_secret();
            let url =
                Url::parse(address).map_err(|error| ChannelError::BadProxy { reason: error.to_string() })?;
            if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h" | "socks4") || !url.has_host()
            {
                return Err(ChannelError::BadProxy {
                    reason: format!("found the scheme `{}`", url.scheme()),
                });
            }
            let proxy = reqwest::Proxy::all(address)
                .map_err(|error| ChannelError::BadProxy { reason: error.without_url().to_string() })?;
            builder = builder.no_proxy().proxy(proxy);
        }
        None if on_loopback => builder = builder.no_proxy(),
        None => {}
    }
    builder.build().map_err(|error| ChannelError::NoClient { reason: error.without_url().to_string() })
}

/// TLS needs its cryptography named before the first client is built.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Somebody else may have installed one: any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_a_form() {
        for good in ["1:a", "777000111:AAF-x_9"] {
            assert!(well_formed(good), "{good}");
        }
        for bad in ["", "abc", ":x", "1:", "1:a/../b", "1:a b", "x1:a", "1:ä", "1:a?b#c"] {
            assert!(!well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn roots_are_addresses_without_secrets() {
        for root in ["", "api.telegram.org", "ftp://x", "https://user:pw@host", "https://x?y=1", "http://"] {
            let error = parse_root(root).unwrap_err();
            assert_eq!(error.code(), "telegram-bad-api-root");
            assert!(!error.to_string().contains("pw"), "{error}");
        }
        let url = parse_root("http://127.0.0.1:81/base").unwrap();
        assert_eq!(origin(&url), "http://127.0.0.1:81");
    }

    #[test]
    fn a_bad_proxy_keeps_its_password() {
        let root = parse_root("http://127.0.0.1:1").unwrap();
        let proxy = "gopher://user:hunter2@host:1".into();
        let error = client(&root, Some(&proxy)).unwrap_err();
        assert_eq!(error.code(), "telegram-bad-proxy");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
