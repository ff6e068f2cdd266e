//! Tests of the channels against a strict stand-in for the Bot API.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod access;
mod answers;
mod buttons;
mod crashes;
mod disk;
mod faults;
mod leaks;
mod operators;
mod status;
mod world;
