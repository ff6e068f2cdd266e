//! The app's life: one instance, gateways as sidecars, and nothing left when it dies.

use crate::outside::Outside;
use crate::processes::{sidecars, until};
use bulkhead_tests::screen::Screen;
use bulkhead_tests::{Running, World, programs};

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
    assert_eq!(sidecars(&world).len(), 2, "{}", app.output());

    // A second start ends at once and starts nothing.
    let mut second = world.command(programs::app());
    second.arg("--hidden");
    let mut second = Running::start(second);
    second.wait();
    assert_eq!(sidecars(&world).len(), 2);

    app.signal("KILL");
    app.wait();
    until("no gateway is left", || sidecars(&world).is_empty()).await;
}
