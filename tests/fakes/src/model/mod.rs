//! A model provider that speaks the three wire formats Bulkhead supports: OpenAI chat completions, Anthropic
//! messages and Ollama's chat API, streaming and not.
//!
//! What it answers is computed from what it was really sent: a value told in an earlier turn, a marker line
//! of the system prompt, the result of a tool call. A test asks for it in plain words ([`script`]) and can
//! so tell a true conversation from a faked one. Faults ([`fault`]) come on demand, by the request's text or
//! by the control API ([`control`]), which also hands out every request as it arrived.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
//!
//! let server = ModelServer::start(ModelServerOptions::default().with_key("sk-test")).await?;
//! println!("{}/v1/chat/completions", server.base_url);
//! // A user message `DO: tool read {"path":"n.txt"}; say recall + marker + toolresult` is answered with a sum.
//! # Ok(())
//! # }
//! ```

pub mod control;
pub mod conversation;
mod deliver;
pub mod fault;
pub mod script;
mod server;
mod wire_anthropic;
mod wire_ollama;
mod wire_openai;

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use control::{ModelControl, RecordedRequest};
pub use conversation::WireFormat;
pub use fault::Fault;

/// How a model server starts.
#[derive(Debug, Clone)]
pub struct ModelServerOptions {
    /// The API keys it accepts; none means that any key, or no key, will do.
    pub keys: Vec<String>,
    /// The models it lists and serves; another name gets a 404.
    pub models: Vec<String>,
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
}

impl Default for ModelServerOptions {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            models: vec!["fake-1".to_owned(), "fake-2".to_owned()],
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        }
    }
}

impl ModelServerOptions {
    /// Accepts `key` (and no others but those named the same way).
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Serves these models instead of `fake-1` and `fake-2`.
    #[must_use]
    pub fn with_models<S: Into<String>>(mut self, models: impl IntoIterator<Item = S>) -> Self {
        self.models = models.into_iter().map(Into::into).collect();
        self
    }

    /// Listens on `address`.
    #[must_use]
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }
}

/// A running model server; it stops when dropped.
#[derive(Debug)]
pub struct ModelServer {
    /// `http://127.0.0.1:PORT`, without a path. OpenAI clients add `/v1`.
    pub base_url: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Faults, requests and keys.
    pub control: ModelControl,
    task: JoinHandle<()>,
}

impl ModelServer {
    /// Binds, serves in the background and returns at once.
    pub async fn start(options: ModelServerOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let control = ModelControl::new(options.keys, options.models);
        let router = server::router(control.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { base_url: format!("http://{address}"), address, control, task })
    }

    /// The base URL an OpenAI-compatible client is given: with `/v1`.
    #[must_use]
    pub fn openai_url(&self) -> String {
        format!("{}/v1", self.base_url)
    }

    /// Stops listening and cuts every open connection's task.
    pub fn stop(&self) {
        self.task.abort();
    }

    /// Serves until the process ends (for a binary).
    pub async fn wait(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
