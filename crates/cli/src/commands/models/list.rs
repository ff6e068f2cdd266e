//! `bulkhead models list` and `status`.

use bulkhead_config::{Agent, Config, ModelChoice};
use bulkhead_process::RunRecord;
use serde_json::{Value, json};

use crate::asking;
use crate::context::{Context, config};
use crate::error::Failure;
use crate::grammar::gateway::Target;
use crate::output::{paint, table};

/// What of the list is asked for.
pub(super) struct Asked {
    pub(super) all: bool,
    pub(super) refresh: bool,
    pub(super) provider: Option<String>,
    pub(super) agent: Option<String>,
}

pub(super) fn list(context: &Context, target: &Target, asked: &Asked) -> Result<(), Failure> {
    let place = context.place()?;
    let running = target.url.is_some() || RunRecord::read_running(&place.run_record_path()).is_some();
    let mut models: Vec<Value> = if running {
        let view = if asked.all || asked.refresh { "all" } else { "configured" };
        let mut params = json!({"view": view});
        for (name, value) in [("provider", &asked.provider), ("agentId", &asked.agent)] {
            if let Some(value) = value {
                params[name] = value.as_str().into();
            }
        }
        if asked.refresh {
            params["refresh"] = true.into();
        }
        let answer = context.block_on(async {
            let door = asking::door(context, target).await?;
            let (client, _) = door.enter(door.cli()).await?;
            let answer = client.request("models.list", params).await?;
            client.close().await;
            Ok(answer)
        })?;
        answer["models"].as_array().cloned().unwrap_or_default()
    } else {
        let mut models = configured(&config(&place)?.config);
        models.retain(|row| asked.provider.as_deref().is_none_or(|only| row["provider"] == only));
        models
    };
    for row in &mut models {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        row["key"] = format!("{}/{}", text("provider"), text("id")).into();
    }
    context.out.result(&json!({ "ok": true, "count": models.len(), "models": models }), || {
        if models.is_empty() {
            return format!(
                "No model is configured; `bulkhead --profile {} onboard` adds one.",
                place.name()
            );
        }
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let rows = models.iter().map(|row| {
            let tags =
                row["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
            let mut tags = tags.join(", ");
            if let Some(why) = row["unavailableReason"].as_str() {
                let gap = if tags.is_empty() { "" } else { " " };
                tags = format!("{tags}{gap}{}", paint::warn(why));
            }
            [text(row, "key"), text(row, "name"), tags]
        });
        table::rows(["model", "name", "tags"], rows)
    });
    Ok(())
}

/// Without a running gateway: what the file says.
fn configured(config: &Config) -> Vec<Value> {
    let default = config.agents.defaults.model.primary.as_deref();
    let fallbacks = &config.agents.defaults.model.fallbacks;
    let mut models = Vec::new();
    for (id, provider) in &config.models.providers {
        for model in &provider.models {
            let full = format!("{id}/{}", model.id);
            let mut tags = vec!["configured".to_owned()];
            if default == Some(full.as_str()) {
                tags.insert(0, "default".to_owned());
            } else if let Some(place) = fallbacks.iter().position(|one| *one == full) {
                tags.insert(0, format!("fallback#{}", place + 1));
            }
            models.push(json!({
                "id": model.id, "name": model.name.as_deref().unwrap_or(&model.id), "provider": id, "tags": tags,
                "contextWindow": model.context_window,
            }));
        }
    }
    models
}

pub(super) fn status(context: &Context, agent: Option<&str>) -> Result<(), Failure> {
    let place = context.place()?;
    let config = config(&place)?.config;
    let own: Option<&Agent> = match agent {
        None => None,
        Some(id) => Some(config.agents.list.iter().find(|one| one.id == id).ok_or_else(|| {
            let known: Vec<&str> = config.agents.list.iter().map(|one| one.id.as_str()).collect();
            Failure::usage(format!("no agent {id:?} is configured: expected one of {}", known.join(", ")))
        })?),
    };
    let ModelChoice { primary, fallbacks } = effective(&config, own);
    let providers: Vec<Value> = config
        .models
        .providers
        .iter()
        .map(|(id, provider)| {
            let source = provider.api_key.as_ref().map(|key| {
                key.reference().map_or_else(
                    || "config".to_owned(),
                    |reference| format!("{} {}", reference.source.as_str(), reference.id),
                )
            });
            json!({"provider": id, "effective": {"kind": if source.is_some() { "api-key" } else { "none" }, "detail": source}})
        })
        .collect();
    let aliases: Value = config
        .agents
        .defaults
        .models
        .iter()
        .filter_map(|(model, note)| Some((note.alias.clone()?, Value::from(model.as_str()))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let report = json!({
        "ok": true,
        "configPath": place.config_path(),
        "defaultModel": primary,
        "resolvedDefault": primary,
        "fallbacks": fallbacks,
        "aliases": aliases,
        "auth": {"providers": providers},
    });
    context.out.result(&report, || {
        let none = || paint::dim("none");
        let mut rows = vec![
            ("answers first", primary.clone().unwrap_or_else(none)),
            ("then", if fallbacks.is_empty() { none() } else { fallbacks.join(", ") }),
        ];
        for row in &providers {
            let key = row["effective"]["detail"].as_str().unwrap_or("no key");
            rows.push(("key", format!("{}: {key}", row["provider"].as_str().unwrap_or_default())));
        }
        table::pairs(&rows.iter().map(|(name, text)| (*name, text.clone())).collect::<Vec<_>>())
    });
    Ok(())
}

/// An agent's own model is strict unless it brings fallbacks; fallbacks alone keep the shared first choice.
fn effective(config: &Config, own: Option<&Agent>) -> ModelChoice {
    let shared = &config.agents.defaults.model;
    match own.map(|agent| &agent.model) {
        Some(model) if model.primary.is_some() => model.clone(),
        Some(model) if !model.fallbacks.is_empty() => {
            ModelChoice { primary: shared.primary.clone(), fallbacks: model.fallbacks.clone() }
        }
        _ => shared.clone(),
    }
}
