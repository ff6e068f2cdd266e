//! The crate from outside: many profiles at once, and what the audit says.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod audit;
mod register;
