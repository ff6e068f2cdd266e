//! The client against gateways that behave well and badly.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod connecting;
mod gateway;
mod reconnecting;
mod requesting;
