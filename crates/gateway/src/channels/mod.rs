//! The channels of this gateway: started, told of, reloaded and stopped here; what they are is the channels crate's.

mod by_hand;
mod inbound;
mod view;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_channels::{ChannelState, ChannelStatus, Telegram, TelegramHandle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::gateway::Gateway;
use inbound::Inbound;
pub(crate) use view::ChannelView;
use wanted::{Wanted, wanted};

/// The account of the channel itself.
const DEFAULT: &str = "default";

/// The running accounts.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    telegram: Mutex<BTreeMap<String, Account>>,
    /// Accounts that somebody stopped: they stay so until they are started, or the gateway is.
    stopped: Mutex<BTreeSet<String>>,
    /// The accounts were started a first time.
    applied: CancellationToken,
    /// Everything about channels is over: whoever still holds a message lets go of it.
    over: CancellationToken,
}

/// One account that should run.
#[derive(Debug)]
struct Account {
    wanted: Wanted,
    /// Not there, if it cannot be started.
    running: Option<Running>,
}

#[derive(Debug, Clone)]
struct Running {
    handle: TelegramHandle,
    status: watch::Receiver<ChannelStatus>,
}

impl Channels {
    /// How each account does.
    pub(crate) fn views(&self) -> Vec<ChannelView> {
        let accounts = self.lock();
        accounts
            .iter()
            .map(|(name, account)| {
                let status = account.running.as_ref().map(|running| running.status.borrow().clone());
                let view = ChannelView::new(name, &account.wanted, status);
                if self.is_stopped(name) { view.stopped() } else { view }
            })
            .collect()
    }

    /// What `/readyz` should tell.
    pub(crate) fn failing(&self) -> Vec<String> {
        let accounts = self.lock();
        let bad = accounts.iter().any(|(name, account)| match &account.running {
            None if self.is_stopped(name) => false,
            Some(running) => running.status.borrow().state == ChannelState::Failed,
            None => account.wanted.problem.is_some(),
        });
        if bad { vec!["channels.telegram".to_owned()] } else { Vec::new() }
    }

    /// Whether there is a Telegram account, running or not.
    pub(crate) fn has_telegram(&self) -> bool {
        !self.lock().is_empty()
    }

    /// The account that alerts go through (`default`, else the first that runs), and which bot it is.
    pub(crate) fn telegram_for_alerts(&self) -> Option<(TelegramHandle, String)> {
        let accounts = self.lock();
        let default = accounts.get_key_value(DEFAULT).filter(|(_, account)| account.running.is_some());
        let (name, account) = default.or_else(|| accounts.iter().find(|(_, one)| one.running.is_some()))?;
        let running = account.running.as_ref()?;
        Some((running.handle.clone(), format!("{name}#{}", account.wanted.bot_id())))
    }

    /// The running account of that name.
    pub(crate) fn telegram(&self, account: &str) -> Option<TelegramHandle> {
        self.lock()
            .get(account)
            .and_then(|account| account.running.as_ref())
            .map(|running| running.handle.clone())
    }

    /// Why the account that alerts go through does not work just now.
    pub(crate) fn alert_problem(&self) -> Option<String> {
        let accounts = self.lock();
        let account = accounts.get(DEFAULT).or_else(|| accounts.values().next())?;
        match &account.running {
            None => account.wanted.problem.clone(),
            Some(running) => {
                let status = running.status.borrow();
                let troubled = matches!(status.state, ChannelState::Failed | ChannelState::Degraded);
                troubled.then(|| status.detail.clone())
            }
        }
    }

    /// Sends a message to somebody on a channel.
    pub(crate) async fn notify(
        &self,
        channel: &str,
        account: &str,
        chat: &str,
        text: &str,
    ) -> Result<(), String> {
        let account = account.split('#').next().unwrap_or(account);
        let running = self.lock().get(account).and_then(|account| account.running.clone());
        match running.filter(|_| channel == view::TELEGRAM) {
            Some(running) => running.handle.send(chat, text).await.map_err(|error| error.to_string()),
            None => Err(format!("account {account:?} of channel {channel:?} does not run")),
        }
    }

    /// Resolves once the accounts were started a first time.
    pub(crate) async fn ready(&self) {
        self.applied.cancelled().await;
    }

    /// Resolves once channels are over.
    async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Waits until everything that was answered is out. The caller limits the wait.
    pub(crate) async fn flush(&self) {
        for running in self.running() {
            running.handle.flushed().await;
        }
    }

    /// Stops every account. What is not finished goes on at the next start.
    pub(crate) async fn stop(&self) {
        let running = self.running();
        let stopping = futures::future::join_all(running.iter().map(|running| running.handle.stop()));
        // The accounts are told first, so that letting go of a message now leaves it open.
        let letting_go = async { self.over.cancel() };
        futures::join!(stopping, letting_go);
    }

    fn running(&self) -> Vec<Running> {
        self.lock().values().filter_map(|account| account.running.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Account>> {
        self.telegram.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gateway {
    /// What the configuration asks for is known (and shown as starting) before anything is started.
    pub(crate) fn plan_channels(&self) {
        if self.credentials.waiting() {
            return;
        }
        let wanted = self.wanted_channels();
        *self.channels.lock() =
            wanted.into_iter().map(|(name, wanted)| (name, Account { wanted, running: None })).collect();
    }

    /// In safe mode there are none, but for operators of a gateway that watches another one: it must not be mute just
    /// when it is needed.
    fn wanted_channels(&self) -> BTreeMap<String, Wanted> {
        let settings = self.settings.now();
        let all = wanted(&settings, &self.credentials, &self.place);
        if !self.safe_mode {
            return all;
        }
        all.into_iter().filter_map(|(name, wanted)| Some((name, wanted.for_operators_only()?))).collect()
    }

    /// Starts, changes and stops accounts until they are as the configuration says. What did not change is left alone.
    pub(crate) async fn apply_channels(self: &Arc<Self>) {
        let off = self.credentials.waiting() || self.stop.is_cancelled();
        let mut wanted = if off { BTreeMap::new() } else { self.wanted_channels() };
        let mut stopping = Vec::new();
        let mut changing = Vec::new();
        {
            let mut accounts = self.channels.lock();
            accounts.retain(|name, account| {
                let keep = wanted.contains_key(name);
                if !keep && let Some(running) = account.running.take() {
                    stopping.push(running.handle);
                }
                keep
            });
            for (name, account) in accounts.iter_mut() {
                let Some(next) = wanted.remove(name) else { continue };
                if self.channels.is_stopped(name) {
                    stopping.extend(account.running.take().map(|running| running.handle));
                    account.wanted = next;
                    continue;
                }
                if next.same(&account.wanted) && (account.running.is_some() || next.settings.is_none()) {
                    continue;
                }
                match (&next.settings, account.running.take()) {
                    (Some(settings), Some(running)) => {
                        changing.push((running.handle.clone(), settings.clone()));
                        account.running = Some(running);
                    }
                    (Some(_), None) => account.running = self.start_account(&next),
                    (None, Some(running)) => stopping.push(running.handle),
                    (None, None) => {}
                }
                account.wanted = next;
            }
            for (name, next) in wanted {
                let running = if self.channels.is_stopped(&name) { None } else { self.start_account(&next) };
                accounts.insert(name, Account { wanted: next, running });
            }
        }
        for handle in stopping {
            handle.stop().await;
        }
        for (handle, settings) in changing {
            handle.reload(settings).await;
        }
        self.channels.applied.cancel();
    }

    fn start_account(self: &Arc<Self>, wanted: &Wanted) -> Option<Running> {
        let settings = wanted.settings.clone()?;
        tracing::info!(channel = view::TELEGRAM, account = %settings.account, "starting");
        let handle = Telegram::start(settings, self.store.clone(), Arc::new(Inbound::new(self)));
        let status = handle.status();
        let mut changes = handle.status();
        let gateway = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut told = None;
            while changes.changed().await.is_ok() {
                let Some(gateway) = gateway.upgrade() else { return };
                let status = changes.borrow_and_update().clone();
                // Every message moves the status; only a change of state is news.
                let news = (status.state, status.code, status.bot.clone());
                if told.as_ref() == Some(&news) {
                    continue;
                }
                told = Some(news);
                match status.state {
                    ChannelState::Failed => tracing::error!(channel = status.channel, "{}", status.detail),
                    ChannelState::Degraded => tracing::warn!(channel = status.channel, "{}", status.detail),
                    _ => tracing::debug!(channel = status.channel, "{}", status.detail),
                }
                gateway.tell_readiness();
                gateway.tell_own_network(status.state, status.code).await;
            }
        });
        Some(Running { handle, status })
    }
}
