//! What stays behind: many cycles of connecting, asking, and opening and closing the window, with the memory of gateway and
//! app after the first tenth and at the end. A leak of a page per cycle shows; the rest is noise.

use crate::gateway::{Outside, Process, TOKEN, prepare, pss, pss_of_tree};
use crate::report::Report;
use crate::socket;
use anyhow::{Context, Result};
use bulkhead_tests::World;
use bulkhead_tests::desk::Desk;
use bulkhead_tests::programs;
use bulkhead_tests::screen::Screen;
use bulkhead_tests::tray::Tray;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How long both may rest before their memory is read.
const REST: Duration = Duration::from_secs(5);

/// Runs so many cycles. On a machine with a free core one takes about a second, most of it WebKit's.
pub async fn measure(report: &mut Report, cycles: usize) -> Result<()> {
    if !cfg!(target_os = "linux") {
        eprintln!("▸ cycles: skipped, the window is driven over D-Bus and X11");
        return Ok(());
    }
    eprintln!("▸ cycles, {cycles} of connect, ask, open and close");
    let mut world = World::with_keychain();
    let screen = Screen::start(&mut world);
    let tray = Tray::start(&world).await?;
    let prepared = prepare(world, &Outside::default())?;
    let gateway = prepared.running().await?;
    let mut command = prepared.world.command(programs::app());
    command.arg("--hidden").stdout(Stdio::null()).stderr(Stdio::null());
    let app = Process(command.spawn().context("the app did not start")?);
    tray.appears().await?;
    let desk = Desk::new(&screen)?;

    let first = (cycles / 10).max(1);
    let mut early = None;
    let (started, mut told) = (Instant::now(), Instant::now());
    for number in 1..=cycles {
        cycle(prepared.port, &desk, &tray).await.with_context(|| format!("cycle {number}"))?;
        if number == first {
            early = Some(read(&gateway, &app).await?);
        }
        if told.elapsed() > Duration::from_mins(1) {
            told = Instant::now();
            eprintln!(
                "  {number} of {cycles}, {:.2} s each",
                started.elapsed().as_secs_f64() / number as f64
            );
        }
    }
    let late = read(&gateway, &app).await?;
    let early = early.unwrap_or(late);
    let base = "after the first tenth";
    report.value(&format!("PSS of the gateway after {cycles} cycles"), "MiB", late.0, Some((base, early.0)));
    report.value(&format!("PSS of the app after {cycles} cycles"), "MiB", late.1, Some((base, early.1)));
    report.value("one cycle", "s", started.elapsed().as_secs_f64() / cycles as f64, None);
    Ok(())
}

/// A client comes, asks how the gateway is and goes; somebody opens the window from the tray and closes it.
async fn cycle(port: u16, desk: &Desk, tray: &Tray) -> Result<()> {
    let mut client = socket::hello(port, TOKEN).await?;
    let asked = r#"{"type":"req","id":"h","method":"health","params":{}}"#;
    socket::request(&mut client, asked, r#"{"type":"res""#).await?;
    drop(client);
    tray.click("Open Bulkhead").await?;
    let windows = desk.has(1).await?;
    desk.is_painted(windows[0], 8).await?;
    desk.close(windows[0])?;
    desk.has(0).await.map(drop)
}

async fn read(gateway: &Process, app: &Process) -> Result<(f64, f64)> {
    tokio::time::sleep(REST).await;
    Ok((pss(gateway.0.id())?, pss_of_tree(app.0.id())))
}
