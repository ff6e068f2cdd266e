//! Approvals on Telegram: who is asked, in which words, and what a tap or a command says.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use bulkhead_channels::{ButtonPress, Command, InboundMessage, PressAnswer};
use bulkhead_store::{Approval, ApprovalStatus};
use serde_json::{Value, json};

use super::people::{approvers, owner_of_chat, owners};
use super::{Resolver, wire};
use crate::gateway::Gateway;
use crate::prompts::{Pressed, PrivateChat, Prompt};

/// Characters of a command that a message shows.
const SHOWN: usize = 2500;

/// What an approval is as the subject of a prompt.
fn subject(id: &str) -> String {
    format!("approval:{id}")
}

/// Asks on Telegram, where there is somebody to ask.
pub(super) async fn show(gateway: &Arc<Gateway>, approval: &Approval) {
    let chats = recipients(gateway, approval);
    if chats.is_empty() {
        return;
    }
    let row = wire::allowed_decisions(approval)
        .into_iter()
        .map(|decision| (label(decision).to_owned(), decision.to_owned()))
        .collect();
    let prompt = Prompt {
        subject: subject(&approval.id),
        text: question(approval),
        rows: vec![row],
        expires_at: approval.expires_at,
    };
    gateway.show_prompt(&prompt, &chats).await;
    // Answered elsewhere while it went out.
    if let Ok(Some(now)) = gateway.store.approvals().get(&approval.id).await
        && now.status != ApprovalStatus::Pending
    {
        settle(gateway, &now).await;
    }
}

/// The chat of the conversation, if it is an owner's; else those who are configured to be asked.
fn recipients(gateway: &Gateway, approval: &Approval) -> BTreeSet<PrivateChat> {
    let settings = gateway.settings.now();
    let source = |name: &str| approval.request.get(name).and_then(Value::as_str);
    if source("turnSourceChannel") == Some("telegram") {
        let person = source("turnSourceTo").and_then(|peer| owner_of_chat(&settings.config, peer));
        return person
            .map(|person| PrivateChat {
                account: source("turnSourceAccountId").unwrap_or("default").to_owned(),
                person,
            })
            .into_iter()
            .collect();
    }
    let Some(account) = gateway.channels.telegram_for_alerts().map(|(_, bot)| bot) else {
        return BTreeSet::new();
    };
    let account = account.split('#').next().unwrap_or(&account).to_owned();
    approvers(&settings.config)
        .into_iter()
        .map(|person| PrivateChat { account: account.clone(), person })
        .collect()
}

fn label(decision: &str) -> &'static str {
    match decision {
        "allow-once" => "Allow once",
        "allow-always" => "Always",
        _ => "Deny",
    }
}

fn question(approval: &Approval) -> String {
    let text = |name: &str| approval.request.get(name).and_then(Value::as_str).unwrap_or_default();
    let what = if approval.kind == "plugin" { "A program asks. Allow it?" } else { "Allow this command?" };
    let mut question = format!("{what}\n\n{}\n", cut(&wire::question(approval)));
    for (title, value) in [
        ("In", text("cwd")),
        ("Agent", approval.agent_id.as_deref().unwrap_or_default()),
        ("Why", text("warningText")),
    ] {
        if !value.is_empty() {
            let _ = write!(question, "\n{title}: {value}");
        }
    }
    let minutes = (approval.expires_at - approval.created_at).max(0) / 60_000;
    let id: String = approval.id.chars().take(8).collect();
    let _ = write!(question, "\nGood for {} min. Or write: /approve {id} allow-once", minutes.max(1));
    question
}

fn cut(command: &str) -> String {
    if command.chars().count() <= SHOWN {
        return command.to_owned();
    }
    let shown: String = command.chars().take(SHOWN).collect();
    format!("{shown}\n[… cut here: look at all of it in the app before you allow it]")
}

/// Says in the messages that asked how it ended.
pub(super) async fn settle(gateway: &Arc<Gateway>, over: &Approval) {
    let text = format!("{}\n\n{}", cut(&wire::question(over)), outcome(over));
    gateway.settle_prompt(&subject(&over.id), &text).await;
}

fn outcome(over: &Approval) -> String {
    let by = wire::resolved_by(over).map_or_else(String::new, |by| format!(" by {by}"));
    match (over.status, over.decision.as_deref(), over.reason.as_deref()) {
        (ApprovalStatus::Allowed, Some("allow-always"), _) => format!("✅ Always allowed{by}"),
        (ApprovalStatus::Allowed, ..) => format!("✅ Allowed once{by}"),
        (ApprovalStatus::Denied, ..) => format!("⛔ Denied{by}"),
        (ApprovalStatus::Expired, ..) => "⌛ Nobody answered in time; it did not run.".to_owned(),
        (_, _, Some("gateway-restart")) => "The gateway was restarted; it did not run.".to_owned(),
        _ => "The answer was stopped; it did not run.".to_owned(),
    }
}

fn by_person(name: &str, id: &str) -> Resolver {
    let label = if name.is_empty() { id.to_owned() } else { name.to_owned() };
    Resolver { kind: "channel", id: Some(format!("telegram:{id}")), label: Some(label) }
}

/// A press of one of our buttons.
pub(crate) async fn press(
    gateway: &Arc<Gateway>,
    press: &ButtonPress,
    pressed: &Pressed,
    id: &str,
) -> PressAnswer {
    // Who was an owner when the button was made may not be one now.
    let owner =
        press.sender.id.parse().is_ok_and(|id: i64| owners(&gateway.settings.now().config).contains(&id));
    if !owner {
        let detail = json!({"result": "refused", "detail": {"why": "not-an-owner", "approval": id}});
        let actor = format!("telegram:{}", press.sender.id);
        let _ = gateway.store.audit().append(&actor, "approval.button", &detail).await;
        return PressAnswer::brief("Only owners may answer this.");
    }
    let by = by_person(&press.sender.name, &press.sender.id);
    answer(gateway, id, &pressed.choice, &by).await.map_or_else(PressAnswer::alert, PressAnswer::brief)
}

async fn answer(gateway: &Arc<Gateway>, id: &str, decision: &str, by: &Resolver) -> Result<String, String> {
    match gateway.resolve_approval(id, decision, by).await {
        Ok((over, true)) => Ok(outcome(&over)),
        Ok((over, false)) => Err(format!("This was answered before: {}", outcome(&over))),
        Err(error) => Err(error.message),
    }
}

/// `/approve ID allow-once|allow-always|deny`, and `/approve` alone for what waits. `None`: another command. In a group
/// nothing is said.
pub(crate) async fn command(
    gateway: &Arc<Gateway>,
    command: &Command,
    message: &InboundMessage,
) -> Option<String> {
    if command.name != "approve" {
        return None;
    }
    if message.is_group {
        return Some(String::new());
    }
    let owner =
        message.sender.id.parse().is_ok_and(|id: i64| owners(&gateway.settings.now().config).contains(&id));
    if !owner {
        let detail = json!({"result": "refused", "detail": {"why": "not-an-owner"}});
        let actor = format!("telegram:{}", message.sender.id);
        let _ = gateway.store.audit().append(&actor, "approval.command", &detail).await;
        return Some(format!(
            "Only owners may answer approvals. Your user id is {}; it belongs into commands.ownerAllowFrom of the \
             configuration, on the machine itself.",
            message.sender.id
        ));
    }
    let pending = match gateway.store.approvals().pending().await {
        Ok(pending) => pending,
        Err(error) => return Some(error.to_string()),
    };
    let mut words = command.arguments.split_whitespace();
    let (Some(id), Some(decision)) = (words.next(), words.next()) else {
        return Some(waiting(&pending));
    };
    let decision = match decision {
        "once" | "allow" => "allow-once",
        "always" => "allow-always",
        other => other,
    };
    let found: Vec<&Approval> = match pending.iter().find(|one| one.id == id) {
        Some(exact) => vec![exact],
        None => pending.iter().filter(|one| id.len() >= 6 && one.id.starts_with(id)).collect(),
    };
    let full = match found.as_slice() {
        [one] => one.id.clone(),
        [] => id.to_owned(),
        _ => return Some("That is the beginning of several; write more of the id.".to_owned()),
    };
    let by = by_person(&message.sender.name, &message.sender.id);
    Some(answer(gateway, &full, decision, &by).await.unwrap_or_else(|error| error))
}

fn waiting(pending: &[Approval]) -> String {
    if pending.is_empty() {
        return "Nothing waits for an answer.".to_owned();
    }
    let mut text = "Write /approve ID allow-once, allow-always or deny. These wait:".to_owned();
    for one in pending.iter().take(10) {
        let command: String = wire::question(one).chars().take(200).collect();
        let id: String = one.id.chars().take(8).collect();
        let _ = write!(text, "\n\n{id}\n{command}");
    }
    text
}
