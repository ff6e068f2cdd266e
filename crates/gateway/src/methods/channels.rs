//! `channels.status`: how each account of each channel does.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Call;
use crate::clock;
use crate::gateway::Gateway;
use crate::health::{labels, order};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "channels.status" => status,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    channel: Option<String>,
}

/// Every account, or those of one channel.
pub(super) async fn status(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: Params = call.params()?;
    let mut views = gateway.channels.views();
    if let Some(only) = &params.channel {
        views.retain(|view| view.channel == only);
    }
    let mut channels = Map::new();
    let mut accounts: Map<String, Value> = Map::new();
    let mut defaults = Map::new();
    let mut meta: Vec<Value> = Vec::new();
    let mut issues: Vec<Value> = Vec::new();
    for view in &views {
        let value = view.to_value();
        channels.entry(view.channel).or_insert_with(|| value.clone());
        if let Value::Array(list) = accounts.entry(view.channel).or_insert_with(|| json!([])) {
            list.push(value);
        }
        defaults.entry(view.channel).or_insert_with(|| view.account.clone().into());
        if !meta.iter().any(|one| one["id"] == view.channel) {
            meta.push(json!({"id": view.channel, "label": view.label, "detailLabel": view.label}));
        }
        if let Some(error) = &view.last_error {
            issues.push(json!({"channel": view.channel, "accountId": view.account, "message": error}));
        }
    }
    Reply::json(&json!({
        "ts": clock::now_ms(),
        "channelOrder": order(&views),
        "channelLabels": labels(&views),
        "channelDetailLabels": labels(&views),
        "channelMeta": meta,
        "channels": channels,
        "channelAccounts": accounts,
        "channelDefaultAccountId": defaults,
        "warnings": issues.iter().filter_map(|issue| issue["message"].as_str()).collect::<Vec<_>>(),
    }))
}
