//! Under which address a phone or another machine finds this gateway: pure but for one question to the system.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use bulkhead_config::{Bind, Gateway as GatewayConfig};
use bulkhead_protocol::ErrorShape;
use url::{Host, Url};

/// An address for others, and where it comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Doorway {
    pub(crate) url: String,
    pub(crate) source: String,
    /// It leads to this machine only.
    pub(crate) loopback: bool,
}

/// The address: the one that was given, the remote one, or that of the network that the gateway listens on.
pub(crate) fn find(
    config: &GatewayConfig,
    port: u16,
    public_url: Option<&str>,
    prefer_remote: bool,
) -> Result<Doorway, ErrorShape> {
    if let Some(given) = public_url.filter(|given| !given.trim().is_empty()) {
        return checked(given, "request.publicUrl");
    }
    if let Some(remote) = config.remote.url.as_deref().filter(|_| prefer_remote) {
        return checked(remote, "gateway.remote.url");
    }
    let address = match config.bind {
        Bind::Custom => config.custom_bind_host.as_deref().and_then(|host| host.parse::<IpAddr>().ok()),
        Bind::Lan | Bind::Auto => own_address(),
        Bind::Tailnet => outward(Ipv4Addr::new(100, 100, 100, 100)),
        Bind::Loopback => None,
    };
    match address.filter(|address| !address.is_loopback() && !address.is_unspecified()) {
        Some(address) => {
            let host = match address {
                IpAddr::V6(v6) => format!("[{v6}]"),
                IpAddr::V4(v4) => v4.to_string(),
            };
            checked(&format!("ws://{host}:{port}"), "gateway.bind")
        }
        None => Err(ErrorShape::invalid_request(
            "the gateway listens on this machine only, so nothing else finds it: set gateway.bind to lan, put a proxy with \
             TLS before it and name its address (bulkhead qr --url wss://…), or set gateway.remote.url",
        )),
    }
}

/// An address that phones take: `wss:` anywhere, `ws:` only where it does not leave the house.
fn checked(text: &str, source: &str) -> Result<Doorway, ErrorShape> {
    let refused =
        |why: &str| ErrorShape::invalid_request(format!("{source}: found {text:?}, expected {why}"));
    let mut url = Url::parse(text.trim()).map_err(|_| refused("an address such as wss://gateway.example"))?;
    let scheme = match url.scheme() {
        "ws" | "wss" => url.scheme().to_owned(),
        "http" => "ws".to_owned(),
        "https" => "wss".to_owned(),
        _ => return Err(refused("ws:// or wss://")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("no password in it"));
    }
    let _ = url.set_scheme(&scheme);
    let (house, loopback) = match url.host() {
        Some(Host::Ipv4(v4)) => (v4.is_private() || v4.is_loopback() || v4.is_link_local(), v4.is_loopback()),
        Some(Host::Ipv6(v6)) => {
            (v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(), v6.is_loopback())
        }
        Some(Host::Domain(name)) => {
            let here = name.eq_ignore_ascii_case("localhost");
            (here || name.to_ascii_lowercase().ends_with(".local"), here)
        }
        None => return Err(refused("a host in it")),
    };
    if scheme == "ws" && !house {
        return Err(refused("wss:// for addresses outside the local network"));
    }
    let url = url.as_str().trim_end_matches('/').to_owned();
    Ok(Doorway { url, source: source.to_owned(), loopback })
}

/// The address with which this machine goes out, if it has a network.
pub(crate) fn own_address() -> Option<IpAddr> {
    outward(Ipv4Addr::new(192, 0, 2, 1))
}

/// The address of ours that leads to `target`. Nothing is sent.
fn outward(target: Ipv4Addr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((target, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let config = GatewayConfig::default();
        let of = |text: &str| find(&config, 18789, Some(text), false);
        assert_eq!(of("https://gateway.example/").unwrap().url, "wss://gateway.example");
        assert_eq!(of("ws://192.168.1.7:18789").unwrap().url, "ws://192.168.1.7:18789");
        assert!(of("ws://127.0.0.1:18789").unwrap().loopback);
        for bad in ["ws://gateway.example", "ftp://x", "nonsense", "wss://me:secret@gateway.example"] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert!(find(&config, 18789, None, false).unwrap_err().message.contains("gateway.bind"));
    }
}
