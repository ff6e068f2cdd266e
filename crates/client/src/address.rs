//! Where a gateway is.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::ClientError;

/// The WebSocket address of a gateway. `http` and `https` are read as `ws` and `wss`; a bare `host:port` as `ws`.
///
/// ```
/// use bulkhead_client::GatewayUrl;
/// let url: GatewayUrl = "https://u:secret@gate.example/path?token=secret#token=secret".parse()?;
/// assert_eq!(url.to_string(), "wss://gate.example/path");
/// assert_eq!((url.host(), url.port(), url.tls()), ("gate.example", 443, true));
/// # Ok::<(), bulkhead_client::ClientError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayUrl {
    url: Url,
    host: String,
    port: u16,
}

impl GatewayUrl {
    /// The gateway of this machine on a port.
    pub fn loopback(port: u16) -> Self {
        let host = "127.0.0.1".to_owned();
        match Url::parse(&format!("ws://{host}:{port}/")) {
            Ok(url) => Self { url, host, port },
            Err(_) => unreachable!("an IPv4 address and a port always make a URL"),
        }
    }

    /// Host name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is encrypted.
    pub fn tls(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// Whether it is this machine, by its name or address.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl FromStr for GatewayUrl {
    type Err = ClientError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let bad = |problem: &str| ClientError::BadUrl { found: shown(text), problem: problem.to_owned() };
        let whole = if text.contains("://") { text.to_owned() } else { format!("ws://{text}") };
        let scheme = whole.split("://").next().unwrap_or_default().to_ascii_lowercase();
        let rest = whole.get(scheme.len()..).unwrap_or_default();
        let scheme = match scheme.as_str() {
            "ws" | "http" => "ws",
            "wss" | "https" => "wss",
            _ => return Err(bad("the scheme is unknown")),
        };
        let mut url = Url::parse(&format!("{scheme}{rest}")).map_err(|error| bad(&error.to_string()))?;
        url.set_query(None);
        url.set_fragment(None);
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err(bad("it has no host"));
        }
        let host = match url.host() {
            Some(url::Host::Domain(name)) => name.to_owned(),
            Some(url::Host::Ipv4(ip)) => ip.to_string(),
            Some(url::Host::Ipv6(ip)) => ip.to_string(),
            None => return Err(bad("it has no host")),
        };
        let port =
            url.port_or_known_default().filter(|port| *port != 0).ok_or_else(|| bad("it has no port"))?;
        Ok(Self { url, host, port })
    }
}

/// What may be shown of a text that is no URL: nothing behind a `?`, `#` or before an `@`.
fn shown(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let text = &text[..end];
    let text = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}{}", &text[..scheme + 3], &text[at + 1..]),
        (None, Some(at)) => text[at + 1..].to_owned(),
        _ => text.to_owned(),
    };
    text.chars().take(200).collect()
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.url.as_str();
        f.write_str(if self.url.path() == "/" { text.trim_end_matches('/') } else { text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_type() {
        let read = |text: &str| text.parse::<GatewayUrl>().unwrap().to_string();
        assert_eq!(read("127.0.0.1:18789"), "ws://127.0.0.1:18789");
        assert_eq!(read("http://localhost:18789/"), "ws://localhost:18789");
        assert_eq!(read("WSS://gate.example"), "wss://gate.example");
        assert_eq!(read("ws://[::1]:18789"), "ws://[::1]:18789");
        assert_eq!("ws://[::1]:18789".parse::<GatewayUrl>().unwrap().host(), "::1");
        assert_eq!(GatewayUrl::loopback(7).to_string(), "ws://127.0.0.1:7");
    }

    #[test]
    fn errors_show_no_secret() {
        for text in ["ftp://u:hush@h/?token=hush#hush", "ws://u:hush@/?token=hush", "u:hush@:::"] {
            let error = text.parse::<GatewayUrl>().unwrap_err().to_string();
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
