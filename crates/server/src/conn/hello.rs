//! `hello-ok`: what an admitted client is told first.

use bulkhead_protocol::{ErrorShape, Scope};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::value::RawValue;

use super::info::{ConnInfo, Role};
use super::outgoing::response_frame;
use crate::method::Reply;
use crate::serve::Shared;

/// A device token that a client is told.
pub(crate) struct Issued {
    pub(crate) token: SecretString,
    pub(crate) role: Role,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) at_ms: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Hello<'a> {
    r#type: &'a str,
    protocol: u32,
    server: HelloServer<'a>,
    features: &'a RawValue,
    snapshot: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin_surface_urls: Option<serde_json::Map<String, serde_json::Value>>,
    auth: HelloAuth<'a>,
    policy: HelloPolicy,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HelloServer<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_id: Option<&'a str>,
    boot_id: &'a str,
    conn_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HelloAuth<'a> {
    role: &'a str,
    scopes: &'a [Scope],
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    device_tokens: Vec<HelloToken<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HelloToken<'a> {
    device_token: &'a str,
    role: &'a str,
    scopes: &'a [Scope],
    issued_at_ms: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HelloPolicy {
    max_payload: usize,
    max_buffered_bytes: usize,
    tick_interval_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<HelloAttachments>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HelloAttachments {
    max_bytes: u64,
    max_image_bytes: u64,
}

pub(crate) fn frame(
    shared: &Shared,
    id: &str,
    conn: &ConnInfo,
    issued: &[Issued],
) -> Result<String, ErrorShape> {
    let parts = shared.handler.hello(conn);
    let own = issued.iter().find(|issued| issued.role == conn.role);
    let others = issued.iter().filter(|issued| issued.role != conn.role);
    let urls: serde_json::Map<_, _> =
        parts.plugin_surface_urls.into_iter().map(|(name, url)| (name, url.into())).collect();
    let tick_ms = shared.limits.tick_interval.as_millis();
    let hello = Hello {
        r#type: "hello-ok",
        protocol: bulkhead_protocol::PROTOCOL_VERSION,
        server: HelloServer {
            version: &shared.info.version,
            build_id: shared.info.build_id.as_deref(),
            boot_id: &shared.info.boot_id,
            conn_id: conn.id.as_str(),
        },
        features: &parts.features,
        snapshot: &parts.snapshot,
        plugin_surface_urls: (!urls.is_empty()).then_some(urls),
        auth: HelloAuth {
            role: conn.role.as_str(),
            scopes: &conn.scopes,
            device_token: own.map(|issued| issued.token.expose_secret()),
            issued_at_ms: own.map(|issued| issued.at_ms),
            device_tokens: others
                .map(|issued| HelloToken {
                    device_token: issued.token.expose_secret(),
                    role: issued.role.as_str(),
                    scopes: &issued.scopes,
                    issued_at_ms: issued.at_ms,
                })
                .collect(),
        },
        policy: HelloPolicy {
            max_payload: shared.limits.max_payload,
            max_buffered_bytes: shared.limits.max_buffered_bytes,
            tick_interval_ms: u64::try_from(tick_ms).unwrap_or(u64::MAX),
            attachments: parts
                .attachments
                .map(|(max_bytes, max_image_bytes)| HelloAttachments { max_bytes, max_image_bytes }),
        },
    };
    Ok(response_frame(id, Ok(&Reply::json(&hello)?)))
}
