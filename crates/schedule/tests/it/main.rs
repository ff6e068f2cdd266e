//! The engine with a clock and a host of the test's.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a test")]

mod crashes;
mod edits;
mod failures;
mod properties;
mod times;
mod world;
