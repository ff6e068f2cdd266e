//! Stand-ins for what lives on the internet, for tests: a Telegram Bot API server ([`telegram`]) and model
//! providers ([`model`]), each with faults on demand and an HTTP control API.
//!
//! They listen on loopback only and never talk to the real services.

pub mod model;
pub mod telegram;
