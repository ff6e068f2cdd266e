//! Remedies: what can be done, who may, once.

mod auto;
mod gate;
mod offer;
mod request;

pub use auto::{Auto, AutoPilot};
pub(crate) use gate::LIFETIME_MS;
pub use gate::{Admitted, Circumstances, Gate};
pub use offer::{Offer, offer};
pub use request::{
    Actor, Ask, ChatKind, IssuedNonce, Nonce, Refusal, RefusalKind, RemedyKind, RemedyOutcome, RemedyReply,
    RemedyRequest, Verdict,
};
