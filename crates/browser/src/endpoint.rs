//! The address of a browser that runs already (`cdpUrl`). Pure.

use url::Url;

/// Where to attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `http://host:port`: the browser is asked for its WebSocket.
    Discover {
        /// `host:port`.
        authority: String,
    },
    /// `ws://…`: used as it is.
    Socket {
        /// The whole address; may carry a secret in its query.
        url: String,
    },
}

impl Endpoint {
    /// Reads a `cdpUrl`. The error is (found, expected).
    pub(crate) fn parse(text: &str) -> Result<Self, (String, String)> {
        let expected = "http://HOST:PORT or ws://HOST:PORT/…, for example: http://127.0.0.1:9222".to_owned();
        let url = Url::parse(text.trim()).map_err(|_| ("no address".to_owned(), expected.clone()))?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        match (url.scheme(), url.host_str()) {
            ("http", Some(host)) if bare => Ok(Self::Discover {
                authority: format!("{host}:{}", url.port_or_known_default().unwrap_or(80)),
            }),
            ("http", Some(_)) => Err((
                format!("{} with a path or query", shown(&url)),
                format!("{expected}; with a path, use ws://"),
            )),
            ("ws", Some(_)) => Ok(Self::Socket { url: url.to_string() }),
            ("https" | "wss", Some(_)) => Err((
                shown(&url),
                format!("{expected}; a browser behind TLS is reached through a tunnel, for example: ssh -L"),
            )),
            _ => Err((shown(&url), expected)),
        }
    }

    /// The address for people: scheme, host and port.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Discover { authority } => format!("http://{authority}"),
            Self::Socket { url } => Url::parse(url).map_or_else(|_| "ws://…".to_owned(), |url| shown(&url)),
        }
    }
}

/// An address without user, password, path and query.
pub(crate) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_running_browsers() {
        let endpoint = Endpoint::parse("http://127.0.0.1:9222/").unwrap();
        assert_eq!(endpoint, Endpoint::Discover { authority: "127.0.0.1:9222".into() });
        assert_eq!(Endpoint::parse("http://[::1]:9222").unwrap().shown(), "http://[::1]:9222");
        let socket = Endpoint::parse("ws://box:9222/devtools/browser/1?token=secret").unwrap();
        assert_eq!(socket.shown(), "ws://box:9222");
        for wrong in ["", "9222", "http://box:9222/x", "wss://box/x", "https://box", "file:///x", "ftp://a/"]
        {
            let (found, expected) = Endpoint::parse(wrong).unwrap_err();
            assert!(!found.contains("secret") && expected.contains("http://127.0.0.1:9222"), "{wrong}");
        }
    }
}
