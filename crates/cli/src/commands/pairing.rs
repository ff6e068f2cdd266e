//! `bulkhead pairing …`: through the gateway when it runs, else in its store.

use bulkhead_process::RunRecord;
use bulkhead_profile::Place;
use bulkhead_store::{Store, StoreError};
use serde::Serialize;
use serde_json::{Value, json};

use super::DONE;
use crate::asking;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::gateway::Target;
use crate::grammar::simple::PairingCommand;
use crate::output::{paint, table};

pub fn run(command: PairingCommand, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let running = RunRecord::read_running(&place.run_record_path()).is_some();
    match command {
        PairingCommand::List { channel } => list(context, &place, running, channel.as_deref()),
        PairingCommand::Approve { channel, code, notify, operator } => {
            let channel = channel.to_lowercase();
            let sender = approve(context, &place, running, &channel, &code, notify)?;
            // Only here, on this machine: nobody becomes an operator by a message.
            let operators = if operator {
                Some(super::rescue::operators::add_to(&place, std::slice::from_ref(&sender))?)
            } else {
                None
            };
            told(context, &channel, &sender, operators);
            Ok(DONE)
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    channel: String,
    account: String,
    sender_id: String,
    sender_label: String,
    code: Option<String>,
    created_at: Value,
    expires_at: Value,
}

fn list(context: &Context, place: &Place, running: bool, channel: Option<&str>) -> Result<u8, Failure> {
    let rows = context.block_on(async {
        if running { asked(context, channel).await } else { stored(place, channel).await }
    })?;
    context.out.result(&json!({ "ok": true, "requests": rows }), || {
        if rows.is_empty() {
            return "Nobody waits for approval.".to_owned();
        }
        let rows = rows.iter().map(|row| {
            [
                row.channel.clone(),
                row.account.clone(),
                row.sender_label.clone(),
                row.code.clone().unwrap_or_default(),
            ]
        });
        table::rows(["channel", "account", "who", "code"], rows)
    });
    Ok(DONE)
}

async fn asked(context: &Context, channel: Option<&str>) -> Result<Vec<Row>, Failure> {
    let door = asking::door(context, &Target::default()).await?;
    let (client, _) = door.enter(door.cli()).await?;
    let answer = client.request("channels.pairing.list", json!({ "channel": channel })).await?;
    client.close().await;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let rows = answer["requests"].as_array().into_iter().flatten();
    Ok(rows
        .map(|row| Row {
            channel: text(row, "channel"),
            account: text(row, "accountId"),
            sender_id: text(row, "senderId"),
            sender_label: text(row, "senderLabel"),
            code: row["metadata"]["code"].as_str().map(str::to_owned),
            created_at: row["createdAt"].clone(),
            expires_at: row["expiresAt"].clone(),
        })
        .collect())
}

async fn stored(place: &Place, channel: Option<&str>) -> Result<Vec<Row>, Failure> {
    if !place.database_path().exists() {
        return Ok(Vec::new());
    }
    let store = Store::open(place.database_path())?;
    let requests = store.pairings().list(channel).await?;
    store.close().await;
    Ok(requests
        .into_iter()
        .map(|request| {
            let known =
                ["displayName", "name", "username"].iter().find_map(|name| request.meta[name].as_str());
            Row {
                sender_label: known.unwrap_or(&request.sender).to_owned(),
                channel: request.channel,
                account: request.account,
                sender_id: request.sender,
                code: Some(request.code),
                created_at: json!(request.created_at),
                expires_at: json!(request.expires_at),
            }
        })
        .collect())
}

fn approve(
    context: &Context,
    place: &Place,
    running: bool,
    channel: &str,
    code: &str,
    notify: bool,
) -> Result<String, Failure> {
    let unknown = || {
        Failure::failed(
            "pairing.unknown-code",
            format!(
                "no request with this code waits on {channel} for profile {}: expected one of the last hour; see `bulkhead --profile {} \
                 pairing list`, or let them write to the bot again",
                place.name(),
                place.name()
            ),
        )
    };
    context.block_on(async {
        if !running {
            if !place.database_path().exists() {
                return Err(unknown());
            }
            let store = Store::open(place.database_path())?;
            let approved = store.pairings().approve(channel, code, "cli").await;
            store.close().await;
            return match approved {
                Ok(sender) => Ok(sender.sender),
                Err(StoreError::NotFound { .. }) => Err(unknown()),
                Err(error) => Err(error.into()),
            };
        }
        let door = asking::door(context, &Target::default()).await?;
        let (client, _) = door.enter(door.cli()).await?;
        let params = json!({ "channel": channel, "requestId": code, "code": code, "notify": notify });
        let answer = client.request("channels.pairing.approve", params).await;
        client.close().await;
        match answer {
            Ok(answer) => Ok(answer["senderId"].as_str().unwrap_or_default().to_owned()),
            Err(bulkhead_client::ClientError::Request { error, .. })
                if error.code == bulkhead_protocol::ErrorCode::InvalidRequest =>
            {
                Err(unknown())
            }
            Err(error) => Err(error.into()),
        }
    })
}

fn told(context: &Context, channel: &str, sender: &str, operators: Option<Vec<String>>) {
    let mut result = json!({ "ok": true, "channel": channel, "senderId": sender });
    let is_operator = operators.is_some();
    if let Some(operators) = operators {
        result["operators"] = operators.into();
    }
    context.out.result(&result, || {
        let more =
            if is_operator { ", is told when the watched gateway is down, and may repair it" } else { "" };
        format!("{} {sender} may now talk to the agent on {channel}{more}", paint::good("approved"))
    });
}
