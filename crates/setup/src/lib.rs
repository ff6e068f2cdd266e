//! Onboarding: what somebody wants ([`Plan`]), whether it will work ([`Action::Check`]), and making it so
//! ([`Action::Create`]).
//!
//! The command line and the app's wizard give the same [`Request`] and read the same [`Event`]s; the request comes in with
//! secrets in it and nothing of them goes out again. Creating is journaled: what was begun and not finished is either taken
//! up again or undone by the next run.
//!
//! It asks nobody anything, prints nothing, and never chooses where secrets go: the plan says so.
//!
//! ```no_run
//! use bulkhead_profile::Environment;
//! use bulkhead_setup::{Request, World};
//!
//! # async fn example() -> Result<(), bulkhead_setup::SetupError> {
//! let request = Request::parse(br#"{"version":1,"action":"detect"}"#)?;
//! let world = World::of_this_machine(Environment::from_process());
//! let outcome = bulkhead_setup::run(&request, &world, &|progress| drop(progress)).await;
//! assert!(outcome.ok);
//! # Ok(())
//! # }
//! ```

#![allow(clippy::result_large_err, reason = "a finding is made a few times in a run, never in a loop")]

mod attach;
pub mod backup;
mod check;
mod create;
mod detect;
pub mod diagnostics;
pub mod doctor;
mod elsewhere;
mod error;
mod event;
mod import;
mod live;
mod plan;
mod run;
mod target;
pub mod uninstall;
mod world;

pub use attach::{MainKind, MainPlan};
pub use detect::{
    Detection, FoundChrome, FoundGateway, FoundKeychain, FoundModel, FoundOpenClaw, FoundPort, FoundProxy,
    FoundServices,
};
pub use error::SetupError;
pub use event::{Event, Outcome, ProfileResult, Progress, ProgressState, Step};
pub use import::{Brought, ImportArea, ImportKind, ImportLine, ImportPlan, ImportResult};
pub use live::{Bot, Live, ModelAnswer, Trouble};
pub use plan::{
    Action, Beside, CheckKind, MAX_REQUEST_BYTES, ModelPlan, Plan, ProfilePlan, Request, SecretsPlan,
    TelegramPlan,
};
pub use run::{run, set_up};
pub use world::{Space, World};
