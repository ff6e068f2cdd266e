//! Who is at the other end of a private socket.

/// Whether the peer of a Unix socket is this user (or root, who may read it anyway).
#[cfg(unix)]
pub fn is_own_user(stream: &tokio::net::UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| may_talk(own, peer.uid()))
}

/// The effective user of this process.
#[cfg(unix)]
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(unix)]
fn may_talk(own: u32, peer: u32) -> bool {
    peer == own || peer == 0
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    #[cfg(unix)]
    {
        own_uid() == 0
    }
    #[cfg(not(unix))]
    {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_user_and_root() {
        assert!(may_talk(1000, 1000) && may_talk(1000, 0));
        assert!(!may_talk(1000, 1001) && !may_talk(0, 1000));
    }
}
