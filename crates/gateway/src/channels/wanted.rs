//! Which accounts should run, by configuration and secrets.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_channels::{Groups, TelegramSettings};
use bulkhead_config::{DmPolicy, SecretInput, Streaming, TelegramAccount};
use bulkhead_profile::{Place, bot_id_of_token};
use secrecy::{ExposeSecret as _, SecretString};

use crate::commands;
use crate::credentials::Credentials;
use crate::rescue::{COMMANDS, telegram_ids};
use crate::settings::Settings;

/// Code of an account whose token is not there.
const TOKEN_MISSING: &str = "channels.telegram.token_missing";

/// One account that should run.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Complete, unless something is missing.
    pub(super) settings: Option<TelegramSettings>,
    /// What is missing, and what to do.
    pub(super) problem: Option<String>,
    /// Stable name of the problem.
    pub(super) code: &'static str,
    policy: DmPolicy,
}

impl Wanted {
    /// Whether nothing changed.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (&self.settings, &other.settings) {
            (Some(a), Some(b)) => same_settings(a, b),
            (None, None) => self.problem == other.problem,
            _ => false,
        }
    }

    /// The same for operators' commands and buttons only: nobody's messages are answered. `None` without operators.
    pub(super) fn for_operators_only(mut self) -> Option<Self> {
        let settings = self.settings.as_mut()?;
        if settings.operators.is_empty() {
            return None;
        }
        settings.dm_policy = DmPolicy::Disabled;
        settings.allow_from.clear();
        settings.groups = Groups::default();
        self.policy = DmPolicy::Disabled;
        Some(self)
    }

    /// The public id of its bot.
    pub(super) fn bot_id(&self) -> String {
        let token = self.settings.as_ref().map(|settings| settings.bot_token.expose_secret());
        token.and_then(bot_id_of_token).map_or_else(String::new, |id| id.to_string())
    }

    /// The policy as the file writes it.
    pub(super) fn dm_policy(&self) -> &'static str {
        match self.policy {
            DmPolicy::Pairing => "pairing",
            DmPolicy::Allowlist => "allowlist",
            DmPolicy::Open => "open",
            DmPolicy::Disabled => "disabled",
        }
    }
}

fn same_settings(a: &TelegramSettings, b: &TelegramSettings) -> bool {
    let text = |secret: &Option<SecretString>| secret.as_ref().map(|text| text.expose_secret().to_owned());
    a.account == b.account
        && a.bot_token.expose_secret() == b.bot_token.expose_secret()
        && a.api_root == b.api_root
        && text(&a.proxy) == text(&b.proxy)
        && a.dm_policy == b.dm_policy
        && a.allow_from == b.allow_from
        && a.groups == b.groups
        && a.streaming == b.streaming
        && a.menus == b.menus
        && a.owners == b.owners
        && a.operators == b.operators
        && a.operator_commands == b.operator_commands
        && a.token_check == b.token_check
}

/// The accounts by name; `default` is the one of `channels.telegram` itself.
pub(super) fn wanted(
    settings: &Settings,
    credentials: &Credentials,
    place: &Place,
) -> BTreeMap<String, Wanted> {
    let telegram = &settings.config.channels.telegram;
    if telegram.enabled == Some(false) {
        return BTreeMap::new();
    }
    let rescue = &settings.config.rescue;
    let owners = telegram_ids(&settings.config.commands.owner_allow_from);
    let (operators, repairs) = if rescue.is_watching() {
        (telegram_ids(&rescue.operators), COMMANDS)
    } else {
        (BTreeSet::new(), &[] as &[_])
    };
    let mut accounts: BTreeMap<String, TelegramAccount> = telegram
        .accounts
        .iter()
        .filter(|(_, account)| account.enabled != Some(false) && account.bot_token.is_some())
        .map(|(name, account)| (name.clone(), account.clone()))
        .collect();
    if telegram.bot_token.is_some() {
        accounts.entry("default".to_owned()).or_insert_with(|| TelegramAccount {
            bot_token: telegram.bot_token.clone(),
            ..TelegramAccount::default()
        });
    }
    let wanted = accounts
        .into_iter()
        .map(|(name, account)| {
            let policy = account.dm_policy.unwrap_or(telegram.dm_policy);
            let token = account.bot_token.as_ref().and_then(|input| credentials.resolve(input));
            let wanted = match token {
                Some(token) => Wanted {
                    settings: Some(TelegramSettings {
                        account: name.clone(),
                        bot_token: token,
                        api_root: account.api_root.or_else(|| telegram.api_root.clone()),
                        proxy: account.proxy.or_else(|| telegram.proxy.clone()).map(SecretString::from),
                        dm_policy: policy,
                        allow_from: account.allow_from.unwrap_or_else(|| telegram.allow_from.clone()),
                        groups: Groups {
                            entries: account.groups.unwrap_or_else(|| telegram.groups.clone()),
                            policy: account.group_policy.unwrap_or(telegram.group_policy),
                            allow_from: account
                                .group_allow_from
                                .or_else(|| telegram.group_allow_from.clone()),
                        },
                        menus: commands::table::menus(),
                        owners: owners.clone(),
                        streaming: telegram.streaming != Streaming::Off,
                        profile: Some(place.name().as_str().to_owned()),
                        operators: operators.clone(),
                        operator_commands: repairs,
                        token_check: rescue.is_watching(),
                    }),
                    problem: None,
                    code: TOKEN_MISSING,
                    policy,
                },
                None => Wanted {
                    settings: None,
                    problem: Some(missing(&name, account.bot_token.as_ref(), place)),
                    code: TOKEN_MISSING,
                    policy,
                },
            };
            (name, wanted)
        })
        .collect();
    one_bot_each(wanted)
}

/// Of accounts with the same bot only one may run: each would take the other's messages away. `default` goes first, then
/// the others by name.
fn one_bot_each(mut wanted: BTreeMap<String, Wanted>) -> BTreeMap<String, Wanted> {
    let mut names: Vec<String> = wanted.keys().cloned().collect();
    names.sort_by_key(|name| (name != "default", name.clone()));
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for name in names {
        let Some(account) = wanted.get_mut(&name) else { continue };
        let bot = account.bot_id();
        if bot.is_empty() {
            continue;
        }
        if let Some(first) = taken.get(&bot) {
            account.settings = None;
            account.code = "channels.telegram.bot_twice";
            account.problem = Some(format!(
                "Telegram account {name:?} has the same bot ({bot}) as account {first:?}, which runs: each would take the \
                 other's messages away. Make another bot with @BotFather, or remove one of the accounts"
            ));
        } else {
            taken.insert(bot, name);
        }
    }
    wanted
}

fn missing(account: &str, input: Option<&SecretInput>, place: &Place) -> String {
    let id = input
        .and_then(SecretInput::reference)
        .map_or("telegram/bot-token", |reference| reference.id.as_str());
    format!(
        "Telegram account {account:?} has no token: secret {id:?} was not found; store it with \
         `bulkhead --profile {} secrets set {id}`",
        place.name().as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watching(operators: &[i64]) -> Wanted {
        let settings = TelegramSettings {
            dm_policy: DmPolicy::Open,
            allow_from: vec!["*".into()],
            operators: operators.iter().copied().collect(),
            ..TelegramSettings::new("777:AAsecret".into())
        };
        Wanted { settings: Some(settings), problem: None, code: TOKEN_MISSING, policy: DmPolicy::Open }
    }

    #[test]
    fn one_bot_serves_one_account() {
        let all = ["work", "default", "art"].map(|name| (name.to_owned(), watching(&[])));
        let wanted = one_bot_each(all.into());
        assert!(wanted["default"].settings.is_some());
        for name in ["art", "work"] {
            assert_eq!(wanted[name].code, "channels.telegram.bot_twice");
            assert!(wanted[name].problem.as_ref().unwrap().contains("\"default\""));
        }
    }

    #[test]
    fn in_safe_mode_a_bot_serves_operators_or_nobody() {
        let safe = watching(&[42]).for_operators_only().and_then(|wanted| wanted.settings);
        let safe = safe.expect("an account for the operators");
        assert_eq!((safe.dm_policy, safe.allow_from.len()), (DmPolicy::Disabled, 0));
        assert!(watching(&[]).for_operators_only().is_none());
        assert_eq!(watching(&[]).bot_id(), "777");
        assert!(!watching(&[42]).same(&watching(&[])), "other operators are another account");
    }
}
