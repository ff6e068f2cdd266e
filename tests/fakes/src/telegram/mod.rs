//! A Telegram Bot API server by the public API document, for as many bots as a test adds.
//!
//! It is strict where the real one is strict: HTML is parsed by the real rules ([`html`]), texts over 4096
//! are refused, an edit that changes nothing is an error, a second poller makes the first one fail, a chat that
//! never wrote is not found. Faults ([`Fault`]) come on demand, and [`TelegramControl`] plays the people: it
//! writes to bots, presses buttons, and waits for what bots say. The same is offered over HTTP under `/control`.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use bulkhead_fakes::telegram::{TelegramServer, TelegramServerOptions};
//!
//! let server = TelegramServer::start(TelegramServerOptions::default()).await?;
//! let bot = server.control.add_bot("777000111:secret", "ref_test_bot");
//! bot.say(42, "hello");
//! // … a bot that polls `server.base_url` answers …
//! let answer = bot.wait_for_text(42, "Hello back").await;
//! # Ok(())
//! # }
//! ```

mod bot;
mod control;
mod control_routes;
mod fault;
pub mod html;
mod methods;
mod routes;

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use bot::{ApiCall, BotMessage, PressAnswer, Revision};
pub use control::{BotControl, TelegramControl};
pub use fault::{Fault, PlannedFault};

/// How a Bot API server starts.
#[derive(Debug, Clone)]
pub struct TelegramServerOptions {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
}

impl Default for TelegramServerOptions {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }
}

impl TelegramServerOptions {
    /// Listens on `address`.
    #[must_use]
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }
}

/// A running Bot API server; it stops when dropped.
#[derive(Debug)]
pub struct TelegramServer {
    /// `http://127.0.0.1:PORT`: what a bot is given as its API root.
    pub base_url: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Bots, people, faults and what was said.
    pub control: TelegramControl,
    task: JoinHandle<()>,
}

impl TelegramServer {
    /// Binds, serves in the background and returns at once.
    pub async fn start(options: TelegramServerOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let control = TelegramControl::new();
        let router = routes::router(control.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { base_url: format!("http://{address}"), address, control, task })
    }

    /// Stops listening.
    pub fn stop(&self) {
        self.task.abort();
    }

    /// Serves until the process ends (for a binary).
    pub async fn wait(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for TelegramServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
