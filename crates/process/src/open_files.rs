//! How many files and sockets this process may have open.

/// Sockets of a busy gateway, its database, logs and children, with room to spare.
const WANTED: u64 = 16_384;

/// Raises the soft limit of open files as far as a gateway may need it and the system allows; answers the limit that holds
/// then, or `None` where there is none. Systems begin with as few as 256 (macOS) or 1024 (systemd), and a gateway at its
/// limit takes nobody in any more.
#[cfg(unix)]
pub fn raise_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current?;
    let wanted = limit.maximum.map_or(WANTED, |most| WANTED.min(most));
    if current >= wanted {
        return Some(current);
    }
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    Some(if setrlimit(Resource::Nofile, raised).is_ok() { wanted } else { current })
}

/// There is no such limit.
#[cfg(not(unix))]
pub fn raise_limit() -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn the_limit_is_raised_and_never_lowered() {
        let before = getrlimit(Resource::Nofile);
        let after = raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current, after);
        assert!(after >= before.current.map(|soft| soft.min(WANTED)), "{before:?} {after:?}");
    }
}
