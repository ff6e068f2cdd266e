//! Memory of this process and of others. The tuning is for glibc; elsewhere it does nothing.

use crate::{platform, system};

/// One arena for all threads: less memory held back. Call it before the first thread is started.
pub fn arena_max_one() {
    system::arena_max_one();
}

/// Gives freed memory back to the system, and lets go of code that only the work before needed (the page cache keeps it).
/// Call it when work is done and nothing more is expected soon.
pub fn trim() {
    system::trim();
    system::forget_code();
}

/// The memory of a process in bytes: its share of what it uses (PSS) where the system tells that, else resident.
pub fn of(pid: u32) -> Option<u64> {
    platform::memory_of(pid)
}
