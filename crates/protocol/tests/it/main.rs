//! The types of this crate against the published schema and against recorded conversations.
//!
//! Both are looked for outside the crate; where one is missing, its tests say so and pass.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod places;
mod published_schema;
mod recorded;
