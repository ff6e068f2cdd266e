//! The same load on a real OpenClaw gateway, in the same run. It is measured where one is installed
//! (`BULKHEAD_TEST_OPENCLAW` names the folder, see `tests/src/openclaw.rs`), and said to be left out elsewhere.

use crate::gateway::{Outside, TOKEN, prepare, pss, pss_of_tree};
use crate::lean::Lean;
use crate::report::Report;
use crate::{rpc, socket};
use anyhow::Result;
use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use bulkhead_tests::World;
use bulkhead_tests::openclaw::OpenClaw;
use std::time::Duration;

const THEIRS: &str = "OpenClaw";
const CONNECTIONS: usize = 100;

pub async fn measure(report: &mut Report, seconds: u64, settle: u64) -> Result<()> {
    if std::env::var_os("BULKHEAD_TEST_OPENCLAW").is_none() {
        eprintln!("▸ OpenClaw: left out, BULKHEAD_TEST_OPENCLAW names no installed one");
        return Ok(());
    }
    eprintln!("▸ beside a real OpenClaw, {seconds} s each");
    let model = ModelServer::start(ModelServerOptions::default()).await?;
    let outside = Outside { model: Some(format!("{}/v1", model.base_url)), ..Outside::default() };
    let prepared = prepare(World::new(), &outside)?;
    let world = World::new();
    let port = bulkhead_tests::ports::base();
    let real = OpenClaw::installed();
    real.onboard(&world, port, TOKEN, (&format!("{}/v1", model.base_url), "bench-key"), ("", ""));
    real.edit(&world, |config| {
        if let Some(config) = config.as_object_mut() {
            config.remove("channels");
        }
    });
    let theirs = real.start(&world);
    let ours = prepared.running().await?;
    tokio::time::sleep(Duration::from_secs(settle)).await;
    report.value(
        "idle PSS beside OpenClaw",
        "MiB",
        pss(ours.0.id())?,
        Some((THEIRS, pss_of_tree(theirs.id()))),
    );

    let limit = Duration::from_secs(seconds);
    let base = rpc::load(sockets(port).await?, limit).await?;
    let own = rpc::load(sockets(prepared.port).await?, limit).await?;
    let name = |what: &str| format!("health at {CONNECTIONS} connections beside OpenClaw, {what}");
    report.value(&name("throughput"), "/s", own.per_second, Some((THEIRS, base.per_second)));
    report.value(&name("p50"), "ms", own.p50, Some((THEIRS, base.p50)));
    report.value(&name("p99"), "ms", own.p99, Some((THEIRS, base.p99)));
    Ok(())
}

async fn sockets(port: u16) -> Result<Vec<Lean>> {
    let mut sockets = Vec::new();
    for _ in 0..CONNECTIONS {
        sockets.push(Lean::over(socket::hello(port, TOKEN).await?));
    }
    Ok(sockets)
}
