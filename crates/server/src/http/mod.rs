//! The HTTP shell around the protocol: checks in front of everything, health, bearer, web UI, upgrade.

pub(crate) mod bearer;
pub(crate) mod document;
pub(crate) mod guard;
pub(crate) mod health;
pub(crate) mod reply;
pub(crate) mod shell;
pub(crate) mod ui;
pub(crate) mod upgrade;
