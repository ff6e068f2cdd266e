//! `wizard.*`: setting up, question by question, what may change from elsewhere. Secrets, addresses to listen on, services
//! and webhooks are not asked for: the first thing that it says is where they are set.

use std::sync::Arc;
use std::time::Instant;

use bulkhead_config::{ConfigDocument, ConfigError, ConfigStore, check_remote_change};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::models::ModelsView;
use bulkhead_protocol::methods::wizard::{
    WizardAccount, WizardFlow, WizardIdParams, WizardNextParams, WizardResult, WizardStartParams,
    WizardStatus,
};
use bulkhead_server::Reply;
use serde_json::json;

use super::{Call, actor, models};
use crate::config_edit::{Base, Change};
use crate::gateway::Gateway;
use crate::wizard::answers::Refused;
use crate::wizard::changes::Changes;
use crate::wizard::script::{Known, Next, Script};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "wizard.start" => start,
    "wizard.next" => next,
    "wizard.cancel" => cancel,
    "wizard.status" => status,
};

/// Begins one; an unfinished one of the same caller ends.
pub(super) async fn start(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: WizardStartParams = call.params()?;
    let wrong = |field, problem: &str| Err(ErrorShape::invalid_params("wizard.start", field, problem));
    match params.mode.as_deref() {
        None | Some("local") => {}
        Some("remote") => {
            return wrong(
                "mode",
                "another gateway is chosen on the machine itself: `bulkhead config set gateway.mode remote`",
            );
        }
        Some(other) => return wrong("mode", &format!("found {other:?}, expected local")),
    }
    if params.install_daemon == Some(true) {
        return wrong(
            "installDaemon",
            "a service is installed on the machine itself: `bulkhead gateway install`",
        );
    }
    if params.workspace.is_some() {
        return wrong("workspace", "an agent's folder is changed by agents.update; leave it out here");
    }
    if let Some(channel) = params.channel.as_deref().filter(|name| *name != "telegram") {
        return wrong("channel", &format!("found {channel:?}, expected telegram, or nothing"));
    }
    let flow = params.flow.unwrap_or_default();
    let script = Script::new(known(gateway).await?, flow);
    let first = script.next();
    let id = gateway.wizards.begin(&actor(&call), script, Instant::now()).map_err(|_| {
        ErrorShape::unavailable_retryable(
            "too many wizards run at one time; finish one, then try again",
            Some(5000),
        )
    })?;
    let mut result = asked(first, None);
    result.session_id = Some(id);
    Reply::json(&result)
}

/// Takes an answer; after the last one the changes are made, or none are.
pub(super) async fn next(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: WizardNextParams = call.params()?;
    let (owner, id) = (actor(&call), params.session_id.as_str());
    let step = gateway
        .wizards
        .with(&owner, id, Instant::now(), |script| {
            let taken = match &params.answer {
                Some(answer) => script.answer(&answer.step_id, &answer.value),
                None => Ok(()),
            };
            taken.map(|()| script.next()).or_else(|refused| match refused {
                Refused::Unfit(problem) => Ok(Next::Again(Box::new(script.next()), problem)),
                Refused::OtherStep(expected) => Err(expected),
            })
        })
        .ok_or_else(missing)?
        .map_err(|expected| {
            let problem = format!("another question is asked, expected the answer to {expected:?}");
            ErrorShape::invalid_params("wizard.next", "answer.stepId", problem)
        })?;
    match step {
        Next::Apply(changes) => {
            let script = gateway.wizards.end(&owner, id, Instant::now()).ok_or_else(missing)?;
            let done = match apply(gateway, &owner, script.known(), changes).await {
                Ok(()) => ended(WizardStatus::Done, &script),
                Err(error) => {
                    WizardResult { error: Some(error.message), ..ended(WizardStatus::Error, &script) }
                }
            };
            Reply::json(&done)
        }
        Next::Leave { refused } => {
            let script = gateway.wizards.end(&owner, id, Instant::now()).ok_or_else(missing)?;
            let status = if refused { WizardStatus::Cancelled } else { WizardStatus::Done };
            Reply::json(&ended(status, &script))
        }
        Next::Again(step, problem) => Reply::json(&asked(*step, Some(problem))),
        step @ Next::Ask(_) => Reply::json(&asked(step, None)),
    }
}

/// Ends one; nothing was changed.
pub(super) async fn cancel(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: WizardIdParams = call.params()?;
    gateway.wizards.end(&actor(&call), &params.session_id, Instant::now()).ok_or_else(missing)?;
    Reply::json(&json!({"status": WizardStatus::Cancelled}))
}

/// One that is there waits for an answer; one that ended is there no more.
pub(super) async fn status(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: WizardIdParams = call.params()?;
    gateway.wizards.with(&actor(&call), &params.session_id, Instant::now(), |_| ()).ok_or_else(missing)?;
    Reply::json(&json!({"status": WizardStatus::Running}))
}

fn asked(next: Next, error: Option<String>) -> WizardResult {
    let step = if let Next::Ask(step) = next { Some(step) } else { None };
    WizardResult {
        session_id: None,
        done: false,
        step,
        status: WizardStatus::Running,
        error,
        channels: Vec::new(),
        accounts: Vec::new(),
    }
}

fn ended(status: WizardStatus, script: &Script) -> WizardResult {
    let bot = script.flow() == WizardFlow::Channels
        && status == WizardStatus::Done
        && script.known().telegram.is_some();
    let accounts =
        bot.then(|| WizardAccount { channel: "telegram".to_owned(), account_id: "default".to_owned() });
    WizardResult {
        session_id: None,
        done: true,
        step: None,
        status,
        error: None,
        channels: accounts.iter().map(|account| account.channel.clone()).collect(),
        accounts: accounts.into_iter().collect(),
    }
}

/// What holds now, and the version of the file that says so.
async fn known(gateway: &Arc<Gateway>) -> Result<Known, ErrorShape> {
    let place = gateway.place.clone();
    let loaded = tokio::task::spawn_blocking(move || ConfigStore::new(&place).load_current())
        .await
        .map_err(|_| ErrorShape::unavailable("reading the configuration was interrupted; try again"))?
        .map_err(|error| crate::config_edit::refused(&error))?;
    let settings = gateway.settings.now();
    let defaults = &settings.config.agents.defaults;
    let agent = settings.default_agent().to_owned();
    let name = settings.agent(&agent).map(|agent| agent.name);
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let models = models::view(gateway, &settings, &agent, ModelsView::Default)
        .iter()
        .map(|row| (format!("{}/{}", text(row, "provider"), text(row, "id")), text(row, "name")))
        .collect();
    let telegram = &settings.config.channels.telegram;
    Ok(Known {
        hash: loaded.hash,
        models,
        model: defaults.model.primary.clone(),
        fallbacks: defaults.model.fallbacks.clone(),
        agent_name: name.unwrap_or_else(|| agent.clone()),
        agent,
        telegram: telegram.bot_token.is_some().then(|| (telegram.dm_policy, telegram.allow_from.clone())),
        heartbeat: defaults.heartbeat.as_ref().and_then(|heartbeat| heartbeat.every.clone()),
    })
}

/// Makes the changes, if nobody changed the file meanwhile.
async fn apply(
    gateway: &Arc<Gateway>,
    owner: &str,
    known: &Known,
    changes: Changes,
) -> Result<(), ErrorShape> {
    let change = Change { actor: owner, action: "wizard", base: Base::Known(Some(&known.hash)), note: None };
    let agent = known.agent.clone();
    let edit = move |document: &mut ConfigDocument| -> Result<(), ConfigError> {
        let before = document.value();
        let model = document.get("agents.defaults.model")?;
        for (path, value) in changes.places(model.is_some_and(|model| model.is_object())) {
            document.set(path, value)?;
        }
        if let Some(name) = &changes.agent_name {
            crate::roster::merge(document, &agent, &json!({"name": name}), &agent)?;
        }
        check_remote_change(&before, &document.value())
    };
    gateway.change_config(change, edit).await.map(drop)
}

fn missing() -> ErrorShape {
    ErrorShape::invalid_request(
        "wizard not found: it ended, or nobody answered it for a quarter of an hour; start another",
    )
    .with_details(json!({"code": "WIZARD_NOT_FOUND"}))
}
