//! From what is seen to what is visible: a hiccup is none, a planned stop is none, a machine that slept is none.
//!
//! Pure. Time comes in as [`Now`]; only its monotonic clocks count, so that a wall clock which is set never alarms
//! anybody. For each [`Aspect`] the machine remembers since when it is bad; [`judge`](judge::judge) says, from the facts alone,
//! whether it is bad and how long that may last before it becomes visible.

mod facts;
mod judge;
mod watch;

pub use facts::Facts;
pub use judge::{Aspect, Judgement, Patience};
pub(crate) use judge::{is_about_credential, judge};
pub(crate) use watch::TICK;
pub use watch::{Hush, Now, Standing, Watch};
