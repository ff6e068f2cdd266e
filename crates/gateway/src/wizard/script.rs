//! What a wizard asks, in which order, and what follows from the answers. Pure.

use bulkhead_config::DmPolicy;
use bulkhead_protocol::methods::wizard::{WizardFlow, WizardOption, WizardStep, WizardStepKind};
use serde_json::Value;

use super::answers::{Refused, chosen, name, people, some_of, unfit};
use super::changes::Changes;

/// How often an agent may look by itself, with words for it.
const RHYTHMS: [(&str, &str); 5] = [
    ("0m", "Never by itself"),
    ("30m", "Every half hour"),
    ("1h", "Every hour"),
    ("4h", "Every four hours"),
    ("24h", "Once a day"),
];

/// What the wizard found when it began.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Known {
    /// Hash of the configuration that the answers change.
    pub(crate) hash: String,
    /// The models that can be chosen: `provider/model`, and what people call it.
    pub(crate) models: Vec<(String, String)>,
    /// The first choice and what is tried after it.
    pub(crate) model: Option<String>,
    pub(crate) fallbacks: Vec<String>,
    /// The agent that answers by default, and its name.
    pub(crate) agent: String,
    pub(crate) agent_name: String,
    /// Who may write on Telegram, if there is a bot.
    pub(crate) telegram: Option<(DmPolicy, Vec<String>)>,
    /// How often the agent looks by itself.
    pub(crate) heartbeat: Option<String>,
}

/// The answers so far.
#[derive(Debug, Clone, Default)]
struct Answers {
    local_read: bool,
    model: Option<String>,
    fallbacks: Option<Vec<String>>,
    name: Option<String>,
    policy: Option<&'static str>,
    people: Option<Vec<String>>,
    rhythm: Option<String>,
    apply: Option<bool>,
}

/// A wizard's course.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    known: Known,
    flow: WizardFlow,
    answers: Answers,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next {
    /// A question.
    Ask(WizardStep),
    /// The changes are wanted.
    Apply(Changes),
    /// Nothing is to be changed: told no, or nothing differs.
    Leave {
        /// Whether the person said no.
        refused: bool,
    },
    /// The same again, since the answer did not fit: why.
    Again(Box<Self>, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Local,
    Model,
    Fallbacks,
    Name,
    Policy,
    People,
    Rhythm,
    Apply,
}

impl Question {
    const fn id(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Model => "model",
            Self::Fallbacks => "fallbacks",
            Self::Name => "agent-name",
            Self::Policy => "telegram-policy",
            Self::People => "telegram-people",
            Self::Rhythm => "heartbeat",
            Self::Apply => "apply",
        }
    }
}

impl Script {
    /// One that begins.
    pub(crate) fn new(known: Known, flow: WizardFlow) -> Self {
        Self { known, flow, answers: Answers::default() }
    }

    /// What was found at the beginning.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// What it sets up.
    pub(crate) fn flow(&self) -> WizardFlow {
        self.flow
    }

    /// The first question without an answer, or what follows when there is none.
    pub(crate) fn next(&self) -> Next {
        match self.question() {
            Some(question) => Next::Ask(self.step(question)),
            None if self.answers.apply == Some(false) => Next::Leave { refused: true },
            None if self.changes() == Changes::default() => Next::Leave { refused: false },
            None => Next::Apply(self.changes()),
        }
    }

    fn question(&self) -> Option<Question> {
        let (known, answers) = (&self.known, &self.answers);
        let setup = self.flow == WizardFlow::Setup;
        let others = known.models.iter().any(|(id, _)| Some(id) != self.model());
        let asked = [
            (Question::Local, !answers.local_read),
            (Question::Model, setup && !known.models.is_empty() && answers.model.is_none()),
            (Question::Fallbacks, setup && others && answers.fallbacks.is_none()),
            (Question::Name, setup && answers.name.is_none()),
            (Question::Policy, known.telegram.is_some() && answers.policy.is_none()),
            (Question::People, answers.policy == Some("allowlist") && answers.people.is_none()),
            (Question::Rhythm, setup && answers.rhythm.is_none()),
            (Question::Apply, self.changes() != Changes::default() && answers.apply.is_none()),
        ];
        asked.into_iter().find(|(_, open)| *open).map(|(question, _)| question)
    }

    /// The model as the answers leave it.
    fn model(&self) -> Option<&String> {
        self.answers.model.as_ref().or(self.known.model.as_ref())
    }

    /// Takes an answer.
    pub(crate) fn answer(&mut self, step: &str, value: &Value) -> Result<(), Refused> {
        let Some(question) = self.question() else { return Err(Refused::OtherStep("none".to_owned())) };
        if question.id() != step {
            return Err(Refused::OtherStep(question.id().to_owned()));
        }
        let asked = self.step(question);
        match question {
            Question::Local => self.answers.local_read = true,
            Question::Model => self.answers.model = Some(chosen(&asked, value)?),
            Question::Fallbacks => self.answers.fallbacks = Some(some_of(&asked, value)?),
            Question::Name => self.answers.name = Some(name(value)?),
            Question::Policy => {
                let word = chosen(&asked, value)?;
                self.answers.policy = POLICIES.iter().map(|(_, word, ..)| *word).find(|one| *one == word);
            }
            Question::People => self.answers.people = Some(people(value)?),
            Question::Rhythm => self.answers.rhythm = Some(chosen(&asked, value)?),
            Question::Apply => {
                let yes = value.as_bool().ok_or_else(|| unfit("expected true or false"))?;
                self.answers.apply = Some(yes);
            }
        }
        Ok(())
    }

    /// What differs from what was found.
    fn changes(&self) -> Changes {
        let (known, answers) = (&self.known, &self.answers);
        let model = answers.model.clone().filter(|model| Some(model) != known.model.as_ref());
        let fallbacks = answers.fallbacks.clone().map(|mut list| {
            list.retain(|one| Some(one) != self.model());
            list
        });
        let (policy, people) = known
            .telegram
            .as_ref()
            .map_or((None, &[][..]), |(policy, people)| (Some(word(*policy)), people.as_slice()));
        let wanted = match answers.policy {
            Some("open") => Some(vec!["*".to_owned()]),
            Some("allowlist") => answers.people.clone(),
            _ => None,
        };
        Changes {
            model,
            fallbacks: fallbacks.filter(|list| *list != known.fallbacks),
            agent_name: answers.name.clone().filter(|name| *name != known.agent_name),
            policy: answers.policy.filter(|word| Some(*word) != policy),
            allow_from: wanted.filter(|list| list != people),
            heartbeat: answers
                .rhythm
                .clone()
                .filter(|every| every != known.heartbeat.as_deref().unwrap_or("0m")),
        }
    }

    fn step(&self, question: Question) -> WizardStep {
        let known = &self.known;
        let models =
            || known.models.iter().map(|(id, label)| option(id, label, (id != label).then_some(id.as_str())));
        match question {
            Question::Local => self.local(),
            Question::Model => WizardStep {
                options: models().collect(),
                initial_value: known.model.clone().map(Value::from),
                ..step(question, WizardStepKind::Select, "Which model answers?")
            },
            Question::Fallbacks => WizardStep {
                options: models()
                    .filter(|one| one.value.as_str() != self.model().map(String::as_str))
                    .collect(),
                initial_value: Some(known.fallbacks.clone().into()),
                message: Some("They are tried in this order when it does not answer.".to_owned()),
                ..step(question, WizardStepKind::MultiSelect, "Which models stand in for it?")
            },
            Question::Name => WizardStep {
                initial_value: Some(known.agent_name.clone().into()),
                placeholder: Some("Ada".to_owned()),
                ..step(question, WizardStepKind::Text, "What is the agent called?")
            },
            Question::Policy => WizardStep {
                options: POLICIES
                    .iter()
                    .map(|(_, word, label, hint)| option(word, label, Some(hint)))
                    .collect(),
                initial_value: known.telegram.as_ref().map(|(policy, _)| word(*policy).into()),
                ..step(question, WizardStepKind::Select, "Who may write to the bot on Telegram?")
            },
            Question::People => WizardStep {
                initial_value: known.telegram.as_ref().map(|(_, people)| {
                    let people: Vec<&str> =
                        people.iter().map(String::as_str).filter(|id| *id != "*").collect();
                    people.join(", ").into()
                }),
                placeholder: Some("123456789, 987654321".to_owned()),
                message: Some("Their user ids on Telegram, as numbers, with commas between them.".to_owned()),
                ..step(question, WizardStepKind::Text, "Whose messages are answered?")
            },
            Question::Rhythm => {
                let every = known.heartbeat.as_deref().unwrap_or("0m");
                let mut options: Vec<_> =
                    RHYTHMS.iter().map(|(every, label)| option(every, label, None)).collect();
                if !RHYTHMS.iter().any(|(known, _)| *known == every) {
                    options.push(option(every, every, None));
                }
                WizardStep {
                    options,
                    initial_value: Some(every.into()),
                    ..step(question, WizardStepKind::Select, "How often does the agent look by itself?")
                }
            }
            Question::Apply => WizardStep {
                message: Some(self.summary()),
                initial_value: Some(true.into()),
                ..step(question, WizardStepKind::Confirm, "Put this in force?")
            },
        }
    }

    fn local(&self) -> WizardStep {
        let mut lines = vec![
            "Keys, tokens and passwords, addresses to listen on, services and webhooks are set on the machine itself: in \
             the app, or by `bulkhead onboard`, `bulkhead secrets set` and `bulkhead config set`.",
        ];
        if self.flow == WizardFlow::Setup && self.known.models.is_empty() {
            lines.push("No model is known yet: give a provider its key there first.");
        }
        if self.known.telegram.is_none() {
            lines.push(
                "There is no Telegram bot yet: give it its token there first (`bulkhead channels add`).",
            );
        }
        lines.push("Nothing changes before the last question.");
        WizardStep {
            message: Some(lines.join("\n")),
            ..step(Question::Local, WizardStepKind::Note, "What is not set up here")
        }
    }

    /// The changes in words.
    fn summary(&self) -> String {
        let (known, changes) = (&self.known, self.changes());
        let or_none = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
        let mut lines = Vec::new();
        let mut line =
            |what: &str, before: &str, after: &str| lines.push(format!("{what}: {before} → {after}"));
        if let Some(model) = &changes.model {
            line("Model", known.model.as_deref().unwrap_or("none"), model);
        }
        if let Some(list) = &changes.fallbacks {
            line("Stand-ins", &or_none(&known.fallbacks), &or_none(list));
        }
        if let Some(name) = &changes.agent_name {
            line("Agent", &known.agent_name, name);
        }
        if let Some(policy) = changes.policy {
            line("Telegram", known.telegram.as_ref().map_or("", |(policy, _)| word(*policy)), policy);
        }
        if let Some(list) = &changes.allow_from {
            let before = known.telegram.as_ref().map_or(&[][..], |(_, people)| people);
            line("Allowed on Telegram", &or_none(before), &or_none(list));
        }
        if let Some(every) = &changes.heartbeat {
            line("Looks by itself", known.heartbeat.as_deref().unwrap_or("0m"), every);
        }
        lines.join("\n")
    }
}

/// Who may write: the policy, its word, and both for people.
const POLICIES: [(DmPolicy, &str, &str, &str); 4] = [
    (DmPolicy::Pairing, "pairing", "Whoever is let in", "strangers get a code, and a person approves it"),
    (DmPolicy::Allowlist, "allowlist", "Only people on a list", "nobody else gets an answer"),
    (DmPolicy::Disabled, "disabled", "Nobody", "private messages are not answered"),
    (DmPolicy::Open, "open", "Everybody", "anyone who finds the bot may use it, at your cost"),
];

fn word(policy: DmPolicy) -> &'static str {
    POLICIES.iter().find(|(one, ..)| *one == policy).map_or("pairing", |(_, word, ..)| word)
}

fn step(question: Question, kind: WizardStepKind, title: &str) -> WizardStep {
    WizardStep {
        id: question.id().to_owned(),
        kind,
        title: title.to_owned(),
        message: None,
        options: Vec::new(),
        initial_value: None,
        placeholder: None,
        executor: "gateway".to_owned(),
    }
}

fn option(value: &str, label: &str, hint: Option<&str>) -> WizardOption {
    WizardOption {
        value: value.into(),
        label: if label.is_empty() { value.to_owned() } else { label.to_owned() },
        hint: hint.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Known {
        Known {
            hash: "h".to_owned(),
            models: ["a/1", "a/2", "b/3"].map(|id| (id.to_owned(), id.to_owned())).to_vec(),
            model: Some("a/1".to_owned()),
            fallbacks: vec!["b/3".to_owned()],
            agent: "main".to_owned(),
            agent_name: "main".to_owned(),
            telegram: Some((DmPolicy::Pairing, Vec::new())),
            heartbeat: None,
        }
    }

    fn id(script: &Script) -> String {
        match script.next() {
            Next::Ask(step) => step.id,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn questions_come_in_order_and_only_differences_are_changes() {
        let mut script = Script::new(known(), WizardFlow::Setup);
        for (step, answer) in [
            ("local", Value::Null),
            ("model", json!("a/2")),
            ("fallbacks", json!(["b/3"])),
            ("agent-name", json!(" Ada ")),
            ("telegram-policy", json!("allowlist")),
            ("telegram-people", json!("12, 34 12")),
            ("heartbeat", json!("0m")),
        ] {
            assert_eq!(id(&script), step);
            script.answer(step, &answer).unwrap();
        }
        let Next::Ask(last) = script.next() else { panic!("no question") };
        let said = last.message.unwrap();
        assert_eq!(
            said.lines().collect::<Vec<_>>(),
            [
                "Model: a/1 → a/2",
                "Agent: main → Ada",
                "Telegram: pairing → allowlist",
                "Allowed on Telegram: none → 12, 34"
            ]
        );
        script.answer("apply", &json!(true)).unwrap();
        let Next::Apply(changes) = script.next() else { panic!("nothing to apply") };
        assert_eq!(
            changes.places(true),
            [
                ("agents.defaults.model.primary", json!("a/2")),
                ("channels.telegram.dmPolicy", json!("allowlist")),
                ("channels.telegram.allowFrom", json!(["12", "34"])),
            ]
        );
        assert_eq!(changes.places(false)[0], ("agents.defaults.model", json!("a/2")));
    }

    #[test]
    fn wrong_answers_leave_the_question_where_it_is() {
        let mut script = Script::new(known(), WizardFlow::Setup);
        assert_eq!(script.answer("apply", &json!(true)), Err(Refused::OtherStep("local".to_owned())));
        script.answer("local", &Value::Null).unwrap();
        for wrong in [json!("c/9"), json!(1), Value::Null] {
            assert!(matches!(script.answer("model", &wrong), Err(Refused::Unfit(_))), "{wrong}");
        }
        assert_eq!(id(&script), "model");
        assert!(matches!(people(&json!("@ada")), Err(Refused::Unfit(problem)) if problem.contains("@ada")));
        assert!(people(&json!("")).is_err() && people(&json!("-5")).is_err());
    }

    #[test]
    fn nothing_different_and_a_no_change_nothing() {
        let mut script = Script::new(known(), WizardFlow::Channels);
        script.answer("local", &Value::Null).unwrap();
        script.answer("telegram-policy", &json!("pairing")).unwrap();
        assert_eq!(script.next(), Next::Leave { refused: false });
        let mut script = Script::new(known(), WizardFlow::Channels);
        script.answer("local", &Value::Null).unwrap();
        script.answer("telegram-policy", &json!("open")).unwrap();
        script.answer("apply", &json!(false)).unwrap();
        assert_eq!(script.next(), Next::Leave { refused: true });
    }
}
