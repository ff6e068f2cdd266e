//! What the page may ask of the app: one file per subject. Every command is listed in `bindings.rs`, granted in
//! `capabilities/main.json`, and has its TypeScript type generated.

pub mod app;
pub mod gateway;
pub mod machine;
pub mod profiles;
pub mod setup;
pub mod updates;
