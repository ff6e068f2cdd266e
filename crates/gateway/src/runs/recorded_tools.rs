//! Tool calls are on disk before they run: what a crash cuts off is known afterwards, and never repeated by itself.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_agent::{Tool, ToolContext, ToolOutput, ToolSet};
use bulkhead_killpoint::{Point, reached};
use bulkhead_store::{Store, ToolCall};
use serde_json::Value;

/// How much of an earlier result the model is shown again.
const SHOWN: usize = 2000;

/// Puts a recording wrapper around tools of one run.
pub(super) struct Recorder {
    store: Store,
    /// Calls of earlier attempts come first.
    next: Arc<AtomicUsize>,
}

impl Recorder {
    /// For a run that made `before` calls in attempts that were cut off.
    pub(super) fn new(store: Store, before: usize) -> Self {
        Self { store, next: Arc::new(AtomicUsize::new(before)) }
    }

    /// Adds a tool, recorded.
    pub(super) fn with(&self, tools: ToolSet, tool: Arc<dyn Tool>) -> ToolSet {
        tools.with(Arc::new(Recorded { tool, store: self.store.clone(), next: Arc::clone(&self.next) }))
    }
}

struct Recorded {
    tool: Arc<dyn Tool>,
    store: Store,
    next: Arc<AtomicUsize>,
}

#[async_trait]
impl Tool for Recorded {
    fn name(&self) -> &'static str {
        self.tool.name()
    }

    fn description(&self) -> &'static str {
        self.tool.description()
    }

    fn schema(&self) -> Value {
        self.tool.schema()
    }

    fn patience(&self) -> Option<Duration> {
        self.tool.patience()
    }

    async fn call(&self, context: &ToolContext, args: Value) -> ToolOutput {
        let runs = self.store.runs();
        let id = format!("{:04}", self.next.fetch_add(1, Ordering::Relaxed));
        if let Err(error) = runs.tool_started(&context.run_id, &id, self.name(), &args).await {
            return ToolOutput::error(format!("not run: the call could not be recorded: {error}"));
        }
        reached(Point::BeforeTool);
        let output = self.tool.call(context, args).await;
        reached(Point::AfterTool);
        let result = Value::from(output.text.as_str());
        if let Err(error) = runs.tool_finished(&context.run_id, &id, &result, output.is_error).await {
            tracing::warn!(%error, tool = self.name(), "a tool's result could not be recorded");
        }
        output
    }
}

/// What the model is told about the calls of attempts that were cut off.
pub(super) fn recount(before: &[ToolCall]) -> Option<String> {
    if before.is_empty() {
        return None;
    }
    let mut text = String::from(
        "An earlier attempt to answer the present message was cut off. It made these tool calls; do not repeat one that \
         took effect, and check the effect of an interrupted one before you rely on it:",
    );
    for call in before {
        let shown = |value: &Value| -> String {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.chars().take(SHOWN).collect()
        };
        let outcome = match (call.state.as_str(), &call.result) {
            ("ok", Some(result)) => shown(result),
            ("error", Some(result)) => format!("failed: {}", shown(result)),
            _ => "interrupted, its effect is unknown".to_owned(),
        };
        let _ = write!(text, "\n- {} {} → {outcome}", call.name, shown(&call.args));
    }
    Some(text)
}
