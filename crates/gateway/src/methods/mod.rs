//! The served methods: one file per family, one row per method.

mod agent;
mod agents;
mod approvals;
mod canvas;
mod channels;
mod chat;
mod config;
pub(crate) mod cron;
mod device_scopes;
mod device_setup;
mod device_tokens;
mod devices;
mod diagnostics;
mod exec_approvals;
mod health;
mod heartbeat;
mod hooks;
mod identity;
mod logs;
mod models;
mod node_inventory;
mod node_work;
mod nodes;
mod pairing;
mod program_approvals;
mod questions;
mod rescue;
mod restart;
mod secrets;
mod sessions;
mod skill_library;
mod skills;
mod status;
mod system;
mod tasks;
mod tools;
mod usage;
mod wizard;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bulkhead_protocol::{ErrorShape, METHODS, MethodSpec, Scope};
use bulkhead_server::{CallContext, Reply};
use bulkhead_store::StoreError;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::gateway::Gateway;

pub(crate) use sessions::set_on_session;

/// One request on its way through a handler.
pub(crate) struct Call<'a> {
    /// Who calls.
    pub(crate) ctx: CallContext,
    /// The method's row.
    pub(crate) spec: &'static MethodSpec,
    /// Its parameters as they came.
    pub(crate) params: Option<&'a RawValue>,
}

impl Call<'_> {
    /// Reads the parameters; what is wrong with them names the field.
    pub(crate) fn params<T: DeserializeOwned>(&self) -> Result<T, ErrorShape> {
        bulkhead_protocol::params::parse(self.spec.name, self.params)
    }

    /// Refuses callers without a scope that only these parameters ask for.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), ErrorShape> {
        if self.ctx.conn.allows(scope) { Ok(()) } else { Err(ErrorShape::forbidden_missing_scope(scope)) }
    }

    /// Answers at once if the caller is about to be closed because its own device's credentials changed: nothing that
    /// comes after that would reach it.
    pub(crate) fn before_own_end(&self, device_id: &str, reply: &Reply) {
        if self.ctx.conn.device_id.as_deref() == Some(device_id) {
            self.ctx.respond.early(reply);
        }
    }
}

/// What answers a method.
pub(crate) type Handler = for<'a> fn(&'a Arc<Gateway>, Call<'a>) -> BoxFuture<'a, Result<Reply, ErrorShape>>;

/// A method's name and what answers it.
pub(crate) type Route = (&'static str, Handler);

/// Rows of a family: `"method.name" => handler,`.
macro_rules! routes {
    ($($name:literal => $handler:path,)*) => {
        &[$(($name, {
            fn boxed<'a>(
                gateway: &'a std::sync::Arc<crate::gateway::Gateway>,
                call: $crate::methods::Call<'a>,
            ) -> futures::future::BoxFuture<'a, Result<bulkhead_server::Reply, bulkhead_protocol::ErrorShape>> {
                Box::pin($handler(gateway, call))
            }
            boxed
        })),*]
    };
}
use routes;

/// Every family; its file lists its methods.
const FAMILIES: &[&[Route]] = &[
    health::ROUTES,
    status::ROUTES,
    system::ROUTES,
    identity::ROUTES,
    hooks::ROUTES,
    restart::ROUTES,
    usage::ROUTES,
    skills::ROUTES,
    skill_library::ROUTES,
    tools::ROUTES,
    diagnostics::ROUTES,
    channels::ROUTES,
    pairing::ROUTES,
    models::ROUTES,
    agents::ROUTES,
    sessions::ROUTES,
    chat::ROUTES,
    agent::ROUTES,
    config::ROUTES,
    logs::ROUTES,
    devices::ROUTES,
    nodes::ROUTES,
    canvas::ROUTES,
    node_work::ROUTES,
    cron::ROUTES,
    heartbeat::ROUTES,
    rescue::ROUTES,
    secrets::ROUTES,
    approvals::ROUTES,
    exec_approvals::ROUTES,
    program_approvals::ROUTES,
    questions::ROUTES,
    tasks::ROUTES,
    wizard::ROUTES,
];

fn all_routes() -> impl Iterator<Item = &'static Route> {
    FAMILIES.iter().copied().flatten()
}

/// A served method: its row of the protocol's table and its handler.
#[derive(Clone, Copy)]
pub(crate) struct Served {
    pub(crate) spec: &'static MethodSpec,
    pub(crate) handler: Handler,
}

/// The served methods by name.
pub(crate) fn served() -> &'static HashMap<&'static str, Served> {
    static TABLE: OnceLock<HashMap<&'static str, Served>> = OnceLock::new();
    TABLE.get_or_init(|| {
        METHODS
            .iter()
            .filter_map(|spec| {
                let (_, handler) = all_routes().find(|(name, _)| *name == spec.name)?;
                Some((spec.name, Served { spec, handler: *handler }))
            })
            .collect()
    })
}

/// The names for `hello-ok.features.methods`, in the order of the protocol's table, without those that are served and
/// not spoken of.
pub(crate) fn advertised() -> Vec<&'static str> {
    let spoken = |spec: &&MethodSpec| spec.advertised && served().contains_key(spec.name);
    METHODS.iter().filter(spoken).map(|spec| spec.name).collect()
}

/// Who calls, as the audit names them.
pub(crate) fn actor(call: &Call<'_>) -> String {
    let conn = &call.ctx.conn;
    conn.device_id.as_ref().map_or_else(|| format!("client:{}", conn.client.id), |id| format!("device:{id}"))
}
/// What came of a setup code: whether its device has its token, and what is told of it.
pub(crate) use device_setup::outcome as setup_outcome;

/// A database error on its way to a client.
#[allow(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(crate) fn store_failed(error: StoreError) -> ErrorShape {
    tracing::error!(%error, "the database failed");
    ErrorShape::unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_its_row() {
        for (name, _) in all_routes() {
            assert!(served().contains_key(name), "{name} is not in the protocol's table");
        }
        assert_eq!(served().len(), all_routes().count());
    }
}
