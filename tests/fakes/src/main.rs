//! Runs the stand-ins as servers, for tests that are not written in Rust and for trying things by hand.
//!
//! `bulkhead-fakes telegram [--port N] [--bot TOKEN=USERNAME]… [model [--port N] [--key KEY]…]`
//!
//! Each server prints one JSON line when it listens, and is driven under `/control` from then on.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use bulkhead_fakes::telegram::{TelegramServer, TelegramServerOptions};

const USAGE: &str = "usage: bulkhead-fakes telegram [--port N] [--bot TOKEN=USERNAME]... [model [--port N] [--key KEY]...]\n       bulkhead-fakes model [--port N] [--key KEY]...\n";

/// What one server is started with.
#[derive(Debug, Default)]
struct Wanted {
    kind: String,
    port: u16,
    bots: Vec<(String, String)>,
    keys: Vec<String>,
}

fn read_arguments(arguments: impl Iterator<Item = String>) -> Option<Vec<Wanted>> {
    let mut servers: Vec<Wanted> = Vec::new();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "telegram" | "model" => servers.push(Wanted { kind: argument, ..Wanted::default() }),
            "--port" => servers.last_mut()?.port = arguments.next()?.parse().ok()?,
            "--key" => servers.last_mut()?.keys.push(arguments.next()?),
            "--bot" => {
                let bot = arguments.next()?;
                let (token, username) = bot.split_once('=').unwrap_or((&bot, "fake_bot"));
                servers.last_mut()?.bots.push((token.to_owned(), username.to_owned()));
            }
            _ => return None,
        }
    }
    Some(servers).filter(|servers| !servers.is_empty())
}

fn say_listening(kind: &str, url: &str) -> std::io::Result<()> {
    let line = serde_json::json!({"type": "listening", "server": kind, "url": url});
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

async fn run(wanted: Wanted) -> std::io::Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], wanted.port));
    if wanted.kind == "telegram" {
        let server = TelegramServer::start(TelegramServerOptions::default().at(address)).await?;
        for (token, username) in &wanted.bots {
            server.control.add_bot(token, username);
        }
        say_listening("telegram", &server.base_url)?;
        server.wait().await;
    } else {
        let mut options = ModelServerOptions::default().at(address);
        for key in wanted.keys {
            options = options.with_key(key);
        }
        let server = ModelServer::start(options).await?;
        say_listening("model", &server.base_url)?;
        server.wait().await;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(servers) = read_arguments(std::env::args().skip(1)) else {
        let _ = std::io::stderr().write_all(USAGE.as_bytes());
        return ExitCode::from(2);
    };
    let outcome = futures::future::try_join_all(servers.into_iter().map(run)).await;
    match outcome {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bulkhead-fakes: {error}");
            ExitCode::FAILURE
        }
    }
}
