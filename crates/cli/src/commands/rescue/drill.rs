//! `bulkhead rescue drill`: the watched gateway is really taken down, and the times are taken.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Watch, asked};
use crate::commands::DONE;
use crate::error::{FAILED, Failure};
use crate::grammar::rescue::DrillHow;
use crate::output::{paint, table};

pub fn run(watch: &Watch, how: DrillHow, yes: bool) -> Result<u8, Failure> {
    let name = watch.place.name();
    if !watch.is_running() {
        return Err(Failure::failed(
            "rescue.not-running",
            format!(
                "the gateway of profile {name} does not run, so nobody would notice: expected it to watch; start it with \
                 `bulkhead --profile {name} gateway start`"
            ),
        ));
    }
    let question = match how {
        DrillHow::Kill => "Really kill the watched gateway? Whoever talks to it is cut off for some seconds.",
        DrillHow::Stop => {
            "Really make the watched gateway stand still? It answers nobody until it is repaired."
        }
    };
    watch.confirm(question, yes)?;
    let report = watch.context.block_on(async {
        let (client, mut events) = asked::connect(watch).await?;
        let params = json!({"how": how.as_str(), "idempotencyKey": Uuid::new_v4().to_string()});
        let begun = client.request("rescue.drill.start", params).await.map_err(asked::refused)?;
        watch.context.out.note(begun["text"].as_str().unwrap_or_default());
        let report = asked::wait(&mut events, |event| {
            let ours = event["event"] == "drill"
                && event["report"]["beganMs"].as_u64()
                    >= begun["beganMs"].as_u64().map(|at| at.saturating_sub(2000));
            ours.then(|| event["report"].clone())
        })
        .await;
        client.close().await;
        Ok(report)
    })?;
    let Some(report) = report else {
        return Err(Failure::failed(
            "rescue.drill-silent",
            format!("the drill did not report in time; see `bulkhead --profile {name} rescue status`"),
        ));
    };
    let passed = report["noticedAfterMs"].is_u64() && report["repairedAfterMs"].is_u64();
    let seconds = |field: &str| {
        report[field]
            .as_u64()
            .map(|ms| Value::from(f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1000.0))
    };
    let result = json!({
        "ok": passed, "profile": name, "how": how.as_str(), "beganMs": report["beganMs"],
        "noticedSeconds": seconds("noticedAfterMs"), "toldSeconds": seconds("toldAfterMs"),
        "repairedSeconds": seconds("repairedAfterMs"), "verdict": report["verdict"],
    });
    watch.context.out.result(&result, || in_words(&report, passed));
    Ok(if passed { DONE } else { FAILED })
}

fn in_words(report: &Value, passed: bool) -> String {
    let after = |field: &str| {
        report[field]
            .as_u64()
            .map_or_else(|| "never".to_owned(), |ms| format!("{}.{} s", ms / 1000, ms % 1000 / 100))
    };
    let head = if passed { paint::good("passed") } else { paint::bad("not passed") };
    let rows = table::pairs(&[
        ("noticed after", after("noticedAfterMs")),
        ("told after", after("toldAfterMs")),
        ("well after", after("repairedAfterMs")),
    ]);
    format!("{head} {}\n{rows}", report["verdict"].as_str().unwrap_or_default())
}
