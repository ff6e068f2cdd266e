//! What happens around the app: the computer sleeps and wakes, the network changes, the keychain goes away and comes back.
//! All of it is heard, nothing is asked again and again.

use crate::fleet::Fleet;
use tauri::{AppHandle, Manager as _};

/// Listens as long as the app lives.
pub fn follow(app: &AppHandle) {
    #[cfg(target_os = "linux")]
    {
        tauri::async_runtime::spawn(linux::follow_sleep(app.clone()));
        tauri::async_runtime::spawn(linux::follow_network(app.clone()));
        tauri::async_runtime::spawn(keychain::follow(app.clone()));
        routes::follow(app);
    }
    // Elsewhere nothing is heard yet: a link that waits tries again within seconds, and a silent one is found by its ticks.
    #[cfg(not(target_os = "linux"))]
    let _ = app;
}

/// Every connection is tried at once.
async fn stir(app: &AppHandle, why: &str) {
    tracing::info!(why, "connections are looked at");
    app.state::<Fleet>().stir().await;
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{AppHandle, stir};
    use futures::StreamExt as _;
    use zbus::{Connection, MatchRule, MessageStream};

    const LOGIND: &str = "org.freedesktop.login1";
    const NETWORK: &str = "org.freedesktop.NetworkManager";
    /// `NetworkManager`'s word for a network that leads somewhere.
    const CONNECTED: u32 = 50;

    /// Signals of a name on the system bus, whether or not its owner is there yet.
    async fn signals(
        sender: &'static str,
        interface: &'static str,
        member: &'static str,
    ) -> Option<MessageStream> {
        let open = async {
            let connection = Connection::system().await?;
            let rule = MatchRule::builder()
                .msg_type(zbus::message::Type::Signal)
                .sender(sender)?
                .interface(interface)?
                .member(member)?
                .build();
            MessageStream::for_match_rule(rule, &connection, Some(16)).await
        };
        open.await
            .inspect_err(|error: &zbus::Error| tracing::info!(%error, sender, "this system does not tell"))
            .ok()
    }

    pub async fn follow_sleep(app: AppHandle) {
        let Some(mut told) = signals(LOGIND, "org.freedesktop.login1.Manager", "PrepareForSleep").await
        else {
            return;
        };
        while let Some(Ok(message)) = told.next().await {
            if matches!(message.body().deserialize::<bool>(), Ok(false)) {
                stir(&app, "the computer woke up").await;
            }
        }
    }

    pub async fn follow_network(app: AppHandle) {
        let Some(mut told) = signals(NETWORK, NETWORK, "StateChanged").await else { return };
        while let Some(Ok(message)) = told.next().await {
            if message.body().deserialize::<u32>().is_ok_and(|state| state >= CONNECTED) {
                stir(&app, "the network is there").await;
            }
        }
    }
}

/// The kernel tells of links, addresses and routes that come and go: also where no `NetworkManager` runs.
#[cfg(target_os = "linux")]
mod routes {
    use super::{AppHandle, stir};
    use rustix::net::netlink::SocketAddrNetlink;
    use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::sync::Notify;

    /// Links, IPv4 and IPv6 addresses, IPv4 and IPv6 routes.
    const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
    /// One change is many messages.
    const SETTLED: Duration = Duration::from_millis(300);

    pub fn follow(app: &AppHandle) {
        let flags = SocketFlags::CLOEXEC;
        // No protocol is the first one: routes.
        let opened = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)
            .and_then(|socket| bind(&socket, &SocketAddrNetlink::new(0, GROUPS)).map(|()| socket));
        let socket = match opened {
            Ok(socket) => socket,
            Err(error) => return tracing::info!(%error, "this kernel does not tell of its network"),
        };
        let changed = Arc::new(Notify::new());
        let told = Arc::clone(&changed);
        let spawned = std::thread::Builder::new().name("network".to_owned()).spawn(move || {
            let mut messages = [0_u8; 8192];
            let mut links = HashMap::new();
            loop {
                match recv(&socket, &mut messages[..], RecvFlags::empty()) {
                    Ok((length, _)) => {
                        if matters(&messages[..length.min(8192)], &mut links) {
                            told.notify_one();
                        }
                    }
                    Err(rustix::io::Errno::NOBUFS) => told.notify_one(),
                    Err(rustix::io::Errno::INTR) => {}
                    Err(_) => return,
                }
            }
        });
        if let Err(error) = spawned {
            return tracing::info!(%error, "the network is not watched");
        }
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            loop {
                changed.notified().await;
                tokio::time::sleep(SETTLED).await;
                stir(&app, "the network changed").await;
            }
        });
    }

    /// Whether messages of the kernel tell of another way to others: a link that says nothing but how well its radio
    /// hears does not.
    fn matters(mut messages: &[u8], links: &mut HashMap<u32, u32>) -> bool {
        const HEAD: usize = 16;
        const NEW_LINK: u16 = 16;
        /// Up, running, carrier.
        const UP: u32 = 0x1 | 0x40 | 0x1_0000;
        let number = |bytes: &[u8], at: usize| -> Option<u32> {
            bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
        };
        let mut any = false;
        while let Some(length) = number(messages, 0).and_then(|length| usize::try_from(length).ok()) {
            let Some(message) = messages.get(..length).filter(|_| length >= HEAD) else { break };
            let kind = message.get(4..6).and_then(|two| two.try_into().ok()).map(u16::from_ne_bytes);
            any |= match (kind, number(message, HEAD + 4), number(message, HEAD + 8)) {
                (Some(NEW_LINK), Some(link), Some(flags)) => {
                    links.insert(link, flags & UP) != Some(flags & UP)
                }
                _ => true,
            };
            messages = messages.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        any
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn message(kind: u16, link: u32, flags: u32) -> Vec<u8> {
            let mut bytes = 32_u32.to_ne_bytes().to_vec();
            bytes.extend(kind.to_ne_bytes());
            bytes.extend([0; 10]);
            bytes.extend([0; 4]);
            bytes.extend(link.to_ne_bytes());
            bytes.extend(flags.to_ne_bytes());
            bytes.extend([0; 4]);
            bytes
        }

        #[test]
        fn a_link_that_goes_down_matters_and_one_that_only_chats_does_not() {
            let mut links = HashMap::new();
            assert!(matters(&message(16, 2, 0x1_0041), &mut links), "a link that was not known");
            assert!(!matters(&message(16, 2, 0x1_1041), &mut links), "the same, with another word");
            assert!(matters(&message(16, 2, 0x1001), &mut links), "its carrier is gone");
            assert!(!matters(&message(16, 2, 0x1001), &mut links));
            assert!(matters(&message(20, 2, 0), &mut links), "an address");
            assert!(matters(&[message(16, 2, 0x1001), message(25, 0, 0)].concat(), &mut links), "a route");
            for broken in [vec![], vec![1, 2], vec![0; 16], u32::MAX.to_ne_bytes().to_vec()] {
                assert!(!matters(&broken, &mut links));
            }
        }
    }
}

/// The keychain of this session: whether somebody offers it, and whether it is open.
#[cfg(target_os = "linux")]
mod keychain {
    use super::AppHandle;
    use crate::fleet::Fleet;
    use crate::{announcements, words};
    use futures::StreamExt as _;
    use std::time::Duration;
    use tauri::Manager as _;
    use zbus::{Connection, MatchRule, MessageStream, fdo};

    const NAME: &str = "org.freedesktop.secrets";
    const DEFAULT: &str = "/org/freedesktop/secrets/aliases/default";
    const COLLECTION: &str = "org.freedesktop.Secret.Collection";
    const PATIENCE: Duration = Duration::from_secs(2);

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum State {
        Open,
        Locked,
        Gone,
    }

    pub async fn follow(app: AppHandle) {
        if let Err(error) = watch(&app).await {
            tracing::info!(%error, "the keychain is not watched");
        }
    }

    async fn watch(app: &AppHandle) -> zbus::Result<()> {
        let connection = Connection::session().await?;
        let bus = fdo::DBusProxy::new(&connection).await?;
        let mut owners = bus.receive_name_owner_changed_with_args(&[(0, NAME)]).await?;
        let rule = MatchRule::builder().msg_type(zbus::message::Type::Signal).sender(NAME)?.build();
        let mut signals = MessageStream::for_match_rule(rule, &connection, Some(64)).await?;
        // What is missing from the start the cards say, with the secret that can't be read.
        let mut known = look(&connection, &bus).await;
        loop {
            tokio::select! {
                changed = owners.next() => if changed.is_none() { return Ok(()) },
                said = signals.next() => if said.is_none() { return Ok(()) },
            }
            let now = look(&connection, &bus).await;
            if now == known {
                continue;
            }
            tracing::info!(?known, ?now, "the keychain changed");
            known = now;
            let fleet = app.state::<Fleet>();
            match now {
                State::Open => {
                    announcements::end(app, words::KEYCHAIN);
                    fleet.reload_secrets();
                    fleet.stir().await;
                }
                State::Locked | State::Gone if !fleet.needs_keychain().await => {}
                State::Locked => announcements::say(app, words::keychain_locked()),
                State::Gone => announcements::say(app, words::keychain_gone()),
            }
        }
    }

    /// Asks only whom is there: a question would start the keychain, and that one would ask for its password.
    async fn look(connection: &Connection, bus: &fdo::DBusProxy<'_>) -> State {
        let name = NAME.try_into().map_err(zbus::Error::from);
        let there = match name {
            Ok(name) => bus.name_has_owner(name).await.unwrap_or(false),
            Err(_) => false,
        };
        if !there {
            return State::Gone;
        }
        let asked = connection.call_method(
            Some(NAME),
            DEFAULT,
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &(COLLECTION, "Locked"),
        );
        let locked = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => answer
                .body()
                .deserialize::<zbus::zvariant::OwnedValue>()
                .is_ok_and(|value| bool::try_from(value).unwrap_or(false)),
            // One without a default collection makes it when something is kept.
            _ => false,
        };
        if locked { State::Locked } else { State::Open }
    }
}
