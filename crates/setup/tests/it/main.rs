//! Onboarding on a machine of its own: a temporary home, a keychain in memory, an outside world that answers as told.

#![allow(clippy::unwrap_used)]

mod create;
mod detect;
mod errors;
mod interface;
mod journal;
mod machine;
