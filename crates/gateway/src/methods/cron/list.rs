//! Pages of jobs and of their runs.

use std::cmp::Ordering;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::cron::{
    CronJob, CronListParams, CronRunsParams, DeliveryMode, DeliveryStatus, PAGE, RunStatusWord,
};
use bulkhead_schedule::revision_of;
use bulkhead_store::CronRunFilter;
use serde_json::{Map, Value, json};

use super::super::store_failed;
use super::{compact, full, refused};
use crate::gateway::Gateway;
use crate::schedule::Route;

/// Runs in one answer when nothing is said.
const RUNS: usize = 50;

/// The jobs that match.
pub(crate) async fn page(gateway: &Gateway, params: CronListParams) -> Result<Value, ErrorShape> {
    check(&params)?;
    let mut rows: Vec<(CronJob, Option<String>)> = gateway
        .schedule
        .engine()?
        .jobs()
        .await
        .map_err(|error| refused("cron.list", error))?
        .into_iter()
        .map(|job| {
            let agent = gateway.agent_of_job(&job);
            (job, agent)
        })
        .filter(|(job, agent)| fits(job, agent.as_deref(), &params))
        .collect();
    let by = params.sort_by.as_deref().unwrap_or("nextRunAtMs");
    rows.sort_by(|(a, _), (b, _)| order(a, b, by).then_with(|| a.id.cmp(&b.id)));
    if params.sort_dir.as_deref() == Some("desc") {
        rows.reverse();
    }
    let total = rows.len();
    let limit = params.limit.unwrap_or(total.clamp(1, PAGE));
    let shown: Vec<_> = rows.into_iter().skip(params.offset).take(limit).collect();
    let jobs: Vec<Value> = shown
        .iter()
        .map(|(job, agent)| {
            if params.compact {
                return compact(job, agent.clone());
            }
            let mut row = full(job);
            row["effectiveAgentId"] = agent.clone().into();
            row
        })
        .collect();
    let more = params.offset + shown.len() < total;
    let mut answer = json!({
        "snapshotRevision": revision_of(&Value::Array(jobs.clone())),
        "jobs": jobs,
        "total": total,
        "offset": params.offset,
        "limit": limit,
        "hasMore": more,
        "nextOffset": more.then_some(params.offset + shown.len()),
    });
    if !params.compact && params.include_delivery_previews != Some(false) {
        let mut previews = Map::new();
        for (job, _) in &shown {
            previews.insert(job.id.clone(), preview(gateway, job).await);
        }
        answer["deliveryPreviews"] = Value::Object(previews);
    }
    Ok(answer)
}

fn check(params: &CronListParams) -> Result<(), ErrorShape> {
    let words: [(&str, &Option<String>, &[&str]); 6] = [
        ("enabled", &params.enabled, &["all", "enabled", "disabled"]),
        ("scheduleKind", &params.schedule_kind, &["all", "at", "every", "cron", "on-exit", "stream"]),
        ("lastRunStatus", &params.last_run_status, &["all", "ok", "error", "skipped", "unknown"]),
        ("trigger", &params.trigger, &["all", "conditional", "unconditional"]),
        ("sortBy", &params.sort_by, &["nextRunAtMs", "updatedAtMs", "name"]),
        ("sortDir", &params.sort_dir, &["asc", "desc"]),
    ];
    for (path, found, allowed) in words {
        if let Some(found) = found.as_deref().filter(|found| !allowed.contains(found)) {
            let problem = format!("found {found:?}, expected one of {}", allowed.join(", "));
            return Err(ErrorShape::invalid_params("cron.list", path, problem));
        }
    }
    check_limit("cron.list", params.limit)
}

fn check_limit(method: &str, limit: Option<usize>) -> Result<(), ErrorShape> {
    match limit.filter(|limit| !(1..=PAGE).contains(limit)) {
        Some(found) => {
            Err(ErrorShape::invalid_params(method, "limit", format!("found {found}, expected 1 to {PAGE}")))
        }
        None => Ok(()),
    }
}

fn fits(job: &CronJob, agent: Option<&str>, params: &CronListParams) -> bool {
    let word = |word: &Option<String>| word.clone().filter(|word| word != "all");
    let on = match params.enabled.as_deref() {
        Some("enabled") => job.enabled,
        Some("disabled") => !job.enabled,
        Some(_) => true,
        None => job.enabled || params.include_disabled,
    };
    let kind = word(&params.schedule_kind).is_none_or(|kind| kind == job.schedule.kind());
    let status = word(&params.last_run_status).is_none_or(|word| {
        let last = job.state.last_run_status.map_or("unknown", RunStatusWord::as_str);
        last == word
    });
    let of_agent = params.agent_id.as_deref().is_none_or(|asked| agent == Some(asked));
    let text = params.query.as_deref().map(str::trim).filter(|text| !text.is_empty()).is_none_or(|text| {
        let text = text.to_lowercase();
        let fields = [
            Some(&job.name),
            Some(&job.id),
            job.display_name.as_ref(),
            job.description.as_ref(),
            job.agent_id.as_ref(),
        ];
        fields.into_iter().flatten().any(|field| field.to_lowercase().contains(&text))
    });
    on && kind && status && of_agent && text && params.trigger.as_deref() != Some("conditional")
}

/// What has no next time comes last.
fn order(a: &CronJob, b: &CronJob, by: &str) -> Ordering {
    match by {
        "name" => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
        "updatedAtMs" => a.updated_at_ms.cmp(&b.updated_at_ms),
        _ => {
            let next = |job: &CronJob| job.state.next_run_at_ms.unwrap_or(i64::MAX);
            next(a).cmp(&next(b))
        }
    }
}

/// Where the outcome of a job would go now.
pub(super) async fn preview(gateway: &Gateway, job: &CronJob) -> Value {
    let agent = gateway.agent_of_job(job);
    if let Some(to) = job.delivery.as_ref().filter(|delivery| delivery.mode == DeliveryMode::Webhook) {
        let to = to.to.as_deref().and_then(|to| url::Url::parse(to.trim()).ok());
        let host = to.map_or_else(|| "no URL".to_owned(), |url| url.origin().ascii_serialization());
        return json!({"label": format!("webhook -> {host}"), "detail": "explicit"});
    }
    let delivery = job.delivery.as_ref().filter(|delivery| delivery.mode == DeliveryMode::Announce);
    let (Some(agent), Some(delivery)) = (agent, delivery) else {
        return json!({"label": "not requested", "detail": "not requested"});
    };
    let route = gateway.route_for(crate::schedule::wish(job, &agent, delivery)).await;
    let named = |channel: &str, to: &str| format!("announce -> {channel}:{to}");
    match route {
        Ok(Route { channel, to, source: "explicit", .. }) => {
            json!({"label": named(&channel, &to), "detail": "explicit"})
        }
        Ok(Route { channel, to, .. }) => {
            json!({"label": "announce -> last", "detail": format!("last -> {channel}:{to}")})
        }
        Err(problem) => {
            let label = match (&delivery.channel, &delivery.to) {
                (channel, Some(to)) => named(channel.as_deref().unwrap_or("last"), to),
                _ => "announce -> last".to_owned(),
            };
            json!({"label": label, "detail": format!("no route, will fail: {problem}")})
        }
    }
}

/// The runs that match, the newest first.
pub(crate) async fn history(gateway: &Gateway, params: CronRunsParams) -> Result<Value, ErrorShape> {
    let method = "cron.runs";
    check_limit(method, params.limit)?;
    let job_id = params.id.or(params.job_id);
    let all = params.scope.as_deref() == Some("all")
        || (params.scope.is_none() && job_id.is_none() && params.run_id.is_some());
    if job_id.is_none() && !all {
        return Err(ErrorShape::invalid_params(method, "id", "missing; name a job, or send scope \"all\""));
    }
    let statuses = match (params.statuses, params.status.as_deref()) {
        (Some(words), _) => words.iter().map(|word| word.as_str().to_owned()).collect(),
        (None, None | Some("all")) => Vec::new(),
        (None, Some(word)) if ["ok", "error", "skipped"].contains(&word) => vec![word.to_owned()],
        (None, Some(word)) => {
            let problem = format!("found {word:?}, expected all, ok, error or skipped");
            return Err(ErrorShape::invalid_params(method, "status", problem));
        }
    };
    let deliveries: Vec<DeliveryStatus> =
        params.delivery_statuses.unwrap_or_else(|| params.delivery_status.into_iter().collect());
    let limit = params.limit.unwrap_or(RUNS);
    let filter = CronRunFilter {
        job_id: if all { None } else { job_id },
        agent_id: params.agent_id,
        run_id: params.run_id,
        statuses,
        deliveries: deliveries.iter().map(|word| word.as_str().to_owned()).collect(),
        text: params.query.filter(|text| !text.trim().is_empty()),
        ascending: params.sort_dir.as_deref() == Some("asc"),
        limit,
        offset: params.offset,
    };
    let (rows, total) = gateway.store.cron().runs(filter).await.map_err(store_failed)?;
    let more = params.offset + rows.len() < total;
    let next = more.then_some(params.offset + rows.len());
    let entries: Vec<Value> = rows.into_iter().map(|row| row.entry).collect();
    Ok(json!({
        "entries": entries,
        "total": total,
        "offset": params.offset,
        "limit": limit,
        "hasMore": more,
        "nextOffset": next,
    }))
}
