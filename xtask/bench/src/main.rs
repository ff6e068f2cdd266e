//! Measures the built programs, each figure beside a baseline taken in the same run: absolute numbers say something of the
//! machine, ratios say something of the program.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks on its streams")]
#![allow(clippy::expect_used, reason = "a measurement that can't be set up ends here, loudly")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]

mod app;
mod cycles;
mod gateway;
mod lean;
mod limits;
mod load;
mod memory;
mod openclaw;
mod report;
mod rpc;
mod socket;
mod startup;
mod status;
mod tls;

use anyhow::Result;
use clap::Parser;
use report::Report;
use std::path::PathBuf;

/// What to measure.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Args {
    /// Only these: startup, memory, rpc, load, status, app, openclaw, cycles (with `--cycles N`).
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Runs per start-up figure.
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Seconds after the start until idle memory is read.
    #[arg(long, default_value_t = 30)]
    settle: u64,
    /// Answered messages before memory is read again.
    #[arg(long, default_value_t = 200)]
    messages: usize,
    /// Seconds of load per connection count.
    #[arg(long, default_value_t = 5)]
    load: u64,
    /// Sockets that stay open and idle under load.
    #[arg(long, default_value_t = 5000)]
    sockets: usize,
    /// Runs of the app.
    #[arg(long, default_value_t = 5)]
    app_runs: usize,
    /// Cycles of connecting, asking, and opening and closing the window; 0 leaves them out. 10,000 take hours.
    #[arg(long, default_value_t = 0)]
    cycles: usize,
    /// Fail if a figure misses its limit.
    #[arg(long)]
    require: bool,
    /// Where the figures are written as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let report = runtime.block_on(measure(&args))?;
    println!("{}", report.table());
    if let Some(path) = &args.json {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
        eprintln!("written to {}", path.display());
    }
    let missed = report.missed();
    anyhow::ensure!(!args.require || missed.is_empty(), "over the limit: {}", missed.join("; "));
    Ok(())
}

async fn measure(args: &Args) -> Result<Report> {
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let mut report = Report::new();
    if wanted("startup") {
        startup::measure(&mut report, args.runs).await?;
    }
    if wanted("status") {
        status::measure(&mut report, args.runs).await?;
    }
    if wanted("rpc") {
        rpc::measure(&mut report, args.load).await?;
    }
    if wanted("load") {
        load::measure(&mut report, args.load, args.sockets).await?;
    }
    if wanted("openclaw") {
        openclaw::measure(&mut report, args.load, args.settle).await?;
    }
    if wanted("memory") {
        memory::measure(&mut report, args.settle, args.messages).await?;
    }
    if wanted("app") {
        app::measure(&mut report, args.app_runs).await?;
    }
    if args.cycles > 0 && (args.only.is_empty() || wanted("cycles")) {
        cycles::measure(&mut report, args.cycles).await?;
    }
    Ok(report)
}
