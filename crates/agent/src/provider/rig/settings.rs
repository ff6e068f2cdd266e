//! From settings to an address and headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use url::Url;

use crate::provider::{ProviderApi, ProviderSettings};

/// The address of a provider: scheme, host, path; nothing that could hold a secret.
pub(in crate::provider) fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("its baseUrl cannot be read ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("its baseUrl does not begin with http:// or https:// and a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "its baseUrl holds a user name or password, which belong into apiKey or headers".to_owned()
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("its baseUrl has a query (`?…`) or a fragment (`#…`)".to_owned());
    }
    Ok(url)
}

pub(super) fn place(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

pub(in crate::provider) fn headers(settings: &ProviderSettings) -> Result<HeaderMap, String> {
    let secret = |text: &str| {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    };
    let mut headers = HeaderMap::new();
    if let Some(key) = &settings.api_key {
        let key = key.expose_secret().trim();
        if !key.is_empty() {
            let (name, text) = match settings.api {
                ProviderApi::Anthropic => (HeaderName::from_static("x-api-key"), key.to_owned()),
                _ => (http::header::AUTHORIZATION, format!("Bearer {key}")),
            };
            let value = secret(&text)
                .ok_or("its key has characters that no HTTP header can carry (a line break?)")?;
            headers.insert(name, value);
        }
    }
    for (name, value) in &settings.headers {
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no header name"))?;
        let value = secret(value).ok_or_else(|| format!("the value of header {name:?} cannot be sent"))?;
        headers.insert(parsed, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_could_hold_a_secret_are_refused() {
        for bad in ["", "ftp://x", "http://", "http://u:p@h/", "https://h/v1?key=1", "https://h/#k", "h:1"] {
            assert!(address(bad).is_err(), "{bad}");
        }
        assert_eq!(place(&address(" http://[::1]:5/v1 ").unwrap()), "http://[::1]:5");
    }
}
