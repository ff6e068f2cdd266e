//! Whoever can do something to the watched gateway: for one of ours its supervisor, for a remote one nobody here.

mod bundled;
mod look;
mod remote;
mod report;
mod service;

pub(super) use bundled::BundledKeeper;
pub(super) use look::base_port;
pub(super) use remote::RemoteKeeper;
