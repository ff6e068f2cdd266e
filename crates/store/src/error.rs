//! What can go wrong between a caller and the file.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Every failure of the store. The text says what, where, and the next step; branch on [`StoreError::code`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file or its folder could not be opened or created.
    #[error("the database {path} could not be opened: {reason}. Check that the folder exists, that it belongs to you, and that the disk is not full.", path = path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// The cause in SQLite's or the system's words.
        reason: String,
    },
    /// The file is there and is no readable SQLite database.
    #[error("the database {path} is damaged: found {reason}, expected a SQLite database. It was left untouched. Stop the gateway, then put a copy in its place (one from before an update lies beside it as *.before-NNN), or move it away to start with an empty one.", path = path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What the check found.
        reason: String,
    },
    /// A newer program wrote the file.
    #[error("the database {path} has version {found}, but this program knows versions up to {supported}: a newer Bulkhead wrote it. Install that version again, or move the file away to start with an empty one.", path = path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Version in the file.
        found: usize,
        /// Newest version that this program understands.
        supported: usize,
    },
    /// Bringing the file up to date failed; the copy made before holds what was there.
    #[error("the database {path} could not be brought from version {from} to {to}: {reason}. Nothing was changed; a copy from before is {copy}.", path = path.display())]
    Migration {
        /// The database file.
        path: PathBuf,
        /// Version found.
        from: usize,
        /// Version wanted.
        to: usize,
        /// What failed.
        reason: String,
        /// Where the copy lies, or `not made`.
        copy: String,
    },
    /// The disk is full.
    #[error(
        "the disk that holds the database is full, so nothing was recorded. Free some space; the gateway goes on by itself then."
    )]
    DiskFull,
    /// The file took nothing: read-only, or the disk failed.
    #[error(
        "the database takes nothing ({reason}), so nothing was recorded. Check that its folder belongs to you and that its disk is mounted for writing and healthy; the gateway goes on by itself then."
    )]
    Unwritable {
        /// SQLite's words.
        reason: String,
    },
    /// A statement failed.
    #[error(
        "the database refused to {action}: {reason}. If this repeats, check that the disk is healthy and not full."
    )]
    Query {
        /// What was to be done, as a verb phrase.
        action: &'static str,
        /// SQLite's words.
        reason: String,
    },
    /// The row that was asked for does not exist.
    #[error("there is no {what} `{id}` in this profile's database.")]
    NotFound {
        /// The noun.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A value in the file does not have the form that this program writes.
    #[error(
        "a stored {what} could not be read: {reason}. The database may be damaged: stop the gateway and put a copy in its place."
    )]
    BadValue {
        /// The noun.
        what: &'static str,
        /// What was wrong with it.
        reason: String,
    },
    /// The store was closed.
    #[error("the database is already closed because the gateway is stopping; nothing was recorded.")]
    Closed,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers ({0}), so no code could be made. Try again.")]
    Randomness(String),
}

impl StoreError {
    /// Stable identifier of the kind of failure.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "store_open",
            Self::Damaged { .. } => "store_damaged",
            Self::Newer { .. } => "store_newer",
            Self::Migration { .. } => "store_migration",
            Self::DiskFull => "store_disk_full",
            Self::Unwritable { .. } => "store_unwritable",
            Self::Query { .. } => "store_query",
            Self::NotFound { .. } => "store_not_found",
            Self::BadValue { .. } => "store_bad_value",
            Self::Closed => "store_closed",
            Self::Randomness(_) => "store_randomness",
        }
    }

    /// Whether the same call may succeed later: the disk was full, read-only or busy.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::DiskFull | Self::Unwritable { .. } | Self::Query { .. } | Self::Open { .. })
    }

    /// Whether the file took nothing, whatever was written.
    pub(crate) fn is_unwritable(&self) -> bool {
        matches!(self, Self::DiskFull | Self::Unwritable { .. })
    }

    /// Wraps a SQLite error with what was being done.
    pub(crate) fn query(action: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |error| match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied,
            ) => Self::Unwritable { reason: error.to_string() },
            _ => Self::Query { action, reason: error.to_string() },
        }
    }
}

/// Lets `?` work inside jobs where the action is plain from the caller.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::query("read or write a row")(error)
    }
}
