//! Which pages may be opened. The rules about addresses come from outside, so that the whole gateway has one set.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use url::{Host, Url};

use crate::endpoint::shown;
use crate::error::BrowserError;

/// What makes an address or a name non-public; `None` for a public one.
#[derive(Clone, Copy)]
pub struct AddressRules {
    /// For addresses.
    pub address: fn(IpAddr) -> Option<&'static str>,
    /// For names, whatever they resolve to.
    pub name: fn(&str) -> Option<&'static str>,
}

impl fmt::Debug for AddressRules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AddressRules")
    }
}

/// How far pages may reach.
#[derive(Debug, Clone, Copy)]
pub enum Reach {
    /// Public addresses only.
    Public(AddressRules),
    /// This computer and the local network too: only where the configuration says so.
    Anywhere,
}

impl Reach {
    /// Whether inner addresses are out of reach.
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::Public(_))
    }

    /// What makes an address unreachable.
    pub(crate) fn forbids(&self, address: IpAddr) -> Option<&'static str> {
        match self {
            Self::Public(rules) => (rules.address)(address),
            Self::Anywhere => None,
        }
    }

    /// What makes a whole URL unreachable, without asking a name server.
    fn forbids_url(&self, url: &Url) -> Option<&'static str> {
        if !matches!(url.scheme(), "http" | "https") {
            return Some("not an http or https address");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Some("given with a user name or password");
        }
        match (self, url.host()) {
            (_, None) => Some("without a host"),
            (Self::Anywhere, _) => None,
            (Self::Public(rules), Some(Host::Domain(name))) => (rules.name)(name),
            (Self::Public(rules), Some(Host::Ipv4(address))) => (rules.address)(address.into()),
            (Self::Public(rules), Some(Host::Ipv6(address))) => (rules.address)(address.into()),
        }
    }
}

const REMEMBERED: Duration = Duration::from_secs(10);
const LONGEST_URL: usize = 16 * 1024;
const MOST_NAMES: usize = 512;

type Verdict = Option<&'static str>;

/// Applies [`Reach`] to addresses, names resolved. Verdicts on names are kept for a few seconds.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    reach: Reach,
    names: Arc<Mutex<HashMap<String, (Instant, Verdict)>>>,
}

impl Gate {
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach, names: Arc::default() }
    }

    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// An address that somebody asks to open: http, https or `about:blank`.
    pub(crate) fn parse(&self, text: &str) -> Result<Url, BrowserError> {
        let text = text.trim();
        let input = |found: &str| BrowserError::Input {
            what: "url",
            found: found.chars().take(200).collect(),
            expected: "a web address, for example: https://example.com".to_owned(),
        };
        if text.len() > LONGEST_URL {
            return Err(input("more than 16 KiB"));
        }
        let url = Url::parse(text).map_err(|_| input(text))?;
        if url.as_str() == "about:blank" {
            return Ok(url);
        }
        match self.reach.forbids_url(&url) {
            None => Ok(url),
            Some(kind) => Err(refused(&url, kind)),
        }
    }

    /// The same, and every address of its name is checked: one forbidden address spoils the name.
    pub(crate) async fn admit(&self, text: &str) -> Result<Url, BrowserError> {
        let url = self.parse(text)?;
        match self.resolved(&url).await {
            None => Ok(url),
            Some(kind) => Err(refused(&url, kind)),
        }
    }

    /// What forbids a request that a page makes; `None` lets it through.
    pub(crate) async fn judge(&self, text: &str) -> Option<(String, &'static str)> {
        // Neither leaves the page.
        if ["data:", "blob:", "about:"].iter().any(|scheme| text.starts_with(scheme)) {
            return None;
        }
        let Ok(url) = Url::parse(text) else { return Some(("that address".to_owned(), "not an address")) };
        // Pages may carry credentials in addresses of their own; what counts is where they lead.
        let mut plain = url.clone();
        let _ = plain.set_username("");
        let _ = plain.set_password(None);
        let kind = match self.reach.forbids_url(&plain) {
            Some(kind) => Some(kind),
            None => self.resolved(&plain).await,
        };
        kind.map(|kind| (shown(&url), kind))
    }

    async fn resolved(&self, url: &Url) -> Verdict {
        let (Reach::Public(rules), Some(Host::Domain(name))) = (self.reach, url.host()) else { return None };
        if let Some(verdict) = self.remembered(name) {
            return verdict;
        }
        let port = url.port_or_known_default().unwrap_or(443);
        // A name that does not resolve here is a proxy's matter, or fails in the browser by itself.
        let addresses = tokio::net::lookup_host((name, port)).await.ok()?;
        let verdict = addresses.into_iter().find_map(|address| (rules.address)(address.ip()));
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MOST_NAMES {
            names.clear();
        }
        names.insert(name.to_owned(), (Instant::now(), verdict));
        verdict
    }

    fn remembered(&self, name: &str) -> Option<Verdict> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(name).filter(|(at, _)| at.elapsed() < REMEMBERED).map(|(_, verdict)| *verdict)
    }
}

fn refused(url: &Url, kind: &str) -> BrowserError {
    let url = if url.has_host() { shown(url) } else { format!("{}:", url.scheme()) };
    BrowserError::Refused { url, kind: kind.to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        let address = |address: IpAddr| address.is_loopback().then_some("this computer itself");
        let name = |name: &str| name.ends_with("localhost").then_some("this computer itself");
        Gate::new(Reach::Public(AddressRules { address, name }))
    }

    #[test]
    fn only_web_pages_and_only_public_ones() {
        for url in [
            "file:///etc/passwd",
            "chrome://settings",
            "javascript:alert(1)",
            "data:text/html,x",
            "about:config",
            "view-source:http://example.com",
            "ftp://example.com",
            "http://127.0.0.1/",
            "http://127.1:80/",
            "http://[::1]/",
            "http://2130706433/",
            "http://localhost:1/",
            "https://a:b@example.com/",
            "ws://example.com/",
            "chrome-extension://x/y",
        ] {
            assert!(matches!(gate().parse(url), Err(BrowserError::Refused { .. })), "{url}");
        }
        for url in ["", "example.com", "http://", &format!("http://a/{}", "x".repeat(20_000))] {
            assert!(matches!(gate().parse(url), Err(BrowserError::Input { .. })), "{url}");
        }
        for url in
            ["https://example.com/a?b", "http://93.184.216.34:8080", "about:blank", " https://example.com "]
        {
            assert!(gate().parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn anywhere_is_still_the_web() {
        let gate = Gate::new(Reach::Anywhere);
        assert!(gate.parse("http://127.0.0.1:8080/").is_ok());
        assert!(gate.parse("file:///etc/passwd").is_err());
    }

    #[test]
    fn a_refusal_shows_no_query() {
        let error = gate().parse("http://127.0.0.1:99/x?token=secret").unwrap_err();
        assert_eq!(
            error.to_string(),
            "http://127.0.0.1:99 is this computer itself; the browser opens public http and https pages only"
        );
    }

    #[tokio::test]
    async fn requests_of_pages_are_judged_by_where_they_lead() {
        assert!(gate().judge("http://user:pw@127.0.0.1/").await.is_some());
        assert!(gate().judge("file:///etc/passwd").await.is_some());
        assert!(gate().judge("data:text/plain,x").await.is_none());
        assert!(gate().judge("http://93.184.216.34/").await.is_none());
    }
}
