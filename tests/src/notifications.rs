//! The desktop's side of notifications: the test owns `org.freedesktop.Notifications` on the world's bus, reads what the
//! app shows, and clicks.

use crate::run::PATIENCE;
use crate::world::World;
use anyhow::{Context, Result, anyhow};
use std::collections::HashMap;
use tokio::sync::watch;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, connection, interface};

const PATH: &str = "/org/freedesktop/Notifications";

/// One notification as it is shown now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its number; the same number again replaces it.
    pub id: u32,
    /// Its first line.
    pub title: String,
    /// The rest.
    pub text: String,
    /// How often it was shown or changed.
    pub times: u32,
    /// Whether it makes no sound.
    pub silent: bool,
    /// Ids of what can be clicked, with their words.
    pub actions: Vec<(String, String)>,
}

/// A desktop that shows notifications.
pub struct Notifications {
    connection: Connection,
    shown: watch::Receiver<Vec<Shown>>,
}

mod server {
    #![allow(
        missing_docs,
        clippy::unused_self,
        clippy::too_many_arguments,
        clippy::used_underscore_binding,
        clippy::needless_pass_by_value,
        reason = "the shape that D-Bus calls"
    )]

    use super::{HashMap, OwnedValue, Shown, SignalEmitter, interface, watch};

    pub struct Server {
        pub shown: watch::Sender<Vec<Shown>>,
    }

    #[interface(name = "org.freedesktop.Notifications")]
    impl Server {
        fn get_capabilities(&self) -> Vec<String> {
            ["body", "actions", "persistence", "sound"].map(str::to_owned).to_vec()
        }

        fn get_server_information(&self) -> (String, String, String, String) {
            ("desk".to_owned(), "Bulkhead's tests".to_owned(), "1".to_owned(), "1.2".to_owned())
        }

        fn notify(
            &self,
            _app: String,
            replaces: u32,
            _icon: String,
            title: String,
            text: String,
            actions: Vec<String>,
            hints: HashMap<String, OwnedValue>,
            _timeout: i32,
        ) -> u32 {
            let silent =
                hints.get("suppress-sound").is_some_and(|hint| bool::try_from(hint).unwrap_or(false));
            let mut given = replaces;
            let actions: Vec<(String, String)> =
                actions.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
            self.shown.send_modify(|all| {
                if let Some(one) = all.iter_mut().find(|one| replaces != 0 && one.id == replaces) {
                    one.title = title;
                    one.text = text;
                    one.silent = silent;
                    one.actions = actions;
                    one.times += 1;
                    return;
                }
                given = all.iter().map(|one| one.id).max().unwrap_or(0) + 1;
                all.push(Shown { id: given, title, text, times: 1, silent, actions });
            });
            given
        }

        fn close_notification(&self, id: u32) {
            self.shown.send_modify(|all| all.retain(|one| one.id != id));
        }

        #[zbus(signal)]
        pub async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;
    }
}

use server::Server;

impl Notifications {
    /// Takes the name on the world's bus.
    pub async fn start(world: &World) -> Result<Self> {
        let environment = world.environment();
        let address = environment
            .get(std::ffi::OsStr::new("DBUS_SESSION_BUS_ADDRESS"))
            .context("a world with a bus")?
            .to_string_lossy()
            .into_owned();
        let (send, shown) = watch::channel(Vec::new());
        let connection = connection::Builder::address(address.as_str())?
            .serve_at(PATH, Server { shown: send })?
            .name("org.freedesktop.Notifications")?
            .build()
            .await?;
        Ok(Self { connection, shown })
    }

    /// What is on the screen now.
    pub fn now(&self) -> Vec<Shown> {
        self.shown.borrow().clone()
    }

    /// Waits for one that is as wanted.
    pub async fn wait(&self, what: &str, wanted: impl Fn(&Shown) -> bool) -> Result<Shown> {
        let mut shown = self.shown.clone();
        let seen = tokio::time::timeout(PATIENCE, shown.wait_for(|all| all.iter().any(&wanted))).await;
        match seen {
            Ok(all) => all?.iter().find(|one| wanted(one)).cloned().context("it was there"),
            Err(_) => Err(anyhow!("no notification: {what}; there are {:?}", self.now())),
        }
    }

    /// Clicks on one.
    pub async fn click(&self, id: u32) -> Result<()> {
        self.choose(id, "default").await
    }

    /// Clicks a button of one.
    pub async fn choose(&self, id: u32, action: &str) -> Result<()> {
        let emitter = SignalEmitter::new(&self.connection, PATH)?;
        Server::action_invoked(&emitter, id, action).await?;
        Ok(())
    }

    /// Waits until one is not on the screen any more.
    pub async fn gone(&self, id: u32) -> Result<()> {
        let mut shown = self.shown.clone();
        let seen = shown.wait_for(|all| all.iter().all(|one| one.id != id));
        tokio::time::timeout(PATIENCE, seen).await.with_context(|| format!("{id} is still shown"))??;
        Ok(())
    }
}
