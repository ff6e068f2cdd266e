//! Onboarding on a machine of its own: a temporary home, a keychain in memory, an outside world that answers as told.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod backup;
mod create;
mod detect;
mod diagnostics;
mod doctor;
mod errors;
mod import;
mod interface;
mod journal;
mod live;
mod machine;
mod openclaw;
mod uninstall;
mod ward;
