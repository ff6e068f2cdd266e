//! What a screen reader knows of the app: the accessibility tree over AT-SPI, and keys as the keyboard sends them (the
//! registry makes real ones on the X server). Nothing here sees a pixel, a pointer or the page's code.

use crate::run::PATIENCE;
use crate::world::World;
use anyhow::{Context, Result, bail, ensure};
use std::time::{Duration, Instant};
use zbus::Connection;
use zbus::export::serde;
use zbus::zvariant::OwnedObjectPath;

const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
const REGISTRY: &str = "org.a11y.atspi.Registry";
/// Pause between two looks at the tree.
const LOOK: Duration = Duration::from_millis(60);
/// Longest wait for the focus after Tab; where it went out of the page there is none.
const STEP: Duration = Duration::from_secs(2);
/// Most stops that are passed on the way to one.
const STOPS: usize = 80;

/// X key symbols.
pub mod keys {
    /// Tab.
    pub const TAB: i32 = 0xff09;
    /// Enter.
    pub const RETURN: i32 = 0xff0d;
    /// Arrow down.
    pub const DOWN: i32 = 0xff54;
}

/// Roles by their numbers in AT-SPI.
pub mod roles {
    /// A slider.
    pub const SLIDER: u32 = 51;
    /// A radio button.
    pub const RADIO: u32 = 44;
}

mod states {
    pub const FOCUSED: u64 = 1 << 12;
    pub const SENSITIVE: u64 = 1 << 24;
    pub const CHECKED: u64 = 1 << 4;
}

type Place = (String, OwnedObjectPath);

/// One thing in the tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// What is said of it.
    pub name: String,
    /// What it is, by number.
    pub role: u32,
    states: u64,
    place: Place,
}

impl Node {
    /// Whether it can be used.
    pub fn is_sensitive(&self) -> bool {
        self.states & states::SENSITIVE != 0
    }

    /// Whether it is the chosen one.
    pub fn is_checked(&self) -> bool {
        self.states & states::CHECKED != 0
    }
}

/// A reader of the screen.
pub struct Reader {
    bus: Connection,
}

impl Reader {
    /// Reads what is on the world's session. First of all that is to be read, which must not have `NO_AT_BRIDGE`.
    pub async fn start(world: &World) -> Result<Self> {
        let environment = world.environment();
        let variable = |name: &str| -> Result<String> {
            let value = environment
                .get(std::ffi::OsStr::new(name))
                .with_context(|| format!("a world with {name}"))?;
            Ok(value.to_string_lossy().into_owned())
        };
        let address = variable("DBUS_SESSION_BUS_ADDRESS")?;
        let session = zbus::connection::Builder::address(address.as_str())?.build().await?;
        // The bus is older than the screen, and starts the registry, which makes the keys.
        let display = std::collections::HashMap::from([("DISPLAY", variable("DISPLAY")?)]);
        let bus = "org.freedesktop.DBus";
        session
            .call_method(
                Some(bus),
                "/org/freedesktop/DBus",
                Some(bus),
                "UpdateActivationEnvironment",
                &(display,),
            )
            .await?;
        let path = "/org/a11y/bus";
        let reply = session
            .call_method(Some("org.a11y.Bus"), path, Some("org.a11y.Bus"), "GetAddress", &())
            .await
            .context("no accessibility bus: install at-spi2-core")?;
        let own: String = reply.body().deserialize()?;
        Ok(Self { bus: zbus::connection::Builder::address(own.as_str())?.build().await? })
    }

    /// The whole tree, each thing before what is in it.
    pub async fn tree(&self) -> Result<Vec<Node>> {
        let mut all = Vec::new();
        let root = (REGISTRY.to_owned(), OwnedObjectPath::try_from("/org/a11y/atspi/accessible/root")?);
        let mut left = vec![root];
        while let Some(place) = left.pop() {
            // A page changes while it is read: what is gone meanwhile is not there.
            let Ok((node, children)) = self.node(place).await else { continue };
            all.push(node);
            left.extend(children.into_iter().rev());
            ensure!(all.len() < 5_000, "the tree does not end");
        }
        Ok(all)
    }

    async fn node(&self, place: Place) -> Result<(Node, Vec<Place>)> {
        let name: zbus::zvariant::OwnedValue =
            self.call(&place, "org.freedesktop.DBus.Properties", "Get", &(ACCESSIBLE, "Name")).await?;
        let count: zbus::zvariant::OwnedValue =
            self.call(&place, "org.freedesktop.DBus.Properties", "Get", &(ACCESSIBLE, "ChildCount")).await?;
        let role: u32 = self.call(&place, ACCESSIBLE, "GetRole", &()).await?;
        let states: Vec<u32> = self.call(&place, ACCESSIBLE, "GetState", &()).await?;
        let mut children: Vec<Place> = self.call(&place, ACCESSIBLE, "GetChildren", &()).await?;
        if children.is_empty() {
            // The window's socket tells of the page in it only by its number.
            for index in 0..i32::try_from(&count).unwrap_or(0) {
                children.push(self.call(&place, ACCESSIBLE, "GetChildAtIndex", &(index,)).await?);
            }
        }
        let mut name = String::try_from(name).unwrap_or_default();
        if name.is_empty() && !matches!(role, 14 | 20 | 23 | 75) {
            // What has no name is read by its text (but the toolkit's own frames); embedded things stand in it as one character.
            let text: Result<String> = self.call(&place, "org.a11y.atspi.Text", "GetText", &(0, -1)).await;
            text.unwrap_or_default().replace('\u{fffc}', " ").trim().clone_into(&mut name);
        }
        let states = states.iter().rev().fold(0, |bits, half| bits << 32 | u64::from(*half));
        Ok((Node { name, role, states, place }, children))
    }

    async fn call<T>(
        &self,
        (owner, path): &Place,
        interface: &str,
        method: &str,
        body: &(impl serde::Serialize + zbus::zvariant::DynamicType),
    ) -> Result<T>
    where
        T: serde::de::DeserializeOwned + zbus::zvariant::Type,
    {
        let reply = self.bus.call_method(Some(owner.as_str()), path, Some(interface), method, body).await?;
        Ok(reply.body().deserialize()?)
    }

    /// Everything that is said, in its order.
    pub async fn said(&self) -> Result<Vec<String>> {
        Ok(self.tree().await?.into_iter().map(|node| node.name).filter(|name| !name.is_empty()).collect())
    }

    /// Waits until something is said that begins so.
    pub async fn hears(&self, words: &str) -> Result<Node> {
        self.until(words, |node| node.name.starts_with(words)).await
    }

    /// Waits until something is as it should be.
    pub async fn until(&self, what: &str, is: impl Fn(&Node) -> bool) -> Result<Node> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(node) = self.tree().await?.into_iter().find(|node| is(node)) {
                return Ok(node);
            }
            if Instant::now() > deadline {
                bail!("nothing like {what:?} is said; what is:\n{}", self.said().await?.join("\n"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What has the focus: the innermost.
    pub async fn focused(&self) -> Result<Option<Node>> {
        let found = self.tree().await?.into_iter().rfind(|node| node.states & states::FOCUSED != 0);
        // Frames and documents hold the focus of what is in them.
        Ok(found.filter(|node| !matches!(node.role, 23 | 49 | 69 | 82 | 95)))
    }

    /// Presses and lets go a key.
    pub async fn press(&self, symbol: i32) -> Result<()> {
        self.keyboard(symbol, "", 3).await
    }

    /// Types a text.
    pub async fn types(&self, text: &str) -> Result<()> {
        for letter in text.chars() {
            // Latin letters are their own key symbols.
            self.press(i32::try_from(u32::from(letter))?).await?;
        }
        Ok(())
    }

    async fn keyboard(&self, code: i32, text: &str, kind: u32) -> Result<()> {
        let path = OwnedObjectPath::try_from("/org/a11y/atspi/registry/deviceeventcontroller")?;
        let place = (REGISTRY.to_owned(), path);
        self.call(
            &place,
            "org.a11y.atspi.DeviceEventController",
            "GenerateKeyboardEvent",
            &(code, text, kind),
        )
        .await
    }

    /// Presses a key and waits until the focus is elsewhere.
    async fn moves(&self, symbol: i32) -> Result<Option<Node>> {
        let before = self.focused().await?.map(|node| node.place);
        self.press(symbol).await?;
        let deadline = Instant::now() + STEP;
        loop {
            let now = self.focused().await?;
            if now.as_ref().map(|node| &node.place) != before.as_ref() || Instant::now() > deadline {
                return Ok(now);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Goes on by Tab to what is named so.
    pub async fn reach(&self, name: &str, is: impl Fn(&Node) -> bool) -> Result<()> {
        let mut passed = Vec::new();
        let mut here = self.focused().await?;
        for _ in 0..STOPS {
            match &here {
                Some(node) if node.name.starts_with(name) && is(node) => return Ok(()),
                Some(node) => passed.push(node.name.clone()),
                None => passed.push("(none)".to_owned()),
            }
            here = self.moves(keys::TAB).await?;
        }
        bail!("Tab does not lead to {name:?}; it passed {passed:?}")
    }

    /// Goes to a button once it can be used, and presses it.
    pub async fn activate(&self, name: &str) -> Result<()> {
        self.until(name, |node| node.name == name && node.is_sensitive()).await?;
        self.reach(name, |node| node.name == name).await?;
        self.press(keys::RETURN).await
    }

    /// Goes to a group of choices, and by arrows to one of them.
    pub async fn choose(&self, name: &str) -> Result<()> {
        self.reach("", |node| node.role == roles::RADIO).await?;
        let mut passed = Vec::new();
        for _ in 0..STOPS {
            let here = self.focused().await?.context("the focus left the choices")?;
            if here.name.starts_with(name) {
                if !here.is_checked() {
                    self.press(i32::from(b' ')).await?;
                }
                self.until(name, |node| node.name.starts_with(name) && node.is_checked()).await?;
                return Ok(());
            }
            passed.push(here.name);
            self.moves(keys::DOWN).await?;
        }
        bail!("arrows do not lead to {name:?}; they passed {passed:?}")
    }

    /// Goes to a field and writes into it, over what stands there.
    pub async fn fill(&self, name: &str, text: &str) -> Result<()> {
        self.reach(name, |node| node.name == name && node.role != roles::SLIDER).await?;
        self.types(text).await
    }
}
