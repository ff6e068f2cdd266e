//! `channels.pairing.*`: strangers who wait, and letting them in.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::{ALLOWED_PENDING, CODE_LIFETIME_MS, PairingRequest};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Call, store_failed};
use crate::clock;
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "channels.pairing.list" => list,
    "channels.pairing.approve" => approve,
    "channels.pairing.dismiss" => dismiss,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParams {
    channel: Option<String>,
    account_id: Option<String>,
}

/// Everybody who waits with a good code.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ListParams = call.params()?;
    let mut waiting = gateway.store.pairings().list(params.channel.as_deref()).await.map_err(store_failed)?;
    if let Some(account) = &params.account_id {
        waiting.retain(|request| account_of(request) == account);
    }
    let accounts: Vec<Value> = gateway
        .channels
        .views()
        .iter()
        .filter(|view| params.channel.as_deref().is_none_or(|channel| channel == view.channel))
        .map(|view| {
            let mut row = json!({
                "channel": view.channel, "channelLabel": view.label, "accountId": view.account, "notifySupported": true,
            });
            if let Some(name) = &view.bot {
                row["accountLabel"] = format!("@{name}").into();
            }
            row
        })
        .collect();
    let operators =
        gateway.store.pairings().allowed(params.channel.as_deref()).await.map_err(store_failed)?;
    Reply::json(&json!({
        "accounts": accounts,
        "requests": waiting.iter().map(row).collect::<Vec<_>>(),
        "commandOwnerConfigured": !operators.is_empty(),
        "limits": {"pendingPerAccount": ALLOWED_PENDING, "ttlMs": CODE_LIFETIME_MS},
    }))
}

/// A request's id: what names it for good, without its code.
fn request_id(request: &PairingRequest) -> String {
    format!("{}:{}:{}", request.channel, request.account, request.sender)
}

/// The account's name; the store adds the bot's id, since another bot has other strangers.
fn account_of(request: &PairingRequest) -> &str {
    request.account.split('#').next().unwrap_or(&request.account)
}

fn row(request: &PairingRequest) -> Value {
    let at = |ms: i64| clock::rfc3339(u64::try_from(ms).unwrap_or(0));
    let text = |name: &str| request.meta.get(name).and_then(Value::as_str);
    let label =
        text("displayName").or_else(|| text("name")).or_else(|| text("username")).unwrap_or(&request.sender);
    let mut metadata: Map<String, Value> = match &request.meta {
        Value::Object(map) => map.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.into()))).collect(),
        _ => Map::new(),
    };
    metadata.insert("code".to_owned(), request.code.clone().into());
    json!({
        "requestId": request_id(request),
        "channel": request.channel,
        "channelLabel": label_of(&request.channel),
        "accountId": account_of(request),
        "senderId": request.sender,
        "senderLabel": label,
        "metadata": metadata,
        "createdAt": at(request.created_at),
        "lastSeenAt": at(request.created_at),
        "expiresAt": at(request.expires_at),
        "notifySupported": true,
    })
}

fn label_of(channel: &str) -> String {
    if channel == "telegram" { "Telegram".to_owned() } else { channel.to_owned() }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerParams {
    channel: String,
    account_id: Option<String>,
    /// The id from the list, or the code that the stranger was told.
    request_id: Option<String>,
    code: Option<String>,
    #[serde(default)]
    notify: bool,
}

/// Lets a stranger in, by request id or by code.
pub(super) async fn approve(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AnswerParams = call.params()?;
    let request = find(gateway, &params).await?;
    let actor = super::actor(&call);
    gateway.store.pairings().approve(&request.channel, &request.code, &actor).await.map_err(|error| {
        match error {
            bulkhead_store::StoreError::NotFound { .. } => gone(&params),
            other => store_failed(other),
        }
    })?;
    let notification = if params.notify {
        let text = "You are paired. Send a message, and I will answer.";
        match gateway.channels.notify(&request.channel, &request.account, &request.sender, text).await {
            Ok(()) => "sent",
            Err(error) => {
                tracing::warn!(%error, "the paired sender could not be told");
                "failed"
            }
        }
    } else {
        "not-requested"
    };
    Reply::json(&json!({
        "requestId": request_id(&request),
        "senderId": request.sender,
        "notification": notification,
        "commandOwnerBootstrap": "not-requested",
    }))
}

/// Turns a stranger away.
pub(super) async fn dismiss(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AnswerParams = call.params()?;
    let request = find(gateway, &params).await?;
    gateway.store.pairings().reject(&request.channel, &request.code).await.map_err(store_failed)?;
    Reply::json(&json!({"requestId": request_id(&request), "senderId": request.sender}))
}

async fn find(gateway: &Gateway, params: &AnswerParams) -> Result<PairingRequest, ErrorShape> {
    let waiting = gateway.store.pairings().list(Some(&params.channel)).await.map_err(store_failed)?;
    let code = params.code.as_deref().or(params.request_id.as_deref()).map(str::trim);
    waiting
        .into_iter()
        .filter(|request| params.account_id.as_ref().is_none_or(|account| account == account_of(request)))
        .find(|request| {
            params.request_id.as_deref() == Some(request_id(request).as_str())
                || code.is_some_and(|code| code.eq_ignore_ascii_case(&request.code))
        })
        .ok_or_else(|| gone(params))
}

fn gone(params: &AnswerParams) -> ErrorShape {
    let what = params.request_id.as_deref().or(params.code.as_deref()).unwrap_or("nothing");
    ErrorShape::invalid_request(format!(
        "no pairing request {what:?} waits on {}: codes are good for an hour; channels.pairing.list shows those that wait",
        params.channel
    ))
}
