//! The Bot API over HTTP: one call, one answer, one error without the token.
//!
//! What is sent are frankenstein's types. What is read is narrower: only the fields that are used, so that a new kind
//! of update or a field of another form never costs a message.

use std::time::Duration;

use frankenstein::ParseMode;
use frankenstein::methods::{
    AnswerCallbackQueryParams, DeleteMessageParams, DeleteMyCommandsParams, DeleteWebhookParams,
    EditMessageReplyMarkupParams, EditMessageTextParams, GetUpdatesParams, SendChatActionParams,
    SendMessageParams, SetMyCommandsParams,
};
use frankenstein::types::{
    AllowedUpdate, BotCommand, BotCommandScope, BotCommandScopeChat, ChatAction, ChatId,
    InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyMarkup,
};
use reqwest::{Client, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::connection::{client, origin, parse_root, well_formed};
use super::settings::{DEFAULT_API_ROOT, TelegramSettings};
use crate::ChannelError;
use crate::channel::{Button, PressAnswer};

/// How long the server may hold a poll.
pub(super) const POLL_SECONDS: u32 = 30;
/// How long a poll may take in all.
const POLL_TIMEOUT: Duration = Duration::from_secs(45);
/// How long any other call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes that an answer may have. A full batch of 100 updates stays far below.
const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Characters of a server's words that are repeated.
const WORDS_LIMIT: usize = 300;
/// Characters that a person who pressed a button may be shown.
const PRESS_TEXT_LIMIT: usize = 200;
/// Longest wait that a 429 may impose.
const LONGEST_WAIT: u64 = 3600;

/// Who a bot is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotIdentity {
    /// Its user id.
    pub id: u64,
    /// Its user name, without `@`.
    #[serde(default)]
    pub username: Option<String>,
    /// The name that people see.
    #[serde(rename(deserialize = "first_name"), default)]
    pub name: String,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    ok: bool,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    retry_after: Option<u64>,
}

#[derive(Deserialize)]
struct SentMessage {
    message_id: i32,
}

/// How a text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Html,
    Plain,
}

impl Format {
    fn parse_mode(self) -> Option<ParseMode> {
        (self == Self::Html).then_some(ParseMode::Html)
    }
}

/// What a message may have besides its text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extras<'a> {
    pub(super) buttons: &'a [Vec<Button>],
    /// Without a sound.
    pub(super) silent: bool,
}

/// A bot on a server.
pub(super) struct Api {
    http: Client,
    root: String,
    server: String,
    token: SecretString,
}

impl Api {
    pub(super) fn new(settings: &TelegramSettings) -> Result<Self, ChannelError> {
        let token = settings.bot_token.clone();
        if !well_formed(token.expose_secret()) {
            return Err(ChannelError::MalformedToken);
        }
        let root = settings.api_root.as_deref().map(str::trim).filter(|root| !root.is_empty());
        let root = root.unwrap_or(DEFAULT_API_ROOT).trim_end_matches('/');
        let url = parse_root(root)?;
        let http = client(&url, settings.proxy.as_ref())?;
        Ok(Self { http, root: root.to_owned(), server: origin(&url), token })
    }

    pub(super) async fn get_me(&self) -> Result<BotIdentity, ChannelError> {
        self.call("getMe", &serde_json::json!({}), CALL_TIMEOUT).await
    }

    pub(super) async fn delete_webhook(&self) -> Result<(), ChannelError> {
        let params = DeleteWebhookParams::builder().drop_pending_updates(false).build();
        self.done("deleteWebhook", &params).await
    }

    /// Replaces the menu of commands, everywhere.
    pub(super) async fn set_commands(
        &self,
        private: &[(&str, &str)],
        groups: &[(&str, &str)],
    ) -> Result<(), ChannelError> {
        for scope in [None, Some(BotCommandScope::AllGroupChats)] {
            let params = DeleteMyCommandsParams::builder().maybe_scope(scope).build();
            self.done("deleteMyCommands", &params).await?;
        }
        for (scope, commands) in [(None, private), (Some(BotCommandScope::AllGroupChats), groups)] {
            let params = SetMyCommandsParams::builder().commands(menu(commands)).maybe_scope(scope).build();
            self.done("setMyCommands", &params).await?;
        }
        Ok(())
    }

    /// Gives one private chat a menu of its own.
    pub(super) async fn set_commands_of(
        &self,
        chat: i64,
        commands: &[(&str, &str)],
    ) -> Result<(), ChannelError> {
        let params = SetMyCommandsParams::builder().commands(menu(commands)).scope(only(chat)).build();
        self.done("setMyCommands", &params).await
    }

    /// Gives one private chat the menu of everybody again.
    pub(super) async fn forget_commands_of(&self, chat: i64) -> Result<(), ChannelError> {
        let params = DeleteMyCommandsParams::builder().scope(only(chat)).build();
        self.done("deleteMyCommands", &params).await
    }

    /// Updates from `offset` on, each as it came.
    pub(super) async fn get_updates(
        &self,
        offset: Option<i64>,
        hold: u32,
    ) -> Result<Vec<Value>, ChannelError> {
        let params = GetUpdatesParams::builder()
            .maybe_offset(offset)
            .limit(100)
            .timeout(hold)
            .allowed_updates(vec![AllowedUpdate::Message, AllowedUpdate::CallbackQuery])
            .build();
        self.call("getUpdates", &params, POLL_TIMEOUT).await
    }

    /// Sends a message and returns its id.
    pub(super) async fn send(
        &self,
        chat: i64,
        text: &str,
        format: Format,
        extras: Extras<'_>,
    ) -> Result<i64, ChannelError> {
        let params = SendMessageParams::builder()
            .chat_id(chat)
            .text(text)
            .maybe_parse_mode(format.parse_mode())
            .link_preview_options(no_preview())
            .maybe_disable_notification(extras.silent.then_some(true))
            .maybe_reply_markup(keyboard(extras.buttons).map(ReplyMarkup::InlineKeyboardMarkup))
            .build();
        let sent: SentMessage = self.call("sendMessage", &params, CALL_TIMEOUT).await?;
        Ok(sent.message_id.into())
    }

    /// Gives a message another text, and exactly these buttons.
    pub(super) async fn edit(
        &self,
        chat: i64,
        message_id: i64,
        text: &str,
        format: Format,
        buttons: &[Vec<Button>],
    ) -> Result<(), ChannelError> {
        let params = EditMessageTextParams::builder()
            .chat_id(chat)
            .message_id(id(message_id))
            .text(text)
            .maybe_parse_mode(format.parse_mode())
            .link_preview_options(no_preview())
            .maybe_reply_markup(keyboard(buttons))
            .build();
        self.done("editMessageText", &params).await
    }

    /// Gives a message exactly these buttons; its text stays.
    pub(super) async fn edit_buttons(
        &self,
        chat: i64,
        message_id: i64,
        buttons: &[Vec<Button>],
    ) -> Result<(), ChannelError> {
        let params = EditMessageReplyMarkupParams::builder()
            .chat_id(chat)
            .message_id(id(message_id))
            .maybe_reply_markup(keyboard(buttons))
            .build();
        self.done("editMessageReplyMarkup", &params).await
    }

    /// Lets a pressed button come to rest.
    pub(super) async fn answer_press(&self, query: &str, answer: &PressAnswer) -> Result<(), ChannelError> {
        let text = answer.text.as_ref().map(|text| text.chars().take(PRESS_TEXT_LIMIT).collect::<String>());
        let params = AnswerCallbackQueryParams::builder()
            .callback_query_id(query)
            .maybe_text(text)
            .show_alert(answer.alert)
            .build();
        self.done("answerCallbackQuery", &params).await
    }

    pub(super) async fn delete(&self, chat: i64, message_id: i64) -> Result<(), ChannelError> {
        let params = DeleteMessageParams::builder().chat_id(chat).message_id(id(message_id)).build();
        self.done("deleteMessage", &params).await
    }

    pub(super) async fn typing(&self, chat: i64) -> Result<(), ChannelError> {
        let params = SendChatActionParams::builder().chat_id(chat).action(ChatAction::Typing).build();
        self.done("sendChatAction", &params).await
    }

    async fn done<P: Serialize>(&self, method: &'static str, params: &P) -> Result<(), ChannelError> {
        self.call::<_, Value>(method, params, CALL_TIMEOUT).await.map(drop)
    }

    async fn call<P: Serialize, R: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &P,
        timeout: Duration,
    ) -> Result<R, ChannelError> {
        let address = format!("{}/bot{}/{method}", self.root, self.token.expose_secret());
        let sent = self.http.post(address).timeout(timeout).json(params).send().await;
        let response = sent.map_err(|error| self.unreachable(method, error))?;
        let status = response.status().as_u16();
        let body = self.read(method, response).await?;
        let not_the_api = |reason: String| ChannelError::NotTheApi {
            server: self.server.clone(),
            method,
            status,
            reason: self.scrub(&reason),
        };
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(&body) else {
            // Whatever stands in between may have trouble too.
            return Err(match status {
                500.. => self.refusal(method, status, "no answer of the Bot API", None),
                300..400 => not_the_api("a redirect, which is not followed".into()),
                _ => not_the_api("the body is not JSON of the expected form".into()),
            });
        };
        match envelope.result {
            Some(result) if envelope.ok => serde_json::from_str(result.get())
                .map_err(|error| not_the_api(format!("unexpected result: {error}"))),
            _ => {
                let description = envelope.description.unwrap_or_default();
                Err(self.refusal(method, status, &description, envelope.parameters.retry_after))
            }
        }
    }

    async fn read(&self, method: &'static str, mut response: Response) -> Result<Vec<u8>, ChannelError> {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(method, error))? {
            if body.len() + chunk.len() > BODY_LIMIT {
                let reason = format!("more than {BODY_LIMIT} bytes");
                return Err(ChannelError::NotTheApi { server: self.server.clone(), method, status, reason });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn refusal(
        &self,
        method: &'static str,
        status: u16,
        description: &str,
        retry_after: Option<u64>,
    ) -> ChannelError {
        let server = self.server.clone();
        let description = self.scrub(description);
        match (status, retry_after) {
            (401, _) => ChannelError::BadToken { status, server },
            // The server answers 404 to a token of the wrong form.
            (404, _) if method == "getMe" => ChannelError::BadToken { status, server },
            (409, _) => ChannelError::Conflict { server, description },
            (429, seconds) | (_, seconds @ Some(_)) => {
                ChannelError::TooMany { server, method, seconds: seconds.unwrap_or(5).clamp(1, LONGEST_WAIT) }
            }
            (500.., _) => ChannelError::Server { server, method, status, description },
            _ => ChannelError::Refused { server, method, status, description },
        }
    }

    fn unreachable(&self, method: &'static str, error: reqwest::Error) -> ChannelError {
        // The address holds the token: it goes before anything else is done with the error.
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let words = cause.to_string();
            if !reason.contains(&words) {
                reason = format!("{reason}: {words}");
            }
            source = cause.source();
        }
        ChannelError::Unreachable { server: self.server.clone(), method, reason: self.scrub(&reason) }
    }

    /// Takes the token out of words that came from elsewhere (error pages like to repeat the path), and shortens them.
    fn scrub(&self, words: &str) -> String {
        let token = self.token.expose_secret();
        let mut words = words.replace(token, "<bot token>");
        // The part behind the colon is the secret one; with the colon encoded it stands alone.
        if let Some((_, secret)) = token.split_once(':').filter(|(_, secret)| secret.len() >= 6) {
            words = words.replace(secret, "<bot token>");
        }
        if let Some((end, _)) = words.char_indices().nth(WORDS_LIMIT) {
            words.truncate(end);
            words.push('…');
        }
        words
    }
}

/// Asks the server who the token belongs to; for the wizard and the doctor.
pub async fn check_token(
    api_root: Option<&str>,
    bot_token: &SecretString,
    proxy: Option<&SecretString>,
) -> Result<BotIdentity, ChannelError> {
    let settings = TelegramSettings {
        api_root: api_root.map(str::to_owned),
        proxy: proxy.cloned(),
        ..TelegramSettings::new(bot_token.clone())
    };
    Api::new(&settings)?.get_me().await
}

fn menu(commands: &[(&str, &str)]) -> Vec<BotCommand> {
    let command = |(name, description): &(&str, &str)| {
        BotCommand::builder().command(*name).description(*description).build()
    };
    commands.iter().map(command).collect()
}

fn only(chat: i64) -> BotCommandScope {
    BotCommandScope::Chat(BotCommandScopeChat::builder().chat_id(ChatId::Integer(chat)).build())
}

/// The buttons as the API has them; `None` without any.
fn keyboard(rows: &[Vec<Button>]) -> Option<InlineKeyboardMarkup> {
    let button = |button: &Button| {
        InlineKeyboardButton::builder().text(&button.label).callback_data(&button.data).build()
    };
    let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(button).collect::<Vec<_>>()).collect();
    let rows: Vec<Vec<_>> = rows.into_iter().filter(|row| !row.is_empty()).collect();
    (!rows.is_empty()).then(|| InlineKeyboardMarkup::builder().inline_keyboard(rows).build())
}

/// Telegram would fetch what an answer links to; nobody asked for that.
fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions::builder().is_disabled(true).build()
}

fn id(message_id: i64) -> i32 {
    i32::try_from(message_id).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(root: &str) -> Api {
        let settings = TelegramSettings {
            api_root: Some(root.into()),
            ..TelegramSettings::new("777000111:very-secret_token".into())
        };
        Api::new(&settings).unwrap()
    }

    #[test]
    fn words_from_elsewhere_lose_the_token() {
        let api = api("http://127.0.0.1:1");
        let words = api
            .scrub("The URL /bot777000111:very-secret_token/getMe and /bot777000111%3Avery-secret_token/x");
        assert!(!words.contains("very-secret"), "{words}");
        assert!(api.scrub(&"x".repeat(1000)).chars().count() <= WORDS_LIMIT + 1);
    }

    #[test]
    fn refusals_are_told_apart() {
        let api = api("http://127.0.0.1:1");
        let code = |method, status, retry| api.refusal(method, status, "words", retry).code();
        assert_eq!(code("getMe", 401, None), "telegram-bad-token");
        assert_eq!(code("getMe", 404, None), "telegram-bad-token");
        assert_eq!(code("editMessageText", 404, None), "telegram-refused");
        assert_eq!(code("getUpdates", 409, None), "telegram-conflict");
        assert_eq!(code("sendMessage", 429, Some(3)), "telegram-too-many-requests");
        assert_eq!(code("sendMessage", 502, None), "telegram-server-trouble");
        assert_eq!(code("sendMessage", 400, None), "telegram-refused");
    }

    #[tokio::test]
    async fn a_refused_connection_names_the_server_and_not_the_token() {
        let error = api("http://127.0.0.1:1").get_me().await.unwrap_err();
        let words = format!("{error} {error:?}");
        assert!(words.contains("http://127.0.0.1:1"), "{words}");
        assert!(!words.contains("very-secret"), "{words}");
    }
}
