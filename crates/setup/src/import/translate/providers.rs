//! `models`: providers with keys as references, and keys that OpenClaw keeps elsewhere.

use bulkhead_secrets::SecretId;
use serde_json::{Map, Value, json};

use super::Draft;
use crate::import::line::{ImportArea, ImportLine};
use crate::import::profiles::Kind;
use crate::import::vendors::{self, Wire, wire};

/// Headers that say who asks, not that they may.
const PLAIN_HEADERS: [&str; 6] =
    ["user-agent", "http-referer", "referer", "x-title", "anthropic-version", "anthropic-beta"];

impl Draft<'_, '_> {
    pub(super) fn providers(&mut self) {
        let providers = self
            .section("models")
            .and_then(|models| models.get_mut("providers"))
            .and_then(Value::as_object_mut)
            .map(std::mem::take)
            .unwrap_or_default();
        let mut kept = Map::new();
        for (id, provider) in providers {
            if let Value::Object(provider) = provider
                && let Some(provider) = self.provider(&id, provider)
            {
                kept.insert(id, Value::Object(provider));
            }
        }
        self.keys_of_profiles(&mut kept);
        self.keys_of_variables(&mut kept);
        if kept.is_empty() {
            return;
        }
        let models = self.config.entry("models").or_insert_with(|| json!({}));
        if let Some(models) = models.as_object_mut() {
            models.insert("providers".to_owned(), Value::Object(kept));
        }
    }

    fn provider(&mut self, id: &str, mut provider: Map<String, Value>) -> Option<Map<String, Value>> {
        let at = format!("models.providers.{id}");
        let api = provider.get("api").and_then(Value::as_str).unwrap_or_default().to_owned();
        match wire(&api) {
            _ if api.is_empty() => {
                if let Some(vendor) = vendors::find(id) {
                    provider.insert("api".to_owned(), vendor.api.into());
                }
            }
            Wire::Same => {}
            Wire::Instead(other) => {
                provider.insert("api".to_owned(), other.into());
                self.handled.insert(format!("{at}.api"));
                self.say(ImportLine::changed(
                    ImportArea::Config,
                    format!("{at}.api"),
                    format!("\"{api}\" became \"{other}\", which the same servers speak."),
                ));
            }
            Wire::Unknown => {
                self.say(
                    ImportLine::skipped(
                        ImportArea::Config,
                        &at,
                        format!("Bulkhead does not speak \"{api}\"; settings and key stay in OpenClaw."),
                    )
                    .then("choose another provider, or a server in front that speaks openai-completions"),
                );
                return None;
            }
        }
        if let Some(input) = provider.remove("apiKey")
            && let Some(reference) = self.secret(&format!("{at}.apiKey"), &input, SecretId::model_api_key(id))
        {
            provider.insert("apiKey".to_owned(), reference);
        }
        self.headers(&at, &mut provider);
        Some(provider)
    }

    fn headers(&mut self, at: &str, provider: &mut Map<String, Value>) {
        let Some(Value::Object(headers)) = provider.remove("headers") else { return };
        let (plain, secret): (Map<String, Value>, Map<String, Value>) =
            headers.into_iter().partition(|(name, value)| {
                value.as_str().is_some_and(|value| !value.contains("${"))
                    && PLAIN_HEADERS.contains(&name.to_lowercase().as_str())
            });
        for name in secret.keys() {
            self.say(
                ImportLine::skipped(ImportArea::Secrets, format!("{at}.headers.{name}"), "A header may hold a secret, and this one would stand in the file as plain text.")
                    .then("use apiKey; where the server needs the header, add it by hand and keep the file to yourself"),
            );
        }
        if !plain.is_empty() {
            self.cleared.extend(plain.keys().map(|name| format!("{at}.headers.{name}")));
            provider.insert("headers".to_owned(), Value::Object(plain));
        }
    }

    /// Keys of OpenClaw's sign-ins, the first one of each provider.
    fn keys_of_profiles(&mut self, kept: &mut Map<String, Value>) {
        let profiles = self.terms.profiles;
        for profile in profiles {
            let item = format!("auth profile {}", profile.id);
            let provider = profile.provider.as_str();
            let key = match &profile.kind {
                Kind::SignIn => {
                    self.say(
                        ImportLine::skipped(
                            ImportArea::Secrets,
                            item,
                            "A sign-in that OpenClaw renews; two programs cannot share it.",
                        )
                        .then(format!(
                            "make an API key at {provider}, and store it with: bulkhead secrets set {} -",
                            SecretId::model_api_key(provider)
                        )),
                    );
                    continue;
                }
                Kind::Token(_) if provider == "anthropic" => {
                    self.say(
                        ImportLine::skipped(ImportArea::Secrets, item, "A token of a subscription, which is no API key.")
                            .then("make an API key in the Anthropic console, and store it with: bulkhead secrets set models/anthropic/api-key -"),
                    );
                    continue;
                }
                Kind::Token(key) | Kind::Key(key) => key,
            };
            let known = kept.get(provider).and_then(Value::as_object);
            if known.is_some_and(|known| known.contains_key("apiKey")) {
                self.say(ImportLine::skipped(
                    ImportArea::Secrets,
                    item,
                    format!("{provider} has a key already; a provider has one here."),
                ));
                continue;
            }
            if known.is_none() && vendors::find(provider).is_none() {
                self.say(
                    ImportLine::skipped(ImportArea::Secrets, item, format!("Bulkhead does not know where {provider} answers."))
                        .then(format!("add models.providers.{provider} with baseUrl, and store the key with: bulkhead secrets set {} -", SecretId::model_api_key(provider))),
                );
                continue;
            }
            let found = self.terms.credentials.follow(key, "OpenClaw's list of sign-ins");
            if let Some(found) = found {
                let reference = self.found(&item, found, SecretId::model_api_key(provider));
                self.put_key(kept, provider, reference);
            }
        }
    }

    /// Keys in the variables that everybody uses, for providers that have none.
    fn keys_of_variables(&mut self, kept: &mut Map<String, Value>) {
        for vendor in vendors::all() {
            let has_key = kept.get(vendor.id).is_some_and(|known| known.get("apiKey").is_some());
            if has_key || self.terms.credentials.variables.of_openclaw(vendor.variable).is_none() {
                continue;
            }
            let input = Value::from(format!("${{{}}}", vendor.variable));
            if let Some(reference) = self.secret(vendor.variable, &input, SecretId::model_api_key(vendor.id))
            {
                self.put_key(kept, vendor.id, reference);
            }
        }
    }

    fn put_key(&mut self, kept: &mut Map<String, Value>, provider: &str, reference: Value) {
        let entry = kept.entry(provider).or_insert_with(|| {
            let mut new = Map::new();
            if let Some(vendor) = vendors::find(provider) {
                new.insert("api".to_owned(), vendor.api.into());
                self.handled.insert(format!("models.providers.{provider}.api"));
                if let Some(url) = vendor.base_url {
                    new.insert("baseUrl".to_owned(), url.into());
                    self.handled.insert(format!("models.providers.{provider}.baseUrl"));
                }
            }
            Value::Object(new)
        });
        if let Some(entry) = entry.as_object_mut() {
            entry.insert("apiKey".to_owned(), reference);
        }
    }
}

/// Tells when the chosen model's provider did not come along.
pub(super) fn check_choice(config: &Value, lines: &mut Vec<ImportLine>) {
    let model = config.pointer("/agents/defaults/model");
    let chosen = model.and_then(|model| model.as_str().or_else(|| model.get("primary")?.as_str()));
    let Some((provider, _)) = chosen.and_then(|name| name.split_once('/')) else {
        lines.push(
            ImportLine::skipped(
                ImportArea::Config,
                "agents.defaults.model",
                "OpenClaw's configuration names none, and Bulkhead chooses none by itself.",
            )
            .then("choose one with: bulkhead config set agents.defaults.model.primary PROVIDER/MODEL"),
        );
        return;
    };
    let known = config.pointer("/models/providers").and_then(|providers| providers.get(provider));
    let local = ["ollama", "lmstudio", "llamacpp"].contains(&provider);
    if known.and_then(|known| known.get("apiKey")).is_none() && known.is_none() && !local {
        lines.push(
            ImportLine::skipped(ImportArea::Config, format!("the key of {provider}"), "The chosen model is from there, and no key for it was found.")
                .then(format!("describe it in models.providers.{provider}, and store its key with: bulkhead secrets set {} -", SecretId::model_api_key(provider))),
        );
    }
}
