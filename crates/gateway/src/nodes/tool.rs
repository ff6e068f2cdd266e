//! The `nodes` tool: an agent sees the paired devices and asks them for something.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_agent::{Tool, ToolContext, ToolOutput};
use bulkhead_protocol::ErrorShape;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::invoke::Request;
use crate::gateway::Gateway;

/// The longest answer that a model reads, in characters.
const LONGEST: usize = 20_000;

/// The nodes in the hands of an agent.
pub(crate) struct NodesTool {
    gateway: Weak<Gateway>,
}

impl NodesTool {
    /// The tool.
    pub(crate) fn new(gateway: Weak<Gateway>) -> Self {
        Self { gateway }
    }
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Action {
    Status {},
    Describe { node: String },
    Notify { node: String, title: Option<String>, body: Option<String>, priority: Option<String> },
    Invoke { node: String, command: String, params: Option<Value>, timeout_seconds: Option<u64> },
}

/// What reaches the machine itself: nothing that an agent does without a person's yes, and this tool asks nobody.
fn is_program(command: &str) -> bool {
    ["system.run", "system.execApprovals", "browser.proxy", "fs.", "terminal.", "desktop.", "computer."]
        .iter()
        .any(|family| command.starts_with(family))
}

#[async_trait]
impl Tool for NodesTool {
    fn name(&self) -> &'static str {
        "nodes"
    }

    fn description(&self) -> &'static str {
        "The paired devices (phones, computers). `status` lists them with what each may do, `describe` says more about one, \
         `notify` shows a notification on one, `invoke` asks one for a command of its list, such as location.get or \
         device.status. A device is named by its id or its name."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "required": ["action"],
            "additionalProperties": false,
            "properties": {
                "action": {"type": "string", "enum": ["status", "describe", "notify", "invoke"]},
                "node": {"type": "string", "description": "id or name of the device"},
                "title": {"type": "string", "description": "notify"},
                "body": {"type": "string", "description": "notify"},
                "priority": {"type": "string", "enum": ["passive", "active", "timeSensitive"], "description": "notify"},
                "command": {"type": "string", "description": "invoke: one of the device's commands"},
                "params": {"type": "object", "description": "invoke: what the command takes"},
                "timeout_seconds": {"type": "integer", "minimum": 1, "maximum": 300},
            },
        })
    }

    async fn call(&self, context: &ToolContext, args: Value) -> ToolOutput {
        let action = match serde_json::from_value::<Action>(args) {
            Ok(action) => action,
            Err(error) => return ToolOutput::error(format!("the arguments cannot be used: {error}")),
        };
        let Some(gateway) = self.gateway.upgrade() else {
            return ToolOutput::error("the gateway is stopping");
        };
        self.act(&gateway, context, action).await.map_err(|error| error.message).into()
    }
}

impl NodesTool {
    async fn act(
        &self,
        gateway: &Arc<Gateway>,
        context: &ToolContext,
        action: Action,
    ) -> Result<String, ErrorShape> {
        let rows = gateway.node_rows(&gateway.roll().await?);
        match action {
            Action::Status {} if rows.is_empty() => Ok("No device is paired.".to_owned()),
            Action::Status {} => Ok(shown(&rows.iter().map(brief).collect())),
            Action::Describe { node } => {
                let mut row = find(&rows, &node)?.clone();
                if let Some(row) = row.as_object_mut() {
                    row.remove("pathEnv");
                }
                Ok(shown(&row))
            }
            Action::Notify { node, title, body, priority } => {
                if title.is_none() && body.is_none() {
                    return Err(ErrorShape::invalid_request(
                        "notify: found neither title nor body, expected one",
                    ));
                }
                let mut params = Map::new();
                for (name, text) in [("title", title), ("body", body), ("priority", priority)] {
                    params.extend(text.map(|text| (name.to_owned(), text.into())));
                }
                self.ask(gateway, context, &rows, &node, "system.notify", Some(params.into()), None).await
            }
            Action::Invoke { node, command, params, timeout_seconds } => {
                if is_program(&command) {
                    return Err(ErrorShape::invalid_request(format!(
                        "{command} is not for agents: it reaches the machine itself; a person can ask for it (bulkhead nodes invoke)"
                    )));
                }
                let timeout = timeout_seconds.map(|seconds| Duration::from_secs(seconds.clamp(1, 300)));
                self.ask(gateway, context, &rows, &node, &command, params, timeout).await
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "what is asked of whom, once")]
    async fn ask(
        &self,
        gateway: &Arc<Gateway>,
        context: &ToolContext,
        rows: &[Value],
        node: &str,
        command: &str,
        params: Option<Value>,
        timeout: Option<Duration>,
    ) -> Result<String, ErrorShape> {
        let node_id = find(rows, node)?["nodeId"].as_str().unwrap_or_default().to_owned();
        let request = Request {
            node_id: node_id.clone(),
            command: command.to_owned(),
            params,
            timeout,
            idempotency_key: format!("{}:{}", context.run_id, uuid::Uuid::new_v4()),
        };
        let answer = gateway.invoke_node(request).await?.to_result(&node_id, command)?;
        Ok(match &answer["payload"] {
            Value::Null => "done".to_owned(),
            payload => shown(payload),
        })
    }
}

fn brief(row: &Value) -> Value {
    let mut brief = Map::new();
    for name in ["nodeId", "displayName", "platform", "connected", "active", "approvalState", "commands"] {
        if let Some(value) = row.get(name) {
            brief.insert(name.to_owned(), value.clone());
        }
    }
    brief.into()
}

/// A device by its id, its name, or the beginning of its id.
fn find<'a>(rows: &'a [Value], wanted: &str) -> Result<&'a Value, ErrorShape> {
    let wanted = wanted.trim();
    let by = |fits: &dyn Fn(&Value) -> bool| {
        let found: Vec<&Value> = rows.iter().filter(|row| fits(row)).collect();
        (found.len() == 1).then(|| found[0])
    };
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_lowercase();
    let lower = wanted.to_lowercase();
    by(&|row| text(row, "nodeId") == lower)
        .or_else(|| by(&|row| text(row, "displayName") == lower))
        .or_else(|| by(&|row| wanted.len() >= 6 && text(row, "nodeId").starts_with(&lower)))
        .ok_or_else(|| {
            ErrorShape::invalid_request(format!(
                "{wanted:?} names no device, or several; use an id that `status` shows"
            ))
        })
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… (cut off)", &text[..end]),
        None => text,
    }
}
