//! `bulkhead rescue status|incidents`.

use bulkhead_store::Store;
use bulkhead_supervisor::ControlClient;
use serde_json::{Value, json};

use super::{Watch, asked};
use crate::commands::DONE;
use crate::error::Failure;
use crate::output::{paint, table};

pub fn run(watch: &Watch) -> Result<u8, Failure> {
    let running = watch.is_running();
    let mut result = if running {
        watch.context.block_on(async {
            let (client, _) = asked::connect(watch).await?;
            let answer = client.request("rescue.status", json!({})).await;
            client.close().await;
            Ok(answer?)
        })?
    } else {
        at_rest(watch)?
    };
    result["ok"] = true.into();
    result["running"] = running.into();
    result["profile"] = watch.place.name().as_str().into();
    watch.context.out.result(&result, || text(watch, &result));
    Ok(DONE)
}

/// What can be said while the gateway that watches does not run.
fn at_rest(watch: &Watch) -> Result<Value, Failure> {
    let rescue = &watch.config.rescue;
    let name = watch.place.name();
    let mut result = json!({
        "configured": rescue.is_watching(), "operators": rescue.operators, "remedies": [],
        "warnings": [format!(
            "The gateway of profile {name} does not run, so nothing is watched: bulkhead --profile {name} gateway start"
        )],
    });
    if let Ok(watched) = watch.watched() {
        let status = watch
            .context
            .block_on(async { Ok(ControlClient::new(&watched).status().await.ok().flatten()) })?;
        result["watched"] = watched.name().as_str().into();
        result["kind"] = "bundled".into();
        result["summary"] = match &status {
            Some(status) if status.is_running() => format!("{} runs, says its supervisor.", watched.name()),
            Some(_) => format!("{} does not run, says its supervisor.", watched.name()),
            None => format!("{} has no supervisor that answers.", watched.name()),
        }
        .into();
        result["supervisor"] = json!(status);
    }
    Ok(result)
}

fn text(watch: &Watch, result: &Value) -> String {
    let name = watch.place.name();
    if result["configured"] != true {
        return format!(
            "Profile {name} watches no gateway. Set it with: bulkhead --profile {name} config set rescue.watch main"
        );
    }
    let list = |field: &str| {
        let words = result[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        words.collect::<Vec<_>>().join(", ")
    };
    let or = |text: String, nobody: &str| if text.is_empty() { nobody.to_owned() } else { text };
    let summary = result["summary"].as_str().unwrap_or("Nothing is known yet.");
    let head = match result["health"].as_str() {
        Some("good" | "planned") => paint::good(summary),
        Some("degraded") => paint::warn(summary),
        Some("down") => paint::bad(summary),
        _ => summary.to_owned(),
    };
    let mut rows = vec![
        (
            "watches",
            format!(
                "{} ({})",
                result["watched"].as_str().unwrap_or("?"),
                result["kind"].as_str().unwrap_or("?")
            ),
        ),
        ("remedies", or(list("remedies"), "none just now")),
        ("operators", or(list("operators"), "nobody")),
    ];
    if let Some(auto) = result["auto"].as_str() {
        rows.push(("by itself", if auto == "off" { "nothing".to_owned() } else { auto.to_owned() }));
    }
    let mut lines = vec![head, table::pairs(&rows)];
    for warning in result["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        lines.push(format!("{} {warning}", paint::warn("warning:")));
    }
    lines.join("\n")
}

/// What happened, the newest first: from the gateway, else from what it wrote down.
pub fn incidents(watch: &Watch, limit: u32) -> Result<u8, Failure> {
    let found = watch.context.block_on(async {
        if watch.is_running() {
            let (client, _) = asked::connect(watch).await?;
            let answer = client.request("rescue.incidents", json!({"limit": limit})).await;
            client.close().await;
            return Ok(answer?["incidents"].as_array().cloned().unwrap_or_default());
        }
        if !watch.place.database_path().exists() {
            return Ok(Vec::new());
        }
        let store = Store::open(watch.place.database_path())?;
        let rows = store.rescue().incidents(usize::try_from(limit).unwrap_or(20)).await?;
        store.close().await;
        Ok(rows.into_iter().map(|row| row.body).collect())
    })?;
    let result = json!({"ok": true, "profile": watch.place.name(), "incidents": found});
    watch.context.out.result(&result, || {
        if found.is_empty() {
            return "Nothing happened so far.".to_owned();
        }
        table::rows(["began", "what", "cause", "lasted", "repaired by"], found.iter().map(row))
    });
    Ok(DONE)
}

fn row(incident: &Value) -> [String; 5] {
    let began = incident["beganMs"].as_u64().unwrap_or_default();
    let lasted = match incident["phase"]["atMs"].as_u64() {
        Some(over) => table::duration(over.saturating_sub(began)),
        None => "lasts".to_owned(),
    };
    let at = i64::try_from(began).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let at = at.map_or_else(String::new, |at| {
        at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    });
    let repaired = incident["remedies"].as_array().into_iter().flatten().rev().find_map(|remedy| {
        let done = remedy["verdict"]["verdict"] == "repaired";
        done.then(|| {
            format!("{} ({})", remedy["remedy"].as_str().unwrap_or("?"), remedy["by"].as_str().unwrap_or("?"))
        })
    });
    [
        at,
        incident["watched"].as_str().unwrap_or_default().to_owned(),
        incident["cause"]["code"].as_str().unwrap_or_default().to_owned(),
        lasted,
        repaired.unwrap_or_default(),
    ]
}
