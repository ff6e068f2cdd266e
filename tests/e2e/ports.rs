//! Ports of many profiles on one machine.

use bulkhead_tests::World;
use bulkhead_tests::world::text;
use std::net::TcpListener;

fn create(world: &World, name: &str, port: Option<u16>) -> std::process::Output {
    let port = port.map(|port| port.to_string());
    let mut args = vec!["profiles", "create", name, "--json"];
    if let Some(port) = &port {
        args.extend(["--port", port]);
    }
    world.bulkhead(&args)
}

#[test]
fn twenty_profiles_at_once_get_twenty_disjoint_intervals() {
    let world = World::new();
    // Strangers listen inside of what would be taken, an OpenClaw is configured, and one profile is broken.
    let strangers: Vec<TcpListener> = [18950_u16, 19333, 20777]
        .iter()
        .filter_map(|port| TcpListener::bind(("127.0.0.1", *port)).ok())
        .collect();
    std::fs::create_dir_all(world.path(".openclaw")).expect("folder");
    std::fs::write(world.path(".openclaw/openclaw.json"), "{ gateway: { port: 21000 } }").expect("write");
    assert!(create(&world, "broken", None).status.success());
    std::fs::write(world.path(".bulkhead-broken/bulkhead.json"), "{ gateway: ").expect("write");

    let outputs: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..20)
            .map(|number| {
                let world = &world;
                let name = format!("p{number}");
                scope.spawn(move || create(world, &name, None))
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().expect("thread")).collect()
    });
    for out in &outputs {
        assert!(out.status.success(), "{}", text(out));
    }
    let list = world.bulkhead_json(&["profiles", "list", "--json"]);
    let mut bases: Vec<u64> = list["profiles"]
        .as_array()
        .expect("profiles")
        .iter()
        .map(|row| row["basePort"].as_u64().or_else(|| row["port"].as_u64()).expect("a port"))
        .collect();
    assert_eq!(bases.len(), 21);
    bases.push(21000);
    bases.sort_unstable();
    for pair in bases.windows(2) {
        assert!(pair[1] - pair[0] > 110, "{bases:?}");
    }
    for stranger in &strangers {
        let port = u64::from(stranger.local_addr().expect("address").port());
        assert!(bases.iter().all(|base| !(*base..=*base + 110).contains(&port)), "{port} in {bases:?}");
    }
}

#[test]
fn bases_too_close_are_refused_and_near_ones_warned_about() {
    let world = World::new();
    assert!(create(&world, "main", Some(18789)).status.success());
    let refused = create(&world, "near", Some(18805));
    assert!(!refused.status.success());
    let said = text(&refused);
    assert!(said.contains("main") && said.contains("18805") && said.contains("18789"), "{said}");
    assert!(!world.path(".bulkhead-near").exists(), "nothing half-made");
    let warned = create(&world, "near", Some(18820));
    let said = text(&warned);
    assert!(warned.status.success(), "{said}");
    assert!(said.contains("18899") || said.contains("18820"), "shows the overlap: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_on_the_port_is_named() {
    let outside = crate::outside::Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let stranger = TcpListener::bind(("127.0.0.1", main.port)).expect("bind");
    let out = world.bulkhead(&["gateway", "run"]);
    assert!(!out.status.success());
    let said = text(&out);
    assert!(said.contains(&main.port.to_string()), "{said}");
    assert!(said.contains(&std::process::id().to_string()), "names the holder's pid: {said}");
    let forced = world.bulkhead(&["gateway", "run", "--force"]);
    assert!(!forced.status.success(), "a stranger is never ended");
    drop(stranger);
}
