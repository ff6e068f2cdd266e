//! Where a page may lead: public addresses only, checked before a connection and by the resolver that connects.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::tools::address::{Refusal, forbidden_address, forbidden_name};

/// The checks that need no connection.
pub(super) struct Guard<'a> {
    pub(super) allowed: &'a BTreeSet<String>,
}

impl Guard<'_> {
    pub(super) fn allows(&self, url: &Url) -> bool {
        self.allowed.contains(&host_of(url))
    }

    pub(super) fn check(&self, url: &Url) -> Result<(), Refusal> {
        let refuse = |kind| Err(Refusal { what: host_of(url), kind });
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal { what: format!("{}:", url.scheme()), kind: "not http or https" });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("given with a user name or password");
        }
        if self.allows(url) {
            return Ok(());
        }
        let kind = match url.host() {
            None => Some("no host"),
            Some(Host::Ipv4(address)) => forbidden_address(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => forbidden_address(IpAddr::V6(address)),
            Some(Host::Domain(name)) => forbidden_name(name),
        };
        kind.map_or(Ok(()), refuse)
    }

    /// For proxies: a name that resolves here must resolve to public addresses. One that does not resolve here is the proxy's matter.
    pub(super) async fn check_resolved(&self, url: &Url) -> Result<(), Refusal> {
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        if self.allows(url) {
            return Ok(());
        }
        let Ok(addresses) = tokio::net::lookup_host((name, url.port_or_known_default().unwrap_or(443))).await
        else {
            return Ok(());
        };
        for address in addresses {
            if let Some(kind) = forbidden_address(address.ip()) {
                return Err(Refusal { what: format!("{name} ({})", address.ip()), kind });
            }
        }
        Ok(())
    }
}

/// A resolver that gives out public addresses only. One forbidden address spoils the name: a mixed answer is how rebinding works.
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &addresses {
                if let Some(kind) = forbidden_address(address.ip()) {
                    let what = format!("{name} ({})", address.ip());
                    return Err(Box::new(Refusal { what, kind }) as Box<dyn StdError + Send + Sync>);
                }
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Our refusal, if that is why the client failed.
pub(super) fn refusal_in<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Refusal> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Some(refusal);
        }
        cause = error.source();
    }
    None
}

/// `host:port`.
pub(super) fn host_of(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> bool {
        Guard { allowed: &BTreeSet::new() }.check(&Url::parse(url).unwrap()).is_err()
    }

    #[test]
    fn addresses_in_any_spelling_are_refused() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost:80/",
            "http://LOCALHOST./",
            "http://10.0.0.5/",
            "http://169.254.169.254/latest/meta-data",
            "http://user@example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "http://metadata.google.internal/",
            "http://intranet/",
            "http://①②⑦.⓪.⓪.①/",
        ] {
            assert!(refused(url), "{url}");
        }
        assert!(!refused("https://example.com/x?y=1"));
        assert!(!refused("http://93.184.216.34:8080/"));
    }
}
