//! Named places in the code where a torture build ends itself as if by `kill -9`.
//!
//! **For:** `cargo xtask torture`, which proves that nothing is lost or said twice wherever the process ends. It builds
//! `bulkhead-torture` with the feature `armed`; in every other build [`reached`] and [`switched`] are empty functions
//! that the compiler takes out.
//!
//! **Never:** in a release, and never steered by the environment or a protocol: an armed process reads two small files in
//! its own state directory. `killpoint` holds `<point> <how many times to let it pass> <nonce>`; when the point is
//! reached it is renamed to `killpoint.hit`, and the process kills itself. `killpoint-switches` holds words.
//!
//! ```
//! use bulkhead_killpoint::{Point, reached};
//!
//! // … the Bot API took the message …
//! reached(Point::AfterPlaceholder);
//! // … the database learns of it …
//! ```

#[cfg(feature = "armed")]
mod armed;

/// Whether this is a torture build.
pub const ARMED: bool = cfg!(feature = "armed");

/// A place in the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// Updates are received; their transaction is not committed.
    BeforeInboxCommit,
    /// Updates and offset are on disk; nothing was done with them.
    AfterInboxCommit,
    /// A piece of an answer came from the model.
    MidStream,
    /// A tool call is on record and has not begun.
    BeforeTool,
    /// A tool has run; its result is not on record.
    AfterTool,
    /// The model's answer is complete, and not on record.
    BeforeRunEnd,
    /// The run's end is on record; the answer is not in the outbox.
    AfterRunEnd,
    /// The answer is in the outbox, not committed.
    BeforeAnswerCommit,
    /// The Bot API took a placeholder; our row does not know its id.
    AfterPlaceholder,
    /// The Bot API took an edit; our row is still there.
    AfterEdit,
    /// A small file (the configuration) is written beside its place, not yet renamed.
    MidFileWrite,
    /// The copy before a migration is made.
    MigrationCopied,
    /// A migration's statements ran; it is not committed.
    MidMigration,
}

impl Point {
    /// Every point.
    pub const ALL: [Self; 13] = [
        Self::BeforeInboxCommit,
        Self::AfterInboxCommit,
        Self::MidStream,
        Self::BeforeTool,
        Self::AfterTool,
        Self::BeforeRunEnd,
        Self::AfterRunEnd,
        Self::BeforeAnswerCommit,
        Self::AfterPlaceholder,
        Self::AfterEdit,
        Self::MidFileWrite,
        Self::MigrationCopied,
        Self::MidMigration,
    ];

    /// Its name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeInboxCommit => "before-inbox-commit",
            Self::AfterInboxCommit => "after-inbox-commit",
            Self::MidStream => "mid-stream",
            Self::BeforeTool => "before-tool",
            Self::AfterTool => "after-tool",
            Self::BeforeRunEnd => "before-run-end",
            Self::AfterRunEnd => "after-run-end",
            Self::BeforeAnswerCommit => "before-answer-commit",
            Self::AfterPlaceholder => "after-placeholder",
            Self::AfterEdit => "after-edit",
            Self::MidFileWrite => "mid-file-write",
            Self::MigrationCopied => "migration-copied",
            Self::MidMigration => "mid-migration",
        }
    }
}

/// Something that a torture build can be made to do wrong, to prove that the torture sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// Answers are sent directly, without a row in the outbox.
    NoOutbox,
}

impl Switch {
    /// Its word in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoOutbox => "no-outbox",
        }
    }
}

/// Names the state directory in which this process looks for orders. Without this nothing is ever reached.
#[inline]
pub fn arm(state_dir: &std::path::Path) {
    #[cfg(feature = "armed")]
    armed::arm(state_dir);
    #[cfg(not(feature = "armed"))]
    let _ = state_dir;
}

/// Ends the process here, as `kill -9` would, if a torture asked for it.
#[inline]
pub fn reached(point: Point) {
    #[cfg(feature = "armed")]
    armed::reached(point);
    #[cfg(not(feature = "armed"))]
    let _ = point;
}

/// Whether a torture turned this on.
#[inline]
pub fn switched(switch: Switch) -> bool {
    #[cfg(feature = "armed")]
    return armed::switched(switch);
    #[cfg(not(feature = "armed"))]
    {
        let _ = switch;
        false
    }
}
