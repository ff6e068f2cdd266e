//! A short torture: the whole one is `cargo xtask torture`.

use std::process::Command;

use bulkhead_tests::programs::beside;
use serde_json::Value;

fn torture(args: &[&str]) -> (bool, Value) {
    let out = Command::new(beside("bulkhead-torture-rounds"))
        .args(["--json", "--lanes", "2"])
        .args(args)
        .output()
        .expect("the torture starts");
    let said = String::from_utf8_lossy(&out.stdout);
    let report = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
    let report: Value =
        report.unwrap_or_else(|| panic!("no report: {said}\n{}", String::from_utf8_lossy(&out.stderr)));
    (out.status.success(), report)
}

#[test]
fn killed_at_ten_places_nothing_is_lost_and_nothing_is_said_twice() {
    let (passed, report) = torture(&["--rounds", "10", "--seed", "1"]);
    assert!(passed, "{report:#}");
    let total = &report["total"];
    assert_eq!((&total["lost"], &total["doubled"]), (&0.into(), &0.into()));
    assert!(total["kills"].as_u64() >= Some(8), "{report:#}");
    assert!(total["questions"].as_u64() >= Some(20), "{report:#}");
}

#[test]
fn without_the_outbox_the_torture_sees_answers_said_twice() {
    let (passed, report) =
        torture(&["--rounds", "3", "--seed", "1", "--point", "after-placeholder", "--without-outbox"]);
    assert!(!passed && report["total"]["doubled"].as_u64() > Some(0), "{report:#}");
}
