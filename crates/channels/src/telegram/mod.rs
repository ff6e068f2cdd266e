//! Telegram, by long polling.
//!
//! The way of a message, top to bottom: [`poll`] receives and records it, [`dispatch`] decides and hands it out,
//! [`reply`] shows the answer while it grows and records it, [`delivery`] brings it out. A pressed button goes by
//! [`press`]; what must be said although nothing can be recorded goes by [`direct`].

mod access;
mod api;
mod commands;
mod connection;
mod delivered;
mod delivery;
mod direct;
mod dispatch;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod groups;
mod line;
mod markup;
mod menus;
mod once;
mod placing;
mod poll;
mod press;
mod reply;
mod settings;
mod split;
mod table;
mod update;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_store::Store;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

pub use access::{Access, WhoAsks, access};
pub use api::{BotIdentity, check_token};
pub use delivered::Delivered;
pub use groups::Groups;
pub use menus::{Menu, Menus};
pub use settings::{DEFAULT_API_ROOT, TelegramSettings};

use crate::channel::{Channel, ChannelState, ChannelStatus};
use crate::{ChannelError, InboundHandler};
use api::Api;
use dispatch::Dispatch;
use line::{CHANNEL, Line, Setup};

/// How long a stop waits for calls that were begun.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at the outbox while it is being emptied.
const FLUSH_PAUSE: Duration = Duration::from_millis(50);

/// Starts accounts.
#[derive(Debug, Clone, Copy)]
pub struct Telegram;

/// A running account.
#[derive(Clone)]
pub struct TelegramHandle {
    line: Arc<Line>,
    account: String,
    answers: TaskTracker,
}

impl std::fmt::Debug for TelegramHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TelegramHandle").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Telegram {
    /// Starts an account and returns at once; its status tells how it goes. What the last run left unfinished is taken
    /// up first. Must be called on a Tokio runtime.
    pub fn start(
        settings: TelegramSettings,
        store: Store,
        handler: Arc<dyn InboundHandler>,
    ) -> TelegramHandle {
        let account = settings.account.clone();
        let line = Arc::new(Line::new(settings.clone(), store, handler));
        let dispatch = Arc::new(Dispatch::new(line.clone()));
        let answers = dispatch.answers.clone();
        let running = line.clone();
        line.tasks.spawn(async move {
            // Reading certificates takes a while: not on the caller's time.
            connect(&running, settings).await;
            running.tasks.spawn(delivery::run(running.clone()));
            running.tasks.spawn(menus::run(running.clone()));
            poll::run(running, dispatch).await;
        });
        TelegramHandle { line, account, answers }
    }
}

/// Builds the connection for these settings and makes both current.
async fn connect(line: &Line, settings: TelegramSettings) {
    let built = {
        let settings = settings.clone();
        tokio::task::spawn_blocking(move || Api::new(&settings)).await
    };
    let api = match built {
        Ok(Ok(api)) => Some(Arc::new(api)),
        Ok(Err(error)) => {
            line.tell_trouble(&error);
            None
        }
        Err(_) => None,
    };
    line.setup.send_replace(Arc::new(Setup { settings, api }));
}

impl TelegramHandle {
    /// How the account stands, now and whenever that changes.
    pub fn status(&self) -> watch::Receiver<ChannelStatus> {
        self.line.status.subscribe()
    }

    /// Applies other settings: rules at once, another bot or way to it by connecting anew. Answers that are being
    /// written go on.
    pub async fn reload(&self, settings: TelegramSettings) {
        let present = self.line.setup();
        if present.settings.same_connection(&settings) && present.api.is_some() {
            let api = present.api.clone();
            self.line.setup.send_replace(Arc::new(Setup { settings, api }));
        } else {
            self.line.status.send_modify(|status| status.bot = None);
            self.line.tell(ChannelState::Starting, None, "connecting with new settings");
            connect(&self.line, settings).await;
        }
        self.line.outbox.notify_one();
    }

    /// Records a message to a chat; it goes out as soon as Telegram takes it, also after a crash.
    pub async fn send(&self, chat: &str, text: &str) -> Result<(), ChannelError> {
        for part in self.parts(chat, text) {
            self.line.store.outbox().enqueue(part).await?;
        }
        self.wake();
        Ok(())
    }

    /// Stops receiving, and waits at most so long until every answer that is being written is out. Then [`stop`]s.
    ///
    /// [`stop`]: TelegramHandle::stop
    pub async fn drain(&self, patience: Duration) {
        self.line.drain.cancel();
        self.answers.close();
        let drained = async {
            self.answers.wait().await;
            self.flushed().await;
        };
        if tokio::time::timeout(patience, drained).await.is_err() {
            tracing::warn!(channel = CHANNEL, "not every answer is out; they go on at the next start");
        }
        self.stop().await;
    }

    /// Waits until every message with final text is out. May wait for ever: the caller sets the limit.
    pub async fn flushed(&self) {
        loop {
            let pending = self.line.store.outbox().pending(CHANNEL, &self.line.settings_account()).await;
            if pending.is_ok_and(|pending| pending.is_empty()) {
                return;
            }
            self.line.outbox.notify_one();
            tokio::time::sleep(FLUSH_PAUSE).await;
        }
    }

    /// Stops receiving and sending, and waits a little for calls that were begun. Whatever is not finished is on disk
    /// and goes on at the next start.
    pub async fn stop(&self) {
        self.line.stop.cancel();
        self.line.tasks.close();
        self.answers.close();
        let ended = async { tokio::join!(self.line.tasks.wait(), self.answers.wait()) };
        if tokio::time::timeout(STOP_PATIENCE, ended).await.is_err() {
            tracing::warn!(
                channel = CHANNEL,
                "answers were still being written; they go on at the next start"
            );
        }
        self.line.tell(ChannelState::Stopped, None, "stopped");
    }
}

#[async_trait]
impl Channel for TelegramHandle {
    fn name(&self) -> &'static str {
        CHANNEL
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn status(&self) -> watch::Receiver<ChannelStatus> {
        self.status()
    }

    async fn send(&self, target: &str, text: &str) -> Result<(), ChannelError> {
        self.send(target, text).await
    }

    async fn stop(&self) {
        self.stop().await;
    }
}
