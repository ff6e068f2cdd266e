//! The manual example of the multiple-gateways page, with `bulkhead` for `openclaw`.

use crate::outside::client;
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::world::text;
use bulkhead_tests::{World, ports};

#[tokio::test(flavor = "multi_thread")]
async fn both_halves_of_the_manual_example_run_at_once() {
    let mut world = World::new();
    let bases = [ports::base(), ports::base()];
    let mut running = Vec::new();
    for (half, base) in ["main", "rescue"].into_iter().zip(bases) {
        let state = world.path(&format!("manual-{half}"));
        std::fs::create_dir_all(&state).expect("folder");
        world.set("OPENCLAW_STATE_DIR", state.clone());
        world.set("OPENCLAW_CONFIG_PATH", world.path(&format!("manual-{half}.json")));
        let out = world.bulkhead(&["setup"]);
        assert!(out.status.success(), "setup: {}", text(&out));
        let secret = format!("value-of-{half}");
        let out = world
            .bulkhead_with_input(&["secrets", "set", "telegram/bot-token", "-", "--store", "file"], &secret);
        assert!(out.status.success(), "secrets set: {}", text(&out));
        running.push(world.start(&["gateway", "--port", &base.to_string()]));
    }
    let http = client();
    for base in bases {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let answer = http.get(format!("http://127.0.0.1:{base}/healthz")).send().await;
            if answer.is_ok_and(|response| response.status().is_success()) {
                break;
            }
            let output: Vec<String> = running.iter_mut().map(bulkhead_tests::Running::output).collect();
            assert!(std::time::Instant::now() < deadline, "no gateway on {base}: {output:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    // A secret of the same name differs in each.
    let stored: Vec<String> = std::fs::read_dir(world.path(".config/bulkhead/secrets"))
        .expect("two secrets files")
        .map(|entry| std::fs::read_to_string(entry.expect("entry").path()).expect("readable"))
        .collect();
    for half in ["main", "rescue"] {
        let value = format!("value-of-{half}");
        assert_eq!(stored.iter().filter(|text| text.contains(&value)).count(), 1, "{half}");
    }
    let check = world.bulkhead(&["profiles", "check"]);
    assert!(check.status.success(), "the audit is clean: {}", text(&check));
}
