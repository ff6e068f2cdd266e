//! The engine from outside: what becomes visible and what stays silent, incidents, alerts, remedies, probes.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in what the tests share

mod causes;
mod gate;
mod probes;
mod silence;
mod told;
mod world;
