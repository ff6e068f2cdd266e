//! `tools.*`: what agents may do, and doing it by hand.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_agent::{Tool, ToolContext};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::tools::{ToolsCatalogParams, ToolsEffectiveParams, ToolsInvokeParams};
use bulkhead_server::Reply;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Call, agents, store_failed};
use crate::gateway::Gateway;
use crate::runs::{Bench, Source, TurnRequest};
use crate::settings::{AgentView, Settings};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "tools.catalog" => catalog,
    "tools.effective" => effective,
    "tools.invoke" => invoke,
};

/// The longest that a tool called by hand may take.
const LONGEST: Duration = Duration::from_mins(3);
/// The groups, in their order: id, name, tools.
const GROUPS: [(&str, &str, &[&str]); 5] = [
    ("fs", "Files", &["ls", "read", "write", "edit"]),
    ("runtime", "Runtime", &["exec"]),
    ("web", "Web", &["web_fetch"]),
    ("ui", "UI", &["browser"]),
    ("other", "Other", &[]),
];

fn agent(settings: &Settings, id: Option<&str>) -> Result<AgentView, ErrorShape> {
    let id = id.unwrap_or_else(|| settings.default_agent());
    settings.agent(id).ok_or_else(|| agents::unknown(id))
}

/// Whether the agent could do harm with it.
fn risk(name: &str) -> &'static str {
    match name {
        "read" | "ls" => "low",
        "exec" => "high",
        _ => "medium",
    }
}

/// All tools, also those that the configuration switches off.
async fn catalog(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ToolsCatalogParams = call.params()?;
    let settings = gateway.settings.now();
    let agent = agent(&settings, params.agent_id.as_deref())?;
    let bench = bench(gateway, &settings, &agent).await?;
    let tools = bench.everything(gateway);
    let grouped = |name: &str| GROUPS.iter().any(|(_, _, names)| names.contains(&name));
    let groups: Vec<Value> = GROUPS
        .iter()
        .filter_map(|(id, label, names)| {
            let own: Vec<Value> = tools
                .iter()
                .filter(|tool| names.contains(&tool.name()) || (*id == "other" && !grouped(tool.name())))
                .map(|tool| {
                    json!({
                        "id": tool.name(), "label": tool.name(), "description": tool.description(), "source": "core",
                        "risk": risk(tool.name()), "defaultProfiles": ["full"],
                    })
                })
                .collect();
            (!own.is_empty()).then(|| json!({"id": id, "label": label, "source": "core", "tools": own}))
        })
        .collect();
    Reply::json(&json!({
        "agentId": agent.id,
        "profiles": [{"id": "full", "label": "Full"}],
        "groups": groups,
    }))
}

/// What the policy leaves for a session.
async fn effective(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ToolsEffectiveParams = call.params()?;
    let settings = gateway.settings.now();
    let (key, id) =
        crate::sessions::resolve(&settings, Some(&params.session_key), params.agent_id.as_deref())?;
    let session = gateway
        .store
        .sessions()
        .get(&key)
        .await
        .map_err(store_failed)?
        .ok_or_else(|| ErrorShape::invalid_request(format!("unknown session key {key:?}")))?;
    let source = if session.channel.is_some() { Source::Telegram } else { Source::Webchat };
    let agent = agent(&settings, Some(&id))?;
    let bench = bench(gateway, &settings, &agent).await?;
    // A turn that nobody takes: what it would be given.
    let mut turn = TurnRequest::new(String::new(), key, id, "", source);
    turn.peer = session.channel.zip(session.account).zip(session.peer).map(|((a, b), c)| (a, b, c));
    let tools: Vec<Value> = bench
        .tools(gateway, &settings, &turn)
        .iter()
        .map(|tool| {
            json!({
                "id": tool.name(), "label": tool.name(), "description": tool.description(),
                "rawDescription": tool.description(), "source": "core", "risk": risk(tool.name()),
            })
        })
        .collect();
    Reply::json(&json!({
        "agentId": agent.id,
        "profile": "full",
        "groups": [{"id": "core", "label": "Built in", "source": "core", "tools": tools}],
    }))
}

async fn bench(gateway: &Gateway, settings: &Settings, agent: &AgentView) -> Result<Bench, ErrorShape> {
    gateway.bench(settings, agent).await.map_err(ErrorShape::unavailable)
}

/// Calls a tool as the agent would, within the same policy. Commands are not run this way: they are for an agent's turn,
/// where what asks for them is seen.
async fn invoke(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ToolsInvokeParams = call.params()?;
    gateway.may_run()?;
    let settings = gateway.settings.now();
    let (key, id) =
        crate::sessions::resolve(&settings, params.session_key.as_deref(), params.agent_id.as_deref())?;
    let agent = agent(&settings, Some(&id))?;
    let bench = bench(gateway, &settings, &agent).await?;
    let name = params.name.as_str();
    let tool = bench.plain(gateway, &settings).into_iter().find(|tool| tool.name() == name);
    let Some(tool) = tool else {
        let turn = TurnRequest::new(String::new(), key, id, "", Source::Webchat);
        let offered = bench.everything(gateway).into_iter().chain(bench.tools(gateway, &settings, &turn));
        if !offered.into_iter().any(|tool| tool.name() == name) {
            return Reply::json(&refused(name, "not_found", &format!("Tool not available: {name}")));
        }
        let message = "not called: the configuration does not allow it, or it belongs into an agent's turn, where it is seen what \
                       asks for it and who says yes; ask the agent";
        return Reply::json(&refused(name, "forbidden", message));
    };
    let actor =
        call.ctx.conn.device_id.as_ref().map_or_else(
            || format!("client:{}", call.ctx.conn.client.id),
            |device| format!("device:{device}"),
        );
    let args = Value::Object(params.args.unwrap_or_default());
    let scoped = params.idempotency_key.as_ref().map(|key| format!("{actor} {key}"));
    let work = async {
        // Names only: arguments may hold anything.
        let detail = json!({"tool": name, "session": key});
        if let Err(error) = gateway.store.audit().append(&actor, "tools.invoke", &detail).await {
            return refused(
                name,
                "unavailable",
                &format!("not called: the call could not be recorded: {error}"),
            );
        }
        run(tool, &key, args, &gateway.stop).await
    };
    Reply::json(&gateway.invocations.once(scoped.as_deref(), work).await)
}

async fn run(tool: Arc<dyn Tool>, session: &str, args: Value, stop: &CancellationToken) -> Value {
    let context = ToolContext {
        session_key: session.to_owned(),
        run_id: format!("invoke-{}", uuid::Uuid::new_v4()),
        cancel: stop.child_token(),
    };
    let name = tool.name();
    let output = tokio::select! {
        () = context.cancel.cancelled() => return refused(name, "aborted", "the gateway is stopping"),
        output = tokio::time::timeout(LONGEST, tool.call(&context, args)) => output,
    };
    match output {
        Ok(output) if !output.is_error => json!({
            "ok": true, "toolName": name, "source": "core",
            "output": {"content": [{"type": "text", "text": output.text}]},
        }),
        Ok(output) => refused(name, "tool_error", &output.text),
        Err(_) => refused(name, "timeout", &format!("stopped: no result within {} s", LONGEST.as_secs())),
    }
}

fn refused(name: &str, code: &str, message: &str) -> Value {
    json!({"ok": false, "toolName": name, "source": "core", "error": {"code": code, "message": message}})
}
