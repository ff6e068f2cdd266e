//! Model providers, by listing their models: unpaid, and proof that address and key are right.

use bulkhead_agent::{ProviderApi, ProviderSettings};
use bulkhead_config::{ModelApi, Provider};
use futures::future::join_all;

use super::finding::{DoctorFinding, Subject};
use super::isolation::capital;
use super::patient::Patient;

const SUBJECT: Subject = Subject::Model;

pub(super) async fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let providers = &patient.config.models.providers;
    let command = patient.command();
    if providers.is_empty() {
        return vec![
            DoctorFinding::warning(SUBJECT, "model.none", "No model is configured.")
                .why("The gateway runs, and answers every message by saying that it has no model.")
                .next(format!("{command} onboard")),
        ];
    }
    let mut findings: Vec<DoctorFinding> = primary(patient).into_iter().collect();
    if patient.options.offline {
        if findings.is_empty() {
            findings.push(DoctorFinding::ok(SUBJECT, "Configured; no provider was asked."));
        }
        return findings;
    }
    let asked = join_all(providers.iter().map(|(id, provider)| ask(patient, id, provider))).await;
    findings.extend(asked.into_iter().flatten());
    findings
}

/// Whether the model that answers is one of those configured.
fn primary(patient: &Patient) -> Option<DoctorFinding> {
    let set = format!("{} config set agents.defaults.model.primary PROVIDER/MODEL", patient.command());
    let Some(primary) = patient.config.agents.defaults.model.primary.as_deref() else {
        return Some(
            DoctorFinding::warning(
                SUBJECT,
                "model.no-primary",
                "No model is chosen (agents.defaults.model.primary).",
            )
            .why("Agents do not know which of the configured models to use.")
            .next(set),
        );
    };
    let known =
        primary.split_once('/').is_some_and(|(id, _)| patient.config.models.providers.contains_key(id));
    (!known).then(|| {
        DoctorFinding::error(
            SUBJECT,
            "model.unknown-provider",
            format!(
                "agents.defaults.model.primary is \"{primary}\", and models.providers has no such provider."
            ),
        )
        .why("No message can be answered.")
        .next(set)
    })
}

async fn ask(patient: &Patient, id: &str, provider: &Provider) -> Option<DoctorFinding> {
    let settings = settings(patient, id, provider).await?;
    let place = settings.base_url.clone();
    match patient.world.live().listing(&settings).await {
        Ok(listed) => {
            let missing: Vec<&str> = provider
                .models
                .iter()
                .map(|model| model.id.as_str())
                .filter(|wanted| !listed.is_empty() && !listed.iter().any(|known| is_same(known, wanted)))
                .collect();
            Some(if missing.is_empty() {
                DoctorFinding::ok(SUBJECT, format!("{id} answers."))
            } else {
                DoctorFinding::warning(
                    SUBJECT,
                    "model.not-listed",
                    format!("{id} does not list {}.", missing.join(", ")),
                )
                .why("It may be gone, or named otherwise; then no message can be answered with it.")
                .next(format!("Ask it for one answer: {} models probe", patient.command()))
            })
        }
        // Not every compatible server lists its models.
        Err(trouble) if trouble.code == "model-not-found" => Some(
            DoctorFinding::info(SUBJECT, "model.no-listing", format!("{id} answers, but lists no models."))
                .why("Whether its key works can only be told by a paid request.")
                .next(format!("Ask it for one answer: {} models probe", patient.command())),
        ),
        Err(trouble) => Some(
            DoctorFinding::error(
                SUBJECT,
                &trouble.code,
                format!("{id} ({}): {}; expected {}.", shown(&place), trouble.found, trouble.expected),
            )
            .why("Messages cannot be answered with it.")
            .next(capital(&trouble.next_step)),
        ),
    }
}

/// Ollama lists `name:latest` for `name`.
fn is_same(listed: &str, wanted: &str) -> bool {
    listed == wanted
        || listed.strip_suffix(":latest") == Some(wanted)
        || listed.ends_with(&format!("/{wanted}"))
}

/// None where its key is missing: that is told with the secrets.
async fn settings(patient: &Patient, id: &str, provider: &Provider) -> Option<ProviderSettings> {
    let (api, home) = match provider.api {
        ModelApi::OpenAi => (ProviderApi::OpenAi, "https://api.openai.com/v1"),
        ModelApi::Anthropic => (ProviderApi::Anthropic, "https://api.anthropic.com"),
        ModelApi::Ollama => (ProviderApi::Ollama, "http://127.0.0.1:11434"),
    };
    let mut settings = ProviderSettings::new(id, api, provider.base_url.as_deref().unwrap_or(home));
    if let Some(input) = &provider.api_key {
        settings.api_key = Some(patient.secrets().await.bundle.resolve(input)?);
    }
    settings.headers.clone_from(&provider.headers);
    settings.proxy.clone_from(&provider.proxy);
    Some(settings)
}

/// Without what may stand before an `@`.
fn shown(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut url) => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.to_string()
        }
        Err(_) => "an address that cannot be read".to_owned(),
    }
}
