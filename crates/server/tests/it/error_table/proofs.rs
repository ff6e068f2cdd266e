//! What a device signs, and what it gets wrong.

use bulkhead_protocol::device_auth::DeviceKey;
use serde_json::json;

use super::{CODE, Does, Row, all, refused};
use crate::world::{now_ms, sign_at, ui, world};

const PROOFS: &[Row] = &[
    refused(
        "no nonce",
        Does::Proves(|_| {}, |p| p["device"]["nonce"] = "".into()),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_NONCE_REQUIRED")],
    ),
    refused(
        "another nonce",
        Does::Proves(|_| {}, |p| p["device"]["nonce"] = "11111111-1111-4111-8111-111111111111".into()),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_NONCE_MISMATCH")],
    ),
    refused(
        "something changed after the signature",
        Does::Proves(|_| {}, |p| p["scopes"] = json!(["operator.admin"])),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_SIGNATURE_INVALID")],
    ),
    refused(
        "signed too long ago",
        Does::Acts(|world, _| {
            Box::pin(async move {
                let mut params = ui();
                let mut client = world.dial().await;
                let key = DeviceKey::generate().unwrap();
                sign_at(&key, &mut params, &client.nonce, now_ms() - 121_000);
                client.ask("connect", params).await;
                client
            })
        }),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_SIGNATURE_EXPIRED")],
    ),
    refused(
        "another device's id",
        Does::Proves(|_| {}, |p| p["device"]["id"] = "00".repeat(32).into()),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_DEVICE_ID_MISMATCH")],
    ),
    refused(
        "no public key",
        Does::Proves(|_| {}, |p| p["device"]["publicKey"] = "not a key".into()),
        "INVALID_REQUEST",
        &[(CODE, "DEVICE_AUTH_PUBLIC_KEY_INVALID")],
    ),
];

#[tokio::test]
async fn proofs() {
    all(&world().await, PROOFS).await;
}
