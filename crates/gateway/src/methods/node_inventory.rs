//! What a node publishes about itself: tools and skills for agents, and whether it would host sessions.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::nodes::{
    NodePluginToolsUpdateParams, NodeRunnerInventoryUpdateParams, NodeSkillsUpdateParams,
};
use bulkhead_server::Reply;
use serde_json::{Value, json};

use super::{Call, store_failed};
use crate::gateway::Gateway;
use crate::nodes::policy::{Lists, effective};

/// Tools or skills that one node may publish.
const MOST_PUBLISHED: usize = 128;
/// Their size together, as JSON.
const MOST_PUBLISHED_BYTES: usize = 1024 * 1024;
/// Sessions that a node may offer to host.
const MOST_HOSTED: u64 = 1024;

/// A node publishes its tools; those whose command it may not do are left out.
pub(super) async fn tools(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodePluginToolsUpdateParams = call.params()?;
    bounded(&call, "tools", &params.tools)?;
    let conn = &call.ctx.conn;
    let id = conn.device_id.clone().unwrap_or_default();
    let known = gateway.store.nodes().get(&id).await.map_err(store_failed)?;
    let settings = gateway.settings.now();
    let may = gateway.nodes.get(&id).map(|live| {
        let offered = live.approvable(Lists(&settings.config.gateway.nodes));
        effective(&offered, known.as_ref().and_then(|node| node.surface.as_ref()))
    });
    let may = may.unwrap_or_default();
    let fits = |tool: &Value| match tool["command"].as_str() {
        Some(command) => may.commands.iter().any(|one| one == command),
        None => may.commands.iter().any(|one| one == "mcp.tools.call.v1"),
    };
    let kept: Vec<Value> = params.tools.into_iter().filter(fits).collect();
    gateway.nodes.change(conn, |live| live.tools.clone_from(&kept));
    Reply::json(&json!({"nodeId": id, "tools": kept}))
}

/// A node publishes its skills.
pub(super) async fn skills(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeSkillsUpdateParams = call.params()?;
    bounded(&call, "skills", &params.skills)?;
    let conn = &call.ctx.conn;
    gateway.nodes.change(conn, |live| live.skills.clone_from(&params.skills));
    Reply::json(&json!({"nodeId": conn.device_id, "skills": params.skills}))
}

/// A node says whether it would host sessions. It is shown (`sessionHost`); this gateway runs all of them itself.
pub(super) async fn runner(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeRunnerInventoryUpdateParams = call.params()?;
    let wrong = |field, expected: &str| Err(ErrorShape::invalid_params(call.spec.name, field, expected));
    if params.protocol_features.len() > 1 || params.protocol_features.iter().any(|name| name.len() > 64) {
        return wrong("protocolFeatures", "expected at most one, of at most 64 bytes");
    }
    let hosts = match (params.worker_host, params.protocol_features.is_empty()) {
        (Some(host), false) if host.enabled => {
            let fits = |(total, free): (u64, u64)| (1..=MOST_HOSTED).contains(&total) && free <= total;
            if !host.capacity.is_some_and(|capacity| fits((capacity.total, capacity.available))) {
                return wrong(
                    "workerHost.capacity",
                    "expected a total of 1 to 1024 and no more available than that",
                );
            }
            true
        }
        (Some(_), true) => return wrong("workerHost", "expected none without a protocol feature"),
        _ => false,
    };
    let conn = &call.ctx.conn;
    let id = conn.device_id.clone().unwrap_or_default();
    let mut news = false;
    gateway.nodes.change(conn, |live| news = std::mem::replace(&mut live.session_host, hosts) != hosts);
    if news {
        gateway.events.node_runner_changed(&id);
    }
    Reply::json(&json!({"nodeId": id}))
}

fn bounded(call: &Call<'_>, field: &str, list: &[Value]) -> Result<(), ErrorShape> {
    let bytes: usize = list.iter().map(|one| one.to_string().len()).sum();
    if list.len() > MOST_PUBLISHED || bytes > MOST_PUBLISHED_BYTES || list.iter().any(|one| !one.is_object())
    {
        let expected = format!("expected at most {MOST_PUBLISHED} objects and {MOST_PUBLISHED_BYTES} bytes");
        return Err(ErrorShape::invalid_params(call.spec.name, field, expected));
    }
    Ok(())
}
