//! Windows on a test's screen, as a window manager's taskbar sees them.

use crate::run::PATIENCE;
use crate::screen::Screen;
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, ImageFormat, Window as WindowId,
};
use x11rb::rust_connection::RustConnection;

const LOOK: Duration = Duration::from_millis(30);

/// A connection to the screen.
pub struct Desk {
    connection: RustConnection,
    root: WindowId,
    list: Atom,
    close: Atom,
    active: Atom,
}

impl Desk {
    /// Connects to a screen.
    pub fn new(screen: &Screen) -> Result<Self> {
        let (connection, number) = RustConnection::connect(Some(screen.display()))?;
        let root = connection.setup().roots.get(number).context("a screen")?.root;
        let atom = |name: &str| -> Result<Atom> {
            Ok(connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
        };
        let (list, close, active) =
            (atom("_NET_CLIENT_LIST")?, atom("_NET_CLOSE_WINDOW")?, atom("_NET_ACTIVE_WINDOW")?);
        Ok(Self { connection, root, list, close, active })
    }

    /// The windows that a taskbar would list.
    pub fn windows(&self) -> Result<Vec<u32>> {
        self.list_of(self.list)
    }

    /// Waits until there are so many.
    pub async fn has(&self, count: usize) -> Result<Vec<u32>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let windows = self.windows()?;
            if windows.len() == count {
                return Ok(windows);
            }
            ensure!(Instant::now() < deadline, "{} windows, expected {count}", windows.len());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether a window is put away into the task bar.
    pub fn is_minimised(&self, window: u32) -> Result<bool> {
        let state = self.connection.intern_atom(false, b"_NET_WM_STATE")?.reply()?.atom;
        let hidden = self.connection.intern_atom(false, b"_NET_WM_STATE_HIDDEN")?.reply()?.atom;
        let reply = self.connection.get_property(false, window, state, AtomEnum::ATOM, 0, 64)?.reply()?;
        Ok(reply.value32().is_some_and(|mut all| all.any(|one| one == hidden)))
    }

    /// Whether a window has the focus.
    pub fn is_active(&self, window: u32) -> Result<bool> {
        Ok(self.list_of(self.active)?.contains(&window))
    }

    /// Waits until a window shows more than a plain background: at least so many colours.
    pub async fn is_painted(&self, window: u32, colours: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.colours(window)?;
            if found >= colours {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the window shows {found} colours, expected {colours}");
            tokio::time::sleep(LOOK).await;
        }
    }

    fn colours(&self, window: u32) -> Result<usize> {
        let size = self.connection.get_geometry(window)?.reply()?;
        let image = self
            .connection
            .get_image(ImageFormat::Z_PIXMAP, window, 0, 0, size.width, size.height, u32::MAX)?
            .reply()?;
        let pixels: std::collections::HashSet<&[u8]> = image.data.chunks_exact(4).collect();
        Ok(pixels.len())
    }

    /// Closes a window as its cross does.
    pub fn close(&self, window: u32) -> Result<()> {
        let event = ClientMessageEvent::new(32, window, self.close, [0, 2, 0, 0, 0]);
        let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.connection.send_event(false, self.root, mask, event)?;
        self.connection.flush()?;
        Ok(())
    }

    fn list_of(&self, property: Atom) -> Result<Vec<u32>> {
        let reply =
            self.connection.get_property(false, self.root, property, AtomEnum::WINDOW, 0, 1024)?.reply()?;
        Ok(reply.value32().map(Iterator::collect).unwrap_or_default())
    }
}
