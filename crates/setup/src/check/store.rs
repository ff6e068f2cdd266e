//! The place of secrets: a random item is written, read and deleted again.

use std::path::Path;

use bulkhead_secrets::{EnvStore, SecretError, SecretId, probe};
use serde_json::json;

use super::places;
use crate::create::wanted_ids;
use crate::event::{Reporter, Step, error};
use crate::plan::{Plan, SecretsPlan};
use crate::target::Target;
use crate::world::World;

pub(super) async fn check(plan: &Plan, targets: &[Target<'_>], world: &World, report: &Reporter<'_>) {
    let Some(secrets) = plan.secrets else {
        report.found(
            Step::Keychain,
            None,
            error(
                "secrets-not-chosen",
                &[],
                "place of secrets",
                "no choice",
                "keychain, file or env: it is never chosen silently",
                "choose the keychain; a file (not encrypted) or environment variables where there is none",
            ),
        );
        return;
    };
    for target in targets {
        let name = target.name();
        let store = world.store(&target.place, secrets);
        let ids: Vec<String> = wanted_ids(plan, target).iter().map(ToString::to_string).collect();
        match secrets {
            SecretsPlan::Keychain => {
                report.running(Step::Keychain, Some(name), "Writing, reading and deleting a random item…");
                match probe(&*store).await {
                    Ok(took) => report.ok(
                        Step::Keychain,
                        Some(name),
                        format!("The keychain works ({}).", target.place.keychain_service()),
                        json!({ "service": target.place.keychain_service(), "secrets": ids, "latencyMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX) }),
                    ),
                    Err(error) => report.found(Step::Keychain, Some(name), of_secret_error(&error, name)),
                }
            }
            SecretsPlan::File => {
                let path = target.place.secrets_file();
                let unwritable = places::writable(path.parent().unwrap_or(Path::new("/")));
                let readable = bulkhead_secrets::FileStore::new(&path).ids();
                match (unwritable, readable) {
                    (Err(found), _) => report.found(
                        Step::Keychain,
                        Some(name),
                        error(
                            "path-not-writable",
                            &[name],
                            format!("secrets file {}", path.display()),
                            found,
                            "a folder that your user may write to",
                            "correct its permissions, or set XDG_CONFIG_HOME to another folder",
                        ),
                    ),
                    (_, Err(error)) => {
                        report.found(Step::Keychain, Some(name), of_secret_error(&error, name));
                    }
                    (Ok(()), Ok(_)) => report.ok(
                        Step::Keychain,
                        Some(name),
                        format!("Secrets go to {}, readable by you only, not encrypted.", path.display()),
                        json!({ "path": path, "secrets": ids, "encrypted": false }),
                    ),
                }
            }
            SecretsPlan::Env => {
                let missing = missing_variables(&wanted_ids(plan, target), &*store).await;
                if missing.is_empty() {
                    report.ok(
                        Step::Keychain,
                        Some(name),
                        "Every secret is in the environment.".to_owned(),
                        json!({ "secrets": ids }),
                    );
                } else {
                    report.found(Step::Keychain, Some(name), missing_finding(name, &missing));
                }
            }
        }
    }
}

/// The variables that are not set.
pub(crate) async fn missing_variables(
    ids: &[SecretId],
    store: &dyn bulkhead_secrets::SecretStore,
) -> Vec<String> {
    let mut missing = Vec::new();
    for id in ids {
        if store.get(id).await.is_err() {
            missing.push(EnvStore::variable(id));
        }
    }
    missing
}

pub(crate) fn missing_finding(name: &str, missing: &[String]) -> bulkhead_profile::Finding {
    error(
        "secrets-env-missing",
        &[name],
        format!("environment variables of {name}"),
        format!("not set: {}", missing.join(", ")),
        "every secret in a variable of whoever starts the gateway",
        "set them where the gateway is started, and run this again there",
    )
}

pub(crate) fn of_secret_error(error: &SecretError, name: &str) -> bulkhead_profile::Finding {
    let text = error.to_string();
    let (head, rest) = text.split_once(": found ").unwrap_or(("place of secrets", text.as_str()));
    let (found, rest) = rest.split_once(", expected ").unwrap_or((rest, "it to work. Try again."));
    let (expected, next_step) = rest.split_once(". ").unwrap_or((rest, "try again"));
    crate::event::error(error.code(), &[name], head, found, expected, next_step.trim_end_matches('.'))
}
