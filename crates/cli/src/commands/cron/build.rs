//! Flags to parameters. Pure but for the time, which is passed in.

use bulkhead_schedule::parse_duration;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::error::Failure;
use crate::grammar::cron::{AddArgs, Clear, EditArgs, What, When};

/// Parameters of `cron.add`.
pub(super) fn add(args: &AddArgs, now: Timestamp) -> Result<Value, Failure> {
    let flagged = schedule(&args.when, now)?;
    let (schedule, first) = if let Some(schedule) = flagged {
        (schedule, args.schedule.clone())
    } else {
        let text = args.schedule.as_deref().ok_or_else(|| {
            Failure::usage("no schedule; give one such as \"0 7 * * *\", \"every 1h\" or 20m, or use --at, --every or --cron")
        })?;
        (positional(text, &args.when, now)?, None)
    };
    let what = &args.what;
    let message = what.text.clone().or_else(|| args.message.clone());
    let name = args.name.clone().or(first).or_else(|| {
        let text = message.as_ref().or(what.system_event.as_ref())?;
        Some(text.lines().next().unwrap_or_default().chars().take(60).collect())
    });
    let name = name
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| Failure::usage("no name; give one with --name"))?;
    let (payload, target) = match (&what.system_event, message) {
        (Some(text), None) => (json!({"kind": "systemEvent", "text": text}), "main"),
        (None, Some(message)) => {
            let mut payload =
                Map::from_iter([("kind".into(), "agentTurn".into()), ("message".into(), message.into())]);
            payload.extend(turn(what));
            (Value::Object(payload), if what.session_key.is_some() { "current" } else { "isolated" })
        }
        (Some(_), Some(_)) => return Err(Failure::usage("a message and --system-event; use one of them")),
        (None, None) => {
            return Err(Failure::usage(
                "nothing to do; give a MESSAGE for the agent, or --system-event TEXT",
            ));
        }
    };
    let mut params = json!({
        "name": name,
        "enabled": !args.disabled,
        "schedule": schedule,
        "sessionTarget": what.session.as_deref().unwrap_or(target),
        "wakeMode": what.wake.map_or("now", |wake| wake.as_str()),
        "payload": payload,
    });
    if params["payload"]["kind"] == "agentTurn" {
        let mode = if what.no_deliver { "none" } else { "announce" };
        params["delivery"] = json!({"mode": mode, "channel": what.channel.as_deref().unwrap_or("last")});
        if let (Value::Object(delivery), Some(more)) = (&mut params["delivery"], delivery(what)) {
            delivery.extend(more.into_iter().filter(|(name, _)| name != "mode"));
        }
    }
    for (name, value) in [
        ("declarationKey", &args.declaration_key),
        ("agentId", &what.agent),
        ("sessionKey", &what.session_key),
        ("description", &what.description),
        ("displayName", &what.display_name),
    ] {
        if let Some(value) = value {
            params[name] = value.clone().into();
        }
    }
    if what.delete_after_run || what.keep_after_run {
        params["deleteAfterRun"] = what.delete_after_run.into();
    }
    Ok(params)
}

/// `patch` of `cron.update`.
pub(super) fn edit(args: &EditArgs, now: Timestamp) -> Result<Value, Failure> {
    let what = &args.what;
    let mut patch = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            patch.insert(name.to_owned(), value);
        }
    };
    set("name", args.name.clone().map(Value::from));
    set("description", what.description.clone().map(Value::from));
    set("displayName", what.display_name.clone().map(Value::from));
    set("agentId", what.agent.clone().map(Value::from));
    set("sessionKey", what.session_key.clone().map(Value::from));
    set("sessionTarget", what.session.clone().map(Value::from));
    set("wakeMode", what.wake.map(|wake| wake.as_str().into()));
    set("enabled", (args.enable || args.disable).then(|| args.enable.into()));
    set(
        "deleteAfterRun",
        (what.delete_after_run || what.keep_after_run).then(|| what.delete_after_run.into()),
    );
    set("schedule", schedule(&args.when, now)?);
    let mut payload = match (&what.system_event, &what.text) {
        (Some(text), _) => {
            Map::from_iter([("kind".into(), "systemEvent".into()), ("text".into(), text.as_str().into())])
        }
        (None, text) => {
            let mut payload = turn(what);
            if let Some(text) = text {
                payload.insert("message".into(), text.as_str().into());
            }
            payload
        }
    };
    let mut delivery = delivery(what).unwrap_or_default();
    for clear in &args.clear {
        match clear {
            Clear::Agent => drop(patch.insert("agentId".into(), Value::Null)),
            Clear::SessionKey => drop(patch.insert("sessionKey".into(), Value::Null)),
            Clear::DisplayName => drop(patch.insert("displayName".into(), Value::Null)),
            Clear::Model => drop(payload.insert("model".into(), Value::Null)),
            Clear::Fallbacks => drop(payload.insert("fallbacks".into(), Value::Null)),
            Clear::Thinking => drop(payload.insert("thinking".into(), Value::Null)),
            Clear::Tools => drop(payload.insert("toolsAllow".into(), Value::Null)),
            Clear::Channel => drop(delivery.insert("channel".into(), Value::Null)),
            Clear::To => drop(delivery.insert("to".into(), Value::Null)),
            Clear::Account => drop(delivery.insert("accountId".into(), Value::Null)),
        }
    }
    if !payload.is_empty() {
        payload.entry("kind").or_insert_with(|| "agentTurn".into());
        patch.insert("payload".into(), Value::Object(payload));
    }
    if !delivery.is_empty() {
        patch.insert("delivery".into(), Value::Object(delivery));
    }
    if let Some(alert) = alert(args)? {
        patch.insert("failureAlert".into(), alert);
    }
    if patch.is_empty() {
        return Err(Failure::usage("nothing to change; see `bulkhead cron edit --help`"));
    }
    Ok(Value::Object(patch))
}

fn alert(args: &EditArgs) -> Result<Option<Value>, Failure> {
    if args.no_failure_alert {
        return Ok(Some(false.into()));
    }
    let mut rule = Map::new();
    if let Some(after) = args.failure_alert_after {
        rule.insert("after".into(), after.into());
    }
    for (name, value) in [("channel", &args.failure_alert_channel), ("to", &args.failure_alert_to)] {
        if let Some(value) = value {
            rule.insert(name.into(), value.as_str().into());
        }
    }
    if let Some(text) = &args.failure_alert_cooldown {
        rule.insert("cooldownMs".into(), span("--failure-alert-cooldown", text)?.into());
    }
    Ok((args.failure_alert || !rule.is_empty()).then_some(Value::Object(rule)))
}

/// What is said of the turn itself.
fn turn(what: &What) -> Map<String, Value> {
    let list = |text: &str| -> Value {
        text.split([',', ' ']).map(str::trim).filter(|one| !one.is_empty()).map(Value::from).collect()
    };
    let mut turn = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            turn.insert(name.to_owned(), value);
        }
    };
    set("model", what.model.clone().map(Value::from));
    set("fallbacks", what.fallbacks.as_deref().map(list));
    set("thinking", what.thinking.clone().map(Value::from));
    set("timeoutSeconds", what.timeout_seconds.map(Value::from));
    set("lightContext", what.light_context.then(|| true.into()));
    set("toolsAllow", what.tools.as_deref().map(list));
    turn
}

/// What is said of the delivery; `None`: nothing.
fn delivery(what: &What) -> Option<Map<String, Value>> {
    let mut delivery = Map::new();
    if what.announce || what.no_deliver {
        delivery.insert("mode".into(), if what.no_deliver { "none" } else { "announce" }.into());
    }
    for (name, value) in [("channel", &what.channel), ("to", &what.to), ("accountId", &what.account)] {
        if let Some(value) = value {
            delivery.insert(name.into(), value.as_str().into());
        }
    }
    if what.best_effort_deliver {
        delivery.insert("bestEffort".into(), true.into());
    }
    if !delivery.is_empty() && (what.to.is_some() || what.best_effort_deliver) {
        delivery.entry("mode").or_insert_with(|| "announce".into());
    }
    (!delivery.is_empty()).then_some(delivery)
}

/// `--at`, `--every` or `--cron`.
fn schedule(when: &When, now: Timestamp) -> Result<Option<Value>, Failure> {
    if let Some(text) = &when.at {
        return Ok(Some(json!({"kind": "at", "at": at(text, when.tz.as_deref(), now)?})));
    }
    if let Some(text) = &when.every {
        return Ok(Some(json!({"kind": "every", "everyMs": span("--every", text)?})));
    }
    when.cron.as_deref().map(|expr| cron(expr, when)).transpose()
}

/// A cron expression, `every 1h`, `20m` or a time.
fn positional(text: &str, when: &When, now: Timestamp) -> Result<Value, Failure> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("every ") {
        return Ok(json!({"kind": "every", "everyMs": span("SCHEDULE", rest)?}));
    }
    if matches!(text.split_whitespace().count(), 5 | 6) {
        return cron(text, when);
    }
    Ok(json!({"kind": "at", "at": at(text, when.tz.as_deref(), now)?}))
}

fn cron(expr: &str, when: &When) -> Result<Value, Failure> {
    let mut schedule = json!({"kind": "cron", "expr": expr});
    if let Some(zone) = &when.tz {
        schedule["tz"] = zone.as_str().into();
    }
    if when.exact {
        schedule["staggerMs"] = 0.into();
    }
    if let Some(text) = &when.stagger {
        schedule["staggerMs"] = span("--stagger", text)?.into();
    }
    Ok(schedule)
}

fn span(flag: &str, text: &str) -> Result<i64, Failure> {
    parse_duration(text, "m").filter(|ms| *ms >= 0).ok_or_else(|| {
        Failure::usage(format!("{flag}: found {text:?}, expected a time span such as 90s, 10m or 1h"))
    })
}

/// A time, or a span from now.
fn at(text: &str, zone: Option<&str>, now: Timestamp) -> Result<String, Failure> {
    if let Some(ms) = parse_duration(text, "?") {
        let later = Timestamp::from_millisecond(now.as_millisecond().saturating_add(ms));
        return later.map(|at| format!("{at:.3}")).map_err(|error| Failure::usage(format!("--at: {error}")));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(format!("{at:.3}"));
    }
    let wrong = || {
        Failure::usage(format!(
            "--at: found {text:?}, expected a time such as 2027-02-01T16:00:00Z, or a time span such as 20m"
        ))
    };
    let local = text.parse::<DateTime>().map_err(|_| wrong())?;
    let zone = match zone.filter(|name| !name.is_empty()) {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name).map_err(|_| {
            Failure::usage(format!("--tz: found {name:?}, expected a name such as Europe/Berlin"))
        })?,
    };
    local.to_zoned(zone).map(|zoned| format!("{:.3}", zoned.timestamp())).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::grammar::cron::CronCommand;
    use crate::grammar::{Cli, Command};

    fn cron(words: &[&str]) -> CronCommand {
        let all = ["bulkhead", "cron"].iter().chain(words);
        match Cli::try_parse_from(all).unwrap().command {
            Command::Cron(args) => args.command,
            _ => unreachable!("it is cron"),
        }
    }

    fn added(words: &[&str]) -> Value {
        let CronCommand::Add(args) = cron(words) else { unreachable!("it is add") };
        add(&args, "2026-11-20T12:00:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn flags_become_what_the_other_command_line_sends() {
        // As recorded from `openclaw cron add --name reftest --cron "0 5 * * *" --message hi --session isolated --no-deliver`.
        let words = ["add", "--name", "reftest", "--cron", "0 5 * * *", "--message", "hi", "--no-deliver"];
        assert_eq!(
            added(&words),
            json!({
                "name": "reftest", "enabled": true, "schedule": {"kind": "cron", "expr": "0 5 * * *"},
                "sessionTarget": "isolated", "wakeMode": "now", "payload": {"kind": "agentTurn", "message": "hi"},
                "delivery": {"mode": "none", "channel": "last"},
            })
        );
        let short = added(&["create", "20m", "Look at the oven", "--to", "-42", "--channel", "telegram"]);
        assert_eq!(short["schedule"], json!({"kind": "at", "at": "2026-11-20T12:20:00.000Z"}));
        assert_eq!(short["name"], "Look at the oven");
        assert_eq!(short["delivery"], json!({"mode": "announce", "channel": "telegram", "to": "-42"}));
        let event = added(&["add", "every 1h", "--system-event", "tick", "--wake", "next-heartbeat"]);
        assert_eq!(event["sessionTarget"], "main");
        assert!(event.get("delivery").is_none() && event["schedule"]["everyMs"] == 3_600_000);
        let local =
            added(&["add", "tea", "--at", "2027-02-01T16:00:00", "--tz", "Europe/Berlin", "--message", "x"]);
        assert_eq!(local["schedule"]["at"], "2027-02-01T15:00:00.000Z");
        assert_eq!(local["name"], "tea");
    }

    #[test]
    fn edits_change_only_what_was_said() {
        let patched = |words: &[&str]| {
            let CronCommand::Edit(args) = cron(words) else { unreachable!("it is edit") };
            edit(&args, "2026-11-20T12:00:00Z".parse().unwrap())
        };
        assert_eq!(
            patched(&["edit", "id", "--clear", "model,to", "--announce", "--disable"]).unwrap(),
            json!({
                "enabled": false, "payload": {"kind": "agentTurn", "model": null},
                "delivery": {"mode": "announce", "to": null},
            })
        );
        assert_eq!(patched(&["edit", "id", "--no-failure-alert"]).unwrap(), json!({"failureAlert": false}));
        assert!(patched(&["edit", "id"]).is_err());
    }
}
