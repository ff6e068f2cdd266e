//! The way of a start: lock, configuration, secrets, store, port; and the line that says it is ready.

pub(crate) mod bind;
pub(crate) mod configuration;
pub(crate) mod directories;
pub(crate) mod foreground;
pub(crate) mod handoff;
pub(crate) mod lock;
pub(crate) mod ready;
pub(crate) mod tls;
