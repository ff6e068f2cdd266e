//! How long to wait before the next attempt.

use std::time::Duration;

/// Waits that double from a first to a longest, each shortened or lengthened by chance, so that the clients of a
/// gateway that comes back don't all knock at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// Never longer.
    pub longest: Duration,
    /// How much chance there is: 0.2 means between 80 % and 120 %.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(150), longest: Duration::from_secs(15), jitter: 0.2 }
    }
}

impl Backoff {
    /// The wait after so many failures in a row, with `chance` between 0 and 1.
    ///
    /// ```
    /// use std::time::Duration;
    /// use bulkhead_client::Backoff;
    /// let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(5), jitter: 0.0 };
    /// let waits = [1, 2, 3, 4, 99].map(|failures| backoff.wait(failures, 0.5).as_secs());
    /// assert_eq!(waits, [1, 2, 4, 5, 5]);
    /// ```
    pub fn wait(&self, failures: u32, chance: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(20));
        let wait = self.first.saturating_mul(doubled).min(self.longest);
        let jitter = self.jitter.clamp(0.0, 1.0);
        wait.mul_f64(1.0 - jitter + 2.0 * jitter * chance.clamp(0.0, 1.0))
    }
}

/// A number between 0 and 1, not predictable.
pub(crate) fn chance() -> f64 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    f64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_bounds() {
        let backoff = Backoff::default();
        for failures in 0..200 {
            for step in 0..=10 {
                let wait = backoff.wait(failures, f64::from(step) / 10.0);
                assert!(wait >= Duration::from_millis(120), "{wait:?}");
                assert!(wait <= Duration::from_secs(18), "{wait:?}");
            }
        }
        assert!((0.0..=1.0).contains(&chance()));
    }
}
