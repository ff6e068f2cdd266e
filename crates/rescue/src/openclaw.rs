//! An installed OpenClaw as the watched gateway: what can be known of it and done to it from outside.
//!
//! Nothing of its is ever written, with one exception: [`rollback`](OpenClawKeeper) replaces exactly its configuration
//! file with a copy that it ran well on.

mod config;
mod credentials;
mod keeper;
mod log;
mod mask;
mod program;
mod rollback;
mod vault;

pub(crate) use config::{Baseline, port_of, trouble_of};
pub(crate) use credentials::{Credentials, Login, Provider};
pub use keeper::{OpenClawKeeper, follow};
pub(crate) use log::was_asked_to_end;
pub(crate) use program::{Program, is_gateway, look_at_program};
pub use rollback::{RollbackError, replace_config};
pub use vault::{Vault, VaultError, VaultKey, Version};
