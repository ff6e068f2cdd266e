//! Messages for the A2UI renderer, version 0.9: what may be pushed, and how it is kept.

use serde_json::Value;

use crate::CanvasError;
use crate::document::check_size;

/// What a message can do, one of these.
const VERBS: [&str; 4] = ["createSurface", "updateComponents", "updateDataModel", "deleteSurface"];
/// Those of version 0.8, which the renderer does not speak any more.
const OLD: [&str; 3] = ["beginRendering", "surfaceUpdate", "dataModelUpdate"];
/// What a message is expected to be.
const EXPECTED: &str = "an object {\"version\":\"v0.9\", and one of createSurface, updateComponents, updateDataModel, \
    deleteSurface}";
/// Messages that one document is made of.
const MOST: usize = 2_000;

/// Checks messages as an agent gives them; a missing version is filled in. What stands in them is the renderer's to judge.
pub fn messages(given: Vec<Value>) -> Result<Vec<Value>, CanvasError> {
    given.into_iter().enumerate().map(|(at, message)| check(at + 1, message)).collect()
}

/// Reads messages that stand one a line.
pub fn read_lines(text: &str) -> Result<Vec<Value>, CanvasError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let read = lines.enumerate().map(|(at, line)| {
        serde_json::from_str(line).map_err(|error| CanvasError::Message {
            number: at + 1,
            found: format!("no JSON ({error})"),
            expected: EXPECTED,
        })
    });
    messages(read.collect::<Result<_, _>>()?)
}

fn check(number: usize, mut message: Value) -> Result<Value, CanvasError> {
    let wrong = |found: String| Err(CanvasError::Message { number, found, expected: EXPECTED });
    let Some(map) = message.as_object_mut() else { return wrong(kind_of(&message).to_owned()) };
    if let Some(old) = OLD.iter().find(|old| map.contains_key(**old)) {
        return wrong(format!("{old}, which is A2UI 0.8"));
    }
    let verbs: Vec<&&str> =
        VERBS.iter().filter(|verb| map.get(**verb).is_some_and(Value::is_object)).collect();
    let [verb] = verbs[..] else { return wrong(format!("{} of them", verbs.len())) };
    if !map[*verb]["surfaceId"].is_string() {
        return wrong(format!("{verb} without a surfaceId"));
    }
    match map.get("version").map(|version| version.as_str().unwrap_or_default()) {
        Some("v0.9" | "v0.9.1") => {}
        None => {
            map.insert("version".to_owned(), "v0.9".into());
        }
        Some(other) => return wrong(format!("version {other:?}")),
    }
    Ok(message)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The content of a document after more was pushed. What a deleted surface was made of is let go.
pub fn lines(before: &str, pushed: &[Value]) -> Result<String, CanvasError> {
    let mut all: Vec<Value> = before.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    all.extend(pushed.iter().cloned());
    let gone: Vec<(usize, String)> = all
        .iter()
        .enumerate()
        .filter_map(|(at, message)| Some((at, message["deleteSurface"]["surfaceId"].as_str()?.to_owned())))
        .collect();
    let kept: Vec<String> = all
        .iter()
        .enumerate()
        .filter(|(at, message)| {
            let surface = surface_of(message);
            !gone.iter().any(|(end, name)| at <= end && surface == Some(name))
        })
        .map(|(_, message)| message.to_string())
        .collect();
    if kept.len() > MOST {
        return Err(CanvasError::Message {
            number: kept.len(),
            found: format!("{} messages in one document", kept.len()),
            expected: "at most 2000; reset it and push its present state",
        });
    }
    let text = kept.join("\n");
    check_size(&text)?;
    Ok(text)
}

fn surface_of(message: &Value) -> Option<&str> {
    VERBS.iter().find_map(|verb| message[*verb]["surfaceId"].as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_are_of_version_0_9() {
        let good = json!({"createSurface": {"surfaceId": "s", "catalogId": "c"}});
        assert_eq!(messages(vec![good]).unwrap()[0]["version"], "v0.9");
        for (bad, part) in [
            (json!("x"), "a text"),
            (json!({}), "0 of them"),
            (json!({"beginRendering": {"surfaceId": "s"}}), "0.8"),
            (json!({"version": "v2", "deleteSurface": {"surfaceId": "s"}}), "version"),
            (json!({"deleteSurface": {}}), "without a surfaceId"),
        ] {
            let error = messages(vec![bad]).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(read_lines("{\n").unwrap_err().to_string().contains("message 1: found no JSON"));
        let text = "\n{\"deleteSurface\":{\"surfaceId\":\"s\"}}\n";
        assert_eq!(read_lines(text).unwrap().len(), 1);
    }

    #[test]
    fn what_was_deleted_is_not_kept() {
        let made = |name: &str| json!({"createSurface": {"surfaceId": name}});
        let one = lines("", &[made("a"), made("b")]).unwrap();
        let two = lines(&one, &[json!({"deleteSurface": {"surfaceId": "a"}}), made("a")]).unwrap();
        let names: Vec<String> = two
            .lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["createSurface"]["surfaceId"].to_string()
            })
            .collect();
        assert_eq!(names, ["\"b\"", "\"a\""]);
    }

    #[test]
    fn a_document_stays_bounded() {
        let big = json!({"updateDataModel": {"surfaceId": "a", "value": "x".repeat(1024 * 1024)}});
        let one = lines("", std::slice::from_ref(&big)).unwrap();
        assert!(matches!(lines(&one, &[big]), Err(CanvasError::TooLarge { .. })));
        let many = vec![json!({"createSurface": {"surfaceId": "a"}}); MOST + 1];
        assert!(lines("", &many).is_err());
    }
}
