//! The one module with unsafe code: calls that have no safe form. Each says why it is sound.
#![allow(unsafe_code)]

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn arena_max_one() {
    // SAFETY: mallopt takes two integers, touches no memory of ours, and may be called at any time; with other
    // threads running it is only less effective.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn trim() {
    // SAFETY: malloc_trim takes one integer, is thread-safe, and gives back only memory that is free already.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(target_os = "linux")]
static WHEN_SCREEN_IS_LOST: std::sync::OnceLock<fn()> = std::sync::OnceLock::new();

/// Has a function called, in whichever thread notices it, when Xlib loses its screen; after it the process ends with code 1.
/// Only the first thread calls it. `false` where this program uses no Xlib.
#[cfg(target_os = "linux")]
pub fn when_screen_is_lost(work: fn()) -> bool {
    type Handler = extern "C" fn(*mut libc::c_void) -> libc::c_int;
    extern "C" fn lost(_display: *mut libc::c_void) -> libc::c_int {
        static FIRST: std::sync::Once = std::sync::Once::new();
        // Whoever else notices waits here, and the process ends meanwhile.
        FIRST.call_once(|| {
            if let Some(work) = WHEN_SCREEN_IS_LOST.get() {
                work();
            }
            // SAFETY: it ends the process at once; what other threads do is cut off as by a signal, which is what Xlib's
            // own handlers do as well.
            unsafe { libc::_exit(1) }
        });
        1
    }
    // SAFETY: the symbol, where there is one, is Xlib's `XSetIOErrorHandler`, which takes such a function and keeps it; the
    // function is there until the process ends and does not unwind (a panic in an `extern "C"` function aborts).
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"XSetIOErrorHandler".as_ptr()) };
    if found.is_null() || WHEN_SCREEN_IS_LOST.set(work).is_err() {
        return false;
    }
    // SAFETY: as above.
    let set: extern "C" fn(Handler) -> *mut libc::c_void = unsafe { std::mem::transmute(found) };
    set(lost);
    true
}

/// Unmaps the pages of this program's code; those that are still wanted come back from the page cache when they run.
#[cfg(target_os = "linux")]
pub(crate) fn forget_code() {
    let Ok(program) = std::env::current_exe() else { return };
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    for (start, length) in code_of(&maps, &program.to_string_lossy()) {
        // SAFETY: the range is a read-only mapping of our own executable file, which nothing ever wrote to (no `w` in
        // its rights, so no relocation either): what is dropped is read again from the file, byte for byte. The call
        // changes no mapping and may run while other threads execute these pages.
        unsafe {
            libc::madvise(std::ptr::without_provenance_mut(start), length, libc::MADV_DONTNEED);
        }
    }
}

/// Start and length of the executable, never written mappings of a file.
#[cfg(target_os = "linux")]
fn code_of(maps: &str, program: &str) -> Vec<(usize, usize)> {
    maps.lines()
        .filter_map(|line| {
            let mut parts = line.split_ascii_whitespace();
            let (range, rights) = (parts.next()?, parts.next()?);
            let path = parts.nth(3)?;
            let (start, end) = range.split_once('-')?;
            let start = usize::from_str_radix(start, 16).ok()?;
            let end = usize::from_str_radix(end, 16).ok()?;
            (rights == "r-xp" && path == program && end > start).then_some((start, end - start))
        })
        .collect()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn forget_code() {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn arena_max_one() {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn trim() {}

/// Lets the kernel kill the child when the *thread* that starts it ends.
#[cfg(target_os = "linux")]
pub(crate) fn die_with_parent(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt as _;
    let parent = rustix::process::getpid();
    let in_child = move || {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        // The parent may have died before the line above: then nobody would send the signal any more.
        if rustix::process::getppid() == Some(parent) {
            Ok(())
        } else {
            Err(std::io::Error::from_raw_os_error(rustix::io::Errno::SRCH.raw_os_error()))
        }
    };
    // SAFETY: between fork and exec the closure makes two system calls (prctl, getppid) and allocates nothing.
    unsafe {
        command.pre_exec(in_child);
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn die_with_parent(_: &mut std::process::Command) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_the_program_itself_is_forgotten() {
        let maps = "\
55d000000000-55d000100000 r--p 00000000 fe:00 42 /usr/bin/bulkhead
55d000100000-55d000180000 r-xp 00100000 fe:00 42 /usr/bin/bulkhead
55d000180000-55d000190000 rw-p 00180000 fe:00 42 /usr/bin/bulkhead
7f0000000000-7f0000100000 r-xp 00000000 fe:00 43 /usr/lib/libc.so.6
7f0000200000-7f0000300000 rw-p 00000000 00:00 0
nonsense";
        assert_eq!(code_of(maps, "/usr/bin/bulkhead"), [(0x55d0_0010_0000, 0x80000)]);
    }

    #[test]
    fn the_program_goes_on_without_its_code_in_memory() {
        forget_code();
        assert_eq!((1..=10).sum::<i32>(), 55);
    }
}
