//! `channels.status`: how each account of each channel does.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_channels::Delivered;
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::channels::{ChannelsAccountParams, SendParams};
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Call, actor};
use crate::clock;
use crate::config_edit::{Base, Change};
use crate::delivery::{ChannelName, chat_of, read_channel};
use crate::gateway::Gateway;
use crate::health::{labels, order};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "channels.status" => status,
    "channels.start" => start,
    "channels.stop" => stop,
    "channels.logout" => logout,
    "send" => send,
};

/// The one channel so far.
const TELEGRAM: &str = "telegram";
/// Its symbol, by the name that clients know symbols by.
const SYMBOL: &str = "paperplane";
/// How long a sender waits until a message is out.
const SEND_PATIENCE: Duration = Duration::from_secs(15);
/// Longest text that is sent.
const LONGEST: usize = 64 * 1024;

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
    let mut symbols = Map::new();
    let mut issues: Vec<Value> = Vec::new();
    for view in &views {
        let value = view.to_value();
        channels.entry(view.channel).or_insert_with(|| value.clone());
        if let Value::Array(list) = accounts.entry(view.channel).or_insert_with(|| json!([])) {
            list.push(value);
        }
        if !meta.iter().any(|one| one["id"] == view.channel) {
            meta.push(json!({
                "id": view.channel, "label": view.label, "detailLabel": view.label, "systemImage": SYMBOL,
            }));
            symbols.insert(view.channel.to_owned(), SYMBOL.into());
        }
        if let Some(error) = &view.last_error {
            issues.push(json!({
                "channel": view.channel, "accountId": view.account, "kind": "runtime", "message": error,
            }));
        }
    }
    if !views.is_empty()
        && let Some(account) = gateway.default_account()
    {
        defaults.insert(TELEGRAM.to_owned(), account.into());
    }
    Reply::json(&json!({
        "ts": clock::now_ms(),
        "channelOrder": order(&views),
        "channelLabels": labels(&views),
        "channelDetailLabels": labels(&views),
        "channelSystemImages": symbols,
        "channelMeta": meta,
        "channels": channels,
        "channelAccounts": accounts,
        "channelDefaultAccountId": defaults,
        "statusIssues": issues,
        "warnings": issues.iter().filter_map(|issue| issue["message"].as_str()).collect::<Vec<_>>(),
    }))
}

/// The accounts that a request means: the named one, or all.
fn meant(gateway: &Gateway, call: &Call<'_>) -> Result<Vec<String>, ErrorShape> {
    let params: ChannelsAccountParams = call.params()?;
    let method = call.spec.name;
    let known = gateway.channels.telegram_accounts();
    if params.channel != TELEGRAM || known.is_empty() {
        return Err(ErrorShape::invalid_request(format!(
            "invalid {method} channel: found {:?}, expected a channel that channels.status shows",
            params.channel
        )));
    }
    match params.account_id.filter(|account| !account.trim().is_empty()) {
        None => Ok(known),
        Some(account) if known.contains(&account) => Ok(vec![account]),
        Some(account) => Err(ErrorShape::invalid_request(format!(
            "invalid {method} accountId: found {account:?}, expected one of {}",
            known.join(", ")
        ))),
    }
}

/// The account that an answer names.
fn named(gateway: &Gateway, accounts: &[String]) -> String {
    match accounts {
        [one] => one.clone(),
        _ => gateway.default_account().unwrap_or_default(),
    }
}

/// Starts accounts that were stopped by hand.
async fn start(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let accounts = meant(gateway, &call)?;
    gateway.set_accounts_stopped(&accounts, false).await;
    let account = named(gateway, &accounts);
    let started = accounts.iter().all(|account| gateway.channels.runs(account));
    Reply::json(&json!({"channel": TELEGRAM, "accountId": account, "started": started}))
}

/// Stops accounts until they are started again, or the gateway is.
async fn stop(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let accounts = meant(gateway, &call)?;
    gateway.set_accounts_stopped(&accounts, true).await;
    let account = named(gateway, &accounts);
    Reply::json(&json!({"channel": TELEGRAM, "accountId": account, "stopped": true}))
}

/// Takes the token of one account out of the configuration. The secret itself stays where it is stored: this gateway
/// cannot open that.
async fn logout(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let account = named(gateway, &meant(gateway, &call)?);
    let change =
        Change { actor: &actor(&call), action: "channels.logout", base: Base::Present, note: Some(&account) };
    let own = format!("channels.telegram.accounts[{}].botToken", json!(account));
    let is_default = account == "default";
    let changed = gateway
        .change_config(change, move |document| {
            if !document.unset(&own)? && is_default {
                document.unset("channels.telegram.botToken")?;
            }
            Ok(())
        })
        .await?;
    let cleared = !changed.paths.is_empty();
    Reply::json(&json!({
        "channel": TELEGRAM, "accountId": account, "cleared": cleared, "loggedOut": cleared, "envToken": false,
    }))
}

/// Sends a text, once for each key, and waits a while until it is out.
async fn send(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SendParams = call.params()?;
    let key = params.idempotency_key.as_str();
    if key.is_empty() || key.len() > 256 {
        return Err(ErrorShape::invalid_request("idempotencyKey: expected 1 to 256 bytes"));
    }
    let refused = |field: &str, problem: String| ErrorShape::invalid_request(format!("{field}: {problem}"));
    if read_channel(params.channel.as_deref()).map_err(|problem| refused("channel", problem))?
        == Some(ChannelName::Internal)
    {
        return Err(refused("channel", "found webchat, expected a channel such as telegram".to_owned()));
    }
    let chat = chat_of(&params.to).map_err(|problem| refused("to", problem))?;
    let chat = chat.as_str();
    let text = params.message.as_deref().unwrap_or_default();
    if text.trim().is_empty() || text.len() > LONGEST {
        return Err(ErrorShape::invalid_request(format!(
            "message: found {} bytes, expected some text of at most {LONGEST} bytes; media cannot be sent",
            text.len()
        )));
    }
    let account = params.account_id.clone().or_else(|| gateway.default_account()).ok_or_else(|| {
        ErrorShape::invalid_request(
            "Channel is required: no channel is configured; `bulkhead onboard` adds one",
        )
    })?;
    let record = format!("{TELEGRAM}:{account}:{key}");
    match gateway.channels.send_once(&account, &record, chat, text, SEND_PATIENCE).await {
        None => Err(ErrorShape::unavailable(format!(
            "Telegram account {account:?} does not run; channels.status says why"
        ))),
        Some(Err(error)) => Err(ErrorShape::unavailable(error.to_string())),
        Some(Ok(Delivered::Refused(why))) => Err(ErrorShape::invalid_request(why)),
        Some(Ok(Delivered::Waiting)) => {
            Err(ErrorShape::unavailable("the message is on record and goes out as soon as Telegram takes it")
                .with_detail_code("OUTBOUND_DELIVERY_QUEUED"))
        }
        Some(Ok(Delivered::Out(message_id))) => {
            let mut sent = json!({"runId": key, "channel": TELEGRAM, "accountId": account, "chatId": chat});
            if let Some(message_id) = message_id {
                sent["messageId"] = message_id.to_string().into();
            }
            Reply::json(&sent)
        }
    }
}
