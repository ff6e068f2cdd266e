//! What commands answer at length.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bulkhead_store::Session;

use super::table::COMMANDS;
use crate::gateway::{Gateway, VERSION};
use crate::session_rows::model_of;
use crate::settings::Settings;

/// What can be asked for.
pub(super) fn help() -> String {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for spec in COMMANDS {
        let words = spec.words.first().map(|(name, ..)| format!(" [{name}]")).unwrap_or_default();
        groups
            .entry(spec.category)
            .or_default()
            .push(format!("- /{}{words}: {}", spec.name, spec.description));
    }
    let mut text = "Write to me as you would to a person. Besides, I understand:".to_owned();
    for (category, lines) in groups {
        let _ = write!(text, "\n\n{}\n{}", capital(category), lines.join("\n"));
    }
    text
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// How the gateway and a conversation are; answered without a model, so that it works when none does.
pub(crate) async fn status(gateway: &Gateway, key: &str, agent_id: &str) -> String {
    let settings = gateway.settings.now();
    let sessions = gateway.store.sessions();
    let session = sessions.get(key).await.ok().flatten();
    let model = model_of(session.as_ref(), agent_id, &settings);
    let messages = sessions.message_count(key).await.unwrap_or(0);
    let seconds = gateway.lifecycle.uptime_ms() / 1000;
    let mut text = format!(
        "Bulkhead {VERSION}, profile {}\nModel: {}\nUp: {} h {} min\nThis conversation: {messages} messages",
        gateway.place.name().as_str(),
        model.as_ref().map_or_else(|| "none".to_owned(), crate::settings::ModelRef::full),
        seconds / 3600,
        seconds / 60 % 60,
    );
    if let (Some(session), Some(model)) = (&session, &model) {
        let window = settings.context_window(model);
        if session.context_tokens > 0 {
            let _ = write!(
                text,
                "\nContext: about {} of {} tokens",
                thousands(session.context_tokens),
                thousands(window)
            );
        }
        let (_, compactions) = sessions.compaction(&session.session_id).await.unwrap_or_default();
        if compactions > 0 {
            let _ = write!(text, "\nSummarised: {compactions} times");
        }
    }
    for view in gateway.channels.views() {
        text.push('\n');
        text.push_str(&view.in_words());
    }
    let failing = gateway.lifecycle.failing();
    if !failing.is_empty() {
        let _ = write!(text, "\nNot well: {}", failing.join(", "));
    }
    text
}

/// What a conversation used.
pub(super) fn usage(session: Option<&Session>) -> String {
    let Some(session) = session else { return "Nothing was used in this conversation yet.".to_owned() };
    format!(
        "This conversation: {} tokens read, {} written; the last prompt had {}.\nLine under answers: {} (change it with \
         /usage off, tokens or full)",
        thousands(session.input_tokens),
        thousands(session.output_tokens),
        thousands(session.context_tokens),
        session.choice("responseUsage").unwrap_or("off"),
    )
}

/// The models that can be chosen.
pub(super) fn models(settings: &Settings) -> String {
    let mut text = String::new();
    for (provider, entry) in &settings.config.models.providers {
        for model in &entry.models {
            let _ = writeln!(text, "- {provider}/{}", model.id);
        }
    }
    if text.is_empty() {
        return "No models are configured.".to_owned();
    }
    format!("Models:\n{text}Choose one for this conversation with /model provider/model.")
}

/// `12345` → `12k`; what is small stays exact.
pub(super) fn thousands(number: u64) -> String {
    if number < 10_000 { number.to_string() } else { format!("{}k", number / 1000) }
}
