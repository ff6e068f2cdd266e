//! The agent of one gateway: it asks a model, runs the tools the model wants, and hands back what was said.
//!
//! What it never does: keep sessions (the caller gives the history and stores what comes back), know channels or the
//! protocol, read a secret from anywhere (the key comes in [`ProviderSettings`]), or touch a file outside the workspace.
//!
//! The way of a message through here: [`Lanes`] (one run at a time per session) → [`prompt::system_prompt`] →
//! [`AgentRun::run`] → a [`Provider`] streams → tools of the [`ToolSet`] → … → [`RunOutcome`].
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use bulkhead_agent::{AgentRun, ProviderApi, ProviderSettings, RunInput, RunSettings, ToolSet, provider};
//! use tokio_util::sync::CancellationToken;
//!
//! let settings = ProviderSettings::new("local", ProviderApi::Ollama, "http://127.0.0.1:11434");
//! let run = AgentRun::new(RunSettings::new(provider::build(settings)?, "qwen3"));
//! let (events, mut progress) = tokio::sync::mpsc::channel(64);
//! tokio::spawn(async move { while progress.recv().await.is_some() {} });
//! let input = RunInput::new("agent:main:main", "run-1", "Hello").system("You are helpful.");
//! let outcome = run.run(input, &ToolSet::default(), events, CancellationToken::new()).await;
//! assert!(outcome.error.is_none());
//! # Ok(())
//! # }
//! ```

pub mod command;
mod error;
mod events;
pub mod history;
pub mod http;
pub mod lanes;
mod message;
pub mod prompt;
pub mod provider;
mod run;
pub mod skills;
pub mod tools;
pub mod workspace;

pub use error::{AgentError, ProviderError, ProviderErrorKind};
pub use events::{RunEvent, RunOutcome, RunStatus};
pub use lanes::{LaneGuard, LaneTicket, Lanes};
pub use message::{ModelMessage, Picture, StopReason, ToolCall, Usage};
pub use provider::{
    ModelEvent, ModelInfo, ModelReply, ModelRequest, ModelStream, Probe, Provider, ProviderApi,
    ProviderSettings, Thinker, Thinking, ToolDefinition,
};
pub use run::{AgentRun, Candidate, RetryPolicy, RunInput, RunSettings, Wishes};
pub use tools::{Tool, ToolContext, ToolOutput, ToolSet};
