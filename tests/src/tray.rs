//! The desktop's side of a tray icon: the test owns `org.kde.StatusNotifierWatcher` on the world's bus, reads the icon
//! and its menu as a panel does, and clicks.

use crate::run::PATIENCE;
use crate::world::World;
use anyhow::{Context, Result, anyhow, ensure};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, connection, interface};

const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";
/// Pause between two looks at a menu.
const LOOK: Duration = Duration::from_millis(30);

/// A panel that shows one icon.
pub struct Tray {
    connection: Connection,
    items: watch::Receiver<Option<Item>>,
}

/// An entry as `GetLayout` gives it: id, properties, children.
type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// Where an icon lives.
#[derive(Debug, Clone)]
struct Item {
    owner: String,
    path: String,
}

struct Watcher {
    items: watch::Sender<Option<Item>>,
}

#[allow(clippy::unused_self, clippy::needless_pass_by_value, reason = "the shape that D-Bus calls")]
#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String, #[zbus(header)] header: Header<'_>) {
        let owner = header.sender().map(ToString::to_string).unwrap_or_default();
        // Ayatana gives a path, others a name.
        let item = if service.starts_with('/') {
            Item { owner, path: service }
        } else {
            Item { owner: service, path: "/StatusNotifierItem".to_owned() }
        };
        self.items.send_replace(Some(item));
    }

    fn register_status_notifier_host(&self, service: String) {
        drop(service);
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let item = self.items.borrow().clone();
        item.map(|item| format!("{}{}", item.owner, item.path)).into_iter().collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// One entry of a menu.
#[derive(Debug, Clone)]
pub struct Entry {
    id: i32,
    /// What it says.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// Whether it is ticked, where it is a tick.
    pub checked: Option<bool>,
    /// What is under it.
    pub children: Vec<Entry>,
}

impl Entry {
    /// The entry whose label begins so.
    pub fn entry(&self, label: &str) -> Option<&Entry> {
        self.children.iter().find(|entry| entry.label.starts_with(label))
    }

    /// Labels of what is under it, without separators.
    pub fn labels(&self) -> Vec<&str> {
        self.children.iter().map(|entry| entry.label.as_str()).filter(|label| !label.is_empty()).collect()
    }
}

impl Tray {
    /// Takes the watcher's name on the world's bus.
    pub async fn start(world: &World) -> Result<Self> {
        let environment = world.environment();
        let address = environment
            .get(std::ffi::OsStr::new("DBUS_SESSION_BUS_ADDRESS"))
            .context("a world with a bus")?
            .to_string_lossy()
            .into_owned();
        let (send, items) = watch::channel(None);
        let connection = connection::Builder::address(address.as_str())?
            .serve_at("/StatusNotifierWatcher", Watcher { items: send })?
            .name("org.kde.StatusNotifierWatcher")?
            .build()
            .await?;
        Ok(Self { connection, items })
    }

    /// Waits until there is an icon.
    pub async fn appears(&self) -> Result<()> {
        self.item().await.map(drop)
    }

    /// The file of the icon that shows now.
    pub async fn icon(&self) -> Result<PathBuf> {
        let name: String = self.property("IconName").await?.try_into()?;
        Ok(PathBuf::from(name))
    }

    /// Waits until the icon is the picture in a file.
    pub async fn shows(&self, picture: &Path) -> Result<()> {
        let expected = pixels(picture)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let icon = self.icon().await?;
            // The app replaces the file; a look in between finds none.
            if pixels(&icon).is_ok_and(|found| found == expected) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{} does not look as {}", icon.display(), picture.display());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The menu and its revision, which changes with every change of it.
    pub async fn menu(&self) -> Result<(u32, Entry)> {
        let (owner, path) = self.menu_place().await?;
        let names: Vec<&str> = Vec::new();
        let reply = self
            .connection
            .call_method(
                Some(owner.as_str()),
                path.as_str(),
                Some(MENU),
                "GetLayout",
                &(0_i32, -1_i32, names),
            )
            .await?;
        let body = reply.body();
        let (revision, (id, properties, children)): (u32, Node) = body.deserialize()?;
        let properties: HashMap<String, Value<'_>> =
            properties.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
        let children = children.into_iter().map(Value::from).collect::<Vec<_>>();
        Ok((revision, entry(id, &properties, &children)?))
    }

    /// Waits until the menu is so.
    pub async fn menu_where(&self, what: &str, wanted: impl Fn(&Entry) -> bool) -> Result<Entry> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // A menu that is being replaced does not answer.
            let found = self.menu().await;
            if let Ok((_, menu)) = &found
                && wanted(menu)
            {
                return Ok(menu.clone());
            }
            ensure!(Instant::now() < deadline, "no menu where {what}; it is {found:#?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits for a profile's line, which begins so, and answers with what is under it.
    pub async fn line(&self, label: &str) -> Result<Entry> {
        let menu = self.menu_where(label, |menu| menu.entry(label).is_some()).await?;
        menu.entry(label).cloned().with_context(|| label.to_owned())
    }

    /// Clicks an entry under a profile's line once it can be clicked there.
    pub async fn click_under(&self, line: &str, label: &str) -> Result<()> {
        let can = |menu: &Entry| {
            menu.entry(line).and_then(|line| line.entry(label)).is_some_and(|entry| entry.enabled)
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let menu = self.menu_where(&format!("{label} is under {line}"), can).await?;
            let entry = menu.entry(line).and_then(|line| line.entry(label)).context("it was there")?;
            // The menu may have been replaced since it was read.
            match self.fire(entry).await {
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(LOOK).await,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Clicks an entry of the menu itself.
    pub async fn click(&self, label: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let menu = self.menu_where(label, |menu| menu.entry(label).is_some()).await?;
            match self.fire(menu.entry(label).context("it was there")?).await {
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(LOOK).await,
                Ok(()) => return Ok(()),
            }
        }
    }

    async fn fire(&self, entry: &Entry) -> Result<()> {
        let (owner, path) = self.menu_place().await?;
        self.connection
            .call_method(
                Some(owner.as_str()),
                path.as_str(),
                Some(MENU),
                "Event",
                &(entry.id, "clicked", Value::from(0_i32), 0_u32),
            )
            .await?;
        Ok(())
    }

    async fn item(&self) -> Result<Item> {
        let mut items = self.items.clone();
        let item = tokio::time::timeout(PATIENCE, items.wait_for(Option::is_some))
            .await
            .context("no tray icon appeared")??
            .clone();
        item.context("an icon")
    }

    async fn menu_place(&self) -> Result<(String, OwnedObjectPath)> {
        let owner = self.item().await?.owner;
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The icon registers before its menu is there.
            match self.property("Menu").await.and_then(|menu| Ok(OwnedObjectPath::try_from(menu)?)) {
                Ok(menu) => return Ok((owner, menu)),
                Err(error) => ensure!(Instant::now() < deadline, "no menu: {error}"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn property(&self, name: &str) -> Result<OwnedValue> {
        let item = self.item().await?;
        let reply = self
            .connection
            .call_method(
                Some(item.owner.as_str()),
                item.path.as_str(),
                Some("org.freedesktop.DBus.Properties"),
                "Get",
                &(ITEM, name),
            )
            .await?;
        Ok(reply.body().deserialize()?)
    }
}

fn entry(id: i32, properties: &HashMap<String, Value<'_>>, children: &[Value<'_>]) -> Result<Entry> {
    let text = |name: &str| match properties.get(name) {
        Some(Value::Str(text)) => Some(text.to_string()),
        _ => None,
    };
    let checked = match (text("toggle-type"), properties.get("toggle-state")) {
        (Some(kind), Some(Value::I32(state))) if !kind.is_empty() => Some(*state == 1),
        _ => None,
    };
    Ok(Entry {
        id,
        label: text("label").unwrap_or_default(),
        enabled: !matches!(properties.get("enabled"), Some(Value::Bool(false))),
        checked,
        children: children.iter().map(node).collect::<Result<_>>()?,
    })
}

fn node(value: &Value<'_>) -> Result<Entry> {
    let value = match value {
        Value::Value(inner) => inner,
        value => value,
    };
    let Value::Structure(structure) = value else { return Err(anyhow!("no menu entry: {value:?}")) };
    let [Value::I32(id), Value::Dict(properties), Value::Array(children)] = structure.fields() else {
        return Err(anyhow!("no menu entry: {structure:?}"));
    };
    let mut map = HashMap::new();
    for (name, value) in properties.iter() {
        let Value::Str(name) = name else { continue };
        let value = match value {
            Value::Value(inner) => (**inner).try_clone()?,
            value => value.try_clone()?,
        };
        map.insert(name.to_string(), value);
    }
    entry(*id, &map, children.inner())
}

/// Decoded, because the app writes its own encoding of the same picture.
fn pixels(file: &Path) -> Result<(u32, u32, Vec<u8>)> {
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file)?));
    let mut reader = decoder.read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().context("a picture of sane size")?];
    let info = reader.next_frame(&mut bytes)?;
    bytes.truncate(info.buffer_size());
    Ok((info.width, info.height, bytes))
}
