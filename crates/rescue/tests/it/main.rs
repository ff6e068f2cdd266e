//! The engine from outside: what becomes visible and what stays silent, incidents, alerts, remedies, probes.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in what the tests share
#![allow(clippy::duration_suboptimal_units)] // seconds of a story are told in seconds

mod causes;
mod gate;
mod probes;
mod silence;
mod storms;
mod told;
mod world;
