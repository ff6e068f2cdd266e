//! `bulkhead cron`

mod build;
mod show;

use std::time::{Duration, Instant};

use bulkhead_schedule::parse_duration;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::DONE;
use super::system::ask;
use crate::asking;
use crate::context::Context;
use crate::error::{FAILED, Failure};
use crate::grammar::cron::{CronCommand, RunArgs, RunsArgs, ScratchArgs};
use crate::grammar::gateway::Target;
use crate::text_input;

/// Jobs in one question.
const PAGE: usize = 200;
/// Between two looks whether a run is over.
const LOOK: Duration = Duration::from_millis(500);

pub fn run(command: CronCommand, context: &Context) -> Result<u8, Failure> {
    let now = Timestamp::now();
    match command {
        CronCommand::List { all, agent, target } => {
            let mut list = pages(context, &target, all, agent.as_deref())?;
            for job in list["jobs"].as_array_mut().into_iter().flatten() {
                let word = show::status(job);
                job["status"] = word.into();
            }
            context.out.result(&list, || show::list(&list, now));
        }
        CronCommand::Status { target } => {
            let answer = ask(context, &target, "cron.status", json!({}))?;
            context.out.result(&answer, || show::scheduler(&answer, now));
        }
        CronCommand::Add(args) => {
            let job = ask(context, &args.target, "cron.add", build::add(&args, now)?)?;
            context.out.result(&job, || show::made(&job, now));
        }
        CronCommand::Edit(args) => {
            let params = json!({"id": args.id, "patch": build::edit(&args, now)?});
            let job = ask(context, &args.target, "cron.update", params)?;
            context.out.result(&job, || show::made(&job, now));
        }
        CronCommand::Rm(one) => {
            let answer = ask(context, &one.target, "cron.remove", json!({"id": one.id}))?;
            context.out.result(&answer, || "Removed. Its history stays: `bulkhead cron runs`.".to_owned());
        }
        CronCommand::Enable(one) => switch(context, &one.target, &one.id, true, now)?,
        CronCommand::Disable(one) => switch(context, &one.target, &one.id, false, now)?,
        CronCommand::Get(one) => {
            let job = ask(context, &one.target, "cron.get", json!({"id": one.id}))?;
            context.out.result(&job, || serde_json::to_string_pretty(&job).unwrap_or_default());
        }
        CronCommand::Show(one) => {
            let mut job = find(context, &one.target, &one.id)?;
            let word = show::status(&job);
            job["status"] = word.into();
            context.out.result(&job, || show::job(&job, now));
        }
        CronCommand::Run(args) => return run_now(&args, context),
        CronCommand::Runs(args) => {
            let answer = ask(context, &args.target, "cron.runs", runs(&args))?;
            context.out.result(&answer, || show::runs(&answer, now));
        }
        CronCommand::Scratch(args) => return scratch(&args, context),
    }
    Ok(DONE)
}

/// All jobs, page after page.
fn pages(context: &Context, target: &Target, all: bool, agent: Option<&str>) -> Result<Value, Failure> {
    let mut jobs: Vec<Value> = Vec::new();
    loop {
        let mut params = json!({"includeDisabled": all, "limit": PAGE, "offset": jobs.len()});
        if let Some(agent) = agent {
            params["agentId"] = agent.into();
        }
        let mut page = ask(context, target, "cron.list", params)?;
        let found = page["jobs"].as_array().cloned().unwrap_or_default();
        let more = page["hasMore"] == true && !found.is_empty();
        jobs.extend(found);
        if !more {
            page["jobs"] = jobs.into();
            page["offset"] = 0.into();
            return Ok(page);
        }
    }
}

/// A job by id, else by its exact name.
fn find(context: &Context, target: &Target, wanted: &str) -> Result<Value, Failure> {
    let list = pages(context, target, true, None)?;
    let jobs = list["jobs"].as_array().cloned().unwrap_or_default();
    if let Some(job) = jobs.iter().find(|job| job["id"] == wanted) {
        return Ok(job.clone());
    }
    let named: Vec<&Value> = jobs
        .iter()
        .filter(|job| job["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
        .collect();
    match named.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Failure::failed(
            "cron_not_found",
            format!("there is no job {wanted:?}; `bulkhead cron list --all` names those that are there"),
        )),
        several => Err(Failure::failed(
            "cron_ambiguous",
            format!(
                "{} jobs are named {wanted:?}; take the id of one of them: {}",
                several.len(),
                several.iter().filter_map(|job| job["id"].as_str()).collect::<Vec<_>>().join(", ")
            ),
        )),
    }
}

fn switch(context: &Context, target: &Target, id: &str, on: bool, now: Timestamp) -> Result<(), Failure> {
    let job = ask(context, target, "cron.update", json!({"id": id, "patch": {"enabled": on}}))?;
    context.out.result(&job, || show::made(&job, now));
    Ok(())
}

fn runs(args: &RunsArgs) -> Value {
    let mut params = json!({"limit": args.limit});
    match &args.id {
        Some(id) => params["id"] = id.as_str().into(),
        None => params["scope"] = "all".into(),
    }
    for (name, value) in [
        ("runId", &args.run_id),
        ("status", &args.status),
        ("deliveryStatus", &args.delivery_status),
        ("query", &args.query),
        ("sortDir", &args.sort),
    ] {
        if let Some(value) = value {
            params[name] = value.as_str().into();
        }
    }
    if let Some(offset) = args.offset {
        params["offset"] = offset.into();
    }
    params
}

/// Asks for a run; waits for its end if that was wished.
fn run_now(args: &RunArgs, context: &Context) -> Result<u8, Failure> {
    let patience = parse_duration(&args.wait_timeout, "m")
        .and_then(|ms| u64::try_from(ms).ok())
        .map(Duration::from_millis)
        .ok_or_else(|| Failure::usage("--wait-timeout: expected a time span such as 10m"))?;
    let (asked, end) = context.block_on(async {
        let door = asking::door(context, &args.target).await?;
        let (client, _) = door.enter(door.cli()).await?;
        let mode = if args.due { "due" } else { "force" };
        let asked = client.request("cron.run", json!({"id": args.id, "mode": mode})).await?;
        let mut end = None;
        if let Some(run) = asked["runId"].as_str().filter(|_| args.wait) {
            let begun = Instant::now();
            while end.is_none() && begun.elapsed() < patience {
                tokio::time::sleep(LOOK).await;
                let found = client.request("cron.runs", json!({"id": args.id, "runId": run})).await?;
                end = found["entries"].get(0).cloned();
            }
        }
        client.close().await;
        Ok((asked, end))
    })?;
    if !args.wait || asked["runId"].is_null() {
        context.out.result(&asked, || match asked["runId"].as_str() {
            Some(run) => format!("Begun as {run}; `bulkhead cron runs {}` tells how it went.", args.id),
            None => format!("Not begun: {}.", asked["reason"].as_str().unwrap_or("unknown")),
        });
        return Ok(DONE);
    }
    let Some(end) = end else {
        return Err(Failure::failed(
            "cron_wait",
            format!(
                "the run is not over after {}; it goes on: `bulkhead cron runs {}`",
                args.wait_timeout, args.id
            ),
        ));
    };
    let mut result = asked.clone();
    for name in ["status", "completionStatus", "summary", "error", "deliveryStatus", "durationMs"] {
        if let Some(value) = end.get(name) {
            result[name] = value.clone();
        }
    }
    context.out.result(&result, || show::run(&end));
    Ok(if end["completionStatus"] == "succeeded" { DONE } else { FAILED })
}

fn scratch(args: &ScratchArgs, context: &Context) -> Result<u8, Failure> {
    if args.set.is_none() && !args.unset {
        let answer = ask(context, &args.target, "cron.scratch.get", json!({"id": args.id}))?;
        context.out.result(&answer, || answer["scratch"]["content"].as_str().unwrap_or_default().to_owned());
        return Ok(DONE);
    }
    let content = args.set.as_deref().map(|text| text_input::read(text, "--set")).transpose()?;
    let expected = match args.expected_revision {
        Some(revision) => revision.into(),
        None => {
            ask(context, &args.target, "cron.scratch.get", json!({"id": args.id}))?["currentRevision"].clone()
        }
    };
    let params = json!({"id": args.id, "content": content, "expectedRevision": expected});
    let answer = ask(context, &args.target, "cron.scratch.set", params)?;
    context.out.result(&answer, || {
        if answer["ok"] == true {
            "Saved.".to_owned()
        } else {
            "Somebody else changed it meanwhile; read it again.".to_owned()
        }
    });
    Ok(if answer["ok"] == true { DONE } else { FAILED })
}
