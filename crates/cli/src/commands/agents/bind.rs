//! `bulkhead agents bindings`, `bind` and `unbind`.

use std::cell::RefCell;

use bulkhead_config::ConfigStore;
use bulkhead_gateway::roster::bindings::{self, Bound, Unbound};
use serde_json::{Value, json};

use super::add::{shown, spots, taken, told};
use crate::commands::config::edit;
use crate::context::{Context, config};
use crate::error::Failure;
use crate::output::{paint, table};

pub(super) fn show(context: &Context, agent: Option<&str>) -> Result<(), Failure> {
    let place = context.place()?;
    let only = match agent {
        Some(id) => Some(super::agent(&super::agents(context, &place)?, Some(id))?.id),
        None => None,
    };
    let routes = bindings::routes(&ConfigStore::new(&place).load()?.document);
    let rows: Vec<Value> = routes
        .into_iter()
        .filter(|(_, owner, _)| only.as_ref().is_none_or(|only| only == owner))
        .map(|(_, owner, matching)| {
            json!({"agentId": owner, "description": bindings::described(&matching), "match": matching})
        })
        .collect();
    context.out.result(&rows, || {
        if rows.is_empty() {
            return "Nothing is bound: the default agent answers everything.".to_owned();
        }
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        table::rows(
            ["agent", "answers"],
            rows.iter().map(|row| [text(row, "agentId"), text(row, "description")]),
        )
    });
    Ok(())
}

pub(super) fn bind(context: &Context, agent: Option<&str>, places: &[String]) -> Result<(), Failure> {
    let place = context.place_for_writing()?;
    let agent = super::agent(&super::agents(context, &place)?, agent)?.id;
    let spots = spots(places, &config(&place)?.config)?;
    let done = RefCell::new(Bound::default());
    edit(context, &place, |document| {
        *done.borrow_mut() = bindings::bind(document, &agent, &spots)?;
        Ok(())
    })?;
    let done = done.into_inner();
    let mut result = shown(&done);
    result["agentId"] = agent.as_str().into();
    if done.conflicts.is_empty() {
        context.out.result(&result, || format!("{}{}", paint::strong(&agent), told(&done)));
        return Ok(());
    }
    Err(taken(&done.conflicts).with_details(result))
}

pub(super) fn unbind(
    context: &Context,
    agent: Option<&str>,
    places: &[String],
    all: bool,
) -> Result<(), Failure> {
    let place = context.place_for_writing()?;
    let agent = super::agent(&super::agents(context, &place)?, agent)?.id;
    let spots = spots(places, &config(&place)?.config)?;
    let done = RefCell::new(Unbound::default());
    edit(context, &place, |document| {
        *done.borrow_mut() = if all {
            bindings::unbind_all(document, &agent)?
        } else {
            bindings::unbind(document, &agent, &spots)?
        };
        Ok(())
    })?;
    let done = done.into_inner();
    let result = json!({
        "agentId": agent, "removed": done.removed, "missing": done.missing, "conflicts": done.conflicts,
    });
    if !done.conflicts.is_empty() {
        return Err(taken(&done.conflicts).with_details(result));
    }
    context.out.result(&result, || {
        let mut text = paint::strong(&agent);
        for (what, places) in [("no longer answers", &done.removed), ("did not answer", &done.missing)] {
            for place in places {
                text.push_str(&format!("\n  {what} {place}"));
            }
        }
        if all && done.removed.is_empty() {
            text.push_str(" had nothing bound");
        }
        text
    });
    Ok(())
}
