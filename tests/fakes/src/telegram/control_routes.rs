//! The control API over HTTP, under `/control/bots`: what [`BotControl`] offers, for tests in other languages.
//! `{bot}` is a bot's id or token; bodies and answers are JSON.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::control::{BotControl, TelegramControl};
use super::fault::PlannedFault;

pub(super) fn router() -> Router<TelegramControl> {
    Router::new()
        .route("/", get(list_bots).post(add_bot))
        .route("/{bot}/say", post(say))
        .route("/{bot}/press", post(press))
        .route("/{bot}/updates", post(push_update))
        .route("/{bot}/messages", get(messages))
        .route("/{bot}/calls", get(calls))
        .route("/{bot}/faults", post(plan).delete(clear_faults))
        .route("/{bot}/release", post(release))
        .route("/{bot}/revoke", post(revoke))
        .route("/{bot}/block", post(block))
        .route("/{bot}/polled", get(polled))
}

type Controlled = Result<Json<Value>, (StatusCode, String)>;

fn find(control: &TelegramControl, bot: &str) -> Result<BotControl, (StatusCode, String)> {
    control
        .bot(bot)
        .ok_or_else(|| (StatusCode::NOT_FOUND, format!("no bot `{bot}`; POST /control/bots adds one")))
}

fn done() -> Json<Value> {
    Json(json!({"ok": true}))
}

#[derive(Deserialize)]
struct NewBot {
    token: String,
    #[serde(default)]
    username: Option<String>,
}

async fn add_bot(State(control): State<TelegramControl>, Json(new): Json<NewBot>) -> Controlled {
    let username = new.username.unwrap_or_else(|| "fake_bot".into());
    let bot = control.add_bot(&new.token, &username);
    Ok(Json(json!({"ok": true, "id": bot.token().split(':').next()})))
}

async fn list_bots(State(control): State<TelegramControl>) -> Controlled {
    let bots: Vec<_> = control
        .lock()
        .values()
        .map(|bot| {
            json!({
                "id": bot.id,
                "username": bot.username,
                "waitingUpdates": bot.updates.len(),
                "polled": bot.waiting > 0,
                "messages": bot.messages.len(),
                "calls": bot.calls.len(),
                "commands": bot.commands,
            })
        })
        .collect();
    Ok(Json(json!({"ok": true, "bots": bots})))
}

#[derive(Deserialize)]
struct Said {
    from: i64,
    text: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    group: Option<i64>,
}

async fn say(
    State(control): State<TelegramControl>,
    Path(bot): Path<String>,
    Json(said): Json<Said>,
) -> Controlled {
    let bot = find(&control, &bot)?;
    let update = match (said.group, said.name) {
        (Some(group), _) => bot.say_in_group(said.from, group, &said.text),
        (None, Some(name)) => bot.say_as(said.from, &name, &said.text),
        (None, None) => bot.say(said.from, &said.text),
    };
    Ok(Json(json!({"ok": true, "updateId": update})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pressed {
    from: i64,
    message_id: i64,
    data: String,
    #[serde(default)]
    group: Option<i64>,
}

async fn press(
    State(control): State<TelegramControl>,
    Path(bot): Path<String>,
    Json(pressed): Json<Pressed>,
) -> Controlled {
    let bot = find(&control, &bot)?;
    let update = match pressed.group {
        Some(group) => bot.press_in_group(pressed.from, group, pressed.message_id, &pressed.data),
        None => bot.press(pressed.from, pressed.message_id, &pressed.data),
    };
    Ok(Json(json!({"ok": true, "updateId": update})))
}

async fn push_update(
    State(control): State<TelegramControl>,
    Path(bot): Path<String>,
    Json(update): Json<Value>,
) -> Controlled {
    let update = find(&control, &bot)?.push_update(update);
    Ok(Json(json!({"ok": true, "updateId": update})))
}

/// What to wait for, and how long.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    #[serde(default)]
    chat: Option<i64>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    contains: Option<String>,
    #[serde(default)]
    count: usize,
    #[serde(default = "half_a_minute")]
    timeout_ms: u64,
}

fn half_a_minute() -> u64 {
    30_000
}

/// Messages of the bot. With `count` or `contains` it waits until there are so many that match, at most `timeoutMs`.
async fn messages(
    State(control): State<TelegramControl>,
    Path(bot): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Controlled {
    let bot = find(&control, &bot)?;
    let matching = |bot: &BotControl| {
        let mut messages = bot.messages();
        messages.retain(|message| {
            wanted.chat.is_none_or(|chat| message.chat_id == chat)
                && wanted.contains.as_ref().is_none_or(|part| message.now.text.contains(part))
        });
        messages
    };
    let count = wanted.count.max(usize::from(wanted.contains.is_some()));
    let enough = |bot: &BotControl| Some(matching(bot)).filter(|messages| messages.len() >= count);
    let found = bot.wait(Duration::from_millis(wanted.timeout_ms), enough).await;
    let timed_out = found.is_none();
    let messages = found.unwrap_or_else(|| matching(&bot));
    Ok(Json(json!({"ok": true, "timedOut": timed_out, "messages": messages})))
}

/// Calls of the bot. With `count` it waits until there are so many that match and were answered.
async fn calls(
    State(control): State<TelegramControl>,
    Path(bot): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Controlled {
    let bot = find(&control, &bot)?;
    let matching = |bot: &BotControl| {
        let mut calls = bot.calls();
        calls.retain(|call| wanted.method.as_ref().is_none_or(|method| call.method == *method));
        calls
    };
    let enough = |bot: &BotControl| {
        Some(matching(bot))
            .filter(|calls| calls.iter().filter(|call| call.status != 0).count() >= wanted.count)
    };
    let found = bot.wait(Duration::from_millis(wanted.timeout_ms), enough).await;
    let timed_out = found.is_none();
    let calls = found.unwrap_or_else(|| matching(&bot));
    Ok(Json(json!({"ok": true, "timedOut": timed_out, "calls": calls})))
}

/// Waits until the bot waits in `getUpdates` with an empty queue.
async fn polled(
    State(control): State<TelegramControl>,
    Path(bot): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Controlled {
    let bot = find(&control, &bot)?;
    let quiet = |bot: &BotControl| (bot.is_polled() && bot.waiting_updates() == 0).then_some(());
    let polled = bot.wait(Duration::from_millis(wanted.timeout_ms), quiet).await.is_some();
    Ok(Json(json!({"ok": true, "polled": polled})))
}

async fn plan(
    State(control): State<TelegramControl>,
    Path(bot): Path<String>,
    Json(fault): Json<PlannedFault>,
) -> Controlled {
    find(&control, &bot)?.plan(fault);
    Ok(done())
}

async fn clear_faults(State(control): State<TelegramControl>, Path(bot): Path<String>) -> Controlled {
    find(&control, &bot)?.clear_faults();
    Ok(done())
}

async fn release(State(control): State<TelegramControl>, Path(bot): Path<String>) -> Controlled {
    find(&control, &bot)?.release();
    Ok(done())
}

#[derive(Deserialize)]
struct Switch {
    #[serde(default = "on")]
    on: bool,
    #[serde(default)]
    user: i64,
}

fn on() -> bool {
    true
}

async fn revoke(
    State(control): State<TelegramControl>,
    Path(bot): Path<String>,
    Json(switch): Json<Switch>,
) -> Controlled {
    find(&control, &bot)?.revoke(switch.on);
    Ok(done())
}

async fn block(
    State(control): State<TelegramControl>,
    Path(bot): Path<String>,
    Json(switch): Json<Switch>,
) -> Controlled {
    find(&control, &bot)?.block(switch.user, switch.on);
    Ok(done())
}
