//! The ways in which main breaks, and the ways in which it only seems to: what rescue says, how soon, and what a tap
//! repairs. An observer outside (the Bot API's side, and the clock of this test) measures; its times are compared with
//! those that rescue keeps itself.

mod cases;
mod openclaw;
mod scene;
mod silences;
mod table;

use futures::StreamExt as _;
use table::{Row, Table};

/// So many worlds break at the same time.
const SIDE_BY_SIDE: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_breakage_of_main_is_told_within_ten_seconds_and_repaired_where_it_can_be() {
    let rows = futures::stream::iter(cases::ALL.iter().copied())
        .map(|case| aside(move || cases::run(case)))
        .buffered(SIDE_BY_SIDE)
        .collect::<Vec<_>>()
        .await;
    let row = |(case, row): (&cases::Case, Result<Row, _>)| {
        row.unwrap_or_else(|why: tokio::task::JoinError| Row {
            name: case.name(),
            wrong: Some(why.to_string()),
            ..Row::default()
        })
    };
    let table = Table::of(cases::ALL.iter().zip(rows).map(row).collect());
    println!("{table}");
    table.must_hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_a_breakage_alarms_nobody() {
    let rows = futures::stream::iter(silences::ALL.iter().copied())
        .map(|silence| aside(move || silences::run(silence)))
        .buffered(SIDE_BY_SIDE)
        .collect::<Vec<_>>()
        .await;
    let mut said = Vec::new();
    for (silence, row) in silences::ALL.iter().zip(rows) {
        match row.expect("the silence ends") {
            Ok(words) => said.extend(words),
            Err(why) => println!("skipped {silence:?}: {why}"),
        }
    }
    assert!(said.is_empty(), "{}", said.join("\n"));
}

/// In a thread of its own: what a scene does blocks now and then.
fn aside<T, F>(play: impl FnOnce() -> F + Send + 'static) -> tokio::task::JoinHandle<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || handle.block_on(play()))
}
