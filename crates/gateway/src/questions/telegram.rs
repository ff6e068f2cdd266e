//! Questions in a private chat on Telegram: buttons for a choice, or the next message as the answer.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use bulkhead_channels::{ButtonPress, InboundMessage, PressAnswer};
use bulkhead_store::Question;
use serde_json::{Map, Value, json};

use super::form::{labels, read_answer};
use crate::gateway::Gateway;
use crate::prompts::{Pressed, PrivateChat, Prompt};

fn subject(id: &str) -> String {
    format!("question:{id}")
}

/// Asks in the chat of the session, if it is somebody's private one.
pub(super) async fn show(gateway: &Arc<Gateway>, question: &Question) {
    let Some(key) = &question.session_key else { return };
    let Ok(Some(session)) = gateway.store.sessions().get(key).await else { return };
    let (Some("telegram"), Some(account), Some(peer)) =
        (session.channel.as_deref(), session.account.as_deref(), session.peer.as_deref())
    else {
        return;
    };
    let Some(person) = peer.parse::<i64>().ok().filter(|person| *person > 0) else { return };
    let list = question.questions.as_array().map(Vec::as_slice).unwrap_or_default();
    let rows = match list {
        [one] if one["multiSelect"] != true => {
            labels(one).map(|label| vec![(label.to_owned(), label.to_owned())]).collect()
        }
        _ => Vec::new(),
    };
    let prompt = Prompt {
        subject: subject(&question.id),
        text: in_words(list),
        rows,
        expires_at: question.expires_at,
    };
    let chat = PrivateChat { account: account.to_owned(), person };
    gateway.show_prompt(&prompt, &BTreeSet::from([chat])).await;
    if let Ok(Some(now)) = gateway.store.questions().get(&question.id).await
        && now.status != "pending"
    {
        settle(gateway, &now).await;
    }
}

fn in_words(questions: &[Value]) -> String {
    let mut text = String::new();
    for question in questions {
        let _ = writeln!(text, "{}", question["question"].as_str().unwrap_or_default());
        for (at, option) in question["options"].as_array().into_iter().flatten().enumerate() {
            let _ = write!(text, "{}. {}", at + 1, option["label"].as_str().unwrap_or_default());
            match option["description"].as_str() {
                Some(description) => {
                    let _ = writeln!(text, ": {description}");
                }
                None => text.push('\n'),
            }
        }
        text.push('\n');
    }
    text.push_str(match questions {
        [one] if one["multiSelect"] == true => "Write numbers or your own answers, with commas between them.",
        [_] => "Choose, or write your own answer.",
        _ => "Write one line for each.",
    });
    text
}

/// Says in the message that asked how it ended.
pub(super) async fn settle(gateway: &Arc<Gateway>, over: &Question) {
    let list = over.questions.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = String::new();
    for question in list {
        let _ = writeln!(text, "{}", question["question"].as_str().unwrap_or_default());
        let given = over
            .answers
            .as_ref()
            .and_then(|answers| answers["answers"][question["questionId"].as_str()?].as_array().cloned());
        let given: Vec<&str> = given.iter().flatten().filter_map(Value::as_str).collect();
        if !given.is_empty() {
            let _ = writeln!(text, "→ {}", given.join(", "));
        }
    }
    text.push_str(match over.status.as_str() {
        "answered" => "",
        "expired" => "\nNobody answered in time.",
        _ => "\nNo longer asked.",
    });
    gateway.settle_prompt(&subject(&over.id), text.trim_end()).await;
}

/// A press of an option.
pub(crate) async fn press(
    gateway: &Arc<Gateway>,
    press: &ButtonPress,
    pressed: &Pressed,
    id: &str,
) -> PressAnswer {
    let found = gateway.store.questions().get(id).await.ok().flatten();
    let key = found.as_ref().and_then(|found| found.questions[0]["questionId"].as_str());
    let Some(key) = key else { return PressAnswer::brief("This is no longer asked.") };
    let mut answers = Map::new();
    answers.insert(key.to_owned(), json!([pressed.choice]));
    match gateway.answer_question(id, &answers, Some(format!("telegram:{}", press.sender.id))).await {
        Ok(_) => PressAnswer::default(),
        Err(error) => PressAnswer::alert(error.message),
    }
}

/// A message as the answer to what its session waits for. `None`: nothing is asked there.
pub(crate) async fn answer_in_chat(
    gateway: &Arc<Gateway>,
    session_key: &str,
    message: &InboundMessage,
) -> Option<String> {
    let id = gateway.questions.waits_in(session_key)?;
    let question = gateway.store.questions().get(&id).await.ok().flatten()?;
    let list = question.questions.as_array()?;
    let text = message.text.trim();
    let lines: Vec<&str> = if list.len() == 1 {
        vec![text]
    } else {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
    };
    if lines.len() != list.len() {
        return Some(format!("I asked {} things: write one line for each.", list.len()));
    }
    let mut answers = Map::new();
    for (one, line) in list.iter().zip(lines) {
        answers.insert(one["questionId"].as_str()?.to_owned(), read_answer(one, line).into());
    }
    let by = Some(format!("telegram:{}", message.sender.id));
    match gateway.answer_question(&id, &answers, by).await {
        Ok(_) => Some(String::new()),
        Err(error) => Some(error.message),
    }
}
