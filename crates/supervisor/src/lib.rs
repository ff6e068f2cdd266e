//! Starts, watches, restarts and stops one gateway; crash ladder, owner, desired state, control socket.
//!
//! **For:** the app, `bulkhead gateway supervise` and headless runs alike: [`Supervisor::spawn`] takes a profile's
//! place, a way to launch a program ([`Launcher`]) and a source of secrets ([`SecretsSource`]), and keeps that
//! profile's gateway in the state that its owner wants. Others ask it through a private socket ([`ControlClient`]).
//!
//! **Never:** of the configuration it reads only which secrets are needed; it opens no port and knows no domain. There is one supervisor per profile (a
//! lock in the state directory), and it ends only processes that it started, or that a run record proves ours.
//!
//! ```no_run
//! use std::sync::Arc;
//! use bulkhead_profile::{Environment, Owner, Place};
//! use bulkhead_supervisor::{CommandLauncher, NoSecrets, Supervisor, SupervisorOptions};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let place = Place::resolve(None, &Environment::from_process())?;
//! let options = SupervisorOptions::new(place, Owner::Desktop, Arc::new(CommandLauncher), Arc::new(NoSecrets));
//! let gateway = Supervisor::spawn(options)?;
//! gateway.wait_for(|status| status.is_running()).await;
//! gateway.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod command_launcher;
mod control;
mod crash;
mod desired;
mod error;
mod handle;
pub mod ladder;
mod launch;
mod life;
mod memory;
mod output;
pub mod ownership;
mod secrets;
mod status;
mod supervisor;

pub use command_launcher::CommandLauncher;
pub use control::{ControlClient, ControlRequest, StatusWatch};
pub use crash::{CrashReport, recent_crashes};
pub use desired::Desired;
pub use error::SupervisorError;
pub use handle::SupervisorHandle;
pub use ladder::{LadderPolicy, Rung};
pub use launch::{Exit, GatewayProcess, LaunchError, LaunchSpec, Launcher, ProcessEvent};
pub use secrets::{NoSecrets, Secrets, SecretsSource, StoredSecrets};
pub use status::{GatewayState, GatewayStatus, LastExit, Problem, Ready};
pub use supervisor::{Supervisor, SupervisorOptions};
