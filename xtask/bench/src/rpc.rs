//! Latency and throughput of a real `health` payload, beside a bare server that sends as many bytes.

use crate::gateway::{Outside, TOKEN, bare, prepare};
use crate::lean::{self, Lean};
use crate::report::{Report, percentile};
use crate::socket;
use anyhow::Result;
use bulkhead_tests::World;
use std::time::{Duration, Instant};

const BARE: &str = "bare axum server";
const FRAME: &str = r#"{"type":"req","id":"b","method":"health","params":{}}"#;
const MARKER: &str = r#"{"type":"res""#;

pub async fn measure(report: &mut Report, seconds: u64) -> Result<()> {
    eprintln!("▸ RPC, {seconds} s each");
    let prepared = prepare(World::new(), &Outside::default())?;
    let _gateway = prepared.running().await?;
    let size = socket::request(&mut socket::hello(prepared.port, TOKEN).await?, FRAME, MARKER).await?;
    report.value("health payload", "bytes", size as f64, None);
    let (_bare, bare_port) = bare(size).await?;
    for connections in [1_usize, 100, 1000] {
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for _ in 0..connections {
            ours.push(Lean::over(socket::hello(prepared.port, TOKEN).await?));
            theirs.push(Lean::over(socket::open(bare_port).await?));
        }
        let limit = Duration::from_secs(seconds);
        let base = load(theirs, limit).await?;
        let own = load(ours, limit).await?;
        let name = |what: &str| format!("health at {connections} connections, {what}");
        report.value(&name("throughput"), "/s", own.per_second, Some((BARE, base.per_second)));
        report.value(&name("p50"), "ms", own.p50, Some((BARE, base.p50)));
        report.value(&name("p99"), "ms", own.p99, Some((BARE, base.p99)));
    }
    Ok(())
}

/// What a load brought; times in milliseconds.
pub struct Outcome {
    pub per_second: f64,
    pub p50: f64,
    pub p99: f64,
}

/// Every connection asks again as soon as it has its answer.
pub async fn load(sockets: Vec<Lean>, limit: Duration) -> Result<Outcome> {
    let started = Instant::now();
    let tasks: Vec<_> = sockets
        .into_iter()
        .map(|mut socket| {
            tokio::spawn(async move {
                let mut times = Vec::new();
                let bytes = lean::message(FRAME);
                while started.elapsed() < limit {
                    let asked = Instant::now();
                    socket.ask(&bytes).await?;
                    times.push(asked.elapsed().as_secs_f64() * 1000.0);
                }
                anyhow::Ok(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    Ok(Outcome {
        per_second: times.len() as f64 / elapsed,
        p50: percentile(&times, 50.0),
        p99: percentile(&times, 99.0),
    })
}
