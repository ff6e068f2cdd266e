//! `bulkhead rescue operators …`: who may repair is changed here, on this machine, and nowhere else.

use bulkhead_config::{ConfigPath, ConfigStore};
use bulkhead_profile::Place;
use bulkhead_store::Store;
use serde_json::{Value, json};

use crate::commands::DONE;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::rescue::OperatorsCommand;
use crate::output::{paint, table};

/// `others` are changed along with the profile of the context.
pub fn run(command: OperatorsCommand, context: &Context, others: &[Place]) -> Result<u8, Failure> {
    match command {
        OperatorsCommand::Add { ids } => change(context, others, &ids, true),
        OperatorsCommand::Remove { ids } => change(context, others, &ids, false),
        OperatorsCommand::List => list(context),
    }
}

/// A user id of Telegram; also written `telegram:42` or `tg:42`.
pub fn user_id(text: &str) -> Result<String, Failure> {
    let id = text.trim();
    let id = id.strip_prefix("telegram:").or_else(|| id.strip_prefix("tg:")).unwrap_or(id);
    match id.parse::<i64>() {
        Ok(number) if number > 0 => Ok(number.to_string()),
        _ => Err(Failure::usage(format!(
            "found {text:?}, expected a Telegram user id such as 123456789: user names change hands, groups cannot be operators; \
             see `bulkhead rescue operators list`"
        ))),
    }
}

fn change(context: &Context, others: &[Place], ids: &[String], add: bool) -> Result<u8, Failure> {
    let place = context.place_for_writing()?;
    let ids = ids.iter().map(|id| user_id(id)).collect::<Result<Vec<_>, _>>()?;
    let mut names = vec![place.name().to_string()];
    let operators = if add { add_to(&place, &ids)? } else { remove_from(&place, &ids)? };
    for other in others {
        if add {
            add_to(other, &ids)?
        } else {
            remove_from(other, &ids)?
        };
        names.push(other.name().to_string());
    }
    let result = json!({"ok": true, "profile": place.name(), "operators": operators, "changed": names});
    context.out.result(&result, || {
        let who = if operators.is_empty() { "nobody".to_owned() } else { operators.join(", ") };
        format!("{} operators of profile {}: {who}", paint::good("now"), names.join(" and "))
    });
    if add && !config(&place).is_watching() {
        context.out.note(&format!(
            "Profile {name} watches no gateway yet: bulkhead --profile {name} config set rescue.watch main",
            name = place.name()
        ));
    }
    Ok(DONE)
}

fn config(place: &Place) -> bulkhead_config::Rescue {
    ConfigStore::new(place).load().map(|loaded| loaded.config.rescue).unwrap_or_default()
}

/// Makes these users operators, and answers all of them. Those who were stay as they are written.
pub fn add_to(place: &Place, ids: &[String]) -> Result<Vec<String>, Failure> {
    edit(place, |known| {
        for id in ids {
            if !known.iter().any(|one| user_id(one).ok().as_ref() == Some(id)) {
                known.push(id.clone());
            }
        }
    })
}

fn remove_from(place: &Place, ids: &[String]) -> Result<Vec<String>, Failure> {
    edit(place, |known| known.retain(|one| user_id(one).map_or(true, |id| !ids.contains(&id))))
}

fn edit(place: &Place, change: impl FnOnce(&mut Vec<String>)) -> Result<Vec<String>, Failure> {
    let mut operators = ConfigStore::new(place).load_current()?.config.rescue.operators;
    let before = operators.clone();
    change(&mut operators);
    if operators != before {
        let path = ConfigPath::root().key("rescue").key("operators");
        let list: Vec<Value> = operators.iter().map(|id| Value::from(id.as_str())).collect();
        ConfigStore::new(place).edit(|document| document.set_at(&path, list.into()))?;
    }
    Ok(operators)
}

/// Says how somebody becomes an operator, where a gateway is watched and nobody would be told.
pub fn note_if_nobody(context: &Context, place: &Place) {
    let rescue = config(place);
    if !rescue.is_watching() || !rescue.operators.is_empty() {
        return;
    }
    let name = place.name();
    context.out.note(&format!(
        "{} profile {name} watches another gateway, and nobody is told yet when that is down. Write to its bot (it answers with your \
         user id), then: bulkhead --profile {name} rescue operators add ID",
        paint::warn("note:")
    ));
}

fn list(context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let operators = config(&place).operators;
    let paired = context.block_on(paired(&place))?;
    let rows: Vec<[String; 3]> = operators
        .iter()
        .map(|id| [id.clone(), name_of(id, &paired), "operator".to_owned()])
        .chain(
            paired
                .iter()
                .filter(|(id, _)| !operators.iter().any(|one| user_id(one).ok().as_ref() == Some(id)))
                .map(|(id, name)| {
                    [id.clone(), name.clone(), "paired only: is not told, may not repair".to_owned()]
                }),
        )
        .collect();
    let result = json!({
        "ok": true, "profile": place.name(), "operators": operators,
        "paired": paired.iter().map(|(id, name)| json!({"id": id, "name": name})).collect::<Vec<_>>(),
    });
    context.out.result(&result, || {
        if rows.is_empty() {
            return format!(
                "Nobody is told, and nobody is paired with the bot of profile {}. Write to the bot: it answers with your id.",
                place.name()
            );
        }
        let mut text = table::rows(["id", "name", "may"], rows);
        if operators.is_empty() {
            text.push_str(&format!(
                "\nNobody is told: bulkhead --profile {} rescue operators add ID",
                place.name()
            ));
        }
        text
    });
    Ok(DONE)
}

fn name_of(id: &str, paired: &[(String, String)]) -> String {
    let id = user_id(id).unwrap_or_default();
    paired.iter().find(|(one, _)| *one == id).map(|(_, name)| name.clone()).unwrap_or_default()
}

/// Everybody whom somebody let in on Telegram.
async fn paired(place: &Place) -> Result<Vec<(String, String)>, Failure> {
    if !place.database_path().exists() {
        return Ok(Vec::new());
    }
    let store = Store::open(place.database_path())?;
    let allowed = store.pairings().allowed(Some("telegram")).await?;
    store.close().await;
    Ok(allowed
        .into_iter()
        .map(|one| {
            let name = one.meta["name"].as_str().unwrap_or_default().to_owned();
            (one.sender, name)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_of_people() {
        assert_eq!(user_id(" tg:42 ").unwrap(), "42");
        for bad in ["alice", "@alice", "-100123", "0", "", "*"] {
            assert_eq!(user_id(bad).unwrap_err().exit, crate::error::USAGE, "{bad}");
        }
    }
}
