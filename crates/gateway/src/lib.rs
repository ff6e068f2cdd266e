//! One running gateway: everything of the floors below, put together.
//!
//! **For:** `bulkhead gateway run`. It locks the state directory, loads configuration, secrets and state, takes the port,
//! serves the protocol and the HTTP routes, answers messages of clients and channels, reloads, drains and ends.
//!
//! **Never:** opens a keychain when a supervisor runs it, ends a process that is not proven to be this profile's gateway,
//! writes a secret anywhere, or knows that a desktop exists.
//!
//! The order of a start is [`run()`], the way of a message is `runs::turn`, what happens in between is `steady`.
//!
//! ```no_run
//! use bulkhead_gateway::{RunOptions, run_blocking};
//! use bulkhead_profile::{Environment, Place};
//!
//! let env = Environment::from_process();
//! let place = Place::resolve(None, &env)?;
//! let ended = run_blocking(RunOptions::new(place, env))?;
//! std::process::exit(ended.exit_code().into());
//! # #[allow(unreachable_code)]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod approvals;
mod attachments;
mod canvas;
mod channels;
mod checks;
mod clock;
mod commands;
mod compose;
mod config_edit;
mod cooldown;
mod credentials;
mod delivery;
mod error;
mod events;
mod gateway;
mod handler;
mod health;
mod http;
mod identity;
mod invocations;
mod json;
mod logs;
mod methods;
mod models;
mod nodes;
mod options;
mod presence;
mod probation;
mod prompts;
mod questions;
mod readiness;
mod reload;
mod rescue;
pub mod roster;
mod routing;
mod run;
mod runs;
mod schedule;
mod seat;
mod session_rows;
mod sessions;
mod settings;
mod signals;
pub mod skills;
mod start;
mod steady;
mod task_ledger;
mod thinking;
mod tool_policy;
mod transcript;
mod ui;
mod usage;
mod watch;
mod wizard;

pub use error::GatewayError;
pub use logs::{MASK, Redactor};
pub use options::RunOptions;
pub use run::{run, run_blocking};
pub use steady::Ended;
