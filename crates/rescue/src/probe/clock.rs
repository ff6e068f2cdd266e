//! The clock of the system.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::seams::Clock;

/// The clocks of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        super::platform::monotonic()
    }

    fn boottime(&self) -> Duration {
        super::platform::boottime()
    }

    fn wall_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
