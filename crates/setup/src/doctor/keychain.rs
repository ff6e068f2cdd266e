//! The place of secrets: is it there and open, and does every reference lead to one? No value is ever shown.

use std::collections::BTreeSet;
use std::time::Duration;

use bulkhead_config::{SecretRef, SecretSource};
use bulkhead_secrets::{SecretError, SecretId, probe};

use super::finding::{DoctorFinding, Subject, halves};
use super::patient::Patient;

const SUBJECT: Subject = Subject::Keychain;
const PROBE_LIMIT: Duration = Duration::from_secs(8);

pub(super) async fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let resolved = patient.secrets().await;
    let mut findings = Vec::new();
    let mut told: BTreeSet<&'static str> = BTreeSet::new();
    let mut not_yet = Vec::new();
    for (reference, error) in &resolved.missing {
        if error.code().starts_with("keychain.") {
            if told.insert(error.code()) {
                findings.push(closed(patient, error));
            }
        } else if error.is_not_found() && is_made_by_itself(reference) {
            not_yet.push(reference.id.clone());
        } else if reference.id.starts_with("telegram/")
            && patient.config.channels.telegram.enabled == Some(false)
        {
            // Nobody needs the token of a bot that is switched off.
        } else if error.code() == "secret.loose-file" && reference.provider.is_none() {
            // Told with the permissions, where it is mended too.
        } else {
            findings.push(missing(patient, reference, error));
        }
    }
    if !not_yet.is_empty() {
        findings.push(
            DoctorFinding::info(SUBJECT, "secret.not-yet", format!("Not there yet: {}.", not_yet.join(", ")))
                .why("The first start makes them; nothing is to be done."),
        );
    }
    if patient.options.deep && findings.is_empty() {
        findings.extend(tried(patient).await);
    }
    if findings.is_empty() {
        let ids: Vec<&str> = resolved.bundle.ids().map(SecretId::as_str).collect();
        findings.push(DoctorFinding::ok(SUBJECT, format!("Every secret is there: {}.", ids.join(", "))));
    }
    findings
}

/// The gateway's own token and key: a supervisor makes them where they do not exist yet.
fn is_made_by_itself(reference: &SecretRef) -> bool {
    let made = [SecretId::gateway_token(), SecretId::device_key(), SecretId::rescue_key()];
    let writable = matches!(reference.source, SecretSource::Keychain | SecretSource::File);
    writable && reference.provider.is_none() && made.iter().any(|id| id.as_str() == reference.id)
}

fn closed(patient: &Patient, error: &SecretError) -> DoctorFinding {
    let (found, next) = halves(&error.to_string());
    let why = if patient.record.is_some() {
        "The gateway goes on with what it has; after its next start it would wait for its secrets, without model and channels."
    } else {
        "A gateway that starts now waits for its secrets: it answers, but has no model and no channel until then."
    };
    DoctorFinding::error(SUBJECT, error.code(), format!("{found}.")).why(why).next(next)
}

fn missing(patient: &Patient, reference: &SecretRef, error: &SecretError) -> DoctorFinding {
    let (found, next) = halves(&error.to_string());
    let next = if error.is_not_found() && reference.source != SecretSource::Env {
        format!("{} secrets set {} -", patient.command(), reference.id)
    } else {
        next
    };
    let why = if reference.id.starts_with("models/") {
        "The model cannot be asked without its key."
    } else if reference.id.starts_with("telegram/") {
        "The bot stays silent without its token."
    } else {
        "Something in the configuration refers to it."
    };
    DoctorFinding::error(SUBJECT, error.code(), format!("{found}.")).why(why).next(next)
}

/// Writes, reads and deletes a random item.
async fn tried(patient: &Patient) -> Option<DoctorFinding> {
    let source = patient.config.secrets.default_source.unwrap_or(SecretSource::Keychain);
    if source == SecretSource::Env {
        return None;
    }
    let sources = patient.sources();
    let store = sources.store(source)?;
    let error = match tokio::time::timeout(PROBE_LIMIT, probe(&**store)).await {
        Ok(Ok(_)) => return None,
        Ok(Err(error)) => error,
        Err(_) => SecretError::Timeout { keychain: "The place of secrets", limit: PROBE_LIMIT },
    };
    let (found, next) = halves(&error.to_string());
    Some(
        DoctorFinding::error(SUBJECT, error.code(), format!("{found}."))
            .why("New secrets could not be kept, and old ones not replaced.")
            .next(next),
    )
}
