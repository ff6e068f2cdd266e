//! What the tests share.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_agent::tools::{WebFetch, WebFetchOptions};
use bulkhead_agent::workspace::Workspace;
use bulkhead_agent::{
    AgentRun, Provider, ProviderApi, ProviderSettings, RetryPolicy, RunEvent, RunInput, RunOutcome,
    RunSettings, ToolSet, provider,
};
use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) const ALL: [ProviderApi; 3] = [ProviderApi::OpenAi, ProviderApi::Anthropic, ProviderApi::Ollama];
pub(crate) const KEY: &str = "sk-test-5f2c9a1b7d";

pub(crate) async fn server() -> ModelServer {
    ModelServer::start(ModelServerOptions::default().with_key(KEY)).await.unwrap()
}

pub(crate) fn settings(api: ProviderApi, server: &ModelServer) -> ProviderSettings {
    let base = if api == ProviderApi::OpenAi { server.openai_url() } else { server.base_url.clone() };
    ProviderSettings::new("fake", api, base).api_key(KEY)
}

pub(crate) fn provider(api: ProviderApi, server: &ModelServer) -> Arc<dyn Provider> {
    provider::build(settings(api, server)).unwrap()
}

pub(crate) fn quick(provider: Arc<dyn Provider>) -> RunSettings {
    RunSettings {
        retry: RetryPolicy {
            attempts: 4,
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(5),
            longest_retry_after: Duration::from_secs(2),
        },
        flush_interval: Duration::ZERO,
        ..RunSettings::new(provider, "fake-1")
    }
}

/// A workspace with its files.
pub(crate) fn workspace(files: &[(&str, &str)]) -> (tempfile::TempDir, Workspace) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let workspace = Workspace::open(folder.path(), &[]).unwrap();
    (folder, workspace)
}

pub(crate) fn tools(workspace: &Workspace) -> ToolSet {
    ToolSet::standard(workspace, Arc::new(WebFetch::new(WebFetchOptions::default())))
}

/// Runs and collects the events.
pub(crate) async fn run(
    settings: RunSettings,
    input: RunInput,
    tools: &ToolSet,
) -> (RunOutcome, Vec<RunEvent>) {
    let (sender, mut receiver) = mpsc::channel(8);
    let collected = tokio::spawn(async move {
        let mut events = Vec::new();
        while let Some(event) = receiver.recv().await {
            events.push(event);
        }
        events
    });
    let outcome = AgentRun::new(settings).run(input, tools, sender, CancellationToken::new()).await;
    (outcome, collected.await.unwrap())
}

pub(crate) async fn ask(settings: RunSettings, text: &str) -> (RunOutcome, Vec<RunEvent>) {
    run(settings, RunInput::new("s", "r", text), &ToolSet::default()).await
}

/// What a receiver that replaces its text has on screen at the end.
pub(crate) fn shown(events: &[RunEvent]) -> String {
    let mut shown = String::new();
    for event in events {
        match event {
            RunEvent::TextDelta { text, .. }
            | RunEvent::Retrying { text, .. }
            | RunEvent::FellBack { text, .. } => {
                shown = text.to_string();
            }
            _ => {}
        }
    }
    shown
}

/// What a receiver that only appends has on screen at the end.
pub(crate) fn appended(events: &[RunEvent]) -> String {
    events
        .iter()
        .filter_map(|event| match event {
            RunEvent::TextDelta { delta, .. } => Some(delta.as_str()),
            _ => None,
        })
        .collect()
}

pub(crate) fn retries(events: &[RunEvent]) -> usize {
    events.iter().filter(|event| matches!(event, RunEvent::Retrying { .. })).count()
}
