//! `bulkhead models set`, `fallbacks` and `aliases`: they write the file, and a running gateway follows.

use bulkhead_config::{Config, ConfigError, ConfigPath, ConfigStore};
use serde_json::{Value, json};

use crate::context::{Context, config};
use crate::error::Failure;
use crate::grammar::models::{AliasesCommand, FallbacksCommand};
use crate::output::paint;

/// The full name of a model: by itself, by its alias, or by its id where one provider only has it.
fn full(config: &Config, asked: &str) -> Result<String, Failure> {
    let known = || {
        config.models.providers.iter().flat_map(|(id, provider)| {
            provider.models.iter().map(move |model| (format!("{id}/{}", model.id), model.id.as_str()))
        })
    };
    if let Some((provider, _)) = asked.split_once('/')
        && config.models.providers.contains_key(provider)
    {
        return Ok(asked.to_owned());
    }
    let notes = &config.agents.defaults.models;
    if let Some((model, _)) = notes.iter().find(|(_, note)| note.alias.as_deref() == Some(asked)) {
        return Ok(model.clone());
    }
    let mut by_id = known().filter(|(_, id)| *id == asked);
    match (by_id.next(), by_id.next()) {
        (Some((model, _)), None) => Ok(model),
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "more than one provider has a model {asked:?}: expected provider/model"
        ))),
        _ => {
            let all: Vec<String> = known().map(|(model, _)| model).collect();
            Err(Failure::usage(format!(
                "no model {asked:?} is configured: expected provider/model of a configured provider, such as one of {}",
                all.join(", ")
            )))
        }
    }
}

/// Where the first choice stands: `model` may be a name by itself.
fn choose(
    context: &Context,
    change: impl Fn(&mut Option<String>, &mut Vec<String>) -> Result<(), Failure>,
) -> Result<(Option<String>, Vec<String>), Failure> {
    let place = context.place_for_writing()?;
    let before = config(&place)?.config.agents.defaults.model;
    let (mut primary, mut fallbacks) = (before.primary.clone(), before.fallbacks.clone());
    change(&mut primary, &mut fallbacks)?;
    let mut model = json!({});
    if let Some(primary) = &primary {
        model["primary"] = primary.as_str().into();
    }
    if !fallbacks.is_empty() {
        model["fallbacks"] = fallbacks.clone().into();
    }
    let at = ConfigPath::parse("agents.defaults.model")?;
    ConfigStore::new(&place).edit(|document| -> Result<(), ConfigError> {
        // What else stands there stays.
        match document.get_at(&at) {
            Some(Value::Object(map)) => {
                let mut map = map;
                map.remove("primary");
                map.remove("fallbacks");
                if let Value::Object(own) = &model {
                    map.extend(own.clone());
                }
                document.set_at(&at, Value::Object(map))
            }
            _ => document.set_at(&at, model.clone()),
        }
    })?;
    Ok((primary, fallbacks))
}

pub(super) fn set(context: &Context, asked: &str) -> Result<(), Failure> {
    let model = full(&config(&context.place()?)?.config, asked)?;
    let (_, fallbacks) = choose(context, |primary, fallbacks| {
        *primary = Some(model.clone());
        fallbacks.retain(|one| *one != model);
        Ok(())
    })?;
    let result = json!({"ok": true, "defaultModel": model, "fallbacks": fallbacks});
    context.out.result(&result, || format!("{} answers first from now on", paint::strong(&model)));
    Ok(())
}

pub(super) fn fallbacks(context: &Context, command: FallbacksCommand) -> Result<(), Failure> {
    let now = config(&context.place()?)?.config;
    let fallbacks = match command {
        FallbacksCommand::List => now.agents.defaults.model.fallbacks.clone(),
        FallbacksCommand::Add { model } => {
            let model = full(&now, &model)?;
            choose(context, |primary, fallbacks| {
                if primary.as_ref() == Some(&model) {
                    return Err(Failure::usage(format!(
                        "{model} answers first already: expected another model behind it"
                    )));
                }
                if !fallbacks.contains(&model) {
                    fallbacks.push(model.clone());
                }
                Ok(())
            })?
            .1
        }
        FallbacksCommand::Remove { model } => {
            let model = full(&now, &model).unwrap_or(model);
            choose(context, |_, fallbacks| {
                let before = fallbacks.len();
                fallbacks.retain(|one| *one != model);
                if fallbacks.len() == before {
                    return Err(Failure::usage(format!(
                        "{model} is no fallback: expected one of {}",
                        fallbacks.join(", ")
                    )));
                }
                Ok(())
            })?
            .1
        }
        FallbacksCommand::Clear => {
            choose(context, |_, fallbacks| {
                fallbacks.clear();
                Ok(())
            })?
            .1
        }
    };
    context.out.result(&json!({"ok": true, "fallbacks": fallbacks}), || {
        if fallbacks.is_empty() { "No fallbacks.".to_owned() } else { fallbacks.join("\n") }
    });
    Ok(())
}

pub(super) fn aliases(context: &Context, command: AliasesCommand) -> Result<(), Failure> {
    let place = context.place()?;
    let before = config(&place)?.config;
    let at =
        |model: &str| ConfigPath::root().key("agents").key("defaults").key("models").key(model).key("alias");
    let holder = |alias: &str| {
        let notes = &before.agents.defaults.models;
        notes.iter().find(|(_, note)| note.alias.as_deref() == Some(alias)).map(|(model, _)| model.clone())
    };
    match command {
        AliasesCommand::List => {}
        AliasesCommand::Add { alias, model } => {
            let model = full(&before, &model)?;
            if alias.trim().is_empty() || alias.contains('/') {
                return Err(Failure::usage(format!(
                    "the alias {alias:?}: expected a short name without a slash"
                )));
            }
            if let Some(other) = holder(&alias).filter(|other| *other != model) {
                return Err(Failure::usage(format!(
                    "{alias:?} is {other} already: remove it first, or choose another name"
                )));
            }
            ConfigStore::new(&context.place_for_writing()?)
                .edit(|document| document.set_at(&at(&model), alias.as_str().into()))?;
        }
        AliasesCommand::Remove { alias } => {
            let model = holder(&alias).ok_or_else(|| {
                Failure::usage(format!("no model is called {alias:?}; see `bulkhead models aliases list`"))
            })?;
            ConfigStore::new(&context.place_for_writing()?)
                .edit(|document| document.unset_at(&at(&model)).map(drop))?;
        }
    }
    let now = config(&place)?.config;
    let aliases: Vec<(String, String)> = now
        .agents
        .defaults
        .models
        .iter()
        .filter_map(|(model, note)| Some((note.alias.clone()?, model.clone())))
        .collect();
    let map: serde_json::Map<String, Value> =
        aliases.iter().map(|(alias, model)| (alias.clone(), Value::from(model.as_str()))).collect();
    context.out.result(&json!({"ok": true, "aliases": map}), || {
        if aliases.is_empty() {
            return "No aliases.".to_owned();
        }
        aliases.iter().map(|(alias, model)| format!("{alias} = {model}")).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}
