//! Tools: what the model may do besides talking.

mod address;
mod edit;
mod exec;
mod html;
mod ls;
mod read;
mod web_fetch;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::provider::ToolDefinition;
use crate::workspace::Workspace;

pub use address::{Refusal, forbidden_address, forbidden_name};
pub use edit::Edit;
pub use exec::{Exec, ExecOptions, kept_variables};
pub use ls::Ls;
pub use read::Read;
pub use web_fetch::{PostError, WebFetch, WebFetchOptions};
pub use write::Write;

/// For whom a tool is called.
#[derive(Debug, Clone, Default)]
pub struct ToolContext {
    /// The session.
    pub session_key: String,
    /// The run.
    pub run_id: String,
    /// Ends the run. A tool need not watch it: its future is dropped then, and it must clean up on drop.
    pub cancel: CancellationToken,
}

/// What a tool returns to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolOutput {
    /// The text.
    pub text: String,
    /// Whether it failed.
    pub is_error: bool,
}

impl ToolOutput {
    /// A result.
    pub fn ok(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_error: false }
    }

    /// A failure; the model reads why.
    pub fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_error: true }
    }
}

impl<E: fmt::Display> From<Result<String, E>> for ToolOutput {
    fn from(result: Result<String, E>) -> Self {
        match result {
            Ok(text) => Self::ok(text),
            Err(error) => Self::error(error.to_string()),
        }
    }
}

/// A tool.
#[async_trait]
pub trait Tool: Send + Sync {
    /// Its name: letters, digits, `_`.
    fn name(&self) -> &'static str;

    /// What it does and when to use it, for the model.
    fn description(&self) -> &'static str;

    /// A JSON schema of its arguments.
    fn schema(&self) -> Value;

    /// How long it may take, if that is not what holds for all: a tool that waits for a person.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// Does it.
    async fn call(&self, context: &ToolContext, args: Value) -> ToolOutput;
}

/// The tools of a run.
#[derive(Clone, Default)]
pub struct ToolSet {
    tools: Vec<Arc<dyn Tool>>,
}

impl fmt::Debug for ToolSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
    }
}

impl ToolSet {
    /// `read`, `write`, `edit` and `ls` in this workspace, and `web_fetch`.
    pub fn standard(workspace: &Workspace, web: Arc<WebFetch>) -> Self {
        Self::default()
            .with(Arc::new(Read::new(workspace.clone())))
            .with(Arc::new(Write::new(workspace.clone())))
            .with(Arc::new(Edit::new(workspace.clone())))
            .with(Arc::new(Ls::new(workspace.clone())))
            .with(web)
    }

    /// With another tool; it replaces one of the same name.
    #[must_use]
    pub fn with(mut self, tool: Arc<dyn Tool>) -> Self {
        self.tools.retain(|known| known.name() != tool.name());
        self.tools.push(tool);
        self
    }

    /// With `exec`, if the config allows it and nobody from a channel is asking: what a stranger's message talks the model into
    /// must not run here.
    #[must_use]
    pub fn with_exec(self, workspace: &Workspace, enabled: bool, from_channel: bool) -> Self {
        if enabled && !from_channel {
            self.with(Arc::new(Exec::new(workspace.clone(), ExecOptions::default())))
        } else {
            self
        }
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.tools.iter().map(|tool| tool.name())
    }

    /// As the model is told of them.
    pub fn definitions(&self) -> Vec<ToolDefinition> {
        self.tools
            .iter()
            .map(|tool| ToolDefinition {
                name: tool.name().to_owned(),
                description: tool.description().to_owned(),
                schema: tool.schema(),
            })
            .collect()
    }

    /// How long a tool may take, if it says so itself.
    pub fn patience(&self, name: &str) -> Option<Duration> {
        self.tools.iter().find(|tool| tool.name() == name)?.patience()
    }

    /// Calls a tool by name.
    pub async fn call(&self, context: &ToolContext, name: &str, args: Value) -> ToolOutput {
        match self.tools.iter().find(|tool| tool.name() == name) {
            Some(tool) => tool.call(context, args).await,
            None => ToolOutput::error(format!(
                "there is no tool {name:?}; expected one of: {}",
                self.names().collect::<Vec<_>>().join(", ")
            )),
        }
    }
}

/// Reads a tool's arguments; the error names the field.
fn arguments<T: DeserializeOwned>(args: Value) -> Result<T, ToolOutput> {
    serde_json::from_value(args)
        .map_err(|error| ToolOutput::error(format!("the arguments cannot be used: {error}")))
}

/// Runs file work where it may block.
async fn blocking(work: impl FnOnce() -> ToolOutput + Send + 'static) -> ToolOutput {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        ToolOutput::error("the tool broke (a fault of the program); its effect is unknown")
    })
}

/// Cuts text to `limit` bytes, and says so.
pub(crate) fn limit_text(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}\n[… cut: {end} of {} bytes shown]", &text[..end], text.len())
}
