//! The tiny language in which a test asks for an answer.
//!
//! In the last user message, `DO:` starts a script of statements, divided by `;` or line ends, up to an empty line:
//!
//! | statement | effect |
//! |---|---|
//! | `tool NAME {json}` | calls the tool; the next statement sees its result. Several in one turn: `tool a {} and b {}` |
//! | `say EXPR` | the answer. Terms joined by `+`: added if every term has a number, else concatenated. `.` always concatenates |
//! | `slow MS` | pause between two pieces of the stream |
//! | `wait MS` | pause before the answer |
//! | `piece N` | characters per piece |
//! | `fault F [times N]` | the first N requests (1) of this script fail: see [`Fault::parse`] |
//!
//! Terms: `recall` (the value of the newest earlier `REMEMBER value`, else the last number said earlier), `recall(name)`
//! (of `REMEMBER name=value`), `marker` and `marker(name)` (a line `MARKER: v`, `MARKER=v`, `name: v` or `name=v` of the system
//! prompt), `toolresult`, `toolresult(2)`, `turns` (how often the person spoke), `tools` (offered names), `model`, `text`
//! (the message), `words(n)` (n made-up words), numbers, `"text"`.
//!
//! Without a script, a line that starts with one of these words does: `REMEMBER v`, `RECALL`, `MARKER`, `TOOL NAME {json}`
//! (calls, then says the result), `SLOW MS text`, `ECHO text`, `FAULT F`. Anything else is answered by `You said: …`.

use std::time::Duration;

use serde_json::{Map, Value};

use super::conversation::Conversation;
use super::fault::{Delivery, Fault};

/// A tool the model wants called.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The tool's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

/// What the model says this turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Text, the end of the run.
    Text(String),
    /// Tool calls; the run goes on with their results.
    Calls(Vec<Call>),
}

/// A script, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    steps: Vec<Step>,
    /// How the answer travels; the fault is in [`Script::fault`].
    pub delivery: Delivery,
    /// What goes wrong, and for how many requests of this text.
    pub fault: Option<(Fault, usize)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Calls(Vec<Call>),
    Say(String),
}

impl Script {
    /// Reads what the last user message asks for.
    pub fn read(message: &str) -> Result<Self, String> {
        if let Some((_, script)) = message.split_once("DO:") {
            let script = script.split("\n\n").next().unwrap_or_default();
            let mut read = Self::default();
            for statement in split_outside(script, &[';', '\n']) {
                read.statement(statement.trim())?;
            }
            return Ok(read);
        }
        for line in message.lines().map(str::trim) {
            let (word, rest) = line.split_once([' ', ':']).unwrap_or((line, ""));
            let rest = rest.trim_start_matches([':', ' ']).trim();
            let mut read = Self::default();
            match word {
                "REMEMBER" => read.steps.push(Step::Say(format!("{:?} . {}", "Noted: ", quote(rest)))),
                "RECALL" if rest.is_empty() => read.steps.push(Step::Say("recall".to_owned())),
                "RECALL" => read.steps.push(Step::Say(format!("recall({rest})"))),
                "MARKER" => read.steps.push(Step::Say("marker".to_owned())),
                "TOOL" => {
                    read.statement(&format!("tool {rest}"))?;
                    read.steps.push(Step::Say("toolresult".to_owned()));
                }
                "SLOW" => {
                    let (pause, text) = rest.split_once(' ').unwrap_or((rest, ""));
                    read.statement(&format!("slow {pause}"))?;
                    let said = if text.is_empty() { "words(20)".to_owned() } else { quote(text) };
                    read.steps.push(Step::Say(said));
                }
                "ECHO" => read.steps.push(Step::Say(quote(rest))),
                "FAULT" => {
                    read.statement(&format!("fault {rest}"))?;
                    read.steps.push(Step::Say(quote("recovered")));
                }
                _ => continue,
            }
            return Ok(read);
        }
        Ok(Self { steps: vec![Step::Say(format!("{} . text", quote("You said: ")))], ..Self::default() })
    }

    fn statement(&mut self, statement: &str) -> Result<(), String> {
        if statement.is_empty() {
            return Ok(());
        }
        let (verb, rest) = statement.split_once(' ').unwrap_or((statement, ""));
        let rest = rest.trim();
        let millis = || {
            rest.parse().map(Duration::from_millis).map_err(|_| format!("{statement:?} needs milliseconds"))
        };
        match verb {
            "tool" => self.steps.push(Step::Calls(parse_calls(rest)?)),
            "say" => self.steps.push(Step::Say(rest.to_owned())),
            "slow" => self.delivery.between = millis()?,
            "wait" => self.delivery.before = millis()?,
            "piece" => self.delivery.piece = rest.parse().map_err(|_| "piece needs a number".to_owned())?,
            "fault" => {
                let (fault, times) = match rest.rsplit_once(" times ") {
                    Some((fault, times)) => {
                        (fault, times.trim().parse().map_err(|_| "times needs a number".to_owned())?)
                    }
                    None => (rest, 1),
                };
                self.fault = Some((Fault::parse(fault)?, times));
            }
            _ => return Err(format!("unknown statement {statement:?}")),
        }
        Ok(())
    }

    /// What to say now, given what was already said and done.
    pub fn answer(&self, conversation: &Conversation) -> Result<Answer, String> {
        let done = conversation.fresh_tool_results().len();
        let mut called = 0;
        let mut said: Vec<String> = Vec::new();
        for step in &self.steps {
            match step {
                Step::Calls(calls) => {
                    called += calls.len();
                    if done < called {
                        return Ok(Answer::Calls(calls.clone()));
                    }
                }
                Step::Say(expression) => said.push(evaluate(expression, conversation)?),
            }
        }
        Ok(Answer::Text(said.join("\n")))
    }
}

fn quote(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// `NAME {json} and NAME {json} …`
fn parse_calls(text: &str) -> Result<Vec<Call>, String> {
    let mut calls = Vec::new();
    let mut rest = text.trim();
    loop {
        let end = rest.find([' ', '{']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return Err(format!("tool needs a name: {text:?}"));
        }
        let after = after.trim_start();
        let mut arguments = Map::new();
        let mut used = 0;
        if after.starts_with('{') {
            let mut values = serde_json::Deserializer::from_str(after).into_iter::<Map<String, Value>>();
            arguments = match values.next() {
                Some(Ok(arguments)) => arguments,
                _ => return Err(format!("tool arguments are no JSON object: {after:?}")),
            };
            used = values.byte_offset();
        }
        calls.push(Call { name: name.to_owned(), arguments });
        rest = after[used..].trim();
        match rest.strip_prefix("and ") {
            Some(next) => rest = next.trim(),
            None if rest.is_empty() => return Ok(calls),
            None => return Err(format!("cannot read {rest:?} after a tool call")),
        }
    }
}

/// Splits at `separators` outside of JSON strings, brackets and parentheses.
fn split_outside<'a>(text: &'a str, separators: &[char]) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted, mut escaped) = (0, 0_i32, false, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' | '(' if !quoted => depth += 1,
            '}' | ']' | ')' if !quoted => depth -= 1,
            _ if !quoted && depth == 0 && separators.contains(&character) => {
                parts.push(&text[start..index]);
                start = index + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn evaluate(expression: &str, conversation: &Conversation) -> Result<String, String> {
    let mut said = String::new();
    // A `.` between blanks concatenates and binds weaker than `+`.
    for group in split_words(expression) {
        let terms = split_outside(&group, &['+'])
            .into_iter()
            .map(|term| term_value(term.trim(), conversation))
            .collect::<Result<Vec<_>, _>>()?;
        let numbers: Option<Vec<i128>> = terms.iter().map(|term| number_in(term)).collect();
        match numbers {
            Some(numbers) if terms.len() > 1 => said.push_str(&numbers.iter().sum::<i128>().to_string()),
            _ => said.push_str(&terms.concat()),
        }
    }
    Ok(said)
}

/// Splits at ` . ` outside of quotes.
fn split_words(expression: &str) -> Vec<String> {
    let mut groups = vec![String::new()];
    for part in split_outside(expression, &[' ']) {
        if part == "." {
            groups.push(String::new());
        } else if let Some(group) = groups.last_mut() {
            if !group.is_empty() {
                group.push(' ');
            }
            group.push_str(part);
        }
    }
    groups
}

fn term_value(term: &str, conversation: &Conversation) -> Result<String, String> {
    if term.starts_with('"') {
        return serde_json::from_str(term).map_err(|_| format!("cannot read the text {term}"));
    }
    if term.parse::<i128>().is_ok() {
        return Ok(term.to_owned());
    }
    let (name, argument) = match term.strip_suffix(')').and_then(|term| term.split_once('(')) {
        Some((name, argument)) => (name, Some(argument.trim())),
        None => (term, None),
    };
    Ok(match name {
        "recall" => recall(conversation, argument).unwrap_or_else(|| "(nothing to recall)".to_owned()),
        "marker" => marker(&conversation.system, argument.unwrap_or("MARKER"))
            .unwrap_or_else(|| "(no marker)".to_owned()),
        "toolresult" => {
            let results = conversation.fresh_tool_results();
            let wanted = match argument.map(str::parse::<usize>) {
                Some(Ok(index)) => results.get(index.wrapping_sub(1)),
                Some(Err(_)) => return Err(format!("cannot read {term:?}")),
                None => results.last(),
            };
            wanted.map_or_else(|| "(no tool result)".to_owned(), |text| text.trim().to_owned())
        }
        "turns" => (conversation.earlier_user_turns().count() + 1).to_string(),
        "tools" => conversation.tools.join(","),
        "model" => conversation.model.clone(),
        "text" => conversation.last_user().to_owned(),
        "words" => {
            let count = argument.and_then(|argument| argument.parse::<usize>().ok()).unwrap_or(10);
            (1..=count.min(200_000)).map(|index| format!("word{index}")).collect::<Vec<_>>().join(" ")
        }
        _ => return Err(format!("unknown term {term:?}")),
    })
}

/// A value told in an earlier turn.
fn recall(conversation: &Conversation, name: Option<&str>) -> Option<String> {
    for text in conversation.earlier_user_turns() {
        for line in text.lines() {
            let Some((_, told)) = line.split_once("REMEMBER") else { continue };
            let told = told.trim_start_matches([':', ' ']).trim();
            match (name, told.split_once('=')) {
                (Some(name), Some((key, value))) if key.trim() == name => {
                    return Some(value.trim().to_owned());
                }
                (None, None) if !told.is_empty() => return Some(told.to_owned()),
                (None, Some((_, value))) => return Some(value.trim().to_owned()),
                _ => {}
            }
        }
    }
    if name.is_some() {
        return None;
    }
    conversation.earlier_user_turns().find_map(last_number).map(|number| number.to_string())
}

/// The value of the first line `NAME: value` or `NAME=value` of the system prompt.
fn marker(system: &str, name: &str) -> Option<String> {
    system.lines().find_map(|line| {
        let (_, rest) = line.split_once(name)?;
        let value = rest.trim_start().strip_prefix([':', '='])?;
        Some(value.trim().trim_matches(['`', '*', '"']).to_owned())
    })
}

/// The number a text is about: itself, else the first one in it.
fn number_in(text: &str) -> Option<i128> {
    text.trim().parse().ok().or_else(|| numbers(text).next())
}

fn last_number(text: &str) -> Option<i128> {
    numbers(text).last()
}

fn numbers(text: &str) -> impl Iterator<Item = i128> {
    text.split(|character: char| !character.is_ascii_digit() && character != '-')
        .filter_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::conversation::Turn;

    fn conversation(turns: &[Turn]) -> Conversation {
        Conversation {
            model: "fake-1".into(),
            system: "Be kind.\n- MARKER: 500\nCOLOUR=green".into(),
            turns: turns.to_vec(),
            ..Conversation::default()
        }
    }

    fn ask(turns: &[Turn]) -> Answer {
        let conversation = conversation(turns);
        Script::read(conversation.last_user()).and_then(|script| script.answer(&conversation)).unwrap()
    }

    #[test]
    fn a_combined_question_is_computed_from_all_three_places() {
        let question = Turn::User(
            r#"[Telegram 7] DO: tool read {"path":"secret.txt; \"x\""}; say recall + marker + toolresult"#
                .into(),
        );
        let told = Turn::User("REMEMBER 41".into());
        let Answer::Calls(calls) = ask(&[told.clone(), question.clone()]) else { panic!("no call") };
        assert_eq!(calls[0].arguments["path"], "secret.txt; \"x\"");
        let result = Turn::ToolResult { id: "1".into(), text: "1000\n".into() };
        assert_eq!(ask(&[told, question, result]), Answer::Text("1541".into()));
    }

    #[test]
    fn words_concatenate_and_named_values_are_found() {
        assert_eq!(
            ask(&[
                Turn::User("REMEMBER a=left".into()),
                Turn::User("REMEMBER b=right".into()),
                Turn::User(r#"DO: say recall(a) . "/" . marker(COLOUR) . "/" . turns"#.into()),
            ]),
            Answer::Text("left/green/3".into())
        );
    }

    #[test]
    fn plain_words_do_what_they_say() {
        assert_eq!(
            ask(&[Turn::User("my number is 77".into()), Turn::User("RECALL".into())]),
            Answer::Text("77".into())
        );
        assert_eq!(ask(&[Turn::User("hello; there".into())]), Answer::Text("You said: hello; there".into()));
        assert_eq!(ask(&[Turn::User("REMEMBER x y".into())]), Answer::Text("Noted: x y".into()));
        assert_eq!(
            ask(&[Turn::User("TOOL ls".into())]),
            Answer::Calls(vec![Call { name: "ls".into(), arguments: Map::new() }])
        );
    }

    #[test]
    fn faults_and_pace_are_read() {
        let script = Script::read("DO: slow 5; piece 3; fault 429 retry-after=2 times 4; say 1 + 2").unwrap();
        assert_eq!(script.delivery.between, Duration::from_millis(5));
        assert_eq!(script.fault, Some((Fault::Status { status: 429, retry_after: Some("2".into()) }, 4)));
        assert!(Script::read("DO: dance").is_err());
    }
}
