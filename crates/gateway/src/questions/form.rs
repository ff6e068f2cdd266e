//! What a question may be, and which answers fit. Pure.

use serde_json::{Map, Value, json};

/// Characters of a header.
const HEADER: usize = 12;
/// Characters of one text.
const LONGEST: usize = 4000;

/// Reads questions as a client or a model wrote them; `in_tool` is the agent's tool, which names the key `id`, must offer a
/// choice, and always lets the person answer in their own words.
pub(crate) fn read_questions(sent: &Value, in_tool: bool) -> Result<Value, String> {
    let list = sent.as_array().filter(|list| (1..=3).contains(&list.len()));
    let list = list.ok_or("expected one to three questions")?;
    let key = if in_tool { "id" } else { "questionId" };
    let mut read: Vec<Value> = Vec::new();
    for (at, question) in list.iter().enumerate() {
        let text = |name: &str| {
            question.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
        };
        let flag = |name: &str| question.get(name).and_then(Value::as_bool).unwrap_or(false);
        let id = text(key).ok_or_else(|| format!("question {at}: {key} is missing"))?;
        let plain = id.starts_with(|c: char| c.is_ascii_lowercase())
            && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !plain || read.iter().any(|other| other["questionId"] == id) {
            return Err(format!(
                "question {at}: found {key} {id:?}, expected a name in snake_case of its own"
            ));
        }
        let asked = text("question").filter(|text| text.len() <= LONGEST);
        let asked = asked.ok_or_else(|| format!("question {at}: question is missing or too long"))?;
        if flag("isSecret") || question.get("secretStore").is_some_and(Value::is_object) {
            return Err(format!(
                "question {at}: secrets are not asked for here; `bulkhead secrets set` takes them"
            ));
        }
        let empty = Vec::new();
        let offered = question.get("options").and_then(Value::as_array).unwrap_or(&empty);
        if offered.len() > 4 || (in_tool && offered.len() < 2) {
            return Err(format!("question {at}: found {} options, expected two to four", offered.len()));
        }
        let mut options: Vec<Value> = Vec::new();
        for option in offered {
            let label = option.get("label").or(Some(option)).and_then(Value::as_str).map(str::trim);
            let label = label.filter(|label| !label.is_empty() && label.len() <= 200);
            let label =
                label.ok_or_else(|| format!("question {at}: an option has no label, or a very long one"))?;
            if options.iter().any(|other| other["label"] == label) {
                return Err(format!("question {at}: option {label:?} is there twice"));
            }
            let mut one = json!({"label": label});
            if let Some(description) = option.get("description").and_then(Value::as_str) {
                one["description"] = description.chars().take(LONGEST).collect::<String>().into();
            }
            options.push(one);
        }
        let header: String = text("header").unwrap_or(id).chars().take(HEADER).collect();
        let mut one = json!({"questionId": id, "header": header, "question": asked, "options": options});
        if flag("multiSelect") {
            one["multiSelect"] = true.into();
        }
        if in_tool || flag("isOther") || options.is_empty() {
            one["isOther"] = true.into();
        }
        read.push(one);
    }
    Ok(read.into())
}

/// Whether answers fit the questions.
pub(super) fn check_answers(questions: &Value, answers: &Map<String, Value>) -> Result<(), String> {
    let questions = questions.as_array().map(Vec::as_slice).unwrap_or_default();
    for (key, given) in answers {
        let question = questions.iter().find(|question| question["questionId"] == key.as_str());
        let question = question.ok_or_else(|| format!("there is no question {key:?}"))?;
        let given = given.as_array().ok_or_else(|| format!("{key}: expected a list of texts"))?;
        if given.len() > 1 && question["multiSelect"] != true {
            return Err(format!("{key}: found {} answers, expected one", given.len()));
        }
        for one in given {
            let text = one.as_str().filter(|text| text.len() <= LONGEST);
            let text = text.ok_or_else(|| format!("{key}: expected a text of at most {LONGEST} bytes"))?;
            let offered = labels(question).any(|label| label == text);
            if !offered && question["isOther"] != true {
                return Err(format!("{key}: {text:?} is none of the options"));
            }
        }
    }
    let left = questions.iter().filter_map(|question| question["questionId"].as_str());
    match left.into_iter().find(|key| !answers.contains_key(*key)) {
        Some(key) => Err(format!("the answer to {key:?} is missing")),
        None => Ok(()),
    }
}

/// The options of a question.
pub(super) fn labels(question: &Value) -> impl Iterator<Item = &str> {
    question["options"].as_array().into_iter().flatten().filter_map(|option| option["label"].as_str())
}

/// What somebody wrote as the answer to one question: a number, a label, or words of their own.
pub(super) fn read_answer(question: &Value, text: &str) -> Vec<Value> {
    let one = |text: &str| -> Value {
        let text = text.trim();
        let by_number =
            text.parse::<usize>().ok().and_then(|number| labels(question).nth(number.checked_sub(1)?));
        let by_label = labels(question).find(|label| label.eq_ignore_ascii_case(text));
        by_number.or(by_label).unwrap_or(text).into()
    };
    if question["multiSelect"] == true {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(one).collect()
    } else {
        vec![one(text)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_and_answers_held_against_them() {
        let sent = json!([{"id": "color", "header": "A colour please", "question": "Which?",
            "options": [{"label": "Red"}, {"label": "Blue", "description": "calm"}]}]);
        let read = read_questions(&sent, true).unwrap();
        assert_eq!(read[0]["header"], "A colour ple");
        assert_eq!((&read[0]["questionId"], &read[0]["isOther"]), (&json!("color"), &json!(true)));
        let fits = |answers: Value| check_answers(&read, answers.as_object().unwrap());
        assert!(fits(json!({"color": ["Red"]})).is_ok() && fits(json!({"color": ["mauve"]})).is_ok());
        assert!(fits(json!({"color": ["Red", "Blue"]})).is_err());
        assert!(fits(json!({})).is_err() && fits(json!({"other": ["x"]})).is_err());
        assert_eq!(read_answer(&read[0], "2"), [json!("Blue")]);
        assert_eq!(read_answer(&read[0], " red "), [json!("Red")]);
        assert_eq!(read_answer(&read[0], "3"), [json!("3")]);
        let many = json!({"options": [{"label": "A"}, {"label": "B"}], "multiSelect": true});
        assert_eq!(read_answer(&many, "1, b, other"), [json!("A"), json!("B"), json!("other")]);
        for bad in [
            json!([]),
            json!([{"id": "Bad", "question": "?", "options": ["a", "b"]}]),
            json!([{"id": "x", "question": "?", "options": ["a"]}]),
            json!([{"id": "x", "question": "?", "options": ["a", "a"]}]),
            json!([{"id": "x", "question": "", "options": ["a", "b"]}]),
            json!([{"id": "x", "question": "?", "options": ["a", "b"], "isSecret": true}]),
        ] {
            assert!(read_questions(&bad, true).is_err(), "{bad}");
        }
    }
}
