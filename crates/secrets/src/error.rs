//! What can go wrong with a secret, in words for the person in front of the machine.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::SecretId;

/// Why a secret could not be read, kept or handed over. No variant ever carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The keychain is there but locked, and nobody unlocked it.
    #[error(
        "{keychain} is locked: found a locked keychain{}, expected it to be open. {}",
        reading(item.as_ref()),
        system().unlock
    )]
    Locked {
        /// The system's name for it.
        keychain: &'static str,
        /// What was asked for.
        item: Option<SecretId>,
    },
    /// There is a session bus, but no program on it that keeps secrets.
    #[error(
        "{keychain} is missing: found no program that keeps secrets on this session's bus, expected one such as GNOME Keyring or KWallet. Install `gnome-keyring` (or open KeePassXC with its Secret Service switched on) and log in again; on a machine without a desktop choose a secrets file or environment variables."
    )]
    NoService {
        /// The system's name for it.
        keychain: &'static str,
    },
    /// There is no session bus at all.
    #[error(
        "{keychain} cannot be reached: found no session bus (D-Bus), expected one in DBUS_SESSION_BUS_ADDRESS. On a desktop, start this program from the desktop session; on a machine without a desktop choose a secrets file or environment variables."
    )]
    NoBus {
        /// The system's name for it.
        keychain: &'static str,
        /// What the system said.
        cause: String,
    },
    /// The service runs, but has no keychain to put anything into.
    #[error(
        "{keychain} has no keychain: found none set up, expected a default one. {}",
        system().create
    )]
    NoKeychain {
        /// The system's name for it.
        keychain: &'static str,
    },
    /// The person or the system said no.
    #[error(
        "{keychain} refused{}: found access denied, expected permission for `bulkhead`. {}",
        reading(item.as_ref()),
        system().allow
    )]
    Denied {
        /// The system's name for it.
        keychain: &'static str,
        /// What was asked for.
        item: Option<SecretId>,
        /// What the system said.
        cause: String,
    },
    /// The call did not come back in time: usually a dialog waits on a screen.
    #[error(
        "{keychain} did not answer within {} s: it may be waiting in a dialog on this computer's screen, expected an answer. Look for the dialog, confirm it, and try again.",
        limit.as_secs_f32()
    )]
    Timeout {
        /// The store's name.
        keychain: &'static str,
        /// How long we waited.
        limit: Duration,
    },
    /// The store has no such secret.
    #[error(
        "`{id}`: found nothing in {store}, expected a secret. Store it with `bulkhead secrets set {id} -`."
    )]
    NotFound {
        /// Which secret.
        id: SecretId,
        /// Where we looked.
        store: String,
    },
    /// An environment variable that is not set.
    #[error(
        "`{id}`: found the environment variable {variable} not set, expected it to hold the secret. Set {variable} where the supervisor is started."
    )]
    NotSet {
        /// Which secret.
        id: SecretId,
        /// The variable.
        variable: String,
    },
    /// What is stored is not what we can use.
    #[error(
        "`{id}` in {store}: found {found}, expected {expected}. Store it again with `bulkhead secrets set {id} -`."
    )]
    BadValue {
        /// Which secret.
        id: SecretId,
        /// Where.
        store: String,
        /// What stands there, never its content.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A store that can only be read.
    #[error(
        "`{id}`: environment variables are read only, expected {variable} to be set by whoever starts the supervisor. Set {variable} there."
    )]
    ReadOnly {
        /// Which secret.
        id: SecretId,
        /// The variable that would hold it.
        variable: String,
    },
    /// A secrets file that others could read.
    #[error(
        "{path}: found {found}, expected {expected}. Run `{fix}`; if others may have read it, replace the secrets in it."
    )]
    LooseFile {
        /// Which file or folder.
        path: PathBuf,
        /// Its mode or owner.
        found: String,
        /// What it must be.
        expected: String,
        /// The command that repairs it.
        fix: String,
    },
    /// A secrets file that cannot be read as one.
    #[error(
        "{path}: found {found}, expected {{\"version\":1,\"secrets\":{{…}}}}. Repair it, or move it away and store the secrets again."
    )]
    BadFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// Reading or writing failed.
    #[error(
        "{path}: cannot be {action}: {source}. Check that the folder belongs to your user and that the disk has room."
    )]
    Io {
        /// Which file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// A secret command failed.
    #[error(
        "secret command {command}: {found}, expected it to print the secret and exit with 0. Run it in a terminal to see why."
    )]
    Exec {
        /// The command, without its arguments.
        command: String,
        /// What happened.
        found: String,
    },
    /// A reference that names nothing we know.
    #[error("`{id}`: found {found}, expected {expected}. Correct the SecretRef with `bulkhead config set`.")]
    BadReference {
        /// The reference's id.
        id: String,
        /// What is wrong.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A handoff line that cannot be used.
    #[error(
        "secrets handoff: found {found}, expected {expected}. Start the gateway through `bulkhead gateway supervise` or the app of the same version."
    )]
    Handoff {
        /// What came.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// Anything else that the keychain says.
    #[error(
        "{keychain} failed: {cause}, expected it to work. Try again; if it stays so, choose a secrets file or environment variables."
    )]
    Failed {
        /// The system's name for it.
        keychain: &'static str,
        /// What it said.
        cause: String,
    },
}

impl SecretError {
    /// A stable word for programs; never changes with the text.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "keychain.locked",
            Self::NoService { .. } => "keychain.no-service",
            Self::NoBus { .. } => "keychain.no-bus",
            Self::NoKeychain { .. } => "keychain.none",
            Self::Denied { .. } => "keychain.denied",
            Self::Timeout { .. } => "keychain.timeout",
            Self::Failed { .. } => "keychain.failed",
            Self::NotFound { .. } | Self::NotSet { .. } => "secret.not-found",
            Self::BadValue { .. } => "secret.bad-value",
            Self::ReadOnly { .. } => "secret.read-only",
            Self::LooseFile { .. } => "secret.loose-file",
            Self::BadFile { .. } => "secret.bad-file",
            Self::Io { .. } => "secret.io",
            Self::Exec { .. } => "secret.exec",
            Self::BadReference { .. } => "secret.bad-reference",
            Self::Handoff { .. } => "secret.handoff",
        }
    }

    /// Whether the store works and just has no such secret.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NotSet { .. })
    }

    /// Whether it may work later without anybody changing a file: the gateway waits for it instead of failing.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Locked { .. } | Self::Timeout { .. } | Self::NoService { .. } | Self::NoBus { .. }
        )
    }
}

fn reading(item: Option<&SecretId>) -> String {
    item.map(|id| format!(" while looking for `{id}`")).unwrap_or_default()
}

/// The same situations in the words of each system.
pub(crate) struct SystemWords {
    pub(crate) name: &'static str,
    unlock: &'static str,
    create: &'static str,
    allow: &'static str,
}

impl fmt::Debug for SystemWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

pub(crate) fn system() -> &'static SystemWords {
    if cfg!(target_os = "macos") {
        &SystemWords {
            name: "The macOS keychain",
            unlock: "Unlock it in Keychain Access (or log in once on this Mac's screen) and try again.",
            create: "Create a login keychain in Keychain Access and try again.",
            allow: "Open Keychain Access, find the item, and allow `bulkhead` under Access Control.",
        }
    } else if cfg!(windows) {
        &SystemWords {
            name: "The Windows Credential Manager",
            unlock: "Log in to Windows with this account and try again.",
            create: "Log in to Windows with this account once, so that it gets a credential store.",
            allow: "Run as the user who stored the secret, or store it again.",
        }
    } else {
        &SystemWords {
            name: "The system keychain (Secret Service)",
            unlock: "Unlock it (log in to the desktop, or open \"Passwords and Keys\") and try again; on a machine without a desktop choose a secrets file or environment variables.",
            create: "Open \"Passwords and Keys\", create a keyring named \"Login\", make it the default, and try again.",
            allow: "Confirm the question of the keychain when it appears, or check its access settings.",
        }
    }
}
