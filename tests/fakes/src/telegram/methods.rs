//! The methods of the API: what they take, what they do to a bot, how they refuse.

use serde_json::{Value, json};

use super::bot::{Bot, BotMessage, PressAnswer, Revision, message_object};
use super::html;

/// Characters that a message may have.
const TEXT_LIMIT: usize = 4096;
/// Characters that the answer to a pressed button may have.
const PRESS_TEXT_LIMIT: usize = 200;

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) description: String,
    pub(super) retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: u16, description: impl Into<String>) -> Self {
        Self { status, description: description.into(), retry_after: None }
    }

    fn bad(description: impl std::fmt::Display) -> Self {
        Self::new(400, format!("Bad Request: {description}"))
    }
}

type Outcome = Result<Value, Refusal>;

/// Every method but `getUpdates`, which waits. Names are compared without case, as the real server does.
pub(super) fn call(bot: &mut Bot, method: &str, params: &Value, now: u64) -> Outcome {
    match method.to_ascii_lowercase().as_str() {
        "getme" => Ok(bot.user()),
        "deletewebhook" => {
            bot.webhook = None;
            if params["drop_pending_updates"] == true {
                bot.updates.clear();
            }
            Ok(true.into())
        }
        "setwebhook" => {
            bot.webhook = params["url"].as_str().filter(|url| !url.is_empty()).map(str::to_owned);
            Ok(true.into())
        }
        "getwebhookinfo" => Ok(json!({
            "url": bot.webhook.clone().unwrap_or_default(),
            "has_custom_certificate": false,
            "pending_update_count": bot.updates.len(),
        })),
        "setmycommands" => set_commands(bot, params),
        "getmycommands" => {
            let scope = scope_of(bot, params)?;
            Ok(bot.commands.get(&scope).cloned().unwrap_or_else(|| Value::Array(Vec::new())))
        }
        "deletemycommands" => {
            bot.commands.remove(&scope_of(bot, params)?);
            Ok(true.into())
        }
        "sendmessage" => send(bot, params, now),
        "editmessagetext" => edit(bot, params, now),
        "editmessagereplymarkup" => edit_buttons(bot, params, now),
        "deletemessage" => {
            let (chat_id, message_id) = (chat_of(bot, params)?, message_id_of(params)?);
            let message =
                find(bot, chat_id, message_id).ok_or_else(|| Refusal::bad("message to delete not found"))?;
            message.deleted = true;
            Ok(true.into())
        }
        "sendchataction" => {
            chat_of(bot, params)?;
            match params["action"].as_str() {
                Some("typing" | "upload_photo" | "record_voice" | "upload_voice" | "upload_document") => {
                    Ok(true.into())
                }
                _ => Err(Refusal::bad("wrong parameter action in request")),
            }
        }
        "answercallbackquery" => answer_press(bot, params),
        "getchat" => {
            let chat_id = chat_of(bot, params)?;
            Ok(bot.chats.get(&chat_id).cloned().unwrap_or_default())
        }
        _ => Err(Refusal::new(404, "Not Found: method not found")),
    }
}

/// The scope's name; one of a single chat carries its id.
fn scope_of(bot: &Bot, params: &Value) -> Result<String, Refusal> {
    let scope = json_param(&params["scope"]);
    let kind = scope["type"].as_str().unwrap_or("default");
    if kind != "chat" {
        return Ok(kind.to_owned());
    }
    let chat_id = integer(&scope["chat_id"]).ok_or_else(|| Refusal::bad("can't parse BotCommandScope"))?;
    if !bot.chats.contains_key(&chat_id) {
        return Err(Refusal::bad("chat not found"));
    }
    Ok(format!("chat:{chat_id}"))
}

/// Ends the spinner of a button that was pressed; once for each press.
fn answer_press(bot: &mut Bot, params: &Value) -> Outcome {
    let query = params["callback_query_id"].as_str().unwrap_or_default();
    let invalid = || Refusal::bad("query is too old and response timeout expired or query ID is invalid");
    let text = params["text"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    if text.as_ref().is_some_and(|text| text.encode_utf16().count() > PRESS_TEXT_LIMIT) {
        return Err(Refusal::bad("MESSAGE_TOO_LONG"));
    }
    let user = bot.queries.remove(query).ok_or_else(invalid)?;
    let alert = params["show_alert"] == true || params["show_alert"] == "true";
    bot.answers.push(PressAnswer { query: query.to_owned(), user, text, alert });
    Ok(true.into())
}

fn set_commands(bot: &mut Bot, params: &Value) -> Outcome {
    let commands = json_param(&params["commands"]);
    let list = commands.as_array().ok_or_else(|| Refusal::bad("parameter \"commands\" is required"))?;
    if list.len() > 100 {
        return Err(Refusal::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in list {
        let name = command["command"].as_str().unwrap_or_default();
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || name.len() > 32 || !name.chars().all(good) {
            return Err(Refusal::bad("BOT_COMMAND_INVALID"));
        }
        let description = command["description"].as_str().unwrap_or_default();
        if description.is_empty() || description.chars().count() > 256 {
            return Err(Refusal::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    let list = commands.clone();
    let scope = scope_of(bot, params)?;
    bot.commands.insert(scope, list);
    Ok(true.into())
}

fn send(bot: &mut Bot, params: &Value, now: u64) -> Outcome {
    let chat_id = chat_of(bot, params)?;
    let revision = revision(params, now)?;
    let message_id = bot.new_message_id();
    let message =
        BotMessage { message_id, chat_id, now: revision.clone(), revisions: vec![revision], deleted: false };
    let object = message_object(bot, &message);
    bot.messages.push(message);
    Ok(object)
}

fn edit(bot: &mut Bot, params: &Value, now: u64) -> Outcome {
    let (chat_id, message_id) = (chat_of(bot, params)?, message_id_of(params)?);
    let new = revision(params, now)?;
    let message = find(bot, chat_id, message_id).ok_or_else(|| Refusal::bad("message to edit not found"))?;
    let same = message.now.text == new.text
        && message.now.entities == new.entities
        && message.now.reply_markup == new.reply_markup;
    if same {
        return Err(not_modified());
    }
    message.now = new.clone();
    message.revisions.push(new);
    let message = message.clone();
    Ok(message_object(bot, &message))
}

fn revision(params: &Value, now: u64) -> Result<Revision, Refusal> {
    let source = params["text"].as_str().unwrap_or_default().to_owned();
    let parse_mode = params["parse_mode"].as_str().filter(|mode| !mode.is_empty()).map(str::to_owned);
    let (text, entities) = match parse_mode.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => (source.clone(), Vec::new()),
        Some("html") => {
            let parsed = html::parse(&source)
                .map_err(|error| Refusal::bad(format!("can't parse entities: {error}")))?;
            (parsed.text, parsed.entities)
        }
        Some(_) => return Err(Refusal::bad("unsupported parse_mode")),
    };
    let text = text.trim_end().to_owned();
    if text.trim().is_empty() {
        return Err(Refusal::bad("message text is empty"));
    }
    if text.encode_utf16().count() > TEXT_LIMIT {
        return Err(Refusal::bad("message is too long"));
    }
    let reply_markup = buttons(params)?;
    Ok(Revision { text, source, parse_mode, entities, reply_markup, at: now })
}

/// The buttons under a message; what each carries has 1 to 64 bytes.
fn buttons(params: &Value) -> Result<Option<Value>, Refusal> {
    let reply_markup = match json_param(&params["reply_markup"]) {
        Value::Null => None,
        markup => Some(markup),
    };
    if let Some(buttons) = reply_markup.as_ref().and_then(|markup| markup["inline_keyboard"].as_array()) {
        let too_long = buttons.iter().flat_map(|row| row.as_array().into_iter().flatten()).any(|button| {
            button["callback_data"].as_str().is_some_and(|data| data.is_empty() || data.len() > 64)
        });
        if too_long {
            return Err(Refusal::bad("BUTTON_DATA_INVALID"));
        }
    }
    // A keyboard without buttons is none.
    Ok(reply_markup.filter(|markup| markup["inline_keyboard"] != json!([])))
}

/// Other buttons under a message that stays as it is.
fn edit_buttons(bot: &mut Bot, params: &Value, now: u64) -> Outcome {
    let (chat_id, message_id) = (chat_of(bot, params)?, message_id_of(params)?);
    let reply_markup = buttons(params)?;
    let message = find(bot, chat_id, message_id).ok_or_else(|| Refusal::bad("message to edit not found"))?;
    if message.now.reply_markup == reply_markup {
        return Err(not_modified());
    }
    message.now = Revision { reply_markup, at: now, ..message.now.clone() };
    message.revisions.push(message.now.clone());
    let message = message.clone();
    Ok(message_object(bot, &message))
}

fn not_modified() -> Refusal {
    Refusal::bad(
        "message is not modified: specified new message content and reply markup are exactly the same as a current \
         content and reply markup of the message",
    )
}

fn find(bot: &mut Bot, chat_id: i64, message_id: i64) -> Option<&mut BotMessage> {
    bot.messages
        .iter_mut()
        .find(|message| message.chat_id == chat_id && message.message_id == message_id && !message.deleted)
}

fn chat_of(bot: &Bot, params: &Value) -> Result<i64, Refusal> {
    let chat_id = integer(&params["chat_id"]).ok_or_else(|| Refusal::bad("chat_id is empty"))?;
    if bot.blocked.contains(&chat_id) {
        return Err(Refusal::new(403, "Forbidden: bot was blocked by the user"));
    }
    if !bot.chats.contains_key(&chat_id) {
        return Err(Refusal::bad("chat not found"));
    }
    Ok(chat_id)
}

fn message_id_of(params: &Value) -> Result<i64, Refusal> {
    integer(&params["message_id"]).ok_or_else(|| Refusal::bad("message identifier is not specified"))
}

/// A number, written as a number or as text (forms have only text).
pub(super) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// An object or list, written as such or as JSON text (forms have only text).
fn json_param(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        value => value.clone(),
    }
}
