//! Base ports for tests that run side by side: each gets an interval that nobody listens in now.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports that a profile claims from its base on.
const SPAN: u16 = 111;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A base port whose whole interval is free now. Different test processes start at different places.
pub fn base() -> u16 {
    let slots = 90;
    let offset = u16::try_from(std::process::id() % 89).unwrap_or(0);
    for _ in 0..slots {
        let slot = (offset + NEXT.fetch_add(7, Ordering::Relaxed)) % slots;
        let base = 20_100 + slot * 125;
        if (base..base + SPAN).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return base;
        }
    }
    panic!("no free interval of {SPAN} ports on this machine");
}
