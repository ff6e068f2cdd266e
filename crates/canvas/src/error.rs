//! Why a document cannot be as it was asked for.

use bulkhead_store::StoreError;

/// What is wrong with a document, or with what somebody did on one.
#[derive(Debug, thiserror::Error)]
pub enum CanvasError {
    /// It is larger than allowed.
    #[error(
        "the document is too large: found {found} bytes, expected at most {most}; make it smaller or make two"
    )]
    TooLarge {
        /// Its size.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// There is nothing in it.
    #[error("html: found nothing, expected a page")]
    Empty,
    /// A message for the A2UI renderer is none.
    #[error("message {number}: found {found}, expected {expected}")]
    Message {
        /// Which one, from 1.
        number: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// A person's act says too much or nothing.
    #[error("the act of a document cannot be passed on: {0}")]
    Act(String),
    /// Too many acts.
    #[error("this document tells too much: at most {most} acts a minute are passed on; wait a moment")]
    TooMany {
        /// The limit.
        most: usize,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
