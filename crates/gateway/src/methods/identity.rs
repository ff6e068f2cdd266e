//! `gateway.identity.get`, `users.self`: which gateway this is, and whose.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::device_auth::DeviceKey;
use bulkhead_protocol::methods::identity::{GatewayIdentity, UserProfile, UsersSelfResult};
use bulkhead_secrets::SecretId;
use bulkhead_server::Reply;
use serde_json::json;

use super::{Call, store_failed};
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "gateway.identity.get" => identity,
    "users.self" => owner,
};

/// What the gateway's own key is derived for; another text is another key.
const PURPOSE: &str = "bulkhead gateway identity 1";
/// The owner's id, as clients know it.
const OWNER: &str = "gateway-owner";
/// Where it stands since when the owner is known.
const SINCE: &str = "owner.since";

/// The public half of the gateway's own key. The key follows from the secret that device tokens follow from, so it stays
/// the same as long as those do, and is stored nowhere.
pub(super) async fn identity(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let secret = gateway.credentials.get(&SecretId::device_key()).ok_or_else(|| {
        ErrorShape::unavailable_retryable(
            "the gateway has no key of its own yet: its secrets are not here; unlock the keychain, or run `bulkhead doctor`",
            Some(5000),
        )
    })?;
    let key = DeviceKey::derived(&secret, PURPOSE);
    Reply::json(&GatewayIdentity { device_id: key.id(), public_key: key.public_key() })
}

/// Whoever may call is the owner or acts for them: there is nobody else.
pub(super) async fn owner(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let kept = gateway.store.kv();
    let since =
        if let Some(since) = kept.get(SINCE).await.map_err(store_failed)?.and_then(|value| value.as_i64()) {
            since
        } else {
            let now = gateway.store.now();
            kept.set(SINCE, &json!(now)).await.map_err(store_failed)?;
            now
        };
    Reply::json(&UsersSelfResult {
        profile: UserProfile {
            id: OWNER.to_owned(),
            display_name: None,
            avatar_mime: None,
            merged_into: None,
            created_at: since,
            updated_at: since,
            emails: Vec::new(),
            github_identity: None,
            has_avatar: false,
        },
    })
}
