//! `bulkhead channels status`

use bulkhead_config::GatewayMode;
use bulkhead_protocol::methods::channels::{ChannelAccount, ChannelsStatusParams, ChannelsStatusResult};
use serde_json::{Value, json};

use crate::asking;
use crate::context::{Context, config};
use crate::error::Failure;
use crate::grammar::channels::Channel;
use crate::grammar::gateway::Target;
use crate::output::table;

pub(super) fn run(
    context: &Context,
    channel: Option<Channel>,
    probe: bool,
    target: &Target,
) -> Result<(), Failure> {
    let asked: Result<Value, Failure> = context.block_on(async {
        let door = asking::door(context, target).await?;
        let (client, _) = door.enter(door.cli()).await?;
        let patience = u64::try_from(door.patience.as_millis()).ok();
        let channel = channel.map(|channel| channel.as_str().to_owned());
        let params = ChannelsStatusParams { probe: Some(probe), timeout_ms: patience, channel };
        let answer = client.request("channels.status", params).await?;
        client.close().await;
        Ok(answer)
    });
    match asked {
        Ok(answer) => context.out.result(&answer, || text(&answer)),
        // Nobody runs there: what the file says is still worth knowing.
        Err(failure) if failure.code == "client.refused" && target.url.is_none() => {
            of_file(context, &failure)?;
        }
        Err(failure) => return Err(failure),
    }
    Ok(())
}

/// What the configuration alone says of channels.
fn of_file(context: &Context, failure: &Failure) -> Result<(), Failure> {
    let place = context.place()?;
    let config = config(&place)?.config;
    let channels: &[&str] = if config.channels.telegram.is_on() { &["telegram"] } else { &[] };
    let mode = if config.gateway.mode == Some(GatewayMode::Remote) { "remote" } else { "local" };
    context.out.note(&failure.message);
    let result = json!({
        "gatewayReachable": false, "error": failure.message, "configOnly": true,
        "config": {"path": place.config_path(), "mode": mode}, "configuredChannels": channels,
    });
    context.out.result(&result, || match channels {
        [] => "No channel is configured; `bulkhead channels add telegram` adds a bot.".to_owned(),
        channels => {
            format!("By the configuration: {}. Nobody could be asked how they are.", channels.join(", "))
        }
    });
    Ok(())
}

fn text(answer: &Value) -> String {
    let Ok(status) = serde_json::from_value::<ChannelsStatusResult>(answer.clone()) else {
        return serde_json::to_string_pretty(answer).unwrap_or_default();
    };
    let rows: Vec<[String; 4]> = status
        .channel_order
        .iter()
        .flat_map(|channel| {
            let label = status.channel_labels.get(channel).unwrap_or(channel).clone();
            let accounts = status.channel_accounts.get(channel).cloned().unwrap_or_default();
            accounts.into_iter().map(move |account| row(&label, &account))
        })
        .collect();
    if rows.is_empty() {
        return "No channel is configured; `bulkhead channels add telegram` adds a bot.".to_owned();
    }
    table::rows(["channel", "account", "state", "detail"], rows)
}

fn row(label: &str, account: &ChannelAccount) -> [String; 4] {
    let state = if account.enabled == Some(false) {
        "off"
    } else if account.configured == Some(false) {
        "not configured"
    } else if account.last_error.is_some() {
        "trouble"
    } else if account.running == Some(true) {
        "running"
    } else {
        "stopped"
    };
    let bot = account.more.get("bot").and_then(|bot| bot["username"].as_str().or(bot.as_str()));
    let detail =
        account.last_error.clone().or_else(|| bot.map(|name| format!("@{name}"))).unwrap_or_default();
    let name = account.name.clone().unwrap_or_else(|| account.account_id.clone());
    [label.to_owned(), name, state.to_owned(), detail]
}
