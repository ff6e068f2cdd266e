//! The official packages drive every served method; each frame is checked against the published schema, and, where there are
//! recordings, against what the measured OpenClaw answered.

use std::io::{Seek, Write};

use bulkhead_tests::world::text;
use bulkhead_tests::{World, node};
use serde_json::Value;

use crate::exceptions::Exceptions;
use crate::outside::Outside;
use crate::recorded::Recordings;
use crate::shape::Shape;

/// Two people who wrote to the bot and wait to be let in.
const STRANGERS: [i64; 2] = [515_001, 515_002];

#[tokio::test(flavor = "multi_thread")]
async fn every_served_method_answers_the_official_client_as_published() {
    let outside = Outside::new().await;
    let world = World::new();
    let bot = outside.bot("conformance_bot");
    let main = outside.onboard(&world, "main", Some(&bot), "file");
    let _gateway = main.running(&world).await;
    for stranger in STRANGERS {
        bot.pairing_code(stranger).await;
    }

    let folder = world.path("agents");
    let mut command =
        node::script(&world, "conformance.mjs", &[&main.port.to_string(), &folder.display().to_string()]);
    let mut input = tempfile::tempfile().expect("file");
    writeln!(input, "{}", main.token).expect("write");
    input.rewind().expect("rewind");
    command.stdin(input);
    let out =
        tokio::task::spawn_blocking(move || command.output().expect("node starts")).await.expect("driver");
    assert!(out.status.success(), "the driver failed: {}", text(&out));
    let answers = std::fs::read(folder.join("conformance.json")).expect("what was answered");
    let verdict: Value = serde_json::from_slice(&answers).expect("JSON");
    let list = |key: &str| -> Vec<String> {
        verdict[key].as_array().into_iter().flatten().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    println!(
        "{} of {} served methods covered ({} of them published), {} spoiled copies refused\nmethods: {}\nevents: {}\nevents not sent: {}",
        list("covered").len(),
        verdict["served"],
        verdict["published"],
        verdict["mutations"],
        list("covered").join(" "),
        list("events").join(" "),
        list("unsent").join(" "),
    );
    let mut problems = list("errors");
    problems.extend(list("failures"));
    problems.extend(
        list("uncovered").iter().map(|method| {
            format!("{method} is served and not covered: give it a row in tests/node/calls.mjs")
        }),
    );
    problems.extend(compared(&verdict));
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    assert!(verdict["mutations"].as_u64() > Some(20), "nothing was spoiled: {verdict}");
}

/// What differs from the recordings, if there are any.
fn compared(verdict: &Value) -> Vec<String> {
    let Some(recordings) = Recordings::find() else { return Vec::new() };
    let mut exceptions = Exceptions::load();
    let (mut problems, mut count) = (Vec::new(), 0);
    let results = verdict["results"]
        .as_object()
        .expect("results")
        .iter()
        .map(|(method, results)| (method.clone(), results, recordings.result(method)));
    let events = verdict["payloads"]
        .as_object()
        .expect("payloads")
        .iter()
        .map(|(event, payloads)| (format!("event {event}"), payloads, recordings.event(event)));
    for (at, ours, theirs) in results.chain(events) {
        let Some(theirs) = theirs else { continue };
        count += 1;
        let found = exceptions.compare(&at, &Shape::of_all(ours), &theirs);
        problems.extend(found.iter().map(|difference| format!("{at}: {difference}")));
    }
    println!("{count} methods and events compared with recordings");
    let unneeded = exceptions.unneeded().into_iter();
    problems.extend(unneeded.map(|one| format!("this exception is needed no more: {one}")));
    problems
}
