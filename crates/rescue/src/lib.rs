//! One gateway watches another: it sees that something is wrong, says so once, and repairs it when asked.
//!
//! **For:** the rescue gateway that watches main, and main that watches rescue. Probes look (`probe`); a pure state
//! machine decides what is more than a hiccup (`state`); a diagnosis names one cause (`cause`); an incident is told in
//! one message that is updated in place (`incident`, `alert`); remedies are offered, asked for, done once, and judged by
//! what the probes see afterwards (`remedy`).
//!
//! **Never:** it knows no Telegram, no supervisor and no database: those are the seams [`Keeper`], [`Teller`] and
//! [`Journal`]. It spawns no gateway, and ends no process that is not proven to be the watched gateway's own.

mod alert;
mod cause;
mod incident;
mod remedy;
mod seams;
mod timeline;

pub use alert::{Button, Message, MessageKind, MessageRef, Recipient};
pub use cause::{Cause, PortHolder, Severity};
pub use incident::{Incident, IncidentId, Phase, Told};
pub use remedy::{
    Actor, Ask, ChatKind, IssuedNonce, Nonce, Refusal, RefusalKind, RemedyKind, RemedyOutcome, RemedyReply,
    RemedyRequest, Verdict,
};
pub use seams::{
    AuditLine, Clock, Done, Journal, JournalError, Keeper, KeeperReport, Kept, KeptState, LastExit,
    TellError, Teller, Wanted,
};
pub use timeline::{Mark, SavedTimeline, Shade};
