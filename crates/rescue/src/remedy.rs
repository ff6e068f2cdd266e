//! Remedies: what can be done, who may, once.

mod request;

pub use request::{
    Actor, Ask, ChatKind, IssuedNonce, Nonce, Refusal, RefusalKind, RemedyKind, RemedyOutcome, RemedyReply,
    RemedyRequest, Verdict,
};
