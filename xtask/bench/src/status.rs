//! `bulkhead status` beside the shortest program there is.

use crate::gateway::{Outside, prepare};
use crate::report::Report;
use anyhow::Result;
use bulkhead_tests::World;
use std::time::Instant;

pub async fn measure(report: &mut Report, runs: usize) -> Result<()> {
    eprintln!("▸ status, {runs} runs");
    let prepared = prepare(World::new(), &Outside::default())?;
    let _gateway = prepared.running().await?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let started = Instant::now();
        let out = prepared.world.bulkhead(&["status"]);
        ours.push(started.elapsed().as_secs_f64() * 1000.0);
        anyhow::ensure!(out.status.success(), "status failed: {}", bulkhead_tests::world::text(&out));
        let started = Instant::now();
        prepared.world.command("true").output()?;
        bare.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    report.runs("bulkhead status (gateway running)", "ms", &ours, Some(("true", &bare)));
    Ok(())
}
