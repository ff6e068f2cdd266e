//! Taking Bulkhead off a machine: a list of what will be done, as data, and then doing it. Half-missing things stop nothing,
//! and doing it twice does nothing the second time.
//!
//! It takes away what the system knows of us: services, start at login, keychain items, the register. What a person made
//! (configuration, conversations, workspaces, backups) stays unless told otherwise.

mod app;
mod autostart;
mod run;
mod secrets;
mod steps;

pub use run::uninstall;
pub use secrets::{DeletedSecrets, delete_secrets};
pub use steps::{Step, StepAction, StepOutcome, StepState, UninstallOptions, UninstallPlan, plan};
