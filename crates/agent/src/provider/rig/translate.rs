//! Requests and answers, in rig's shape and in ours.

use rig_core::completion::message::{
    AssistantContent, AssistantMessage, CallId, ImageMediaType, LocalCallId, Message, ProviderCallId,
    ToolCall as RigCall, ToolFunction, ToolName, ToolResult, ToolResultContent, UserContent,
};
use rig_core::completion::{CompletionRequest, CompletionResponse, FinishReason, ToolDefinition as RigTool};
use rig_core::providers::ollama::extension::OllamaOptions;
use rig_core::streaming::{Item, StreamEvent};
use serde_json::{Map, Value};

use crate::message::{ModelMessage, Picture, StopReason, ToolCall, Usage};
use crate::provider::{ModelEvent, ModelReply, ModelRequest, ProviderApi, thinking};

/// How long an answer may be when the config does not say; Anthropic wants a number.
const DEFAULT_MAX_TOKENS: u64 = 8192;

pub(super) fn event(item: Item<StreamEvent>) -> Option<ModelEvent> {
    match item {
        Item::Event(StreamEvent::Text { text, .. }) => Some(ModelEvent::Text(text)),
        Item::Event(StreamEvent::Reasoning { text, .. }) => Some(ModelEvent::Reasoning(text)),
        Item::Event(StreamEvent::Start { name: Some(name), .. }) => {
            Some(ModelEvent::ToolCallStarted { name: name.to_string() })
        }
        Item::Event(_) | Item::Unknown(_) => None,
    }
}

pub(super) fn reply(response: &CompletionResponse) -> ModelReply {
    let tool_calls: Vec<ToolCall> = response
        .tool_calls()
        .map(|call| ToolCall {
            id: call.id.to_string(),
            name: call.function.name.to_string(),
            arguments: call.function.arguments.clone(),
            invalid_arguments: call.function.invalid_arguments.clone(),
        })
        .collect();
    let usage = &response.usage;
    let (input, output) = (usage.input_tokens.unwrap_or(0), usage.output_tokens.unwrap_or(0));
    let more_than_words = response
        .choice
        .iter()
        .any(|part| matches!(part, AssistantContent::Reasoning(_) | AssistantContent::Opaque(_)));
    let native = more_than_words.then(|| response.message()).flatten().and_then(|message| match message {
        Message::Assistant(turn) => serde_json::to_value(turn).ok(),
        _ => None,
    });
    ModelReply {
        text: response.text(),
        stop: match response.finish_reason() {
            _ if !tool_calls.is_empty() => StopReason::ToolCalls,
            Some(FinishReason::Length) => StopReason::Length,
            Some(FinishReason::ContentFilter) => StopReason::Filter,
            _ => StopReason::Stop,
        },
        tool_calls,
        usage: Usage {
            input,
            output,
            cache_read: usage.cached_input_tokens.unwrap_or(0),
            cache_write: usage.cache_creation_input_tokens.unwrap_or(0),
            total: usage.total_tokens.unwrap_or_else(|| input.saturating_add(output)),
        },
        native,
    }
}

pub(super) fn request(mut request: ModelRequest, api: ProviderApi) -> Result<CompletionRequest, String> {
    let mut extra = if api == ProviderApi::OpenAi { std::mem::take(&mut request.extra) } else { Map::new() };
    if let Some(level) = request.thinking {
        let told = thinking::told(api, &request.model, level, request.max_tokens, DEFAULT_MAX_TOKENS);
        request.max_tokens = told.max_tokens;
        request.temperature = request.temperature.filter(|_| told.takes_temperature);
        // What a caller of the OpenAI-compatible endpoint says for itself holds.
        for (name, value) in told.fields {
            extra.entry(name).or_insert(value);
        }
    }
    let mut conversation = Vec::with_capacity(request.messages.len() + 1);
    if !request.system.is_empty() {
        conversation.push(Message::system(request.system));
    }
    for message in request.messages {
        add_message(&mut conversation, message)?;
    }
    let tools = request
        .tools
        .into_iter()
        .map(|tool| Ok(RigTool::new(tool_name(&tool.name)?, tool.description, tool.schema)))
        .collect::<Result<Vec<_>, String>>()?;
    let max_tokens = match api {
        ProviderApi::Anthropic => Some(request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS)),
        ProviderApi::OpenAi | ProviderApi::Ollama => request.max_tokens,
    };
    let rig = CompletionRequest::from(conversation)
        .tools(tools)
        .max_tokens(max_tokens)
        .temperature(request.temperature)
        // Compatible servers have reasons of their own; only cut and filtered answers are failures.
        .accept_unknown_finish_reasons(true);
    let rig = if extra.is_empty() { rig } else { rig.additional_params(Value::Object(extra)) };
    Ok(match (api, request.context_window) {
        (ProviderApi::Ollama, Some(tokens)) => rig.provider_option(OllamaOptions::default().num_ctx(tokens)),
        _ => rig,
    })
}

fn tool_name(name: &str) -> Result<ToolName, String> {
    ToolName::new(name).map_err(|_| "a tool without a name".to_owned())
}

/// Ids that rig made (for providers that give none) are UUIDs; they must come back as such.
fn call_id(id: &str) -> CallId {
    let local = serde_json::from_value::<LocalCallId>(Value::String(id.to_owned()));
    match (local, ProviderCallId::new(id)) {
        (Ok(local), _) => CallId::Local(local),
        (Err(_), Some(provider)) => CallId::Provider(provider),
        (Err(_), None) => CallId::Local(LocalCallId::new()),
    }
}

fn add_message(conversation: &mut Vec<Message>, message: ModelMessage) -> Result<(), String> {
    match message {
        ModelMessage::User { text, pictures } if pictures.is_empty() => {
            conversation.push(Message::user(text));
        }
        ModelMessage::User { text, pictures } => {
            let mut content: Vec<UserContent> = pictures.into_iter().map(picture).collect();
            if !text.is_empty() {
                content.push(UserContent::text(text));
            }
            conversation.push(Message::User { content });
        }
        ModelMessage::Assistant { text, tool_calls, native, .. } => {
            let native = native.and_then(|native| serde_json::from_value::<AssistantMessage>(native).ok());
            let turn = match native {
                Some(turn) => turn,
                None => canonical_turn(text, tool_calls)?,
            };
            if !turn.content.is_empty() {
                conversation.push(Message::Assistant(turn));
            }
        }
        ModelMessage::Tool { call_id: id, name, text, is_error } => {
            let result = UserContent::ToolResult(ToolResult {
                call: call_id(&id),
                name: tool_name(&name)?,
                content: vec![ToolResultContent::text(text)],
                is_error,
            });
            // All results of one turn go into one message: Anthropic insists on it.
            match conversation.last_mut() {
                Some(Message::User { content })
                    if content.iter().all(|part| matches!(part, UserContent::ToolResult(_))) =>
                {
                    content.push(result);
                }
                _ => conversation.push(Message::User { content: vec![result] }),
            }
        }
    }
    Ok(())
}

fn picture(picture: Picture) -> UserContent {
    let media_type = match picture.mime_type.as_str() {
        "image/jpeg" => ImageMediaType::JPEG,
        "image/gif" => ImageMediaType::GIF,
        "image/webp" => ImageMediaType::WEBP,
        _ => ImageMediaType::PNG,
    };
    UserContent::image_base64(picture.data, Some(media_type), None)
}

fn canonical_turn(text: String, tool_calls: Vec<ToolCall>) -> Result<AssistantMessage, String> {
    let mut content = Vec::new();
    if !text.is_empty() {
        content.push(AssistantContent::text(text));
    }
    for call in tool_calls {
        let function = ToolFunction::new(tool_name(&call.name)?, Value::Object(call.arguments));
        content.push(AssistantContent::ToolCall(RigCall::new(call_id(&call.id), function)));
    }
    Ok(AssistantMessage::new(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were() {
        let local = CallId::Local(LocalCallId::new());
        assert_eq!(call_id(&local.to_string()), local);
        assert_eq!(call_id("call_1").to_string(), "call_1");
    }
}
