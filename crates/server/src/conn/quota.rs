//! How often the control plane may be written to.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_protocol::ErrorShape;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde_json::json;

use crate::limits::Limits;

/// Control-plane writes per method.
pub(crate) struct WriteQuota {
    limiters: Mutex<HashMap<&'static str, Arc<DefaultDirectRateLimiter>>>,
    quota: Option<Quota>,
    writes: u32,
    window: Duration,
}

impl WriteQuota {
    pub(crate) fn new(limits: &Limits) -> Self {
        let quota = NonZeroU32::new(limits.control_plane_writes).and_then(|writes| {
            Quota::with_period(limits.control_plane_window / writes.get())
                .map(|quota| quota.allow_burst(writes))
        });
        Self {
            limiters: Mutex::default(),
            quota,
            writes: limits.control_plane_writes,
            window: limits.control_plane_window,
        }
    }

    pub(crate) fn take(&self, method: &'static str) -> Result<(), ErrorShape> {
        let Some(quota) = self.quota else { return Ok(()) };
        let limiter = {
            let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(limiters.entry(method).or_insert_with(|| Arc::new(RateLimiter::direct(quota))))
        };
        limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            let message = format!(
                "rate limit exceeded for {method}: at most {} writes in {} s; retry after {} s",
                self.writes,
                self.window.as_secs(),
                wait_ms.div_ceil(1000)
            );
            ErrorShape::unavailable_retryable(message, Some(wait_ms)).with_details(json!({
                "reason": "rate-limited",
                "method": method,
                "limit": format!("{} per {}s", self.writes, self.window.as_secs()),
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn writes_are_counted_per_method() {
        let quota = WriteQuota::new(&Limits::default());
        for _ in 0..30 {
            assert!(quota.take("config.patch").is_ok());
        }
        assert!(quota.take("config.patch").is_err());
        assert!(quota.take("channels.pairing.approve").is_ok());
    }
}
