//! `update_goal`: the agent says that the goal is reached, or what stands in its way. Everything else about it is people's.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bulkhead_agent::{Tool, ToolContext, ToolOutput};
use serde_json::{Value, json};

use super::{Goal, Standing, Step};
use crate::gateway::Gateway;

/// The tool.
pub(super) struct UpdateGoal {
    gateway: Weak<Gateway>,
}

impl UpdateGoal {
    pub(super) const NAME: &'static str = "update_goal";
}

/// For a turn in a conversation whose goal is pursued.
pub(crate) fn for_turn(gateway: &Arc<Gateway>, goal: Option<&Goal>) -> Option<Arc<dyn Tool>> {
    let active = goal.is_some_and(|goal| goal.status == Standing::Active);
    active.then(|| Arc::new(UpdateGoal { gateway: Arc::downgrade(gateway) }) as Arc<dyn Tool>)
}

#[async_trait]
impl Tool for UpdateGoal {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn description(&self) -> &'static str {
        "Say how the goal of this conversation stands: complete when all of it is reached and verified, blocked when the same \
         thing stands in its way for the third turn. The person still gets an answer in words."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "status": {"type": "string", "enum": ["complete", "blocked"]},
                "note": {"type": "string", "description": "What was verified, or what stands in the way"}
            },
            "required": ["status"]
        })
    }

    async fn call(&self, context: &ToolContext, args: Value) -> ToolOutput {
        let standing = match args["status"].as_str() {
            Some("complete") => Standing::Complete,
            Some("blocked") => Standing::Blocked,
            _ => return ToolOutput::error("status: expected complete or blocked"),
        };
        let Some(gateway) = self.gateway.upgrade() else {
            return ToolOutput::error("the gateway is on its way down");
        };
        let note = args["note"].as_str().map(str::to_owned);
        match gateway.step_goal(&context.session_key, Step::To(standing, note)).await {
            Ok(_) => ToolOutput::ok(json!({"status": args["status"]}).to_string()),
            Err(error) => ToolOutput::error(error.message),
        }
    }
}
