//! Base ports for tests that run side by side: each gets an interval of its own that nobody listens in now.

use std::fs::File;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports that a profile claims from its base on.
const SPAN: u16 = 111;
/// Intervals to choose from.
const SLOTS: u16 = 90;

static NEXT: AtomicU16 = AtomicU16::new(0);
/// Locks on this process's intervals; they end with it, however it ends.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A base port whose whole interval is free now and is no other test's. Different test processes start at different
/// places, and a lock per interval keeps two that start at one place apart until they listen.
pub fn base() -> u16 {
    let offset = u16::try_from(std::process::id() % 89).unwrap_or(0);
    for _ in 0..SLOTS {
        let slot = (offset + NEXT.fetch_add(7, Ordering::Relaxed)) % SLOTS;
        let base = 20_100 + slot * 125;
        let Some(lock) = claim(slot) else { continue };
        if (base..base + SPAN).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            HELD.lock().expect("held intervals").push(lock);
            return base;
        }
    }
    panic!("no free interval of {SPAN} ports on this machine");
}

fn claim(slot: u16) -> Option<File> {
    let folder = std::env::temp_dir().join("bulkhead-test-ports");
    std::fs::create_dir_all(&folder).expect("a folder for locks");
    let file = File::create(folder.join(format!("{slot}.lock"))).expect("a lock file");
    file.try_lock().is_ok().then_some(file)
}
