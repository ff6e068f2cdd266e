//! Many at once: idle sockets beside busy ones, a reader that does not read, one answer for many.

use crate::gateway::{Outside, TOKEN, bare, prepare, pss};
use crate::lean::{self, Lean};
use crate::report::{Report, percentile};
use crate::{rpc, socket};
use anyhow::{Context, Result};
use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use bulkhead_tests::World;
use serde_json::json;
use std::time::{Duration, Instant};

const BARE: &str = "bare axum server";
const QUIET: &str = "the same without it";
const BUSY: usize = 200;
const READERS: usize = 500;
const SESSION: &str = "agent:main:bench";
/// What the stand-in model streams: so many words, a few characters at a time.
const ANSWER: &str = "DO: piece 12; slow 2; say words(300)";
/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_mins(2);

pub async fn measure(report: &mut Report, seconds: u64, sockets: usize) -> Result<()> {
    eprintln!("▸ load, {sockets} idle sockets, {BUSY} busy ones");
    let model = ModelServer::start(ModelServerOptions::default()).await?;
    let outside = Outside { model: Some(format!("{}/v1", model.base_url)), ..Outside::default() };
    let prepared = prepare(World::new(), &outside)?;
    let gateway = prepared.running().await?;
    let (bare, bare_port) = bare(1024).await?;
    let limit = Duration::from_secs(seconds);
    let quiet = rpc::load(admitted(prepared.port, BUSY).await?, limit).await?;

    let (before, bare_before) = (pss(gateway.0.id())?, pss(bare.0.id())?);
    let idle = admitted(prepared.port, sockets).await?;
    let mut bare_idle = Vec::new();
    for _ in 0..sockets {
        bare_idle.push(socket::open(bare_port).await?);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let each = |with: f64, without: f64| (with - without).max(0.0) * 1024.0 / sockets as f64;
    report.value(
        &format!("memory of one of {sockets} idle connections"),
        "KiB",
        each(pss(gateway.0.id())?, before),
        Some((BARE, each(pss(bare.0.id())?, bare_before))),
    );
    drop(bare_idle);
    let busy = rpc::load(admitted(prepared.port, BUSY).await?, limit).await?;
    let name = |what: &str| format!("health at {BUSY} busy beside {sockets} idle, {what}");
    report.value(&name("throughput"), "/s", busy.per_second, Some((QUIET, quiet.per_second)));
    report.value(&name("p99"), "ms", busy.p99, Some((QUIET, quiet.p99)));
    drop(idle);

    slow_reader(report, prepared.port, limit, &quiet).await?;
    many_readers(report, prepared.port).await
}

async fn admitted(port: u16, count: usize) -> Result<Vec<Lean>> {
    let mut sockets = Vec::with_capacity(count);
    for _ in 0..count {
        sockets.push(Lean::over(socket::hello(port, TOKEN).await?));
    }
    Ok(sockets)
}

/// One asks for large answers and reads none of them, while the others go on.
async fn slow_reader(report: &mut Report, port: u16, limit: Duration, quiet: &rpc::Outcome) -> Result<()> {
    let mut slow = admitted(port, 1).await?.pop().context("a socket")?;
    let started = Instant::now();
    let stuck = tokio::spawn(async move {
        let ask = lean::message(r#"{"type":"req","id":"s","method":"config.schema","params":{}}"#);
        while started.elapsed() < PATIENCE {
            if slow.send(&ask).await.is_err() {
                return Some(started.elapsed());
            }
        }
        None
    });
    let others = rpc::load(admitted(port, BUSY).await?, limit).await?;
    report.value(
        &format!("health at {BUSY} busy beside one that does not read, p99"),
        "ms",
        others.p99,
        Some((QUIET, quiet.p99)),
    );
    let dropped = stuck.await?.context("the reader that does not read was never dropped")?;
    report.value("a reader that does not read is dropped after", "s", dropped.as_secs_f64(), None);
    Ok(())
}

/// One streamed answer that many follow.
async fn many_readers(report: &mut Report, port: u16) -> Result<()> {
    let alone = streamed(port, 1, "one").await?;
    let many = streamed(port, READERS, "many").await?;
    report.value(
        &format!("an answer streamed to {READERS}: asked → final at the last"),
        "ms",
        many.iter().copied().fold(0.0, f64::max),
        Some(("to one", percentile(&alone, 50.0))),
    );
    report.value(
        &format!("an answer streamed to {READERS}: first reader → last reader"),
        "ms",
        many.iter().copied().fold(0.0, f64::max) - many.iter().copied().fold(f64::MAX, f64::min),
        None,
    );
    Ok(())
}

/// Milliseconds from the question to the end of the answer, for each reader.
async fn streamed(port: u16, readers: usize, run: &str) -> Result<Vec<f64>> {
    let subscribe = json!({"type": "req", "id": "w", "method": "sessions.messages.subscribe", "params": {"key": SESSION}});
    let subscribe = lean::message(&subscribe.to_string());
    let mut sockets = admitted(port, readers).await?;
    for socket in &mut sockets {
        socket.ask(&subscribe).await?;
    }
    let mut asker = admitted(port, 1).await?.pop().context("a socket")?;
    let question = json!({"type": "req", "id": "q", "method": "chat.send", "params": {
        "sessionKey": SESSION, "message": ANSWER, "deliver": false, "idempotencyKey": format!("bench-{run}"),
    }});
    let asked = Instant::now();
    let waiting: Vec<_> = sockets
        .into_iter()
        .map(|mut socket| {
            tokio::spawn(async move {
                while !socket.next(is_final).await? {}
                anyhow::Ok(asked.elapsed().as_secs_f64() * 1000.0)
            })
        })
        .collect();
    asker.ask(&lean::message(&question.to_string())).await?;
    let mut times = Vec::new();
    for reader in waiting {
        times.push(tokio::time::timeout(PATIENCE, reader).await.context("no end of the answer")???);
    }
    Ok(times)
}

fn is_final(frame: &[u8]) -> bool {
    let frame = String::from_utf8_lossy(frame);
    frame.contains(r#""event":"chat""#) && frame.contains(r#""state":"final""#)
}
