//! `bulkhead gateway fingerprint`: by which certificate others know this gateway.

use std::path::PathBuf;

use bulkhead_client::Fingerprint;
use bulkhead_config::Config;
use bulkhead_profile::{Environment, Place, files};
use serde_json::json;

use crate::commands::DONE;
use crate::context::{Context, config};
use crate::error::Failure;

/// Certificates are small.
const LARGEST: u64 = 1024 * 1024;

pub fn run(context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let config = config(&place)?.config;
    if !config.gateway.tls.enabled {
        return Err(Failure::failed(
            "tls-off",
            "gateway.tls.enabled: found false, expected true for a gateway that shows a certificate; turn it on with `bulkhead config \
             set gateway.tls.enabled true` and restart the gateway",
        ));
    }
    let path = certificate(&place, &config, &context.env);
    let Some(fingerprint) = of(&place, &config, &context.env) else {
        return Err(Failure::failed(
            "no-certificate",
            format!(
                "{}: found no certificate there, expected one in PEM; a gateway makes its own at its first start with \
                 gateway.tls.enabled: start it once",
                path.display()
            ),
        ));
    };
    let report = json!({ "ok": true, "sha256": fingerprint.to_string(), "certificate": path });
    context.out.result(&report, || fingerprint.to_string());
    Ok(DONE)
}

/// The certificate that the gateway of a profile shows, if it shows one.
pub fn of(place: &Place, config: &Config, env: &Environment) -> Option<Fingerprint> {
    if !config.gateway.tls.enabled {
        return None;
    }
    let pem = files::read_limited(&certificate(place, config, env), LARGEST).ok()?;
    Fingerprint::of_pem(&pem)
}

fn certificate(place: &Place, config: &Config, env: &Environment) -> PathBuf {
    match &config.gateway.tls.cert_path {
        Some(path) => env.expand(path),
        None => place.certificate_path(),
    }
}
