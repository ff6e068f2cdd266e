//! The desktop app: start to interactive, and memory with and without its window, beside a bare Tauri window.

use crate::gateway::pss_of_tree;
use crate::report::Report;
use anyhow::{Context, Result};
use bulkhead_tests::screen::{Screen, Window};
use bulkhead_tests::{World, programs};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use thirtyfour::By;

const BARE: &str = "bare Tauri window";

pub async fn measure(report: &mut Report, runs: usize) -> Result<()> {
    if !cfg!(target_os = "linux") {
        eprintln!("▸ app: skipped, it is driven by WebKitWebDriver on Linux only");
        return Ok(());
    }
    eprintln!("▸ app, {runs} runs");
    let bare = programs::beside("bare-window");
    let (mut ours, mut base) = (Vec::new(), Vec::new());
    let (mut ours_memory, mut base_memory) = (Vec::new(), Vec::new());
    // One start of each that isn't counted: the first one reads its program and WebKit from the disk.
    window(programs::app()).await?;
    window(bare.clone()).await?;
    for _ in 0..runs {
        let (time, memory) = window(programs::app()).await?;
        ours.push(time);
        ours_memory.push(memory);
        let (time, memory) = window(bare.clone()).await?;
        base.push(time);
        base_memory.push(memory);
    }
    report.runs("app: start → interactive", "ms", &ours, Some((BARE, &base)));
    report.runs("app: PSS with window", "MiB", &ours_memory, Some((BARE, &base_memory)));
    let hidden = hidden(programs::app(), &["--hidden"]).await?;
    let bare_hidden = self::hidden(bare, &["--hidden"]).await?;
    report.value("app: PSS without window", "MiB", hidden, Some((BARE, bare_hidden)));
    Ok(())
}

async fn window(program: PathBuf) -> Result<(f64, f64)> {
    let mut world = World::with_keychain();
    let _screen = Screen::start(&mut world);
    let started = Instant::now();
    let window = Window::open_program(&world, &program, &[]).await?;
    let deadline = started + Duration::from_secs(30);
    while window.driver.find(By::Css("main")).await.is_err() {
        anyhow::ensure!(Instant::now() < deadline, "no <main> in the window of {}", program.display());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let time = started.elapsed().as_secs_f64() * 1000.0;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let memory = pss_of_tree(window.driver_pid());
    window.close().await.context("the window did not close")?;
    Ok((time, memory))
}

async fn hidden(program: PathBuf, args: &[&str]) -> Result<f64> {
    let mut world = World::with_keychain();
    let _screen = Screen::start(&mut world);
    let mut command = world.command(program);
    command.args(args).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let process = crate::gateway::Process(command.spawn()?);
    tokio::time::sleep(Duration::from_secs(5)).await;
    Ok(pss_of_tree(process.0.id()))
}
