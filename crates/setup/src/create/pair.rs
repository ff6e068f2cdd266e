//! Main and rescue watch each other, whichever of them was made first.

use bulkhead_config::{ConfigError, ConfigStore};
use bulkhead_profile::{Environment, MAIN, Place, RESCUE, known_profiles};
use serde_json::json;

use crate::event::{Reporter, Step, error, warning};
use crate::plan::Plan;

/// The other one of main and rescue.
fn other(name: &str) -> Option<&'static str> {
    match name {
        MAIN => Some(RESCUE),
        RESCUE => Some(MAIN),
        _ => None,
    }
}

/// The place of a profile that was set up before.
fn known(env: &Environment, name: &str) -> Option<Place> {
    known_profiles(env)
        .into_iter()
        .find(|known| known.place.name().as_str() == name && known.glimpse.is_some())
        .map(|known| known.place)
}

/// The other one of main and rescue, where it is made too or was before.
pub(super) fn counterpart(plan: &Plan, env: &Environment, name: &str) -> Option<&'static str> {
    let other = other(name)?;
    let made = plan.profiles.iter().any(|profile| profile.name == other);
    (made || known(env, other).is_some()).then_some(other)
}

/// Lets the one that was there before watch the new one too, unless its configuration names somebody already. What it
/// says of itself (model, disk) is looked at often only while it belongs to a pair.
pub(super) fn watch_back(plan: &Plan, env: &Environment, report: &Reporter<'_>) {
    for profile in plan
        .profiles
        .iter()
        .filter(|profile| profile.beside.as_ref().is_none_or(|beside| beside.watched.is_none()))
    {
        let Some(earlier) = other(&profile.name) else { continue };
        if plan.profiles.iter().any(|one| one.name == earlier) {
            continue;
        }
        let Some(place) = known(env, earlier) else { continue };
        match watch(&place, &profile.name) {
            Ok(false) => {}
            Ok(true) => report.ok(
                Step::Config,
                Some(earlier),
                format!("{earlier} and {} watch each other from now on.", profile.name),
                json!({ "watch": profile.name }),
            ),
            // The new profile is made and works; that the other one does not watch it is worth a word, not an undo.
            Err(trouble) => report.found(
                Step::Config,
                Some(earlier),
                warning(error(
                    trouble.code(),
                    &[earlier],
                    format!("configuration of {earlier}"),
                    trouble.to_string(),
                    format!("a configuration in which rescue.watch can be set to {}", profile.name),
                    format!(
                        "repair it, then: bulkhead --profile {earlier} config set rescue.watch {}",
                        profile.name
                    ),
                )),
            ),
        }
    }
}

fn watch(place: &Place, watched: &str) -> Result<bool, ConfigError> {
    let store = ConfigStore::new(place);
    let named = |path: &str, document: &bulkhead_config::ConfigDocument| {
        document.get(path).ok().flatten().is_some_and(|value| !value.is_null())
    };
    let now = store.load_current()?.document;
    if named("rescue.watch", &now) || named("rescue.main", &now) {
        return Ok(false);
    }
    store.edit(|document| document.set("rescue.watch", watched.into())).map(|written| written.changed)
}
