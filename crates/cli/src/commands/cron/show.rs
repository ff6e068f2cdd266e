//! Jobs and runs for people.

use jiff::Timestamp;
use serde_json::Value;

use crate::output::table;

/// One word for a job: `disabled`, `running`, `ok`, `error`, `skipped` or `idle`.
pub(super) fn status(job: &Value) -> String {
    let state = &job["state"];
    if job["enabled"] == false {
        "disabled".to_owned()
    } else if !state["runningAtMs"].is_null() {
        "running".to_owned()
    } else {
        state["lastRunStatus"].as_str().unwrap_or("idle").to_owned()
    }
}

pub(super) fn list(list: &Value, now: Timestamp) -> String {
    let rows: Vec<[String; 6]> = list["jobs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|job| {
            let name = job["displayName"].as_str().or(job["name"].as_str()).unwrap_or_default();
            [
                text(&job["id"]),
                name.to_owned(),
                schedule(&job["schedule"]),
                from_now(&job["nextRunAtMs"], now),
                from_now(&job["lastRunAtMs"], now),
                status(job),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "No job; `bulkhead cron add` makes one.".to_owned();
    }
    table::rows(["id", "name", "schedule", "next", "last", "status"], rows)
}

pub(super) fn scheduler(answer: &Value, now: Timestamp) -> String {
    let on = if answer["enabled"] == true { "on" } else { "off" };
    table::pairs(&[
        ("scheduler", on.to_owned()),
        ("jobs", answer["jobs"].to_string()),
        ("next run", from_now(&answer["nextWakeAtMs"], now)),
    ])
}

pub(super) fn made(job: &Value, now: Timestamp) -> String {
    // A job that was declared is wrapped.
    let job = if job["job"].is_object() { &job["job"] } else { job };
    let route = job["deliveryPreview"]["detail"].as_str().filter(|detail| *detail != "not requested");
    let mut text = format!(
        "{}  {}  {}  next: {}",
        text(&job["id"]),
        text(&job["name"]),
        schedule(&job["schedule"]),
        from_now(&job["nextRunAtMs"], now)
    );
    if let Some(route) = route {
        text.push_str("\ndelivery: ");
        text.push_str(route);
    }
    text
}

pub(super) fn job(job: &Value, now: Timestamp) -> String {
    let state = &job["state"];
    let payload = &job["payload"];
    let asked = payload["message"].as_str().or(payload["text"].as_str()).unwrap_or_default();
    let mut pairs = vec![
        ("id", text(&job["id"])),
        ("name", text(&job["name"])),
        ("status", status(job)),
        ("schedule", schedule(&job["schedule"])),
        ("next run", from_now(&job["nextRunAtMs"], now)),
        ("last run", from_now(&job["lastRunAtMs"], now)),
        ("session", text(&job["sessionTarget"])),
        ("agent", text(&job["effectiveAgentId"])),
        (text_kind(payload), asked.to_owned()),
    ];
    for (name, value) in [
        ("last error", &state["lastError"]),
        ("delivery", &job["delivery"]["mode"]),
        ("last delivery", &state["lastDeliveryStatus"]),
        ("turned off", &state["autoDisabled"]["reason"]),
    ] {
        if !value.is_null() {
            pairs.push((name, text(value)));
        }
    }
    table::pairs(&pairs)
}

fn text_kind(payload: &Value) -> &'static str {
    if payload["kind"] == "systemEvent" { "tells" } else { "asks" }
}

pub(super) fn runs(answer: &Value, now: Timestamp) -> String {
    let rows: Vec<[String; 5]> = answer["entries"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            let said = entry["error"].as_str().or(entry["summary"].as_str()).unwrap_or_default();
            let line: String = said.lines().next().unwrap_or_default().chars().take(80).collect();
            [
                from_now(&entry["runAtMs"], now),
                text(&entry["jobName"]),
                text(&entry["status"]),
                text(&entry["deliveryStatus"]),
                line,
            ]
        })
        .collect();
    if rows.is_empty() {
        return "No run yet.".to_owned();
    }
    table::rows(["when", "job", "status", "delivery", "said"], rows)
}

pub(super) fn run(entry: &Value) -> String {
    let said = entry["error"].as_str().or(entry["summary"].as_str()).unwrap_or_default();
    format!("{} ({}): {said}", text(&entry["status"]), text(&entry["deliveryStatus"]))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn schedule(schedule: &Value) -> String {
    match schedule["kind"].as_str() {
        Some("at") => format!("at {}", text(&schedule["at"])),
        Some("every") => format!("every {}", span(schedule["everyMs"].as_i64().unwrap_or(0))),
        Some("cron") => {
            let zone = schedule["tz"].as_str().map(|zone| format!(" ({zone})")).unwrap_or_default();
            let stagger = schedule["staggerMs"].as_i64().filter(|ms| *ms > 0);
            let stagger = stagger.map(|ms| format!(", stagger {}", span(ms))).unwrap_or_default();
            format!("{}{zone}{stagger}", text(&schedule["expr"]))
        }
        _ => text(schedule),
    }
}

/// `1h 30m`.
fn span(mut ms: i64) -> String {
    let mut parts = Vec::new();
    for (name, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if ms >= size {
            parts.push(format!("{}{name}", ms / size));
            ms %= size;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// `in 5 min`, `3 h ago`.
fn from_now(at: &Value, now: Timestamp) -> String {
    let Some(at) = at.as_i64() else { return "–".to_owned() };
    let away = at - now.as_millisecond();
    let length = table::duration(away.unsigned_abs());
    if away >= 0 { format!("in {length}") } else { format!("{length} ago") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schedules_are_read_out() {
        assert_eq!(schedule(&json!({"kind": "every", "everyMs": 90_000})), "every 1m 30s");
        let cron = json!({"kind": "cron", "expr": "0 * * * *", "tz": "UTC", "staggerMs": 1001});
        assert_eq!(schedule(&cron), "0 * * * * (UTC), stagger 1s 1ms");
        assert_eq!(status(&json!({"enabled": true, "state": {"lastRunStatus": "error"}})), "error");
    }
}
