//! `bulkhead gateway call METHOD`

use bulkhead_protocol::methods::{self, METHODS};
use serde_json::{Value, json};

use crate::asking;
use crate::commands::DONE;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::gateway::CallArgs;
use crate::output::table;
use crate::text_input;

pub fn run(args: &CallArgs, context: &Context) -> Result<u8, Failure> {
    if args.list {
        return Ok(list(context));
    }
    let method = args.method.as_deref().unwrap_or_default();
    let params = text_input::read(&args.params, "--params")?;
    let params: Value = serde_json::from_str(&params).map_err(|error| {
        Failure::usage(format!(
            "--params: found no JSON ({error}), expected an object such as '{{\"limit\":5}}'; correct it"
        ))
    })?;
    if !params.is_object() && !params.is_null() {
        return Err(Failure::usage(
            "--params: found JSON that is no object, expected one such as '{\"limit\":5}'; correct it",
        ));
    }
    let answer = context.block_on(async {
        let door = asking::door(context, &args.target).await?;
        let (client, _) = door.enter(door.cli()).await?;
        let two_phase = methods::spec(method).is_some_and(|row| row.two_phase);
        let answer = if args.expect_final && two_phase {
            client.request_streamed(method, params, door.patience).await?.last().await?
        } else {
            client.request(method, params).await?
        };
        client.close().await;
        Ok(answer)
    })?;
    context.out.result(&answer, || serde_json::to_string_pretty(&answer).unwrap_or_default());
    Ok(DONE)
}

fn list(context: &Context) -> u8 {
    let rows: Vec<Value> = METHODS
        .iter()
        .map(|row| {
            json!({
                "name": row.name, "scope": row.scope.as_str(), "dynamicScope": row.dynamic_scope, "idempotent": row.idempotent,
                "twoPhase": row.two_phase, "since": row.since, "summary": row.summary,
            })
        })
        .collect();
    context.out.result(&json!({ "ok": true, "methods": rows }), || {
        let rows =
            METHODS.iter().map(|row| [row.name.to_owned(), row.scope.to_string(), row.summary.to_owned()]);
        table::rows(["method", "scope", "what it does"], rows)
    });
    DONE
}
