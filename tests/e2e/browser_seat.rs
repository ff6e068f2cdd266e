//! Main and rescue with a real Chromium each.

use crate::outside::Outside;
use bulkhead_tests::World;
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::world::text;

/// Chromium processes with a data folder in this world.
fn chromium(world: &World) -> Vec<u32> {
    let home = world.home().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("proc").filter_map(Result::ok) {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line).into_owned();
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        if line.contains("--user-data-dir=") && line.contains(&home) && !status.contains("State:\tZ") {
            found.push(pid);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gateway_has_a_chromium_of_its_own_and_leaves_none() {
    let outside = Outside::new().await;
    let world = World::new();
    let profiles =
        [outside.onboard(&world, "main", None, "file"), outside.onboard(&world, "rescue", None, "file")];
    let mut ports = Vec::new();
    let mut gateways = Vec::new();
    for profile in &profiles {
        let out = world.bulkhead(&["--profile", &profile.name, "config", "set", "browser.headless", "true"]);
        assert!(out.status.success(), "{}", text(&out));
        gateways.push(profile.running(&world).await);
        let out = world.bulkhead(&["--profile", &profile.name, "browser", "start", "--json"]);
        assert!(out.status.success(), "{}", text(&out));
        let status = world.bulkhead_json(&["--profile", &profile.name, "browser", "status", "--json"]);
        let shown = status.to_string();
        let port = shown
            .split("\"cdpPort\":")
            .nth(1)
            .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
            .and_then(|digits| digits.parse::<u16>().ok())
            .unwrap_or_else(|| panic!("no cdpPort in {shown}"));
        assert!(
            (profile.port + 11..=profile.port + 110).contains(&port),
            "{port} is not in {}'s range",
            profile.name
        );
        ports.push(port);
    }
    assert_ne!(ports[0], ports[1]);
    assert!(!chromium(&world).is_empty());
    for gateway in &mut gateways {
        gateway.signal("KILL");
        gateway.wait();
    }
    let deadline = std::time::Instant::now() + PATIENCE;
    while !chromium(&world).is_empty() {
        assert!(std::time::Instant::now() < deadline, "Chromium is left: {:?}", chromium(&world));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
