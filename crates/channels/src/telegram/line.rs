//! What the parts of a running account share: how to reach the bot, the rules, the status.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use bulkhead_store::{Delivery, Store};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::api::{Api, BotIdentity};
use super::delivered::Outcomes;
use super::placing::Unrecorded;
use super::settings::TelegramSettings;
use crate::channel::{ChannelState, ChannelStatus};
use crate::{ChannelError, InboundHandler};

/// The channel's name.
pub(super) const CHANNEL: &str = "telegram";

/// Settings and connection of one moment; a reload replaces both at once.
pub(super) struct Setup {
    pub(super) settings: TelegramSettings,
    /// `None` when the settings allow no connection; the status says why.
    pub(super) api: Option<Arc<Api>>,
}

/// Everything shared.
pub(super) struct Line {
    pub(super) store: Store,
    pub(super) handler: Arc<dyn InboundHandler>,
    pub(super) setup: watch::Sender<Arc<Setup>>,
    pub(super) status: watch::Sender<ChannelStatus>,
    /// Woken when a row of the outbox may be due.
    pub(super) outbox: Notify,
    /// Woken when an operator wrote: the bot knows that chat now.
    pub(super) operator_wrote: Notify,
    /// Ends receiving.
    pub(super) drain: CancellationToken,
    /// Ends everything; ends receiving too.
    pub(super) stop: CancellationToken,
    /// Whatever must be waited for at a stop.
    pub(super) tasks: TaskTracker,
    /// What is out and not on record.
    pub(super) unrecorded: Unrecorded,
    /// What became of messages that somebody waits for.
    pub(super) outcomes: Outcomes,
    quiet_until: Mutex<Option<Instant>>,
}

impl Line {
    pub(super) fn new(settings: TelegramSettings, store: Store, handler: Arc<dyn InboundHandler>) -> Self {
        let status = ChannelStatus {
            channel: CHANNEL,
            account: settings.account.clone(),
            state: ChannelState::Starting,
            code: None,
            detail: "starting".into(),
            bot: None,
            since: store.now(),
            connected_at: None,
            last_activity_at: None,
            retries: 0,
            last_inbound_at: None,
            last_outbound_at: None,
        };
        let stop = CancellationToken::new();
        Self {
            store,
            handler,
            setup: watch::Sender::new(Arc::new(Setup { settings, api: None })),
            status: watch::Sender::new(status),
            outbox: Notify::new(),
            operator_wrote: Notify::new(),
            drain: stop.child_token(),
            stop,
            tasks: TaskTracker::new(),
            unrecorded: Unrecorded::default(),
            outcomes: Outcomes::default(),
            quiet_until: Mutex::new(None),
        }
    }

    pub(super) fn setup(&self) -> Arc<Setup> {
        self.setup.borrow().clone()
    }

    pub(super) fn settings_account(&self) -> String {
        self.setup().settings.store_account()
    }

    /// A chat of the present bot.
    pub(super) fn delivery(&self, chat: &str) -> Delivery {
        delivery(&self.settings_account(), chat)
    }

    pub(super) fn bot(&self) -> Option<BotIdentity> {
        self.status.borrow().bot.clone()
    }

    /// Changes the status; whoever watches is woken only if it says something new.
    pub(super) fn tell(&self, state: ChannelState, code: Option<&'static str>, detail: &str) {
        let now = self.store.now();
        self.status.send_if_modified(|status| {
            match state {
                ChannelState::Connected => {
                    status.connected_at = status.connected_at.filter(|_| status.state == state).or(Some(now));
                    status.last_activity_at = Some(now);
                    status.retries = 0;
                }
                ChannelState::Degraded => status.retries = status.retries.saturating_add(1),
                _ => {}
            }
            let same = status.state == state && status.code == code && status.detail == detail;
            if same {
                return false;
            }
            if status.state != state {
                status.since = now;
            }
            status.state = state;
            status.code = code;
            detail.clone_into(&mut status.detail);
            true
        });
    }

    /// Tells of trouble: of the kind that passes, or of the kind that a person must solve.
    pub(super) fn tell_trouble(&self, error: &ChannelError) {
        let state = if error.needs_a_person() { ChannelState::Failed } else { ChannelState::Degraded };
        let account = &self.setup().settings.account;
        // Whoever follows the status tells of it once; each try is for those who look closer.
        tracing::debug!(channel = CHANNEL, %account, code = error.code(), "{error}");
        self.tell(state, Some(error.code()), &error.to_string());
    }

    pub(super) fn note_inbound(&self) {
        let now = self.store.now();
        self.status.send_modify(|status| status.last_inbound_at = Some(now));
    }

    pub(super) fn note_outbound(&self) {
        let now = self.store.now();
        self.status.send_modify(|status| status.last_outbound_at = Some(now));
    }

    fn quiet(&self) -> MutexGuard<'_, Option<Instant>> {
        self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Obeys a 429: nothing is sent before.
    pub(super) fn keep_quiet(&self, seconds: u64) {
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut quiet = self.quiet();
        *quiet = Some(quiet.map_or(until, |present| present.max(until)));
    }

    /// How long nothing may be sent; `None` when something may.
    pub(super) fn quiet_for(&self) -> Option<Duration> {
        let mut quiet = self.quiet();
        let left = quiet.map(|until| until.saturating_duration_since(Instant::now()))?;
        if left.is_zero() {
            *quiet = None;
            return None;
        }
        Some(left)
    }
}

/// A chat of an account as the store names it.
pub(super) fn delivery(account: &str, chat: &str) -> Delivery {
    Delivery { channel: CHANNEL.into(), account: account.into(), target: chat.into() }
}

/// Waits that grow from a quarter of a second to half a minute, with jitter, for ever.
pub(super) fn waits() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(30))
        .with_factor(2.0)
        .with_jitter()
        // Many gateways that lost one server must not come back in step.
        .with_jitter_seed(RandomState::new().build_hasher().finish())
        .without_max_times()
        .build()
}

/// The wait after so many failures in a row, in milliseconds.
pub(super) fn wait_after(failures: i64) -> i64 {
    let nth = usize::try_from(failures.clamp(0, 16)).unwrap_or_default();
    let wait = waits().nth(nth).unwrap_or(Duration::from_secs(30));
    i64::try_from(wait.as_millis()).unwrap_or(30_000)
}
