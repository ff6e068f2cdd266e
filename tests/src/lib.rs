//! What the end-to-end tests stand on: a [`World`] is a machine of its own as far as Bulkhead can tell (home, XDG
//! folders, session bus, keychain, screen), with the built programs, and nothing of it outlives the test.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that can't set up its world ends here, loudly"
)]

pub mod bus;
pub mod chromium;
#[cfg(target_os = "linux")]
pub mod desk;
#[cfg(target_os = "linux")]
pub mod manager;
pub mod node;
#[cfg(target_os = "linux")]
pub mod notifications;
pub mod openclaw;
pub mod page;
pub mod ports;
pub mod programs;
#[cfg(target_os = "linux")]
pub mod reader;
pub mod run;
pub mod screen;
pub mod search;
#[cfg(target_os = "linux")]
pub mod tray;
pub mod way;
pub mod world;

pub use run::{Line, Running};
pub use world::World;
