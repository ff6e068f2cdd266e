//! The app's life: one instance, gateways as sidecars, and nothing left when it dies.

use crate::outside::Outside;
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::screen::Screen;
use bulkhead_tests::{Running, World, programs};

/// Living processes of this world's gateways.
fn gateways(world: &World) -> Vec<u32> {
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

async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_app_leaves_no_gateway() {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let mut profiles = Vec::new();
    for name in ["main", "rescue"] {
        let profile = outside.onboard(&world, name, None, "keychain");
        let out = world.bulkhead(&["profiles", "owner", name, "desktop"]);
        assert!(out.status.success(), "{}", bulkhead_tests::world::text(&out));
        profiles.push(profile);
    }
    let _screen = Screen::start(&mut world);
    let mut command = world.command(programs::app());
    command.arg("--hidden");
    let mut app = Running::start(command);
    for profile in &profiles {
        profile.answers().await;
    }
    assert_eq!(gateways(&world).len(), 2, "{}", app.output());

    // A second start ends at once and starts nothing.
    let mut second = world.command(programs::app());
    second.arg("--hidden");
    let mut second = Running::start(second);
    second.wait();
    assert_eq!(gateways(&world).len(), 2);

    app.signal("KILL");
    app.wait();
    until("a gateway is left", || gateways(&world).is_empty()).await;
}
