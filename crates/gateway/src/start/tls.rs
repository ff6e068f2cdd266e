//! The certificate that the gateway shows: the configured one, or one of its own that it makes and keeps.
//!
//! Its own is signed by nobody, so clients pin its fingerprint. That changes with every certificate; so one is made for ten
//! years, and a new one only when the old one is about to end or cannot be used.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use bulkhead_config::Tls;
use bulkhead_profile::{Environment, Place, files};
use bulkhead_server::{TlsServerConfig, tls_config};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType, date_time_ymd};

use crate::clock;
use crate::error::GatewayError;

/// How long a certificate of our own holds, in years.
const YEARS: i32 = 10;
/// One that ends within so many milliseconds is made anew.
const RENEW_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// The line in front of our own certificate that says when it ends, in milliseconds since 1970.
const ENDS: &str = "Ends: ";
/// Certificates and keys are small.
const LARGEST: u64 = 1024 * 1024;

/// What TLS needs, or `None` when it is off.
pub(crate) fn configuration(
    tls: &Tls,
    place: &Place,
    env: &Environment,
    addresses: &[IpAddr],
) -> Result<Option<Arc<TlsServerConfig>>, GatewayError> {
    if !tls.enabled {
        return Ok(None);
    }
    let config_error = |reason: String| GatewayError::Config { path: place.config_path().to_owned(), reason };
    let (cert, key) = match (&tls.cert_path, &tls.key_path) {
        (Some(cert), Some(key)) => {
            let read = |name: &str, path: &str| {
                let path = env.expand(path);
                files::read_limited(&path, LARGEST).map_err(|error| {
                    config_error(format!(
                        "gateway.tls.{name}: {} cannot be read ({error}); expected a PEM file that this user may read",
                        path.display()
                    ))
                })
            };
            (read("certPath", cert)?, read("keyPath", key)?)
        }
        (None, None) if tls.auto_generate => own(place, addresses)?,
        _ => {
            return Err(config_error(
                "gateway.tls: found only one of certPath and keyPath, or neither with autoGenerate off; expected both, or \
                 autoGenerate: true"
                    .to_owned(),
            ));
        }
    };
    tls_config(&cert, &key).map(Some).map_err(|problem| config_error(format!("gateway.tls: {problem}")))
}

/// Our own certificate and its key, made if it is not there or about to end.
fn own(place: &Place, addresses: &[IpAddr]) -> Result<(Vec<u8>, Vec<u8>), GatewayError> {
    let (cert_path, key_path) = (place.certificate_path(), place.certificate_key_path());
    let kept =
        files::read_limited(&cert_path, LARGEST).ok().zip(files::read_limited(&key_path, LARGEST).ok());
    if let Some((cert, key)) = kept {
        let holds = ends(&cert).is_some_and(|at| at > clock::now_ms() + RENEW_MS);
        if holds && tls_config(&cert, &key).is_ok() {
            return Ok((cert, key));
        }
        tracing::warn!(
            "the gateway's own certificate ends soon or cannot be used and is made anew; clients that pinned it must pin \
             the new one (`bulkhead gateway fingerprint`)"
        );
    }
    let (cert, key) = make(addresses, &host_name()).map_err(|error| {
        GatewayError::Serve(format!("the gateway's own certificate could not be made ({error})"))
    })?;
    let write = |path: &Path, bytes: &[u8], mode: u32| {
        files::atomic_write_in_new_dir(path, bytes, mode).map_err(|source| GatewayError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        })
    };
    write(&key_path, &key, 0o600)?;
    write(&cert_path, &cert, 0o644)?;
    Ok((cert, key))
}

/// When a certificate of ours ends.
fn ends(cert: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(cert).ok()?;
    text.lines().find_map(|line| line.strip_prefix(ENDS)).and_then(|at| at.trim().parse().ok())
}

fn make(addresses: &[IpAddr], host: &str) -> Result<(Vec<u8>, Vec<u8>), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut names = vec!["localhost".to_owned()];
    names.extend(Some(host.to_owned()).filter(|host| !host.is_empty() && host != "localhost"));
    let mut params = CertificateParams::new(names)?;
    let mut own: Vec<IpAddr> = vec![[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()];
    own.extend(addresses.iter().filter(|address| !address.is_unspecified() && !address.is_loopback()));
    params.subject_alt_names.extend(own.into_iter().map(SanType::IpAddress));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Bulkhead gateway");
    let year: i32 =
        clock::rfc3339(clock::now_ms()).get(..4).and_then(|year| year.parse().ok()).unwrap_or(2026);
    // From a little before, for clocks that are behind.
    params.not_before = date_time_ymd(year - 1, 1, 1);
    params.not_after = date_time_ymd(year + YEARS, 1, 1);
    let end = u64::try_from(params.not_after.unix_timestamp()).unwrap_or(0).saturating_mul(1000);
    let cert = params.self_signed(&key)?;
    let pem = format!("Certificate of a Bulkhead gateway, signed by nobody.\n{ENDS}{end}\n{}", cert.pem());
    Ok((pem.into_bytes(), key.serialize_pem().into_bytes()))
}

fn host_name() -> String {
    bulkhead_process::Host::look()
        .name
        .to_ascii_lowercase()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_our_own_is_made_once_and_again_when_it_is_damaged() {
        let home = tempfile::tempdir().unwrap();
        let env = Environment::for_test(home.path());
        let place = Place::resolve(None, &env).unwrap();
        let tls = Tls { enabled: true, ..Tls::default() };
        let load =
            || configuration(&tls, &place, &env, &["192.168.1.9".parse().unwrap()]).map(|c| c.is_some());
        assert!(load().unwrap());
        let first = std::fs::read(place.certificate_path()).unwrap();
        assert!(load().unwrap());
        assert_eq!(std::fs::read(place.certificate_path()).unwrap(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(place.certificate_key_path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let about_to_end = String::from_utf8(first.clone()).unwrap();
        let line = about_to_end.lines().find(|line| line.starts_with(ENDS)).unwrap().to_owned();
        let soon = format!("{ENDS}{}", clock::now_ms() + RENEW_MS / 2);
        std::fs::write(place.certificate_path(), about_to_end.replace(&line, &soon)).unwrap();
        assert!(load().unwrap());
        assert_ne!(std::fs::read(place.certificate_path()).unwrap(), first);
        std::fs::write(place.certificate_key_path(), "no key").unwrap();
        assert!(load().unwrap(), "a damaged key is made anew");
    }

    #[test]
    fn half_of_a_pair_is_refused_and_off_is_off() {
        let home = tempfile::tempdir().unwrap();
        let env = Environment::for_test(home.path());
        let place = Place::resolve(None, &env).unwrap();
        let half = Tls { enabled: true, cert_path: Some("/c.pem".into()), ..Tls::default() };
        let refused = configuration(&half, &place, &env, &[]).unwrap_err().to_string();
        assert!(refused.contains("keyPath"), "{refused}");
        assert!(configuration(&Tls::default(), &place, &env, &[]).unwrap().is_none());
        let gone = Tls { key_path: Some("/gone.key".into()), ..half };
        assert!(configuration(&gone, &place, &env, &[]).unwrap_err().to_string().contains("certPath"));
    }
}
