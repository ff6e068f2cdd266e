//! Where a request comes from, and whether it may come from there: proxies, Host, Origin.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{HeaderMap, header};
use tokio::sync::OwnedSemaphorePermit;

use crate::auth::AuthPolicy;

/// The two ends of a TCP connection, and its place among all connections.
#[derive(Debug, Clone)]
pub(crate) struct Peer(Arc<PeerInner>);

#[derive(Debug)]
struct PeerInner {
    remote: SocketAddr,
    local: SocketAddr,
    tls: bool,
    /// Held until the last user of the connection, an upgraded socket too, is gone.
    _place: OwnedSemaphorePermit,
}

impl Peer {
    pub(crate) fn new(remote: SocketAddr, local: SocketAddr, tls: bool, place: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(PeerInner { remote, local, tls, _place: place }))
    }

    pub(crate) fn remote(&self) -> SocketAddr {
        self.0.remote
    }

    /// This end of the connection.
    pub(crate) fn near(&self) -> Near {
        Near { address: self.0.local, tls: self.0.tls }
    }
}

/// This end of a connection: the address that was connected to, and whether TLS is spoken on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Near {
    pub(crate) address: SocketAddr,
    pub(crate) tls: bool,
}

impl Near {
    fn scheme(self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// The port of an address without one.
    fn default_port(self) -> u16 {
        if self.tls { 443 } else { 80 }
    }
}

/// Where a request comes from, as far as it can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The client's address.
    pub(crate) remote: IpAddr,
    /// Straight from this machine, through no proxy.
    pub(crate) loopback: bool,
}

/// A proxy that nobody vouched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UntrustedProxy;

/// Finds the client's address. Forwarding headers are believed from trusted proxies only, and refused from others:
/// a proxy on this machine would otherwise make the whole world local.
pub(crate) fn caller(
    remote: IpAddr,
    headers: &HeaderMap,
    policy: &AuthPolicy,
) -> Result<Caller, UntrustedProxy> {
    let remote = remote.to_canonical();
    let forwarded = headers.keys().any(|name| {
        matches!(name.as_str(), "forwarded" | "x-real-ip") || name.as_str().starts_with("x-forwarded-")
    });
    if !forwarded {
        return Ok(Caller { remote, loopback: remote.is_loopback() });
    }
    let trusted = |address: IpAddr| policy.trusted_proxies.iter().any(|proxy| proxy.holds(address));
    if !trusted(remote) {
        return Err(UntrustedProxy);
    }
    // The last address that no trusted proxy added is the client; everything before it is hearsay.
    let chain = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = chain.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in hops.iter().rev() {
        let Some(address) = parse_hop(hop) else { return Err(UntrustedProxy) };
        if !trusted(address) {
            return Ok(Caller { remote: address, loopback: false });
        }
    }
    Ok(Caller { remote, loopback: false })
}

fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim_matches('"');
    hop.parse::<IpAddr>()
        .ok()
        .or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .map(|address| address.to_canonical())
}

/// A host and port as a URL or a `Host` header names them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.bytes().any(|b| b.is_ascii_whitespace() || b"/@?#\\".contains(&b)) {
            return None;
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = port.map(str::parse::<u16>).transpose().ok()?;
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        (!host.is_empty()).then_some(Self { host, port })
    }

    fn ip(&self) -> Option<IpAddr> {
        self.host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
    }

    fn is_loopback_name(&self) -> bool {
        self.host == "localhost" || self.ip().is_some_and(|ip| ip.is_loopback())
    }
}

/// Whether the `Host` is one of ours. A name that somebody else's DNS points at us is not: that is how a web page
/// of theirs would pass for a page of ours.
pub(crate) fn host_allowed(headers: &HeaderMap, near: Near, policy: &AuthPolicy) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Some(host) = host.to_str().ok().and_then(Authority::parse) else { return false };
    let ours = host.is_loopback_name() || host.ip() == Some(near.address.ip().to_canonical());
    if ours && host.port.unwrap_or(near.default_port()) == near.address.port() {
        return true;
    }
    policy.allowed_origins.iter().filter_map(|origin| Origin::parse(origin)).any(|origin| {
        origin.authority.host == host.host && host.port.unwrap_or_else(|| origin.port()) == origin.port()
    })
}

/// What an `Origin` header says.
#[derive(Debug)]
struct Origin {
    scheme: String,
    authority: Authority,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().trim_end_matches('/').split_once("://")?;
        Some(Self { scheme: scheme.to_ascii_lowercase(), authority: Authority::parse(rest)? })
    }

    fn port(&self) -> u16 {
        self.authority.port.unwrap_or(if matches!(self.scheme.as_str(), "https" | "wss") { 443 } else { 80 })
    }
}

/// Whether a browser on this `Origin` may talk to us. No `Origin`: not a browser, or a navigation.
pub(crate) fn origin_allowed(headers: &HeaderMap, near: Near, policy: &AuthPolicy) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(value) = origins.next() else { return true };
    let Some(origin) = value.to_str().ok().filter(|_| origins.next().is_none()) else { return false };
    let Some(origin) = Origin::parse(origin) else { return false };
    let ours = origin.authority.is_loopback_name()
        || origin.authority.ip() == Some(near.address.ip().to_canonical());
    if ours && origin.scheme == near.scheme() && origin.port() == near.address.port() {
        return true;
    }
    policy.allowed_origins.iter().filter_map(|allowed| Origin::parse(allowed)).any(|allowed| {
        allowed.scheme == origin.scheme
            && allowed.authority.host == origin.authority.host
            && allowed.port() == origin.port()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Near {
        Near { address: "127.0.0.1:18789".parse().unwrap(), tls: false }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn policy() -> AuthPolicy {
        let mut policy = AuthPolicy::token("secret");
        policy.allowed_origins = vec!["https://chat.example.org".into(), "http://desk.local:8080".into()];
        policy.trusted_proxies = vec!["127.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        policy
    }

    #[test]
    fn hosts() {
        let check = |host: &str| host_allowed(&headers(&[("host", host)]), local(), &policy());
        for ours in [
            "127.0.0.1:18789",
            "localhost:18789",
            "LOCALHOST:18789",
            "[::1]:18789",
            "127.0.0.2:18789",
            "localhost.:18789",
            "chat.example.org",
            "chat.example.org:443",
            "desk.local:8080",
        ] {
            assert!(check(ours), "{ours}");
        }
        for foreign in [
            "evil.example:18789",
            "127.0.0.1.evil.example:18789",
            "localhost:18790",
            "localhost",
            "",
            "a@localhost:18789",
            "[::1]:x",
            "desk.local:18789",
            "0x7f.1:18789",
            "localhost:18789:1",
            "10.1.2.3:18789",
        ] {
            assert!(!check(foreign), "{foreign}");
        }
        assert!(!host_allowed(&HeaderMap::new(), local(), &policy()));
        assert!(!host_allowed(
            &headers(&[("host", "localhost:18789"), ("host", "evil:18789")]),
            local(),
            &policy()
        ));
    }

    #[test]
    fn the_address_of_this_end_is_a_host_of_ours() {
        let lan = Near { address: "192.168.1.9:18789".parse().unwrap(), tls: false };
        assert!(host_allowed(&headers(&[("host", "192.168.1.9:18789")]), lan, &policy()));
        assert!(!host_allowed(&headers(&[("host", "192.168.1.8:18789")]), lan, &policy()));
    }

    #[test]
    fn origins() {
        let check = |origin: &str| origin_allowed(&headers(&[("origin", origin)]), local(), &policy());
        assert!(origin_allowed(&HeaderMap::new(), local(), &policy()));
        for ours in [
            "http://127.0.0.1:18789",
            "http://localhost:18789",
            "http://[::1]:18789",
            "https://chat.example.org",
            "http://desk.local:8080",
        ] {
            assert!(check(ours), "{ours}");
        }
        for foreign in [
            "http://evil.example",
            "http://localhost:3000",
            "http://localhost",
            "null",
            "",
            "https://localhost:18789",
            "http://chat.example.org",
            "tauri://localhost",
            "http://tauri.localhost",
            "http://localhost:18789.evil.example",
            "file://",
        ] {
            assert!(!check(foreign), "{foreign}");
        }
    }

    #[test]
    fn proxies() {
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        let with =
            |pairs: &[(&'static str, &str)], policy: &AuthPolicy| caller(here, &headers(pairs), policy);
        let nobody = AuthPolicy::token("secret");
        assert_eq!(with(&[], &nobody), Ok(Caller { remote: here, loopback: true }));
        for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "x-real-ip"] {
            assert_eq!(with(&[(name, "1.2.3.4")], &nobody), Err(UntrustedProxy), "{name}");
        }
        let remote = |text: &str| Ok(Caller { remote: text.parse().unwrap(), loopback: false });
        assert_eq!(with(&[("x-forwarded-for", "1.2.3.4")], &policy()), remote("1.2.3.4"));
        assert_eq!(with(&[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2")], &policy()), remote("1.2.3.4"));
        assert_eq!(with(&[("x-forwarded-for", "127.0.0.1")], &policy()), remote("127.0.0.1"));
        assert_eq!(with(&[("x-forwarded-for", "nonsense")], &policy()), Err(UntrustedProxy));
        let network = AuthPolicy {
            trusted_proxies: vec!["127.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            ..AuthPolicy::token("secret")
        };
        assert_eq!(with(&[("x-forwarded-for", "6.6.6.6, fd00::1, 127.0.0.9")], &network), remote("6.6.6.6"));
        assert_eq!(with(&[("x-forwarded-for", "1.2.3.4, 10.0.0.2")], &network), remote("10.0.0.2"));
        assert!(
            "300.1.1.1".parse::<crate::TrustedProxy>().is_err()
                && "10.0.0.0/40".parse::<crate::TrustedProxy>().is_err()
        );
        let mapped: IpAddr = "::ffff:127.0.0.1".parse().unwrap();
        assert_eq!(caller(mapped, &HeaderMap::new(), &nobody), Ok(Caller { remote: here, loopback: true }));
    }
}
