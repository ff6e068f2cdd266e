//! The clock on the wall: what time it is, and waiting for a time although the machine sleeps or the clock is set.

use async_trait::async_trait;

/// A clock on the wall.
#[async_trait]
pub trait WallClock: Send + Sync {
    /// Milliseconds since 1970 (UTC).
    fn now_ms(&self) -> i64;

    /// Waits until the clock shows `at`, or was set. May return early; whoever waits looks at the clock again. Time that
    /// the machine slept counts.
    async fn until(&self, at: i64);
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl WallClock for SystemClock {
    fn now_ms(&self) -> i64 {
        jiff::Timestamp::now().as_millisecond()
    }

    async fn until(&self, at: i64) {
        platform::until(at, self.now_ms()).await;
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::os::fd::OwnedFd;

    use rustix::io::Errno;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    /// A timer of the kernel on the wall clock: it goes off by itself after a sleep of the machine, and when the clock is
    /// set.
    pub(super) async fn until(at: i64, now: i64) {
        if let Err(error) = wait(at).await {
            tracing::debug!(%error, "no timer on the wall clock; waiting in slices");
            super::slice(at, now).await;
        }
    }

    async fn wait(at: i64) -> std::io::Result<()> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let spec = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            // Zero would disarm it.
            it_value: Timespec {
                tv_sec: at.div_euclid(1000).max(1),
                tv_nsec: at.rem_euclid(1000) * 1_000_000,
            },
        };
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET, &spec)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe; an owned descriptor that nobody else closes is sound"
        )]
        let timer: AsyncFd<OwnedFd> = AsyncFd::new(timer)?;
        loop {
            let mut ready = timer.readable().await?;
            let mut count = [0_u8; 8];
            match rustix::io::read(timer.get_ref(), &mut count) {
                // The clock was set: whoever waits looks at it again.
                Ok(_) | Err(Errno::CANCELED) => return Ok(()),
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    pub(super) use super::slice as until;
}

/// Without a timer on the wall clock: no more than a minute at a time, so that a sleep of the machine or a clock that is
/// set is noticed within it.
async fn slice(at: i64, now: i64) {
    let left = u64::try_from(at.saturating_sub(now)).unwrap_or(0).min(60_000);
    tokio::time::sleep(std::time::Duration::from_millis(left)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_wait_ends_when_the_time_has_come() {
        let clock = SystemClock;
        let at = clock.now_ms() + 30;
        clock.until(at).await;
        assert!(clock.now_ms() >= at);
        // What is past is over at once.
        clock.until(at - 10_000).await;
        slice(at, at + 5).await;
    }
}
