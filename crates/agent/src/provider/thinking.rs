//! How hard a model thinks before it answers: the levels by name, those that a model takes, and what is put into a request.
//! Pure.

use rig_core::completion::Effort;
use rig_core::providers::anthropic::completion::claude_spec;
use serde_json::{Map, Value, json};

use super::ProviderApi;

/// How hard a model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Thinking {
    /// Not at all, as far as the model can be told so.
    Off,
    /// As little as there is.
    Minimal,
    /// A little.
    Low,
    /// As much as usual.
    Medium,
    /// Much.
    High,
    /// More than that; few models know it.
    XHigh,
    /// As much as there is; few models know it.
    Max,
}

/// Tokens for thinking, where a model is given a number: Anthropic wants at least so many.
const LEAST_BUDGET: u64 = 1024;
/// Tokens for the answer, beside those for thinking, at least.
const LEAST_ANSWER: u64 = 1024;

impl Thinking {
    const ALL: [Self; 7] =
        [Self::Off, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max];

    /// The level by the name that people, files and requests use.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.trim().to_lowercase().as_str() {
            "off" | "none" | "disabled" | "false" => Self::Off,
            "minimal" | "min" => Self::Minimal,
            "low" => Self::Low,
            "medium" | "med" | "on" | "adaptive" => Self::Medium,
            "high" | "highest" => Self::High,
            "xhigh" | "x-high" | "x_high" | "extra-high" | "extra_high" | "extra high" => Self::XHigh,
            "max" | "ultra" => Self::Max,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// Tokens that it is worth, where a number is wanted.
    const fn budget(self) -> u64 {
        match self {
            Self::Off => 0,
            Self::Minimal => LEAST_BUDGET,
            Self::Low => 4096,
            Self::Medium => 8192,
            Self::High => 16_384,
            Self::XHigh | Self::Max => 32_768,
        }
    }
}

/// What is known of a model's thinking.
#[derive(Debug, Clone, Copy)]
pub struct Thinker<'a> {
    /// The wire format of its provider.
    pub api: ProviderApi,
    /// Its id.
    pub model: &'a str,
    /// Whether it thinks before it answers, as the configuration says.
    pub reasons: bool,
    /// Whether an OpenAI-compatible server takes an effort; unset: it does.
    pub takes_effort: Option<bool>,
    /// The efforts that an OpenAI-compatible server takes; none named: the usual ones.
    pub efforts: &'a [String],
}

impl Thinker<'_> {
    /// The levels that it takes, the least first. [`Thinking::Off`] is always one of them.
    pub fn levels(&self) -> Vec<Thinking> {
        let mut levels = vec![Thinking::Off];
        if !self.reasons {
            return levels;
        }
        let usual = [Thinking::Minimal, Thinking::Low, Thinking::Medium, Thinking::High];
        match self.api {
            ProviderApi::OpenAi if self.takes_effort == Some(false) => {}
            ProviderApi::OpenAi if self.efforts.is_empty() => levels.extend(usual),
            ProviderApi::OpenAi => {
                let named = |level: &Thinking| self.efforts.iter().any(|name| name == level.as_str());
                levels.extend(Thinking::ALL.into_iter().skip(1).filter(named));
            }
            ProviderApi::Anthropic => {
                levels.extend(usual);
                levels.extend(claude_efforts(self.model).into_iter().filter(|level| *level > Thinking::High));
            }
            ProviderApi::Ollama => levels.extend(&usual[1..]),
        }
        levels
    }

    /// What holds when nobody chose: as much as usual, or what comes next to it.
    pub fn usual(&self) -> Thinking {
        self.nearest(Thinking::Medium)
    }

    /// The level, or the one that comes nearest: less of it rather than more, but some where some was wanted.
    pub fn nearest(&self, wanted: Thinking) -> Thinking {
        let levels = self.levels();
        if wanted == Thinking::Off || levels.contains(&wanted) {
            return wanted;
        }
        let some = || levels.iter().copied().filter(|level| *level != Thinking::Off);
        some().filter(|level| *level < wanted).max().or_else(|| some().min()).unwrap_or(Thinking::Off)
    }
}

/// What is put into a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// Fields of the body.
    pub(super) fields: Map<String, Value>,
    /// How long the answer may be, thoughts included.
    pub(super) max_tokens: Option<u64>,
    /// Whether the request may say how bold the answer is.
    pub(super) takes_temperature: bool,
}

/// What a model that can think is told. `max_tokens` is what the configuration allows an answer, `usual` what is allowed
/// when it does not say.
pub(super) fn told(
    api: ProviderApi,
    model: &str,
    level: Thinking,
    max_tokens: Option<u64>,
    usual: u64,
) -> Told {
    let mut told = Told { fields: Map::new(), max_tokens, takes_temperature: true };
    match (api, level) {
        // A server's own rule holds: few take a word for "not at all".
        (ProviderApi::OpenAi | ProviderApi::Anthropic, Thinking::Off) => {}
        (ProviderApi::OpenAi, level) => {
            told.fields.insert("reasoning_effort".to_owned(), level.as_str().into());
        }
        (ProviderApi::Ollama, level) => {
            let word = match level {
                Thinking::Off => Value::Bool(false),
                Thinking::Minimal | Thinking::Low => "low".into(),
                Thinking::Medium => "medium".into(),
                Thinking::High | Thinking::XHigh | Thinking::Max => "high".into(),
            };
            told.fields.insert("think".to_owned(), word);
        }
        (ProviderApi::Anthropic, level) => {
            told.takes_temperature = false;
            if !takes_budget(model) {
                let effort = if level == Thinking::Minimal { Thinking::Low } else { level };
                told.fields.insert("thinking".to_owned(), json!({"type": "adaptive"}));
                told.fields.insert("output_config".to_owned(), json!({"effort": effort.as_str()}));
                return told;
            }
            // The budget is part of the answer's length: what the configuration allows is not exceeded for it.
            let (most, budget) = match max_tokens {
                None => (usual + level.budget(), level.budget()),
                Some(most) => (most, level.budget().min(most.saturating_sub(LEAST_ANSWER))),
            };
            if budget < LEAST_BUDGET {
                told.takes_temperature = true;
                return told;
            }
            told.max_tokens = Some(most);
            told.fields.insert("thinking".to_owned(), json!({"type": "enabled", "budget_tokens": budget}));
        }
    }
    told
}

/// Whether a Claude takes a number of tokens: the newest ones decide themselves. One that nobody knows takes it, as servers
/// that copy the format do.
fn takes_budget(model: &str) -> bool {
    claude_spec(model).is_none_or(|spec| spec.reasoning.budget.is_some())
}

/// The efforts that a Claude takes by name.
fn claude_efforts(model: &str) -> Vec<Thinking> {
    let level = |effort: &Effort| Thinking::parse(effort.as_str());
    claude_spec(model)
        .filter(|spec| spec.reasoning.budget.is_none())
        .map_or_else(Vec::new, |spec| spec.reasoning.levels.iter().filter_map(level).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinker(api: ProviderApi) -> Thinker<'static> {
        Thinker { api, model: "some-model", reasons: true, takes_effort: None, efforts: &[] }
    }

    fn words(thinker: &Thinker<'_>) -> Vec<&'static str> {
        thinker.levels().into_iter().map(Thinking::as_str).collect()
    }

    #[test]
    fn a_model_takes_what_its_kind_takes() {
        let openai = thinker(ProviderApi::OpenAi);
        assert_eq!(words(&openai), ["off", "minimal", "low", "medium", "high"]);
        assert_eq!(words(&Thinker { reasons: false, ..openai }), ["off"]);
        assert_eq!(words(&Thinker { takes_effort: Some(false), ..openai }), ["off"]);
        let efforts = ["low".to_owned(), "xhigh".to_owned(), "warp".to_owned()];
        let listed = Thinker { efforts: &efforts, ..openai };
        assert_eq!(words(&listed), ["off", "low", "xhigh"]);
        assert_eq!(listed.usual(), Thinking::Low);
        assert_eq!(listed.nearest(Thinking::Max), Thinking::XHigh);
        assert_eq!(listed.nearest(Thinking::Minimal), Thinking::Low, "some was wanted");
        assert_eq!(listed.nearest(Thinking::Off), Thinking::Off);
        assert_eq!(words(&thinker(ProviderApi::Ollama)), ["off", "low", "medium", "high"]);
        assert_eq!(Thinker { reasons: false, ..openai }.usual(), Thinking::Off);
    }

    #[test]
    fn names_are_read_as_people_write_them() {
        for (name, level) in [
            (" High ", Thinking::High),
            ("highest", Thinking::High),
            ("extra high", Thinking::XHigh),
            ("x_high", Thinking::XHigh),
            ("disabled", Thinking::Off),
            ("on", Thinking::Medium),
        ] {
            assert_eq!(Thinking::parse(name), Some(level), "{name}");
        }
        assert_eq!(Thinking::parse("big"), None);
    }

    #[test]
    fn each_wire_is_told_in_its_own_words() {
        let of = |api, level, most| told(api, "some-model", level, most, 8192);
        let openai = of(ProviderApi::OpenAi, Thinking::High, None);
        assert_eq!(Value::Object(openai.fields), json!({"reasoning_effort": "high"}));
        assert!(of(ProviderApi::OpenAi, Thinking::Off, None).fields.is_empty());
        assert_eq!(of(ProviderApi::Ollama, Thinking::Off, None).fields["think"], false);
        assert_eq!(of(ProviderApi::Ollama, Thinking::Minimal, None).fields["think"], "low");
        let claude = of(ProviderApi::Anthropic, Thinking::Medium, None);
        assert_eq!(claude.fields["thinking"], json!({"type": "enabled", "budget_tokens": 8192}));
        assert_eq!((claude.max_tokens, claude.takes_temperature), (Some(16_384), false));
        let small = of(ProviderApi::Anthropic, Thinking::High, Some(4096));
        assert_eq!(small.fields["thinking"]["budget_tokens"], 3072, "within what is allowed");
        assert_eq!(small.max_tokens, Some(4096));
        let tiny = of(ProviderApi::Anthropic, Thinking::High, Some(1500));
        assert!(tiny.fields.is_empty() && tiny.takes_temperature, "no room to think in");
    }

    #[test]
    fn a_claude_that_decides_itself_gets_an_effort() {
        let spec = |model: &str| claude_spec(model).is_some_and(|spec| spec.reasoning.budget.is_none());
        let newest = ["claude-opus-4-8", "claude-opus-4-7"].into_iter().find(|model| spec(model));
        let Some(model) = newest else { return };
        let told = told(ProviderApi::Anthropic, model, Thinking::Minimal, None, 8192);
        assert_eq!(told.fields["thinking"], json!({"type": "adaptive"}));
        assert_eq!(told.fields["output_config"], json!({"effort": "low"}));
        assert_eq!(told.max_tokens, None);
    }
}
