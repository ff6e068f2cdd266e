//! Which addresses a fetched page may come from: public ones only. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is out of reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {kind}; web_fetch reaches public addresses only")]
pub struct Refusal {
    /// The address or name.
    pub what: String,
    /// What kind of place it is.
    pub kind: &'static str,
}

/// What makes an address non-public; `None` for a public one.
pub fn forbidden_address(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => forbidden_v4(address),
        IpAddr::V6(address) => forbidden_v6(address),
    }
}

fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match <(u8, u8, u8, u8)>::from(address.octets()) {
        (0, ..) => "an address of this network",
        (127, ..) => "this computer itself",
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) => "a private address",
        (100, 64..=127, ..) => "a carrier's inner address",
        (169, 254, ..) => "a link-local or metadata address",
        (168, 63, 129, 16) => "a cloud's metadata address",
        (192, 0, 0, _) => "an address for protocol use",
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => "an address for documentation",
        (192, 88, 99, _) => "a relay's address",
        (198, 18..=19, ..) => "an address for benchmarks",
        (224..=239, ..) => "a multicast address",
        (240..=255, ..) => "a reserved address",
        _ => return None,
    })
}

fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    let embedded = |at: usize| Ipv4Addr::from(u32::from(segments[at]) << 16 | u32::from(segments[at + 1]));
    match (segments[0], segments[1]) {
        _ if address.is_unspecified() => Some("an address of this network"),
        _ if address.is_loopback() => Some("this computer itself"),
        // IPv4 in other clothes: mapped, compatible, translated, NAT64, 6to4.
        (0, 0) if segments[2..6] == [0, 0, 0, 0xffff] => {
            forbidden_v4(embedded(6)).or(Some("an IPv4-mapped address"))
        }
        (0, 0) => Some("an IPv4 address in IPv6 form"),
        (0x64, 0xff9b) if segments[2..6] == [0; 4] => forbidden_v4(embedded(6)),
        (0x64, 0xff9b) => Some("a translation prefix"),
        (0x2002, _) => forbidden_v4(embedded(1)).or(Some("a 6to4 address")),
        (0x2001, 0) => Some("a Teredo address"),
        (0x2001, 0x2..=0x1ff) => Some("an address for protocol use"),
        (0x0100, 0) => Some("a discard address"),
        (0x2001, 0x0db8) | (0x3fff, 0..=0x0fff) => Some("an address for documentation"),
        (0x5f00, _) => Some("an address for routing"),
        (0xfc00..=0xfdff, _) => Some("a private address"),
        (0xfe80..=0xfebf, _) => Some("a link-local address"),
        (0xfec0..=0xfeff, _) => Some("a site-local address"),
        (0xff00..=0xffff, _) => Some("a multicast address"),
        // Everything that is routed today begins with 001.
        (0x2000..=0x3fff, _) => None,
        _ => Some("a reserved address"),
    }
}

/// What makes a host name non-public whatever it resolves to; `None` when its addresses decide.
pub fn forbidden_name(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    if name == "localhost" || last == "localhost" {
        Some("this computer itself")
    } else if matches!(last, "local" | "internal" | "intranet" | "lan" | "home" | "corp" | "private")
        || name.ends_with(".home.arpa")
    {
        Some("a name of the local network")
    } else if !name.contains('.') {
        Some("a name without a domain")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn inner_addresses_are_refused_in_all_their_clothes() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "100.100.100.200",
            "169.254.169.254",
            "168.63.129.16",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001:0:1::1",
            "2001:db8::1",
            "100::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "3fff::1",
            "5f00::1",
            "4000::1",
            "::ffff:0:1.2.3.4",
        ] {
            assert!(forbidden_address(address.parse().unwrap()).is_some(), "{address}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.216.34",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::200e",
            "64:ff9b::8.8.8.8",
        ] {
            assert_eq!(forbidden_address(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn names_of_the_inside_are_refused() {
        for name in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "printer",
            "nas.local",
            "metadata.google.internal",
            "x.home.arpa",
        ] {
            assert!(forbidden_name(name).is_some(), "{name}");
        }
        assert_eq!(forbidden_name("example.com"), None);
    }

    proptest! {
        #[test]
        fn a_mapped_address_is_never_more_public_than_the_plain_one(bits in any::<u32>()) {
            let plain = Ipv4Addr::from(bits);
            prop_assert!(forbidden_address(IpAddr::V6(plain.to_ipv6_mapped())).is_some());
            let [a, b, c, d] = plain.octets();
            let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            prop_assert_eq!(forbidden_address(IpAddr::V6(nat64)).is_some(), forbidden_v4(plain).is_some());
        }
    }
}
