//! From the spawn of the process to `/healthz` and to hello-ok.

use crate::gateway::{Outside, Process, TOKEN, prepare, spawn_bare};
use crate::report::Report;
use crate::socket;
use anyhow::Result;
use bulkhead_tests::World;
use std::time::{Duration, Instant};

const BARE: &str = "bare axum server";

pub async fn measure(report: &mut Report, runs: usize) -> Result<()> {
    eprintln!("▸ start-up, {runs} runs");
    let prepared = prepare(World::new(), &Outside::default())?;
    // One start that isn't counted: the database is made then.
    drop(prepared.running().await?);
    let (mut health, mut hello) = (Vec::new(), Vec::new());
    let (mut bare_health, mut bare_open) = (Vec::new(), Vec::new());
    let bare_port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    for _ in 0..runs {
        let started = Instant::now();
        let process = prepared.spawn()?;
        socket::healthy(prepared.port, Duration::from_secs(20)).await?;
        health.push(millis(started));
        stop(process).await;

        let started = Instant::now();
        let process = prepared.spawn()?;
        until_open(prepared.port).await?;
        drop(socket::hello(prepared.port, TOKEN).await?);
        hello.push(millis(started));
        stop(process).await;

        let started = Instant::now();
        let process = spawn_bare(bare_port, 1024)?;
        socket::healthy(bare_port, Duration::from_secs(20)).await?;
        bare_health.push(millis(started));
        stop(process).await;

        let started = Instant::now();
        let process = spawn_bare(bare_port, 1024)?;
        until_open(bare_port).await?;
        drop(socket::open(bare_port).await?);
        bare_open.push(millis(started));
        stop(process).await;
    }
    report.runs("spawn → /healthz", "ms", &health, Some((BARE, &bare_health)));
    report.runs("spawn → hello-ok", "ms", &hello, Some((BARE, &bare_open)));
    Ok(())
}

async fn until_open(port: u16) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        anyhow::ensure!(Instant::now() < deadline, "nothing listens on {port}");
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    Ok(())
}

async fn stop(process: Process) {
    let _ = tokio::task::spawn_blocking(move || drop(process)).await;
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
