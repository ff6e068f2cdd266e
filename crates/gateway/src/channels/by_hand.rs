//! Accounts that a person stops and starts, and messages that a client sends.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bulkhead_channels::{ChannelError, Delivered};

use super::{Channels, DEFAULT};
use crate::gateway::Gateway;

impl Channels {
    /// Whether somebody stopped this account.
    pub(super) fn is_stopped(&self, account: &str) -> bool {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).contains(account)
    }

    /// The accounts, running or not.
    pub(crate) fn telegram_accounts(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Whether this account runs.
    pub(crate) fn runs(&self, account: &str) -> bool {
        self.lock().get(account).is_some_and(|account| account.running.is_some())
    }

    /// Sends a text on an account, once for each key. Nothing, if the account does not run.
    pub(crate) async fn send_once(
        &self,
        account: &str,
        key: &str,
        chat: &str,
        text: &str,
        patience: Duration,
    ) -> Option<Result<Delivered, ChannelError>> {
        let handle = self.telegram(account)?;
        Some(handle.send_once(key, chat, text, patience).await)
    }
}

impl Gateway {
    /// The account that is meant when none is named: the one that the configuration names, else `default`, else the first.
    pub(crate) fn default_account(&self) -> Option<String> {
        let known = self.channels.telegram_accounts();
        let named = self.settings.now().config.channels.telegram.default_account.clone();
        let is_known = |name: &String| known.contains(name);
        named
            .filter(is_known)
            .or_else(|| Some(DEFAULT.to_owned()).filter(is_known))
            .or_else(|| known.first().cloned())
    }

    /// Stops or starts accounts by hand. What was received stays on record.
    pub(crate) async fn set_accounts_stopped(self: &Arc<Self>, accounts: &[String], stop: bool) {
        {
            let mut stopped = self.channels.stopped.lock().unwrap_or_else(PoisonError::into_inner);
            for account in accounts {
                if stop {
                    stopped.insert(account.clone());
                } else {
                    stopped.remove(account);
                }
            }
        }
        let _one_at_a_time = self.reloading.lock().await;
        self.apply_channels().await;
        self.tell_readiness();
        self.invalidate_health();
    }
}
