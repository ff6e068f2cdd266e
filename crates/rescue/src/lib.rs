//! One gateway watches another: it sees that something is wrong, says so once, and repairs it when asked.
//!
//! **For:** the rescue gateway that watches main, and main that watches rescue. Probes look (`probe`); a pure state
//! machine decides what is more than a hiccup (`state`); a diagnosis names one cause (`cause`); an incident is told in
//! one message that is updated in place (`incident`, `alert`); remedies are offered, asked for, done once, and judged by
//! what the probes see afterwards (`remedy`).
//!
//! **Never:** it knows no Telegram, no supervisor and no database: those are the seams [`Keeper`], [`Teller`] and
//! [`Journal`]. It spawns no gateway, and ends no process that is not proven to be the watched gateway's own.
//!
//! ```
//! use std::time::Duration;
//!
//! use bulkhead_rescue::{Answer, Now, Observation, Patience, Sighting, Standing, Watch, diagnose};
//!
//! let mut watch = Watch::new(Patience::bundled());
//! for second in 0..20 {
//!     let began = Duration::from_secs(second);
//!     let now = Now { monotonic: began, boottime: began, wall_ms: second * 1000 };
//!     watch.tick(now);
//!     let answer = if second < 10 { Answer::Good } else { Answer::Silent };
//!     watch.see(now, Sighting { began, what: Observation::Http(answer) });
//!     match watch.standing(now) {
//!         Standing::Healthy { .. } => assert!(second < 10),
//!         // It hangs since the tenth second; one late answer would have been nothing.
//!         Standing::Bad { aspects, .. } => {
//!             assert!(second >= 15);
//!             assert_eq!(diagnose(watch.facts(), &aspects).cause.code(), "down");
//!         }
//!         _ => assert!((10..15).contains(&second)),
//!     }
//! }
//! ```

mod alert;
mod cause;
mod drill;
mod incident;
mod observation;
pub mod openclaw;
pub mod probe;
mod remedy;
mod seams;
mod state;
mod timeline;
mod watcher;

pub use alert::{Button, Desk, Errand, Message, MessageKind, MessageRef, QuietHours, Recipient, text};
pub use cause::{Cause, Diagnosis, PortHolder, Severity, diagnose};
pub use drill::{DrillKind, DrillReport};
pub use incident::{Book, Change, Incident, IncidentId, Phase, RepairTime, Told};
pub use observation::{
    Answer, BinarySeen, ConfigSeen, ConfigTrouble, CredentialSeen, DiskSeen, Observation, PortSeen,
    ProcessSeen, ReadySeen, Reason, Reception, ServiceActivity, ServiceSeen, Sighting,
};
pub use probe::{ConfigTarget, SystemClock, Target, TargetKind};
pub use remedy::{
    Actor, Admitted, Ask, Auto, AutoPilot, ChatKind, Circumstances, Gate, IssuedNonce, Nonce, Offer, Refusal,
    RefusalKind, RemedyKind, RemedyOutcome, RemedyReply, RemedyRequest, Verdict, offer,
};
pub use seams::{
    AuditLine, Clock, Done, Journal, JournalError, Keeper, KeeperReport, Kept, KeptState, LastExit,
    TellError, Teller, Wanted,
};
pub use state::{Aspect, Facts, Hush, Judgement, Now, Patience, Standing, Watch};
pub use timeline::{Mark, SavedTimeline, Shade, Stretch};
pub use watcher::{AspectState, AspectView, RescueEvent, Seams, Settings, WatchHandle, WatchView, Watcher};
