//! Sending what the outbox holds: a placeholder, its id on record, the text by an edit, and the row is gone.
//!
//! Each step can be repeated after a crash. Only between the sending of a placeholder and the recording of its id is
//! there a moment in which a crash leaves one behind: the Bot API offers no way to name a message beforehand.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_killpoint::{Point, reached};
use bulkhead_store::OutboxRow;

use tokio::time::Instant;

use super::api::{Api, Extras, Format};
use super::delivered::Delivered;
use super::line::{CHANNEL, Line, wait_after};
use super::markup::to_html;
use super::placing::place;
use crate::ChannelError;

/// What stands in a chat until the answer does.
pub(super) const PLACEHOLDER: &str = "…";

/// How often a message is tried that the server refuses for reasons of its own.
const REFUSALS: i64 = 3;

/// Longest sleep between two looks; a safeguard only, since every new row wakes it.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Longest sleep while something waits, so that a clock that is set back is noticed soon.
const WAIT_AT_MOST: Duration = Duration::from_secs(5);

/// So much may wall clock and steady clock drift apart between two looks.
const CLOCK_SLACK_MS: i64 = 500;

/// Sends until the line stops.
pub(super) async fn run(line: Arc<Line>) {
    let mut setups = line.setup.subscribe();
    let mut clock = Clock::new(&line);
    // What was to wait by the clock of an earlier run is tried now: that clock may have been another one.
    let mut fresh = true;
    loop {
        if clock.went_back(&line) || fresh {
            fresh = forget_waits(&line).await.is_err();
        }
        let wait = match send_next(&line).await {
            Ok(Some(())) => continue,
            Ok(None) => sleep_until_due(&line).await,
            Err(error) => {
                tracing::error!(channel = CHANNEL, code = error.code(), "{error}");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = line.stop.cancelled() => return,
            () = line.outbox.notified() => {}
            _ = setups.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Tells when the wall clock, by which waits are recorded, was set back.
struct Clock {
    wall: i64,
    steady: Instant,
}

impl Clock {
    fn new(line: &Line) -> Self {
        Self { wall: line.store.now(), steady: Instant::now() }
    }

    fn went_back(&mut self, line: &Line) -> bool {
        let passed = i64::try_from(self.steady.elapsed().as_millis()).unwrap_or(i64::MAX);
        let next = Self::new(line);
        let back = next.wall < self.wall.saturating_add(passed).saturating_sub(CLOCK_SLACK_MS);
        *self = next;
        back
    }
}

async fn forget_waits(line: &Line) -> Result<(), ChannelError> {
    let waited = line.store.outbox().forget_waits(CHANNEL, &line.settings_account()).await?;
    if waited > 0 {
        tracing::debug!(channel = CHANNEL, waited, "messages that waited are tried now");
    }
    Ok(())
}

async fn sleep_until_due(line: &Line) -> Duration {
    if let Some(quiet) = line.quiet_for() {
        return quiet;
    }
    match line.store.outbox().next_due(CHANNEL, &line.settings_account()).await {
        Ok(Some(due)) => {
            let wait = u64::try_from(due.saturating_sub(line.store.now())).unwrap_or(0);
            Duration::from_millis(wait.max(10)).min(WAIT_AT_MOST)
        }
        _ => LOOK_EVERY,
    }
}

/// Sends one row; `None` when nothing may go out now.
async fn send_next(line: &Line) -> Result<Option<()>, ChannelError> {
    if line.stop.is_cancelled() || line.quiet_for().is_some() {
        return Ok(None);
    }
    let Some(api) = line.setup().api.clone() else { return Ok(None) };
    let outbox = line.store.outbox();
    let Some(row) = outbox.claim(CHANNEL, &line.settings_account()).await? else { return Ok(None) };
    let outcome =
        if line.unrecorded.is_out(row.id) { Ok(row.message_id) } else { deliver(line, &api, &row).await };
    match outcome {
        Ok(message_id) => {
            line.note_outbound();
            line.unrecorded.note_out(row.id);
            // Told before the row goes: who finds no row and no outcome takes it for one that went out long ago.
            line.outcomes.tell(row.id, &Delivered::Out(message_id));
            outbox.complete(row.id).await?;
            line.unrecorded.forget(row.id);
        }
        Err(ChannelError::Store(error)) => return Err(error.into()),
        Err(error) => set_back(line, &row, &error).await?,
    }
    Ok(Some(()))
}

/// Decides what becomes of a row that did not go out.
async fn set_back(line: &Line, row: &OutboxRow, error: &ChannelError) -> Result<(), ChannelError> {
    let outbox = line.store.outbox();
    match error {
        ChannelError::TooMany { seconds, .. } => {
            line.keep_quiet(*seconds);
            let wait = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
            outbox.postpone(row.id, line.store.now().saturating_add(wait), &error.to_string()).await?;
        }
        _ if error.is_person_out_of_reach() || (error.refusal().is_some() && row.attempts >= REFUSALS) => {
            tracing::error!(
                channel = CHANNEL,
                outbox = row.id,
                code = error.code(),
                "a message can not be delivered: {error}"
            );
            line.store
                .audit()
                .append(
                    CHANNEL,
                    "outbox.undeliverable",
                    &serde_json::json!({"target": row.target, "why": error.to_string()}),
                )
                .await?;
            line.outcomes.tell(row.id, &Delivered::Refused(error.to_string()));
            outbox.complete(row.id).await?;
        }
        _ => {
            // Somebody deleted the placeholder.
            if error.is_message_gone() {
                line.unrecorded.forget(row.id);
                outbox.clear_message_id(row.id).await?;
            }
            tracing::warn!(channel = CHANNEL, outbox = row.id, code = error.code(), "{error}");
            let due = line.store.now().saturating_add(wait_after(row.attempts));
            outbox.postpone(row.id, due, &error.to_string()).await?;
        }
    }
    Ok(())
}

/// Answers the message's id, if there is a message.
async fn deliver(line: &Line, api: &Api, row: &OutboxRow) -> Result<Option<i64>, ChannelError> {
    let Ok(chat) = row.target.parse::<i64>() else {
        return Err(ChannelError::Refused {
            server: "the outbox".into(),
            method: "sendMessage",
            status: 400,
            description: format!("chat not found: `{}` is no chat id", row.target),
        });
    };
    if row.text.is_empty() {
        return remove(api, chat, row.message_id).await.map(|()| None);
    }
    let place = match row.message_id {
        Some(message_id) => Place::At(message_id),
        None if row.options["direct"] == true => Place::New,
        None => Place::At(place(line, api, chat, row).await?),
    };
    let message_id = put(api, chat, place, &row.text).await?;
    reached(Point::AfterEdit);
    Ok(message_id)
}

/// Where a text goes.
#[derive(Clone, Copy)]
pub(super) enum Place {
    New,
    At(i64),
}

impl Place {
    fn message_id(self) -> Option<i64> {
        match self {
            Self::New => None,
            Self::At(message_id) => Some(message_id),
        }
    }
}

/// Puts a text somewhere as HTML, or as plain text when Telegram cannot take the HTML.
/// Answers the message's id.
pub(super) async fn put(api: &Api, chat: i64, place: Place, text: &str) -> Result<Option<i64>, ChannelError> {
    let html = to_html(text);
    let outcome = if html.trim().is_empty() {
        write(api, chat, place, text, Format::Plain).await
    } else {
        match write(api, chat, place, &html, Format::Html).await {
            Err(error) if is_unreadable(&error) => {
                tracing::warn!(
                    channel = CHANNEL,
                    "the formatted text was refused and goes out as plain text: {error}"
                );
                write(api, chat, place, text, Format::Plain).await
            }
            outcome => outcome,
        }
    };
    match outcome {
        Err(error) if is_unmodified(&error) => Ok(place.message_id()),
        outcome => outcome,
    }
}

async fn write(
    api: &Api,
    chat: i64,
    place: Place,
    text: &str,
    format: Format,
) -> Result<Option<i64>, ChannelError> {
    match place {
        Place::New => api.send(chat, text, format, Extras::default()).await.map(Some),
        Place::At(message_id) => {
            api.edit(chat, message_id, text, format, &[]).await.map(|()| Some(message_id))
        }
    }
}

async fn remove(api: &Api, chat: i64, message_id: Option<i64>) -> Result<(), ChannelError> {
    let Some(message_id) = message_id else { return Ok(()) };
    match api.delete(chat, message_id).await {
        // Gone already, or too old to be deleted.
        Err(error) if error.refusal().is_some() => Ok(()),
        outcome => outcome,
    }
}

fn words(error: &ChannelError) -> String {
    error.refusal().map(|(_, words)| words.to_lowercase()).unwrap_or_default()
}

/// The message says already what it should.
pub(super) fn is_unmodified(error: &ChannelError) -> bool {
    words(error).contains("message is not modified")
}

fn is_unreadable(error: &ChannelError) -> bool {
    let words = words(error);
    words.contains("can't parse entities") || words.contains("message is too long")
}
