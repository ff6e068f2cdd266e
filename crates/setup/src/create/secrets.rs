//! Which secrets a profile needs, and storing them.

use std::sync::Arc;

use bulkhead_config::SecretInput;
use bulkhead_profile::Finding;
use bulkhead_secrets::{SecretError, SecretId, SecretStore, generate, get_optional};
use secrecy::{ExposeSecret, SecretString};

use super::journal::Journal;
use crate::check::store_words::{missing_finding, missing_variables, of_secret_error};
use crate::plan::{Plan, SecretsPlan};
use crate::target::Target;
use crate::world::World;

struct Wanted<'p> {
    id: SecretId,
    /// Given in the plan; else the one that is stored, else a random one.
    value: Option<&'p SecretString>,
}

/// The names that a profile of this plan needs stored.
pub(crate) fn wanted_ids(plan: &Plan, target: &Target<'_>) -> Vec<SecretId> {
    wanted(plan, target).into_iter().map(|wanted| wanted.id).collect()
}

fn wanted<'p>(plan: &'p Plan, target: &Target<'p>) -> Vec<Wanted<'p>> {
    let mut wanted = Vec::new();
    let given = target.plan.gateway_token.as_ref();
    if given.is_some() || !keeps_own_token(target) {
        wanted.push(Wanted { id: SecretId::gateway_token(), value: given });
    }
    wanted.push(Wanted { id: SecretId::device_key(), value: None });
    if let Some(telegram) = &target.plan.telegram {
        wanted.push(Wanted { id: SecretId::telegram_bot_token(), value: Some(&telegram.bot_token) });
    }
    if let Some(model) = &plan.model
        && let Some(key) = &model.api_key
    {
        wanted.push(Wanted { id: SecretId::model_api_key(&model.provider), value: Some(key) });
    }
    if let Some(brought) = &target.plan.brought {
        for (id, value) in &brought.secrets {
            // What the plan itself gives was asked for by a person just now.
            if !wanted.iter().any(|known| known.id == *id && known.value.is_some()) {
                wanted.push(Wanted { id: id.clone(), value: Some(value) });
            }
        }
    }
    wanted
}

/// Whether the configuration names a token of its own that is left alone: plain text, or a reference elsewhere.
pub(super) fn keeps_own_token(target: &Target<'_>) -> bool {
    match &target.existing.config.gateway.auth.token {
        None => false,
        Some(SecretInput::Plain(_)) => true,
        Some(SecretInput::Ref(reference)) => reference.id != SecretId::gateway_token().as_str(),
    }
}

/// Secrets that were replaced, as they were: put back when something fails later in the same run.
#[derive(Default)]
pub(super) struct Replaced(Vec<(Arc<dyn SecretStore>, SecretId, SecretString)>);

impl Replaced {
    pub(super) async fn put_back(self) {
        for (store, id, old) in self.0 {
            if let Err(error) = store.set(&id, &old).await {
                tracing::warn!(%id, code = error.code(), "a secret could not be put back");
            }
        }
    }
}

/// Stores them; what is there already and not given anew stays. Returns their names.
pub(super) async fn store(
    plan: &Plan,
    kind: SecretsPlan,
    target: &Target<'_>,
    world: &World,
    (journal, index): (&mut Journal, usize),
    replaced: &mut Replaced,
) -> Result<Vec<String>, Finding> {
    let name = target.name();
    let store = world.store(&target.place, kind);
    let wanted = wanted(plan, target);
    let ids: Vec<SecretId> = wanted.iter().map(|wanted| wanted.id.clone()).collect();
    let names = ids.iter().map(ToString::to_string).collect();
    if kind == SecretsPlan::Env {
        let missing = missing_variables(&ids, &*store).await;
        return if missing.is_empty() { Ok(names) } else { Err(missing_finding(name, &missing)) };
    }
    let trouble = |error: SecretError| of_secret_error(&error, name);
    for Wanted { id, value } in wanted {
        let old = get_optional(&*store, &id).await.map_err(trouble)?;
        let new = match (value, &old) {
            (None, Some(_)) => continue,
            (Some(value), Some(old)) if value.expose_secret() == old.expose_secret() => continue,
            (Some(value), _) => value.clone(),
            (None, None) => generate::token(),
        };
        if old.is_none() {
            // Noted before it is done: a crash in between must not leave it behind.
            journal.note_secret(index, kind, id.as_str());
            journal.save(&world.env)?;
        }
        store.set(&id, &new).await.map_err(trouble)?;
        if let Some(old) = old {
            replaced.0.push((Arc::clone(&store), id, old));
        }
    }
    Ok(names)
}
