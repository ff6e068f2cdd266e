//! What operators ask for on Telegram: commands and buttons. Who may, the engine decides and writes down; here the asking
//! is carried to it, and its answer back.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_channels::{ButtonPress, Command, InboundMessage, PressAnswer};
use bulkhead_rescue::{
    Actor, Ask, ChatKind, DrillKind, Refusal, RefusalKind, RemedyKind, RemedyReply, RemedyRequest,
};
use serde_json::json;

use super::telegram::{self, PREFIX};
use super::words::overview;
use crate::clock;
use crate::gateway::Gateway;

/// Telegram shows a pressed button as busy for as long: what takes longer goes on without it.
const PRESS_PATIENCE: Duration = Duration::from_secs(4);

/// Who asks, by what the messenger says of the one who wrote or pressed.
fn actor(user: &str, is_private: bool) -> Actor {
    let chat = if is_private { ChatKind::Private } else { ChatKind::Group };
    Actor { via: telegram::NAME.to_owned(), user: user.to_owned(), chat }
}

/// The remedy that a command stands for.
fn remedy_of(command: &str) -> Option<RemedyKind> {
    Some(match command {
        "restart" => RemedyKind::Restart,
        "rollback" => RemedyKind::Rollback,
        "logs" => RemedyKind::Logs,
        "doctor" => RemedyKind::Doctor,
        "safemode" => RemedyKind::SafeMode,
        _ => return None,
    })
}

const DRILL_QUESTION: &str = "A drill really takes it down: whoever is talking to it is cut off for some seconds.\n\n\
    /drill kill: it is killed, as by a crash, and its supervisor has to bring it back.\n\
    /drill stop: it stands still until it is repaired.\n\nWrite one of them to begin.";

/// Answers a command about the watched gateway. `None`: it is not one, or nothing is watched. An empty answer says
/// nothing: to a group, or because it was said with buttons.
pub(crate) async fn command(
    gateway: &Arc<Gateway>,
    command: &Command,
    message: &InboundMessage,
) -> Option<String> {
    let watched = gateway.rescue.watched()?;
    let by = actor(&message.sender.id, !message.is_group);
    let answer = match command.name.as_str() {
        "rescue" => match may(gateway, &by) {
            Ok(()) => Ok(overview(&watched.handle.view(), clock::now_ms())),
            Err(refusal) => Err(refused(gateway, &by, "rescue.status", refusal).await),
        },
        "drill" => drill(gateway, by.clone(), &command.arguments).await,
        name => {
            let remedy = remedy_of(name)?;
            let version = command.arguments.split_whitespace().next().map(str::to_owned);
            let version = version.filter(|_| remedy == RemedyKind::Rollback);
            let ask = Ask::Command { remedy, confirmed: false, version };
            let id = message.run_id.clone();
            match gateway.rescue.request(RemedyRequest { id, by: by.clone(), ask }).await {
                Ok(reply) => Ok(say(gateway, message, reply).await),
                Err(refusal) => Err(refusal),
            }
        }
    };
    Some(answer.unwrap_or_else(|refusal| for_chat(&refusal)))
}

/// What an operator sees beside the status of this gateway itself.
pub(crate) fn status_line(gateway: &Gateway, message: &InboundMessage) -> Option<String> {
    let watched = gateway.rescue.watched()?;
    may(gateway, &actor(&message.sender.id, !message.is_group)).ok()?;
    Some(overview(&watched.handle.view(), clock::now_ms()))
}

/// A refusal as the chat reads it. A group learns nothing.
fn for_chat(refusal: &Refusal) -> String {
    match refusal.kind {
        RefusalKind::NotPrivate => String::new(),
        _ => refusal.message.clone(),
    }
}

/// Whether somebody may look. What the engine is asked for, it decides itself.
fn may(gateway: &Gateway, by: &Actor) -> Result<(), Refusal> {
    if by.chat != ChatKind::Private {
        return Err(Refusal::new(RefusalKind::NotPrivate, "Only in a private chat."));
    }
    let operators = super::telegram_ids(&gateway.settings.now().config.rescue.operators);
    if by.user.parse().is_ok_and(|user: i64| operators.contains(&user)) {
        return Ok(());
    }
    let message = format!(
        "Only operators may do that. Your user id is {}; whoever runs this gateway makes you one on its machine: \
         bulkhead --profile {} rescue operators add {}",
        by.user,
        gateway.place.name(),
        by.user
    );
    Err(Refusal::new(RefusalKind::NotAnOperator, message))
}

/// Writes down what the engine did not see.
async fn refused(gateway: &Gateway, by: &Actor, action: &str, refusal: Refusal) -> Refusal {
    let detail = json!({"result": "refused", "detail": {"why": refusal.kind.code()}});
    if let Err(error) = gateway.store.audit().append(&by.label(), action, &detail).await {
        tracing::warn!(%error, actor = %by.label(), action, why = refusal.kind.code(), "a refusal could not be recorded");
    }
    refusal
}

async fn drill(gateway: &Arc<Gateway>, by: Actor, arguments: &str) -> Result<String, Refusal> {
    if let Err(refusal) = may(gateway, &by) {
        return Err(refused(gateway, &by, "rescue.drill", refusal).await);
    }
    let kind = match arguments.trim() {
        "kill" => DrillKind::Kill,
        "stop" => DrillKind::Stop,
        _ => return Ok(DRILL_QUESTION.to_owned()),
    };
    let (running, chat) = (Arc::clone(gateway), by.user.clone());
    gateway.tasks.spawn(async move {
        let text = match running.rescue.drill(kind, by).await {
            Ok(report) => format!("Drill: {}", report.verdict),
            Err(refusal) => refusal.message,
        };
        tell(&running, None, &chat, &text, &[]).await;
    });
    Ok("The drill begins.".to_owned())
}

/// Carries the engine's reply into the chat: what needs buttons goes at once, the rest is the command's answer.
async fn say(gateway: &Gateway, message: &InboundMessage, reply: RemedyReply) -> String {
    match reply {
        RemedyReply::Accepted { text, .. } => text,
        RemedyReply::Answer { text } => {
            // Log lines are no Markdown.
            tell(gateway, Some(&message.account), &message.peer, &text, &[]).await;
            String::new()
        }
        RemedyReply::Confirm { text, buttons } => {
            tell(gateway, Some(&message.account), &message.peer, &text, &[buttons]).await;
            String::new()
        }
    }
}

/// A press of a button under one of our messages, or of whatever somebody sent in its place.
pub(crate) async fn press(gateway: &Arc<Gateway>, press: ButtonPress) -> PressAnswer {
    let by = actor(&press.sender.id, press.is_private);
    let data = press.data.strip_prefix(PREFIX).unwrap_or(&press.data).to_owned();
    let request = RemedyRequest { id: press.press_id.clone(), by: by.clone(), ask: Ask::Button { data } };
    if gateway.rescue.watched().is_none() {
        let refusal = Refusal::new(RefusalKind::UnknownNonce, "This button belongs to nothing any more.");
        return shown(&refused(gateway, &by, "rescue.button", refusal).await);
    }
    // Looking may take longer than a button may spin: then it comes to rest, and the answer follows.
    let working = Arc::clone(gateway);
    let mut work = gateway.tasks.spawn(async move {
        let reply = working.rescue.request(request).await;
        answer(&working, &press, reply).await
    });
    match tokio::time::timeout(PRESS_PATIENCE, &mut work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => PressAnswer::default(),
        Err(_) => PressAnswer::brief("This takes a moment; the answer follows."),
    }
}

async fn answer(gateway: &Gateway, press: &ButtonPress, reply: Result<RemedyReply, Refusal>) -> PressAnswer {
    let account = Some(press.account.as_str());
    match reply {
        Ok(RemedyReply::Accepted { text, .. }) => PressAnswer::brief(text),
        Ok(RemedyReply::Answer { text }) => {
            tell(gateway, account, &press.peer, &text, &[]).await;
            PressAnswer::default()
        }
        Ok(RemedyReply::Confirm { text, buttons }) => {
            tell(gateway, account, &press.peer, &text, &[buttons]).await;
            PressAnswer::brief("Please confirm.")
        }
        Err(refusal) => shown(&refusal),
    }
}

/// A refusal as the one who pressed sees it. In a group nothing is shown.
fn shown(refusal: &Refusal) -> PressAnswer {
    match refusal.kind {
        RefusalKind::NotPrivate => PressAnswer::default(),
        RefusalKind::NotAnOperator | RefusalKind::OtherOperator => {
            PressAnswer::brief("Only operators may do that.")
        }
        _ => PressAnswer::alert(refusal.message.clone()),
    }
}

/// Says something in a private chat, at once and past the database.
pub(super) async fn tell(
    gateway: &Gateway,
    account: Option<&str>,
    chat: &str,
    text: &str,
    buttons: &[Vec<bulkhead_rescue::Button>],
) {
    let handle = match account {
        Some(account) => gateway.channels.telegram(account),
        None => gateway.channels.telegram_for_alerts().map(|(handle, _)| handle),
    };
    let (Some(handle), Ok(chat)) = (handle, chat.parse::<i64>()) else { return };
    if let Err(error) = telegram::send(&handle, chat, text, buttons, false).await {
        tracing::warn!(%error, chat, "an operator could not be answered");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_menu_is_known() {
        for (name, _) in super::super::COMMANDS {
            let known = remedy_of(name).is_some() || matches!(*name, "rescue" | "status" | "drill");
            assert!(known, "/{name}");
        }
    }

    #[test]
    fn a_group_is_told_nothing_and_the_rest_briefly_or_plainly() {
        let refusal = |kind| Refusal::new(kind, "words");
        assert_eq!(shown(&refusal(RefusalKind::NotPrivate)), PressAnswer::default());
        assert_eq!(for_chat(&refusal(RefusalKind::NotPrivate)), "");
        assert_eq!(shown(&refusal(RefusalKind::Expired)), PressAnswer::alert("words"));
        assert!(!shown(&refusal(RefusalKind::NotAnOperator)).alert);
        assert!(matches!(actor("42", false).chat, ChatKind::Group));
    }
}
