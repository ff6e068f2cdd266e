//! Who may use the control service. Pure.

use http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq as _;

/// Why a request is not served.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

const fn denied(status: StatusCode, code: &'static str, message: &'static str) -> Denied {
    Denied { status, code, message }
}

/// Host, origin and token of a request.
pub(crate) fn check(headers: &HeaderMap, port: u16, token: &str) -> Result<(), Denied> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) {
        (Some(host), None) => host,
        _ => "",
    };
    if !is_own_host(host, port) {
        return Err(denied(
            StatusCode::FORBIDDEN,
            "host-not-allowed",
            "Host: not this service; expected 127.0.0.1, localhost or [::1] with the control port",
        ));
    }
    if headers.contains_key(header::ORIGIN) {
        return Err(denied(
            StatusCode::FORBIDDEN,
            "origin-not-allowed",
            "Origin: web pages may not use the browser control service; expected a request without it",
        ));
    }
    let given = headers.get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let given = given.strip_prefix(b"Bearer ").or_else(|| given.strip_prefix(b"bearer ")).unwrap_or_default();
    let same: bool = given.ct_eq(token.as_bytes()).into();
    if token.is_empty() || !same {
        return Err(denied(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Authorization: expected \"Bearer <token>\" with this profile's gateway token",
        ));
    }
    Ok(())
}

fn is_own_host(host: &str, port: u16) -> bool {
    let Some((name, given)) = host.rsplit_once(':') else { return false };
    given.parse() == Ok(port)
        && (matches!(name, "127.0.0.1" | "[::1]") || name.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ask(pairs: &[(&'static str, &str)]) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        check(&headers, 18791, "right").map_err(|denied| denied.code)
    }

    #[test]
    fn who_may_come_in() {
        let token = ("authorization", "Bearer right");
        for host in ["127.0.0.1:18791", "localhost:18791", "LOCALHOST:18791", "[::1]:18791"] {
            assert_eq!(ask(&[("host", host), token]), Ok(()));
        }
        for host in
            ["evil.example:18791", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.example:18791", "", "[::1]"]
        {
            assert_eq!(ask(&[("host", host), token]), Err("host-not-allowed"), "{host}");
        }
        let host = ("host", "127.0.0.1:18791");
        assert_eq!(ask(&[host, host, token]), Err("host-not-allowed"));
        assert_eq!(ask(&[host, token, ("origin", "http://127.0.0.1:18791")]), Err("origin-not-allowed"));
        for wrong in ["Bearer wrong", "Bearer ", "right", "Basic right", "Bearer right "] {
            let outcome = ask(&[host, ("authorization", wrong)]);
            assert_eq!(outcome, Err("unauthorized"), "{wrong}");
        }
        assert_eq!(ask(&[host]), Err("unauthorized"));
    }

    #[test]
    fn without_a_token_nobody_comes_in() {
        let mut headers = HeaderMap::new();
        headers.insert("host", "127.0.0.1:1".parse().unwrap());
        headers.insert("authorization", "Bearer ".parse().unwrap());
        assert!(check(&headers, 1, "").is_err());
    }
}
