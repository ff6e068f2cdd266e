//! Tools that the caller brings and runs itself. Pure.

use bulkhead_agent::{ToolCall, ToolDefinition};
use serde_json::{Value, json};

/// A request may bring so many tools.
const MOST: usize = 128;
/// A tool's name has so many characters at most.
const LONGEST_NAME: usize = 64;

/// What the model is told when it has to call a tool first.
const REQUIRED: &str =
    "The application that asks requires that you call one of its tools before you answer: ";

/// The caller's tools, as a run takes them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ClientTools {
    pub(super) tools: Vec<ToolDefinition>,
    /// An answer without a call of one of these is an error.
    pub(super) required: bool,
}

impl ClientTools {
    /// Reads `tools` and `tool_choice`. Chat completions put a function into `function`, responses beside `type`.
    pub(super) fn read(tools: Option<&Value>, choice: Option<&Value>) -> Result<Self, String> {
        let wrong = |what: &str| format!("Invalid tools/tool_choice: {what}");
        let listed = match tools {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(listed)) => listed.as_slice(),
            Some(_) => return Err(wrong("`tools` must be an array")),
        };
        if listed.len() > MOST {
            return Err(wrong(&format!("at most {MOST} tools are taken, found {}", listed.len())));
        }
        let tools =
            listed.iter().map(definition).collect::<Result<Vec<_>, _>>().map_err(|what| wrong(&what))?;
        let mut this = Self { tools, required: false };
        match choice {
            None | Some(Value::Null) => {}
            Some(Value::String(word)) => match word.as_str() {
                "auto" => {}
                "none" => this.tools.clear(),
                "required" if this.tools.is_empty() => {
                    return Err(wrong("tool_choice \"required\" needs at least one tool"));
                }
                "required" => this.required = true,
                other => return Err(wrong(&format!("unknown tool_choice {other:?}"))),
            },
            Some(Value::Object(map)) if map.get("type").and_then(Value::as_str) == Some("function") => {
                let inner = map.get("function").unwrap_or(&Value::Null);
                let name = inner.get("name").or_else(|| map.get("name")).and_then(Value::as_str);
                let name = name.ok_or_else(|| wrong("tool_choice.function.name is required"))?;
                this.tools.retain(|tool| tool.name == name);
                if this.tools.is_empty() {
                    return Err(wrong(&format!("tool_choice names {name:?}, which `tools` does not have")));
                }
                this.required = true;
            }
            Some(_) => return Err(wrong("this kind of tool_choice is not supported")),
        }
        Ok(this)
    }

    /// What is added to the system prompt.
    pub(super) fn instruction(&self) -> Option<String> {
        self.required.then(|| {
            let names: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
            format!("{REQUIRED}{}", names.join(", "))
        })
    }
}

fn definition(tool: &Value) -> Result<ToolDefinition, String> {
    if tool.get("type").and_then(Value::as_str) != Some("function") {
        return Err("only tools of type \"function\" are supported".to_owned());
    }
    let function = match tool.get("function") {
        Some(function @ Value::Object(_)) => function,
        Some(_) => return Err("tool.function must be an object".to_owned()),
        None if tool.get("name").is_some() => tool,
        None => return Err("tool.function is required".to_owned()),
    };
    let name = function.get("name").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
        return Err(format!(
            "tool.function.name is {name:?}, expected 1 to {LONGEST_NAME} letters, digits, `_`, `-` or `.`"
        ));
    }
    let schema = match function.get("parameters") {
        None | Some(Value::Null) => json!({"type": "object", "properties": {}}),
        Some(schema @ Value::Object(_)) => schema.clone(),
        Some(_) => return Err(format!("the parameters of tool {name:?} must be a JSON schema (an object)")),
    };
    let description = function.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(ToolDefinition { name: name.to_owned(), description, schema })
}

/// A call as both formats write its arguments: JSON in a string.
pub(super) fn arguments(call: &ToolCall) -> String {
    call.invalid_arguments.clone().unwrap_or_else(|| call.arguments_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Value {
        json!([{"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}},
               {"type": "function", "name": "b", "description": "flat"}])
    }

    #[test]
    fn both_shapes_are_read_and_choices_narrow() {
        let read = |choice: Value| ClientTools::read(Some(&tools()), Some(&choice)).unwrap();
        assert_eq!(read(json!("auto")).tools.len(), 2);
        assert!(read(json!("none")).tools.is_empty());
        assert!(read(json!("required")).required);
        let pinned = read(json!({"type": "function", "function": {"name": "b"}}));
        assert_eq!((pinned.tools.len(), pinned.required), (1, true));
        assert!(pinned.instruction().unwrap().ends_with(": b"));
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let wrong = |tools: Value, choice: Value| ClientTools::read(Some(&tools), Some(&choice)).unwrap_err();
        assert!(wrong(json!({}), Value::Null).contains("array"));
        assert!(wrong(json!([{"type": "function"}]), Value::Null).contains("tool.function is required"));
        assert!(wrong(json!([{"type": "web_search"}]), Value::Null).contains("function"));
        assert!(wrong(json!([]), json!("required")).contains("at least one"));
        assert!(wrong(tools(), json!({"type": "function", "name": "c"})).contains("\"c\""));
        assert!(wrong(tools(), json!({"type": "allowed_tools"})).contains("not supported"));
    }
}
