//! A profile's service as a test sees it: what the manager says, what the command line answers, how the gateway is.

use crate::outside::{Profile, client};
use bulkhead_tests::World;
use bulkhead_tests::run::PATIENCE;
use serde_json::Value;
use std::process::Output;
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(20);

pub fn systemctl(world: &World, args: &[&str]) -> Output {
    world.command("systemctl").arg("--user").args(args).output().expect("systemctl starts")
}

pub fn property(world: &World, unit: &str, name: &str) -> String {
    let out = systemctl(world, &["show", "--value", "--property", name, unit]);
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

pub fn unit(profile: &Profile) -> String {
    match profile.name.as_str() {
        "main" => "bulkhead-gateway.service".to_owned(),
        name => format!("bulkhead-gateway-{name}.service"),
    }
}

/// `bulkhead --profile … --json gateway …`, which must succeed.
pub fn gateway(world: &World, profile: &Profile, args: &[&str]) -> Value {
    world.bulkhead_json(&[&["--profile", profile.name.as_str(), "--json", "gateway"], args].concat())
}

/// Waits until something is so; how long that took.
pub async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(LOOK).await;
    }
    begun.elapsed()
}

/// What `/readyz` says; `None` if nobody answers.
pub async fn ready(profile: &Profile) -> Option<Value> {
    let url = format!("http://127.0.0.1:{}/readyz", profile.port);
    client().get(url).send().await.ok()?.json().await.ok()
}
