//! The one module that knows rig: our requests become its requests, its events and errors become ours.
//!
//! rig does the three wire formats and tells a complete stream from a cut one. It gets no key (see
//! [`super::transport`]), no redirects and no retries.

pub(super) mod settings;
mod translate;
mod trouble;

use std::fmt;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use rig_core::DynModel;
use rig_core::error::ProviderError as RigError;
use rig_core::model::ModelList;
use rig_core::operation::Completion;
use rig_core::providers::anthropic::Anthropic;
use rig_core::providers::anthropic::wire::AnthropicConfig;
use rig_core::providers::ollama::{Ollama, OllamaConfig};
use rig_core::providers::openai::OpenAI;
use rig_core::providers::openai::wire::{Auth, Dialect, OPENAI, OpenAIConfig, Quirks};
use rig_core::streaming::Streamed;

use self::trouble::About;
use super::transport::Transport;
use super::{ModelEvent, ModelInfo, ModelRequest, ModelStream, Provider, ProviderApi, ProviderSettings};
use crate::error::{ProviderError, ProviderErrorKind};
use crate::http::Route;
use crate::message::StopReason;

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
    OpenAi(Box<OpenAI>),
    Anthropic(Box<Anthropic>),
    Ollama(Ollama),
}

impl fmt::Debug for RigProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RigProvider")
            .field("id", &self.about.id)
            .field("place", &self.about.place)
            .finish_non_exhaustive()
    }
}

impl RigProvider {
    pub(super) fn new(settings: &ProviderSettings) -> Result<Self, ProviderError> {
        let mut about = About::new(settings);
        let url = settings::address(&settings.base_url).map_err(|found| about.settings(found))?;
        about.place = settings::place(&url).into();
        let headers = settings::headers(settings).map_err(|found| about.settings(found))?;
        let transport = Transport::new(Route::choose(&url, settings.proxy.as_deref()), headers);
        let base = url.as_str().trim_end_matches('/');
        let client = match settings.api {
            ProviderApi::OpenAi => {
                let itself = url.host_str() == Some("api.openai.com");
                let dialect = if itself { &OPENAI_ITSELF } else { &COMPATIBLE };
                let base = base.trim_end_matches("/chat/completions");
                let config = OpenAIConfig::with_key(dialect, "").with_base_url(base);
                Client::OpenAi(Box::new(config.connect(transport)))
            }
            ProviderApi::Anthropic => {
                Client::Anthropic(Box::new(AnthropicConfig::new("").with_base_url(base).connect(transport)))
            }
            ProviderApi::Ollama => {
                let base = base.trim_end_matches("/v1").trim_end_matches("/api");
                Client::Ollama(OllamaConfig::new().with_base_url(base).connect(transport))
            }
        };
        Ok(Self { about, client })
    }

    const fn api(&self) -> ProviderApi {
        match &self.client {
            Client::OpenAi(_) => ProviderApi::OpenAi,
            Client::Anthropic(_) => ProviderApi::Anthropic,
            Client::Ollama(_) => ProviderApi::Ollama,
        }
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
        let request = translate::request(request, self.api()).map_err(|found| self.about.settings(found))?;
        let streamed = model.stream(request).map_err(|error| self.about.error(&error))?;
        let state = Some((streamed, self.about.clone()));
        let events = stream::unfold(state, |state| async move {
            let (mut streamed, about) = state?;
            loop {
                return match streamed.next().await {
                    Some(Ok(item)) => match translate::event(item) {
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
                context_window: model.context_length,
                id: model.id,
            })
            .collect())
    }
}

async fn finish(streamed: Streamed<Completion>, about: &About) -> Result<ModelEvent, ProviderError> {
    let response = streamed.finish().await.map_err(|error| about.error(&error))?;
    let reply = translate::reply(&response);
    if reply.stop == StopReason::Filter && reply.text.is_empty() && reply.tool_calls.is_empty() {
        return Err(about.failure(
            ProviderErrorKind::Filtered,
            None,
            "its content filter held the answer back".into(),
        ));
    }
    Ok(ModelEvent::Finished(Box::new(reply)))
}
