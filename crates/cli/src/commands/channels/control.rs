//! `bulkhead channels start`, `stop` and `logout`: asked of the running gateway.

use serde_json::{Value, json};

use crate::commands::approvals::ask;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::channels::Control;
use crate::output::paint;

pub(super) fn run(context: &Context, method: &str, args: &Control) -> Result<(), Failure> {
    let mut params = json!({"channel": args.account.channel().as_str()});
    if let Some(account) = args.account.given() {
        params["accountId"] = account.into();
    }
    let answer = ask(context, &args.target, method, params)?;
    context.out.result(&answer, || in_words(method, &answer));
    Ok(())
}

fn in_words(method: &str, answer: &Value) -> String {
    let account = answer["accountId"].as_str().unwrap_or_default();
    let (done, well, not) = match method {
        "channels.start" => ("started", "runs", "does not run yet; `bulkhead channels status` says why"),
        "channels.stop" => ("stopped", "is stopped until it is started again, or the gateway is", "runs on"),
        _ => (
            "loggedOut",
            "is logged out; its token is still stored: `bulkhead secrets list` shows it",
            "had no token in the configuration",
        ),
    };
    let told = if answer[done] == true { well } else { not };
    format!("{} {told}", paint::strong(&format!("telegram {account}")))
}
