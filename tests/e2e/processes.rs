//! What runs in a world.

use bulkhead_tests::World;
use bulkhead_tests::run::PATIENCE;
use std::time::{Duration, Instant};

/// Living gateways that a supervisor of this world started.
pub fn sidecars(world: &World) -> Vec<u32> {
    let home = world.home().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("proc").filter_map(Result::ok) {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let line = String::from_utf8_lossy(&read("cmdline")).into_owned();
        let environment = String::from_utf8_lossy(&read("environ")).into_owned();
        let zombie = String::from_utf8_lossy(&read("status")).contains("State:\tZ");
        if line.contains("--sidecar") && environment.contains(&home) && !zombie {
            found.push(pid);
        }
    }
    found
}

/// Waits for something that happens outside of the test's sight.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
