//! `bulkhead browser …`: the control service of the running gateway, on base port + 2.

use std::time::Duration;

use bulkhead_profile::Ports;
use serde_json::{Value, json};

use super::DONE;
use crate::asking;
use crate::context::{Context, base_port, config};
use crate::error::Failure;
use crate::grammar::browser::{BrowserArgs, BrowserCommand};
use crate::http::{self, NoAnswer};
use crate::output::{paint, table};

/// A browser that starts for the first time makes its profile folder first.
const PATIENCE: Duration = Duration::from_secs(45);

pub fn run(args: &BrowserArgs, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let (base, _) = base_port(&place, &context.env)?;
    let configured = config(&place)?.config.browser.control_port;
    let port = match configured {
        Some(port) => port,
        None => Ports::new(base)?.control(),
    };
    let token = context.block_on(async { Ok(asking::own_token(context, &place).await?) })?;
    let (method, path) = match args.command {
        BrowserCommand::Status => ("GET", "/"),
        BrowserCommand::Start => ("POST", "/start"),
        BrowserCommand::Stop => ("POST", "/stop"),
    };
    let query = args.browser_profile.as_deref().map(|name| {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        format!("?profile={name}")
    });
    let path = format!("{path}{}", query.unwrap_or_default());
    let answer = http::request(method, port, &path, token.as_ref(), PATIENCE)
        .map_err(|why| no_answer(&why, port, &place))?;
    let body = answer.json().unwrap_or(Value::Null);
    if answer.status >= 400 {
        let message =
            ["/error/message", "/error", "/message"].iter().find_map(|at| body.pointer(at)?.as_str());
        let message = message.unwrap_or("no reason was given");
        return Err(Failure::failed(
            "browser.refused",
            format!(
                "the browser seat on port {port} answered {}: {message}; see `bulkhead --profile {} logs`",
                answer.status,
                place.name()
            ),
        )
        .with_details(json!({ "status": answer.status, "body": body })));
    }
    context.out.result(&body, || text(&body, port));
    Ok(DONE)
}

fn no_answer(why: &NoAnswer, port: u16, place: &bulkhead_profile::Place) -> Failure {
    let name = place.name();
    let (what, next) = match why {
        NoAnswer::Refused => (
            "nobody listens there".to_owned(),
            format!(
                "start the gateway with `bulkhead --profile {name} gateway`, and see that browser.enabled is not false"
            ),
        ),
        NoAnswer::Silent => {
            ("no answer came in time".to_owned(), format!("see `bulkhead --profile {name} logs`"))
        }
        NoAnswer::NotHttp => {
            ("another program answers".to_owned(), "choose another port with browser.controlPort".to_owned())
        }
        NoAnswer::Broken(error) => (error.to_string(), format!("see `bulkhead --profile {name} logs`")),
    };
    Failure::failed(
        "browser.unreachable",
        format!(
            "the browser seat of profile {name} on 127.0.0.1:{port} cannot be reached: found that {what}, expected its browser control service; {next}"
        ),
    )
}

fn text(body: &Value, port: u16) -> String {
    let running = body["running"].as_bool() == Some(true);
    let state = if running { paint::good("running") } else { paint::dim("stopped") };
    let show = |name: &str| match &body[name] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let mut pairs = vec![("control", format!("127.0.0.1:{port}"))];
    for (label, field) in [
        ("profile", "profile"),
        ("CDP port", "cdpPort"),
        ("CDP", "cdpUrl"),
        ("process", "pid"),
        ("program", "executable"),
        ("version", "version"),
        ("data", "dataDir"),
    ] {
        if let Some(value) = show(field) {
            pairs.push((label, value));
        }
    }
    format!("browser {state}\n{}", table::pairs(&pairs))
}
