//! `bulkhead message send`: a text to a chat, by the running gateway, which alone holds the bots' tokens.

use bulkhead_protocol::methods::channels::SendParams;
use serde_json::{Value, json};

use super::DONE;
use super::approvals::ask;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::message::{MessageCommand, SendArgs};
use crate::output::paint;
use crate::text_input;

pub fn run(command: MessageCommand, context: &Context) -> Result<u8, Failure> {
    let MessageCommand::Send(args) = command;
    send(&args, context)?;
    Ok(DONE)
}

fn send(args: &SendArgs, context: &Context) -> Result<(), Failure> {
    let message = text_input::read(&args.message, "--message")?;
    if message.trim().is_empty() {
        return Err(Failure::usage("--message: found nothing, expected a text"));
    }
    if args.account.as_ref().is_some_and(|account| account.trim().is_empty()) {
        return Err(Failure::usage(
            "--account: found nothing, expected the name of an account; leave it out for the channel's own",
        ));
    }
    let channel = args.channel.map(|channel| channel.as_str().to_owned());
    let params = SendParams {
        to: args.target.trim().to_owned(),
        message: Some(message),
        channel: channel.clone(),
        account_id: args.account.clone(),
        idempotency_key: uuid::Uuid::new_v4().to_string(),
    };
    let payload = if args.dry_run {
        json!({"to": params.to, "message": params.message, "accountId": params.account_id})
    } else {
        let params = serde_json::to_value(params).unwrap_or_default();
        ask(context, &args.gateway(), "send", params)?
    };
    let sent_on = payload["channel"].as_str().map(str::to_owned).or(channel);
    let mut result = json!({
        "action": "send", "channel": sent_on.unwrap_or_else(|| "telegram".to_owned()), "dryRun": args.dry_run,
        "handledBy": "core", "payload": payload,
    });
    if let Some(id) = payload.get("messageId") {
        result["messageId"] = id.clone();
    }
    context.out.result(&result, || in_words(&result, &args.target));
    Ok(())
}

fn in_words(result: &Value, target: &str) -> String {
    let payload = &result["payload"];
    let channel = result["channel"].as_str().unwrap_or_default();
    let chat = target.trim().strip_prefix(channel).and_then(|rest| rest.strip_prefix(':')).unwrap_or(target);
    let to = paint::strong(&format!("{channel} {chat}"));
    if result["dryRun"] == true {
        return format!("would send to {to}:\n{}", payload["message"].as_str().unwrap_or_default());
    }
    match payload.get("messageId") {
        Some(Value::String(id)) => format!("{} to {to}, message {id}", paint::good("sent")),
        _ => format!("{} to {to}: it is on its way", paint::good("accepted")),
    }
}
