//! What can go wrong with a channel. No variant ever holds a bot token or an address that contains one.

use bulkhead_store::StoreError;

/// Every failure of a channel. The text says what, where, and the next step; branch on [`ChannelError::code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The token does not have the form of one.
    #[error(
        "the Telegram bot token does not look like one: expected digits, a colon and letters, such as 123456789:AAF… from @BotFather. Copy it again from the chat with @BotFather."
    )]
    MalformedToken,
    /// The server does not know the token.
    #[error(
        "Telegram refused the bot token ({status} from {server}). Expected a token that @BotFather gave and that was not revoked since; ask @BotFather for it with /token, and set it again."
    )]
    BadToken {
        /// HTTP status.
        status: u16,
        /// Where it was asked.
        server: String,
    },
    /// Another program polls the same bot, or a webhook takes its updates.
    #[error(
        "another program receives the messages of this bot (409 Conflict from {server}: {description}). One bot serves one gateway: stop the other program, or give each profile a bot of its own."
    )]
    Conflict {
        /// Where it was asked.
        server: String,
        /// The server's words.
        description: String,
    },
    /// The API root is no address of a server.
    #[error(
        "channels.telegram.apiRoot is `{found}`, expected an address such as https://api.telegram.org. Correct it, or remove it to use Telegram's own server."
    )]
    BadApiRoot {
        /// What was found.
        found: String,
    },
    /// The proxy is no address of a proxy.
    #[error(
        "channels.telegram.proxy is not the address of a proxy ({reason}); expected http://, https:// or socks5:// with host and port. Correct it, or remove it to connect directly."
    )]
    BadProxy {
        /// Why not.
        reason: String,
    },
    /// No connection, or it broke.
    #[error(
        "{server} could not be reached for {method}: found {reason}, expected an answer. Check the network (and channels.telegram.proxy, if you need one); it is tried again by itself."
    )]
    Unreachable {
        /// Where.
        server: String,
        /// The API method.
        method: &'static str,
        /// The cause.
        reason: String,
    },
    /// Too many calls.
    #[error("{server} asks to wait {seconds} s before the next call (429 to {method}); it is obeyed.")]
    TooMany {
        /// Where.
        server: String,
        /// The API method.
        method: &'static str,
        /// How long to wait.
        seconds: u64,
    },
    /// The server has trouble of its own.
    #[error(
        "{server} answered {method} with {status}: {description}. That is its own trouble; it is tried again by itself."
    )]
    Server {
        /// Where.
        server: String,
        /// The API method.
        method: &'static str,
        /// HTTP status.
        status: u16,
        /// Its words.
        description: String,
    },
    /// The server refused what was asked.
    #[error("{server} refused {method} ({status}): {description}.")]
    Refused {
        /// Where.
        server: String,
        /// The API method.
        method: &'static str,
        /// HTTP status.
        status: u16,
        /// Its words.
        description: String,
    },
    /// The answer is none of the Bot API.
    #[error(
        "{server} answered {method} with something that is not the Bot API ({status}: {reason}). Check channels.telegram.apiRoot, and whether a proxy or captive portal stands in between."
    )]
    NotTheApi {
        /// Where.
        server: String,
        /// The API method.
        method: &'static str,
        /// HTTP status.
        status: u16,
        /// What was wrong.
        reason: String,
    },
    /// The HTTP client could not be built.
    #[error("no HTTPS client could be made: {reason}. Check the system's certificate store.")]
    NoClient {
        /// The cause.
        reason: String,
    },
    /// There is no connection to send by.
    #[error("the Telegram account {account:?} cannot send now: {detail}")]
    NotConnected {
        /// The account.
        account: String,
        /// Why, with the next step.
        detail: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChannelError {
    /// Stable identifier of the kind of failure.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedToken => "telegram-malformed-token",
            Self::BadToken { .. } => "telegram-bad-token",
            Self::Conflict { .. } => "telegram-conflict",
            Self::BadApiRoot { .. } => "telegram-bad-api-root",
            Self::BadProxy { .. } => "telegram-bad-proxy",
            Self::Unreachable { .. } => "telegram-unreachable",
            Self::TooMany { .. } => "telegram-too-many-requests",
            Self::Server { .. } => "telegram-server-trouble",
            Self::Refused { .. } => "telegram-refused",
            Self::NotTheApi { .. } => "telegram-not-the-api",
            Self::NoClient { .. } => "telegram-no-client",
            Self::NotConnected { .. } => "telegram-not-connected",
            Self::Store(error) => error.code(),
        }
    }

    /// Whether only a person can solve it: trying again is useless.
    pub fn needs_a_person(&self) -> bool {
        matches!(
            self,
            Self::MalformedToken
                | Self::BadToken { .. }
                | Self::BadApiRoot { .. }
                | Self::BadProxy { .. }
                | Self::NoClient { .. }
        )
    }

    /// Whether the same call may succeed later by itself.
    pub fn may_pass(&self) -> bool {
        !self.needs_a_person() && !matches!(self, Self::Refused { .. })
    }

    /// Whether the message that was to be changed is not there any more: somebody deleted it, or it is too old.
    pub fn is_message_gone(&self) -> bool {
        self.refusal().is_some_and(|(_, words)| {
            let words = words.to_lowercase();
            words.contains("message to edit not found") || words.contains("message can't be edited")
        })
    }

    /// Whether the bot may not write to this person: they never wrote to it, blocked it, or are gone.
    pub fn is_person_out_of_reach(&self) -> bool {
        self.refusal().is_some_and(|(status, words)| {
            let words = words.to_lowercase();
            status == 403 || words.contains("chat not found") || words.contains("user is deactivated")
        })
    }

    /// The server's words of a refusal.
    pub(crate) fn refusal(&self) -> Option<(u16, &str)> {
        match self {
            Self::Refused { status, description, .. } => Some((*status, description)),
            _ => None,
        }
    }
}
