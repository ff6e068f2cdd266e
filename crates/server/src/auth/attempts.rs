//! Failed attempts: loopback is slowed down, remote addresses are locked out. WebSocket and HTTP count together.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// Addresses that are remembered at one time; when there are more, the one that failed longest ago is forgotten.
const MAX_ADDRESSES: usize = 4096;

/// Remembers who failed to prove themselves.
#[derive(Debug)]
pub(crate) struct Attempts {
    records: Mutex<HashMap<IpAddr, Record>>,
    rules: Rules,
}

#[derive(Debug, Clone)]
struct Rules {
    window: Duration,
    lockout: Duration,
    remote_failures: u32,
    delay: Duration,
    delay_max: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    failures: u32,
    first: Instant,
    last: Instant,
    locked_until: Option<Instant>,
}

impl Attempts {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            records: Mutex::default(),
            rules: Rules {
                window: limits.failure_window,
                lockout: limits.lockout,
                remote_failures: limits.remote_failures,
                delay: limits.loopback_delay,
                delay_max: limits.loopback_delay_max,
            },
        }
    }

    /// For how long a remote address may not even try. Loopback never is locked out.
    pub(crate) fn locked_out(&self, address: IpAddr, loopback: bool) -> Option<Duration> {
        self.locked_out_at(address, loopback, Instant::now())
    }

    /// Counts a failure and returns for how long its answer is to be held back.
    pub(crate) fn failed(&self, address: IpAddr, loopback: bool) -> Duration {
        self.failed_at(address, loopback, Instant::now())
    }

    /// Forgets the failures of an address that proved itself.
    pub(crate) fn succeeded(&self, address: IpAddr) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if !records.is_empty() {
            records.remove(&block(address));
        }
    }

    fn locked_out_at(&self, address: IpAddr, loopback: bool, now: Instant) -> Option<Duration> {
        if loopback {
            return None;
        }
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let until = records.get(&block(address))?.locked_until?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    fn failed_at(&self, address: IpAddr, loopback: bool, now: Instant) -> Duration {
        let rules = &self.rules;
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let address = block(address);
        if records.len() >= MAX_ADDRESSES && !records.contains_key(&address) {
            make_room(&mut records, rules, now);
        }
        let fresh = Record { failures: 0, first: now, last: now, locked_until: None };
        let record = records.entry(address).or_insert(fresh);
        // Loopback is forgiven after a quiet window, remote addresses count within one window.
        let since = if loopback { record.last } else { record.first };
        let over = record.locked_until.is_some_and(|until| until <= now);
        if over || now.saturating_duration_since(since) > rules.window {
            *record = fresh;
        }
        record.failures = record.failures.saturating_add(1);
        record.last = now;
        if loopback {
            let doublings = (record.failures - 1).min(16);
            return rules.delay.saturating_mul(1 << doublings).min(rules.delay_max);
        }
        if record.failures >= rules.remote_failures && record.locked_until.is_none() {
            record.locked_until = Some(now + rules.lockout);
        }
        Duration::ZERO
    }
}

/// Addresses that count as one: a home has a whole /64 of IPv6 to try from.
fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        other => other,
    }
}

fn make_room(records: &mut HashMap<IpAddr, Record>, rules: &Rules, now: Instant) {
    records.retain(|_, record| {
        record.locked_until.is_some_and(|until| until > now)
            || now.saturating_duration_since(record.last) <= rules.window
    });
    if records.len() >= MAX_ADDRESSES
        && let Some(oldest) =
            records.iter().min_by_key(|(_, record)| record.last).map(|(address, _)| *address)
    {
        records.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const SECOND: Duration = Duration::from_secs(1);

    fn attempts() -> Attempts {
        Attempts::new(&Limits::default())
    }

    #[test]
    fn loopback_waits_longer_each_time_and_is_never_locked_out() {
        let attempts = attempts();
        let now = Instant::now();
        let delays: Vec<u128> = (0..8).map(|_| attempts.failed_at(HERE, true, now).as_millis()).collect();
        assert_eq!(delays, [250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
        assert_eq!(attempts.locked_out_at(HERE, true, now), None);
        assert_eq!(attempts.failed_at(HERE, true, now + 61 * SECOND).as_millis(), 250);
        attempts.succeeded(HERE);
        assert_eq!(attempts.failed_at(HERE, true, now + 62 * SECOND).as_millis(), 250);
    }

    #[test]
    fn remote_is_locked_out_after_ten_in_a_minute() {
        let attempts = attempts();
        let remote: IpAddr = "203.0.113.9".parse().unwrap();
        let now = Instant::now();
        for n in 0..9 {
            assert_eq!(attempts.failed_at(remote, false, now + n * SECOND), Duration::ZERO);
        }
        assert_eq!(attempts.locked_out_at(remote, false, now + 9 * SECOND), None);
        attempts.failed_at(remote, false, now + 9 * SECOND);
        assert_eq!(attempts.locked_out_at(remote, false, now + 9 * SECOND), Some(300 * SECOND));
        assert_eq!(attempts.locked_out_at(remote, false, now + 308 * SECOND), Some(SECOND));
        assert_eq!(attempts.locked_out_at(remote, false, now + 309 * SECOND), None);
        attempts.failed_at(remote, false, now + 310 * SECOND);
        assert_eq!(attempts.locked_out_at(remote, false, now + 310 * SECOND), None);
    }

    #[test]
    fn slow_tries_are_not_locked_out() {
        let attempts = attempts();
        let remote: IpAddr = "203.0.113.9".parse().unwrap();
        let now = Instant::now();
        for n in 0..40 {
            attempts.failed_at(remote, false, now + n * 7 * SECOND);
            assert_eq!(attempts.locked_out_at(remote, false, now + n * 7 * SECOND), None);
        }
    }

    #[test]
    fn one_block_of_ipv6_counts_as_one_and_memory_is_bounded() {
        let attempts = attempts();
        let now = Instant::now();
        for n in 0..10_u16 {
            attempts.failed_at(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]), false, now);
        }
        assert!(attempts.locked_out_at("2001:db8:0:1::ffff".parse().unwrap(), false, now).is_some());
        assert!(attempts.locked_out_at("2001:db8:0:2::1".parse().unwrap(), false, now).is_none());
        for n in 0..10_000_u32 {
            attempts.failed_at(IpAddr::from(n.to_be_bytes()), false, now);
        }
        assert!(attempts.records.lock().unwrap().len() <= MAX_ADDRESSES);
    }
}
