//! What `/readyz` says: one code for each thing that fails, with the reason for callers on this machine.
//!
//! `config` (the file is not in force), `unconfigured`, `safe-mode`, `waiting-for-keychain`, `gateway.auth` (the secret
//! is missing), `channels.telegram`, `model`, `disk`, `state`.

use bulkhead_server::{AuthMode, Failure};

use crate::checks;
use crate::gateway::Gateway;

impl Gateway {
    /// Says through `/readyz` what does not work.
    pub(crate) fn tell_readiness(&self) {
        let settings = self.settings.now();
        let mut failing = Vec::new();
        let mut fails = |what: &str, code: &str, message: String| {
            failing.push(Failure { what: what.to_owned(), code: code.to_owned(), message });
        };
        if let Some(problem) = &settings.problem {
            fails("config", &problem.code, problem.message.clone());
        }
        if settings.unconfigured {
            let file = self.place.config_path().display();
            let message = format!(
                "{file}: found no file, expected the configuration; make one with `bulkhead onboard`"
            );
            fails("unconfigured", "config.missing", message);
        }
        if self.safe_mode {
            let message = "the gateway runs in safe mode, without channels and answers; look at the log, then restart it";
            fails("safe-mode", "safe-mode", message.to_owned());
        }
        if let Some(why) = self.credentials.waiting_for() {
            fails("waiting-for-keychain", "waiting-for-keychain", why);
        }
        let policy = self.access_policy();
        if policy.mode != AuthMode::None && policy.shared_secret.is_none() && !self.credentials.waiting() {
            let message = "the gateway's token or password was not found, so only paired devices come in; store it with \
                           `bulkhead secrets set gateway/token -`";
            fails("gateway.auth", "gateway.auth-missing", message.to_owned());
        }
        failing.extend(self.channel_failures());
        failing.extend(self.model_failure());
        failing.extend(self.checks.failures());
        self.probation.observe(&settings.hash, failing.is_empty());
        self.lifecycle.set_failures(failing);
        self.invalidate_health();
    }

    /// All accounts of a channel count as one; the reason is that of the first that fails.
    fn channel_failures(&self) -> Vec<Failure> {
        let failing = self.channels.failing();
        let rows: Vec<_> = self.channels.views().iter().map(|view| (view.channel, view.to_value())).collect();
        let explain = |what: String| {
            let channel = what.trim_start_matches("channels.");
            let row = rows.iter().find(|(of, row)| *of == channel && row["healthState"] == "failed");
            let text = |key: &str| row.and_then(|(_, row)| row[key].as_str()).unwrap_or_default().to_owned();
            let code = text("code");
            let account = text("accountId");
            let message = format!("account {account:?}: {}", text("detail"));
            Failure { code: if code.is_empty() { "channel-failed".to_owned() } else { code }, message, what }
        };
        failing.into_iter().map(explain).collect()
    }

    /// The first model of an agent cannot be asked. That others would answer in its place does not repair it.
    fn model_failure(&self) -> Option<Failure> {
        let settings = self.settings.now();
        let troubles = self.models.troubles();
        let firsts = settings.agents().into_iter().filter_map(|agent| agent.models.into_iter().next());
        let trouble = firsts.map(|which| which.provider).find_map(|provider| troubles.of(&provider))?;
        Some(checks::failure("model", &trouble))
    }
}
