//! The one module that knows rig: our requests become its requests, its events and errors become ours.
//!
//! rig does the three wire formats and tells a complete stream from a cut one. It gets no key (see
//! [`super::transport`]), no redirects and no retries.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue};
use rig_core::DynModel;
use rig_core::completion::message::{
    AssistantContent, AssistantMessage, CallId, LocalCallId, Message, ProviderCallId, ToolFunction, ToolName,
    ToolResult, ToolResultContent, UserContent,
};
use rig_core::completion::{CompletionRequest, CompletionResponse, FinishReason, ToolDefinition as RigTool};
use rig_core::error::ProviderError as RigError;
use rig_core::model::ModelList;
use rig_core::operation::Completion;
use rig_core::providers::anthropic::Anthropic;
use rig_core::providers::anthropic::wire::AnthropicConfig;
use rig_core::providers::ollama::extension::OllamaOptions;
use rig_core::providers::ollama::{Ollama, OllamaConfig};
use rig_core::providers::openai::wire::{Auth, Dialect, OPENAI, OpenAIConfig, Quirks};
use rig_core::providers::openai::OpenAI;
use rig_core::streaming::{Item, StreamEvent, Streamed};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::transport::{Transport, Trouble};
use super::{ModelEvent, ModelInfo, ModelReply, ModelRequest, ModelStream, Provider, ProviderApi, ProviderSettings};
use crate::error::{ProviderError, ProviderErrorKind};
use crate::http::Route;
use crate::message::{ModelMessage, StopReason, ToolCall, Usage};

/// How long an answer may be when the config does not say; Anthropic wants a number.
const DEFAULT_MAX_TOKENS: u64 = 8192;
/// How much of a provider's own words goes into an error.
const LONGEST_EXPLANATION: usize = 400;

/// Any OpenAI-compatible server: the plainest reading of the format.
static COMPATIBLE: Dialect = {
    let mut quirks = Quirks::openai();
    // The key is added by the transport.
    quirks.auth = Auth::OptionalBearer;
    Dialect::gateway("openai-compatible", "", "").with_quirks(quirks)
};

/// OpenAI itself, which wants `max_completion_tokens` from some models.
static OPENAI_ITSELF: Dialect = {
    let mut quirks = OPENAI.quirks;
    quirks.auth = Auth::OptionalBearer;
    OPENAI.with_quirks(quirks)
};

/// A provider spoken to through rig.
pub(super) struct RigProvider {
    about: About,
    client: Client,
}

enum Client {
    OpenAi(OpenAI),
    Anthropic(Anthropic),
    Ollama(Ollama),
}

/// What errors need to know, and must not say.
#[derive(Clone)]
struct About {
    id: Arc<str>,
    place: Arc<str>,
    secrets: Arc<[SecretString]>,
}

impl fmt::Debug for RigProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RigProvider").field("id", &self.about.id).field("place", &self.about.place).finish()
    }
}

impl RigProvider {
    pub(super) fn new(settings: ProviderSettings) -> Result<Self, ProviderError> {
        let secrets = settings.api_key.iter().cloned().chain(settings.headers.values().cloned().map(Into::into));
        let mut about =
            About { id: settings.id.as_str().into(), place: "?".into(), secrets: secrets.collect() };
        let url = check_address(&settings.base_url).map_err(|found| about.settings(found))?;
        about.place = place(&url).into();
        let headers = headers(&settings).map_err(|found| about.settings(found))?;
        let transport = Transport::new(Route::choose(&url, settings.proxy.as_deref()), headers);
        let base = url.as_str().trim_end_matches('/');
        let client = match settings.api {
            ProviderApi::OpenAi => {
                let itself = url.host_str() == Some("api.openai.com");
                let dialect = if itself { &OPENAI_ITSELF } else { &COMPATIBLE };
                let base = base.trim_end_matches("/chat/completions");
                Client::OpenAi(OpenAIConfig::with_key(dialect, "").with_base_url(base).connect(transport))
            }
            ProviderApi::Anthropic => {
                Client::Anthropic(AnthropicConfig::new("").with_base_url(base).connect(transport))
            }
            ProviderApi::Ollama => {
                let base = base.trim_end_matches("/v1").trim_end_matches("/api");
                Client::Ollama(OllamaConfig::new().with_base_url(base).connect(transport))
            }
        };
        Ok(Self { about, client })
    }

    fn model(&self, name: &str) -> DynModel<Completion> {
        match &self.client {
            Client::OpenAi(client) => client.chat(name).erase(),
            Client::Anthropic(client) => client.completion(name).erase(),
            Client::Ollama(client) => client.native_completion(name).erase(),
        }
    }
}

#[async_trait]
impl Provider for RigProvider {
    fn id(&self) -> &str {
        &self.about.id
    }

    fn place(&self) -> &str {
        &self.about.place
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ProviderError> {
        let model = self.model(&request.model);
        let request = rig_request(request, &self.client).map_err(|found| self.about.settings(found))?;
        let streamed = model.stream(request).map_err(|error| self.about.error(&error))?;
        let state = Some((streamed, self.about.clone()));
        let events = stream::unfold(state, |state| async move {
            let (mut streamed, about) = state?;
            loop {
                return match streamed.next().await {
                    Some(Ok(item)) => match event(item) {
                        Some(event) => Some((Ok(event), Some((streamed, about)))),
                        None => continue,
                    },
                    Some(Err(error)) => Some((Err(about.error(&error)), None)),
                    None => Some((finish(streamed, &about).await, None)),
                };
            }
        });
        Ok(Box::pin(events))
    }

    async fn list_models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        let listed: Result<ModelList, RigError> = match &self.client {
            Client::OpenAi(client) => client.list_models().await,
            Client::Anthropic(client) => client.list_models().await,
            Client::Ollama(client) => client.list_models().await,
        };
        let models = listed.map_err(|error| self.about.error(&error))?;
        Ok(models
            .into_iter()
            .map(|model| ModelInfo {
                name: model.display_name().to_owned(),
                context_window: model.context_length.and_then(|tokens| u32::try_from(tokens).ok()),
                id: model.id,
            })
            .collect())
    }
}

fn event(item: Item<StreamEvent>) -> Option<ModelEvent> {
    match item {
        Item::Event(StreamEvent::Text { text, .. }) => Some(ModelEvent::Text(text)),
        Item::Event(StreamEvent::Reasoning { text, .. }) => Some(ModelEvent::Reasoning(text)),
        Item::Event(StreamEvent::Start { name: Some(name), .. }) => {
            Some(ModelEvent::ToolCallStarted { name: name.to_string() })
        }
        Item::Event(_) | Item::Unknown(_) => None,
    }
}

async fn finish(streamed: Streamed<Completion>, about: &About) -> Result<ModelEvent, ProviderError> {
    let response = streamed.finish().await.map_err(|error| about.error(&error))?;
    let reply = reply(&response);
    if reply.stop == StopReason::Filter && reply.text.is_empty() && reply.tool_calls.is_empty() {
        return Err(about.failure(ProviderErrorKind::Filtered, None, "its content filter held the answer back".into()));
    }
    Ok(ModelEvent::Finished(Box::new(reply)))
}

fn reply(response: &CompletionResponse) -> ModelReply {
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
    let more_than_words =
        response.choice.iter().any(|part| matches!(part, AssistantContent::Reasoning(_) | AssistantContent::Opaque(_)));
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

fn rig_request(request: ModelRequest, client: &Client) -> Result<CompletionRequest, String> {
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
    let max_tokens = match client {
        Client::Anthropic(_) => Some(request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS)),
        Client::OpenAi(_) | Client::Ollama(_) => request.max_tokens,
    };
    let rig = CompletionRequest::from(conversation)
        .tools(tools)
        .max_tokens(max_tokens)
        // Compatible servers have reasons of their own; only cut and filtered answers are failures.
        .accept_unknown_finish_reasons(true);
    Ok(match (client, request.context_window) {
        (Client::Ollama(_), Some(tokens)) => rig.provider_option(OllamaOptions::default().num_ctx(tokens)),
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
        ModelMessage::User { text } => conversation.push(Message::user(text)),
        ModelMessage::Assistant { text, tool_calls, native, .. } => {
            let native = native.and_then(|native| serde_json::from_value::<AssistantMessage>(native).ok());
            let turn = match native {
                Some(turn) => turn,
                None => {
                    let mut content = Vec::new();
                    if !text.is_empty() {
                        content.push(AssistantContent::text(text));
                    }
                    for call in tool_calls {
                        let function = ToolFunction::new(tool_name(&call.name)?, Value::Object(call.arguments));
                        let call = rig_core::completion::message::ToolCall::new(call_id(&call.id), function);
                        content.push(AssistantContent::ToolCall(call));
                    }
                    AssistantMessage::new(content)
                }
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

/// The address of a provider: scheme, host, path; nothing that could hold a secret.
fn check_address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("its baseUrl cannot be read ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("its baseUrl does not begin with http:// or https:// and a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("its baseUrl holds a user name or password, which belong into apiKey or headers".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("its baseUrl has a query (`?…`) or a fragment (`#…`)".to_owned());
    }
    Ok(url)
}

fn place(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

fn headers(settings: &ProviderSettings) -> Result<HeaderMap, String> {
    let secret = |text: &str| {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    };
    let mut headers = HeaderMap::new();
    if let Some(key) = &settings.api_key {
        let key = key.expose_secret().trim();
        if !key.is_empty() {
            let (name, text) = match settings.api {
                ProviderApi::Anthropic => (HeaderName::from_static("x-api-key"), key.to_owned()),
                _ => (http::header::AUTHORIZATION, format!("Bearer {key}")),
            };
            let value = secret(&text).ok_or("its key has characters that no HTTP header can carry (a line break?)")?;
            headers.insert(name, value);
        }
    }
    for (name, value) in &settings.headers {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no header name"))?;
        let value = secret(value).ok_or_else(|| format!("the value of header {name:?} cannot be sent"))?;
        headers.insert(parsed, value);
    }
    Ok(headers)
}

impl About {
    fn failure(&self, kind: ProviderErrorKind, status: Option<u16>, found: String) -> ProviderError {
        ProviderError {
            kind,
            provider: Arc::clone(&self.id),
            place: Arc::clone(&self.place),
            status,
            found: self.redacted(found),
            retry_after: None,
        }
    }

    fn settings(&self, found: String) -> ProviderError {
        self.failure(ProviderErrorKind::Settings, None, found)
    }

    /// Providers like to repeat the key when they refuse it.
    fn redacted(&self, mut text: String) -> String {
        for secret in self.secrets.iter() {
            let secret = secret.expose_secret().trim();
            if secret.len() >= 4 {
                text = text.replace(secret, "[redacted]");
            }
        }
        text
    }

    fn error(&self, error: &RigError) -> ProviderError {
        use ProviderErrorKind as Kind;
        match error {
            RigError::ProviderResponse(reply) | RigError::InvalidAuthentication(reply) => self.answered(reply),
            RigError::Http(error) => match error.as_ref() {
                rig_core::http_client::Error::Instance(inner) => match inner.downcast_ref::<Trouble>() {
                    Some(Trouble::Client(found)) => self.settings(found.clone()),
                    Some(Trouble::Connect(found)) => {
                        self.failure(Kind::Unreachable, None, format!("no connection ({found})"))
                    }
                    Some(Trouble::Broken(found)) => {
                        self.failure(Kind::Unreachable, None, format!("the connection broke ({found})"))
                    }
                    Some(Trouble::Cut(found)) => {
                        self.failure(Kind::StreamCut, None, format!("the answer was cut off ({found})"))
                    }
                    Some(Trouble::TooLarge) => {
                        self.failure(Kind::TooLarge, None, "an answer of more than 32 MiB".to_owned())
                    }
                    None => self.failure(Kind::Unreachable, None, "the connection failed".to_owned()),
                },
                rig_core::http_client::Error::InvalidContentType(kind) => {
                    let kind = kind.to_str().unwrap_or("?").to_owned();
                    self.failure(Kind::Unreadable, Some(200), format!("an answer of type {kind:?}"))
                }
                other => self.failure(Kind::Unreadable, None, shorten(&other.to_string())),
            },
            RigError::Truncated => {
                self.failure(Kind::StreamCut, None, "the answer ended before the provider ended it".to_owned())
            }
            RigError::Json(error) => {
                self.failure(Kind::Unreadable, None, format!("an answer that is not as agreed ({error})"))
            }
            RigError::Response(text) => self.failure(Kind::Unreadable, None, shorten(text)),
            RigError::Provider(text) => self.failure(Kind::Unavailable, None, shorten(text)),
            RigError::Request(error) => self.failure(Kind::Refused, None, shorten(&error.to_string())),
            other => self.failure(Kind::Refused, None, shorten(&other.to_string())),
        }
    }

    fn answered(&self, reply: &rig_core::ProviderResponseError) -> ProviderError {
        use ProviderErrorKind as Kind;
        let status = reply.status.map(|status| status.as_u16());
        let code = reply.machine_code().unwrap_or_default();
        let explained = explanation(&reply.body);
        let too_long = code.contains("context_length") || explained.contains("context length")
            || explained.contains("prompt is too long");
        let kind = match status {
            Some(401 | 403) => Kind::KeyRejected,
            Some(404) => Kind::NotFound,
            Some(429) => Kind::RateLimited,
            Some(300..=399) => Kind::Redirected,
            Some(408 | 425 | 500..=599) => Kind::Unavailable,
            Some(413) => Kind::ContextExceeded,
            Some(400..=499) if too_long => Kind::ContextExceeded,
            Some(400..=499) => Kind::Refused,
            // An error inside of a 200: overload and server faults, said in the stream.
            _ if code.contains("rate_limit") => Kind::RateLimited,
            _ if code.contains("authentication") => Kind::KeyRejected,
            _ => Kind::Unavailable,
        };
        let headers = reply.headers.as_ref();
        let mut found = match reply.status {
            Some(status) if !status.is_success() => format!("status {status}"),
            _ => "an error within the answer".to_owned(),
        };
        if kind == Kind::Redirected
            && let Some(host) = headers.and_then(|headers| redirected_to(headers))
        {
            found = format!("{found}, a redirect to {host}");
        } else if !explained.is_empty() {
            found = format!("{found} ({explained})");
        }
        let mut failure = self.failure(kind, status, found);
        failure.retry_after = headers.and_then(retry_after);
        failure
    }
}

/// Only the host: a path or query may hold anything.
fn redirected_to(headers: &HeaderMap) -> Option<String> {
    let url = Url::parse(headers.get(http::header::LOCATION)?.to_str().ok()?).ok()?;
    Some(place(&url))
}

/// `Retry-After` in seconds, or the millisecond form some providers use. (The date form is not used by any of them.)
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

/// The human part of an error body.
fn explanation(body: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let message = parsed.as_ref().and_then(|value| {
        ["/error/message", "/message", "/error", "/detail"].iter().find_map(|path| value.pointer(path)?.as_str())
    });
    let trimmed = body.trim_start();
    match message {
        Some(message) => shorten(message),
        None if trimmed.starts_with('<') => "an HTML page".to_owned(),
        None => shorten(trimmed),
    }
}

fn shorten(text: &str) -> String {
    let text = text.trim().replace(['\n', '\r'], " ");
    match text.char_indices().nth(LONGEST_EXPLANATION) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_could_hold_a_secret_are_refused() {
        for bad in ["", "ftp://x", "http://", "http://u:p@h/", "https://h/v1?key=1", "https://h/#k", "h:1"] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
        assert_eq!(place(&check_address(" http://[::1]:5/v1 ").unwrap()), "http://[::1]:5");
    }

    #[test]
    fn ids_come_back_as_they_were() {
        let local = CallId::Local(LocalCallId::new());
        assert_eq!(call_id(&local.to_string()), local);
        assert_eq!(call_id("call_1").to_string(), "call_1");
    }

    #[test]
    fn waiting_times_are_read() {
        let headers = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
        };
        assert_eq!(retry_after(&headers("retry-after", "2")), Some(Duration::from_secs(2)));
        assert_eq!(retry_after(&headers("retry-after-ms", "250")), Some(Duration::from_millis(250)));
        assert_eq!(retry_after(&headers("retry-after", "-1")), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers("retry-after", "soon")), None);
    }
}
