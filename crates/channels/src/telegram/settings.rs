//! What a Telegram account is started with.

use std::collections::BTreeSet;

use bulkhead_config::DmPolicy;
use secrecy::{ExposeSecret, SecretString};

use super::groups::Groups;
use super::menus::Menus;

/// Telegram's own server.
pub const DEFAULT_API_ROOT: &str = "https://api.telegram.org";

/// One Telegram account: a bot, and who may talk to it.
#[derive(Debug, Clone)]
pub struct TelegramSettings {
    /// Name of the account; `default` unless there are several.
    pub account: String,
    /// The bot's token.
    pub bot_token: SecretString,
    /// Another server than Telegram's own.
    pub api_root: Option<String>,
    /// Proxy for this channel only.
    pub proxy: Option<SecretString>,
    /// Who may write in private.
    pub dm_policy: DmPolicy,
    /// User ids that need no pairing; `*` is everybody (with the policy `open` only).
    pub allow_from: Vec<String>,
    /// Groups that it may answer in.
    pub groups: Groups,
    /// The commands that its menus show.
    pub menus: Menus,
    /// Whether an answer is shown while it grows.
    pub streaming: bool,
    /// Profile to name in what a stranger is told.
    pub profile: Option<String>,
    /// User ids whose `operator_commands` are taken in private, whatever the policy says of their messages.
    pub operators: BTreeSet<i64>,
    /// User ids of owners: their private chats show more commands.
    pub owners: BTreeSet<i64>,
    /// Commands for operators, with their descriptions; in the menu of their private chats.
    pub operator_commands: &'static [(&'static str, &'static str)],
    /// Ask every few seconds whether the token still counts: a poll that waits for messages would not notice for long.
    pub token_check: bool,
}

impl TelegramSettings {
    /// The defaults: Telegram's server, pairing, streaming.
    pub fn new(bot_token: SecretString) -> Self {
        Self {
            account: "default".into(),
            bot_token,
            api_root: None,
            proxy: None,
            dm_policy: DmPolicy::Pairing,
            allow_from: Vec::new(),
            groups: Groups::default(),
            menus: Menus::default(),
            streaming: true,
            profile: None,
            operators: BTreeSet::new(),
            owners: BTreeSet::new(),
            operator_commands: &[],
            token_check: false,
        }
    }

    /// Whether both reach the same bot in the same way, so that only rules differ.
    pub(super) fn same_connection(&self, other: &Self) -> bool {
        let proxy = |settings: &Self| settings.proxy.as_ref().map(|proxy| proxy.expose_secret().to_owned());
        self.account == other.account
            && self.bot_token.expose_secret() == other.bot_token.expose_secret()
            && self.api_root == other.api_root
            && proxy(self) == proxy(other)
    }

    /// Whether somebody's commands are taken as an operator's.
    pub(super) fn is_operator(&self, user: i64) -> bool {
        self.operators.contains(&user)
    }

    /// Whether this is a command for operators.
    pub(super) fn is_operator_command(&self, name: &str) -> bool {
        self.operator_commands.iter().any(|(known, _)| *known == name)
    }

    /// The account's name in inbox and outbox: with the bot's id, since another bot counts its updates anew.
    pub(super) fn store_account(&self) -> String {
        let bot = self.bot_token.expose_secret().split(':').next().unwrap_or_default();
        format!("{}#{bot}", self.account)
    }
}
