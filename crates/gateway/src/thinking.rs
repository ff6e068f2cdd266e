//! How hard models think: what people chose, what the configuration says, and what the model takes. Pure.

use bulkhead_agent::{ProviderApi, Thinker, Thinking};
use bulkhead_config::{ModelApi, ModelNote};
use bulkhead_store::Session;
use serde_json::{Map, Value, json};

use crate::settings::{ModelRef, Settings};

/// Words that take a choice back.
const INHERIT: &[&str] = &["default", "inherit", "clear", "reset", "unpin"];

impl Settings {
    /// What is known of a model's thinking.
    pub(crate) fn thinker<'a>(&'a self, which: &'a ModelRef) -> Thinker<'a> {
        let entry = self.model(which);
        let compat = entry.map(|entry| &entry.compat);
        let api = self.provider(&which.provider).map(|provider| provider.api).unwrap_or_default();
        Thinker {
            api: match api {
                ModelApi::OpenAi => ProviderApi::OpenAi,
                ModelApi::Anthropic => ProviderApi::Anthropic,
                ModelApi::Ollama => ProviderApi::Ollama,
            },
            model: &which.model,
            reasons: entry.is_some_and(|entry| entry.reasoning),
            takes_effort: compat.and_then(|compat| compat.supports_reasoning_effort),
            efforts: compat.map_or(&[], |compat| compat.supported_reasoning_efforts.as_slice()),
        }
    }

    /// How hard a model thinks when nobody chose: as the agent says, as is said of the model, as is said of all, else as
    /// much as usual.
    pub(crate) fn usual_thinking(&self, agent_id: &str, which: &ModelRef) -> Thinking {
        let agents = &self.config.agents;
        let own = agents.list.iter().find(|agent| agent.id == agent_id);
        let name = which.full();
        let of_model = |note: Option<&ModelNote>| note.and_then(|note| note.params.thinking.clone());
        let said = own
            .and_then(|agent| agent.thinking_default.clone())
            .or_else(|| of_model(own.and_then(|agent| agent.models.get(&name))))
            .or_else(|| of_model(agents.defaults.models.get(&name)))
            .or_else(|| agents.defaults.thinking_default.clone());
        let thinker = self.thinker(which);
        match said.as_deref().and_then(Thinking::parse) {
            Some(level) => thinker.nearest(level),
            None => thinker.usual(),
        }
    }

    /// How hard a model thinks in a session: as somebody chose for it, as far as this model can, else as usual.
    pub(crate) fn thinking_in(
        &self,
        session: Option<&Session>,
        agent_id: &str,
        which: &ModelRef,
    ) -> Thinking {
        let chosen = session.and_then(|session| session.choice("thinkingLevel")).and_then(Thinking::parse);
        match chosen {
            Some(level) => self.thinker(which).nearest(level),
            None => self.usual_thinking(agent_id, which),
        }
    }

    /// The level that somebody names for a model; what it does not take is refused with what it does.
    pub(crate) fn named_thinking(&self, name: &str, which: Option<&ModelRef>) -> Result<Thinking, String> {
        let (levels, model) = match which {
            Some(which) => (self.thinker(which).levels(), which.full()),
            None => (vec![Thinking::Off], "no model".to_owned()),
        };
        let words = || levels.iter().map(|level| level.as_str()).collect::<Vec<_>>().join("|");
        match Thinking::parse(name) {
            Some(level) if levels.contains(&level) => Ok(level),
            Some(level) => {
                Err(format!("{:?} is not supported for {model} (use {})", level.as_str(), words()))
            }
            None => Err(format!("invalid thinkingLevel {name:?} (use {})", words())),
        }
    }
}

/// Whether a word takes the choice of a level back.
pub(crate) fn is_inherit(word: &str) -> bool {
    INHERIT.contains(&word.trim().to_lowercase().as_str())
}

/// The levels of a model, as rows show them: `thinkingLevels`, `thinkingOptions`, `thinkingDefault`.
pub(crate) fn shown(settings: &Settings, agent_id: &str, which: Option<&ModelRef>) -> Map<String, Value> {
    let levels = which.map_or_else(|| vec![Thinking::Off], |which| settings.thinker(which).levels());
    let usual = which.map_or(Thinking::Off, |which| settings.usual_thinking(agent_id, which));
    let names: Vec<&str> = levels.into_iter().map(Thinking::as_str).collect();
    Map::from_iter([
        (
            "thinkingLevels".to_owned(),
            names.iter().map(|name| json!({"id": name, "label": name})).collect::<Vec<_>>().into(),
        ),
        ("thinkingOptions".to_owned(), names.into()),
        ("thinkingDefault".to_owned(), usual.as_str().into()),
    ])
}

#[cfg(test)]
mod tests {
    use bulkhead_config::{Config, ConfigDocument};
    use bulkhead_profile::{Environment, Place};

    use super::*;

    const CONFIG: &str = r#"{
        agents: {
            defaults: { thinkingDefault: "low", models: { "x/deep": { params: { thinking: "high" } } } },
            list: [{ id: "main" }, { id: "quick", thinkingDefault: "minimal" },
                { id: "own", models: { "x/deep": { params: { thinking: false } } } }],
        },
        models: { providers: { x: { baseUrl: "http://127.0.0.1:1/v1", models: [
            { id: "deep", reasoning: true }, { id: "plain" },
            { id: "listed", reasoning: true, compat: { supportedReasoningEfforts: ["high", "xhigh"] } },
        ] } } },
    }"#;

    fn settings(text: &str) -> Settings {
        let document = ConfigDocument::parse("test", text).unwrap();
        Settings {
            config: Config::from_document(&document).unwrap(),
            hash: String::new(),
            problem: None,
            distrusted: None,
            unconfigured: false,
            place: Place::resolve(None, &Environment::for_test("/home/ada")).unwrap(),
            environment: std::sync::Arc::new(Environment::for_test("/home/ada")),
        }
    }

    fn model(name: &str) -> ModelRef {
        ModelRef { provider: "x".into(), model: name.into() }
    }

    #[test]
    fn the_closest_word_holds() {
        let settings = settings(CONFIG);
        let usual = |agent: &str, name: &str| settings.usual_thinking(agent, &model(name));
        assert_eq!(usual("main", "deep"), Thinking::High, "said of the model");
        assert_eq!(usual("quick", "deep"), Thinking::Minimal, "said by the agent");
        assert_eq!(usual("own", "deep"), Thinking::Off, "said of the model by the agent");
        assert_eq!(usual("main", "listed"), Thinking::High, "low is said, and high is what comes next to it");
        assert_eq!(usual("main", "plain"), Thinking::Off, "it does not think");
        let quiet = self::settings(&CONFIG.replace("thinkingDefault: \"low\",", ""));
        assert_eq!(quiet.usual_thinking("own", &model("listed")), Thinking::High);
    }

    #[test]
    fn what_a_model_does_not_take_is_refused_with_what_it_does() {
        let settings = settings(CONFIG);
        let deep = model("deep");
        assert_eq!(settings.named_thinking("HIGH", Some(&deep)), Ok(Thinking::High));
        let refused = settings.named_thinking("xhigh", Some(&deep)).unwrap_err();
        assert_eq!(refused, "\"xhigh\" is not supported for x/deep (use off|minimal|low|medium|high)");
        let refused = settings.named_thinking("low", Some(&model("plain"))).unwrap_err();
        assert!(refused.ends_with("for x/plain (use off)"), "{refused}");
        assert!(settings.named_thinking("big", Some(&deep)).unwrap_err().contains("big"));
        let shown = shown(&settings, "main", Some(&model("listed")));
        assert_eq!(shown["thinkingOptions"], json!(["off", "high", "xhigh"]));
        assert_eq!(shown["thinkingLevels"][1], json!({"id": "high", "label": "high"}));
    }
}
