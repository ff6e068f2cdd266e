//! HTTP clients: made when first needed, shared from then on.
//!
//! One TLS configuration (rustls on ring, the system's trust store) serves all of them, so the certificates are in
//! memory once. No client here follows redirects: a key must not travel to a host it was not given for, and a fetched page
//! must be checked hop by hop.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::{Client, Proxy, redirect};
use rustls_platform_verifier::BuilderVerifierExt;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const IDLE_CONNECTION: Duration = Duration::from_mins(1);

/// Which way a request goes out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// As the environment says (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    Environment,
    /// Without a proxy, whatever the environment says.
    Direct,
    /// Through this proxy (`http://`, `https://`, `socks5://`, `socks5h://`).
    Proxy(String),
}

impl Route {
    /// The route to `url`: an explicit proxy wins; this computer itself is never reached through a proxy; else the environment
    /// decides.
    pub fn choose(url: &url::Url, proxy: Option<&str>) -> Self {
        let loopback = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match proxy {
            Some(proxy) => Self::Proxy(proxy.to_owned()),
            None if loopback => Self::Direct,
            None => Self::Environment,
        }
    }
}

/// Makes ring the process's crypto provider. Any number of calls do no harm.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Another crate of the program may have installed it already: that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// The shared TLS configuration.
pub fn tls() -> Result<rustls::ClientConfig, String> {
    static TLS: OnceLock<Result<Arc<rustls::ClientConfig>, String>> = OnceLock::new();
    let shared = TLS.get_or_init(|| {
        install_crypto();
        let mut config = rustls::ClientConfig::builder()
            .with_platform_verifier()
            .map_err(|error| format!("the system's certificates cannot be used: {error}"))?
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    });
    shared.as_ref().map(|config| rustls::ClientConfig::clone(config)).map_err(Clone::clone)
}

/// A builder with everything that all clients have in common.
pub fn builder() -> Result<reqwest::ClientBuilder, String> {
    Ok(Client::builder()
        .tls_backend_preconfigured(tls()?)
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(2)
        .tcp_keepalive(Duration::from_mins(1))
        .user_agent(concat!("bulkhead/", env!("CARGO_PKG_VERSION"))))
}

/// The client for a route.
pub fn client(route: &Route) -> Result<Client, String> {
    static CLIENTS: Mutex<BTreeMap<Route, Client>> = Mutex::new(BTreeMap::new());
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(route) {
        return Ok(client.clone());
    }
    let builder = builder()?;
    let builder = match route {
        Route::Environment => builder,
        Route::Direct => builder.no_proxy(),
        Route::Proxy(address) => {
            let proxy = Proxy::all(address)
                .map_err(|error| format!("the proxy's address cannot be used: {}", error.without_url()))?;
            builder.no_proxy().proxy(proxy)
        }
    };
    let client = builder.build().map_err(describe)?;
    clients.insert(route.clone(), client.clone());
    Ok(client)
}

/// An error's causes in one line, without its URL.
pub fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut causes = vec![error.to_string()];
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !causes.iter().any(|known| known.contains(&text)) {
            causes.push(text);
        }
        source = cause.source();
    }
    // The innermost two say what happened; the outer ones only where in the library.
    let keep = causes.len().saturating_sub(2);
    causes.split_off(keep).join(": ")
}

#[cfg(test)]
mod tests {
    use super::Route;

    #[test]
    fn this_computer_is_never_behind_a_proxy_unless_told() {
        let route = |url: &str, proxy| Route::choose(&url.parse().unwrap(), proxy);
        assert_eq!(route("http://127.0.0.1:11434", None), Route::Direct);
        assert_eq!(route("http://[::1]:1", None), Route::Direct);
        assert_eq!(route("http://localhost:1", None), Route::Direct);
        assert_eq!(route("https://api.example.com", None), Route::Environment);
        assert_eq!(route("http://127.0.0.1:1", Some("http://p:1")), Route::Proxy("http://p:1".into()));
    }
}
