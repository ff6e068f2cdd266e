//! The room that an agent answers in: its workspace, its tools by policy, its prompt.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_agent::prompt::{PromptFacts, system_prompt};
use bulkhead_agent::{Tool, ToolContext, ToolOutput, ToolSet};
use bulkhead_store::ToolCall;
use serde_json::Value;

use super::recorded_tools::{Recorder, recount};
use super::{Source, TurnRequest};
use crate::clock;
use crate::gateway::Gateway;
use crate::settings::{AgentView, Settings};

/// How long a tool may take that is called without a model.
const LONGEST_CALL: Duration = Duration::from_mins(3);

/// What an agent has at hand for one turn.
pub(super) struct Room {
    pub(super) tools: ToolSet,
    pub(super) prompt: String,
}

impl Gateway {
    /// Runs one tool as a turn would, without a model. `args` gets the tool's schema. `Ok(None)`: the policy offers no such
    /// tool.
    pub(crate) async fn invoke(
        self: &Arc<Self>,
        request: &TurnRequest,
        name: &str,
        args: impl FnOnce(&Value) -> Value,
    ) -> Result<Option<ToolOutput>, String> {
        let settings = self.settings.now();
        let agent = settings.agent(&request.agent_id).ok_or_else(|| "the agent is gone".to_owned())?;
        let tools = self.bench(&settings, &agent).await?.tools(self, &settings, request);
        let Some(tool) = tools.into_iter().find(|tool| tool.name() == name) else { return Ok(None) };
        let args = args(&tool.schema());
        let cancel = self.stop.child_token();
        let context = ToolContext {
            session_key: request.session_key.clone(),
            run_id: request.run_id.clone(),
            cancel: cancel.clone(),
        };
        // A caller that goes away drops this, and with it what the tool does.
        let _end = cancel.drop_guard();
        match tokio::time::timeout(LONGEST_CALL, tool.call(&context, args)).await {
            Ok(output) => Ok(Some(output)),
            Err(_) => Err(format!("the tool gave no result within {} seconds", LONGEST_CALL.as_secs())),
        }
    }

    /// Opens the agent's workspace and lays out what this turn may use.
    pub(super) async fn room(
        self: &Arc<Self>,
        settings: &Settings,
        agent: &AgentView,
        request: &TurnRequest,
        before: &[ToolCall],
        summary: Option<String>,
    ) -> Result<Room, String> {
        let bench = self.bench(settings, agent).await?;
        let tools = self.recorded(bench.tools(self, settings, request), request, before.len());
        let (workspace, note) = (bench.workspace, bench.skills.note);
        let facts = PromptFacts {
            agent: agent.name.clone(),
            profile: self.place.name().as_str().to_owned(),
            conversation: conversation(request),
            date: clock::rfc3339(clock::now_ms()).chars().take(10).collect(),
            tools: tools.names().map(str::to_owned).collect(),
            notes: note
                .into_iter()
                .chain(request.extra_system.clone())
                .chain(summary)
                .chain(recount(before))
                .chain(self.happened(request))
                .collect(),
            light: request.light_context,
        };
        let prompt = tokio::task::spawn_blocking(move || system_prompt(&workspace, &facts).text)
            .await
            .map_err(|_| "reading the workspace was interrupted".to_owned())?;
        Ok(Room { tools, prompt })
    }

    /// What is offered, each call recorded before it runs.
    fn recorded(&self, mut offered: Vec<Arc<dyn Tool>>, request: &TurnRequest, before: usize) -> ToolSet {
        let recorder = Recorder::new(self.store.clone(), before);
        if let Some(allowed) = &request.tools_allow {
            offered.retain(|tool| allowed.iter().any(|name| name == "*" || name == tool.name()));
        }
        offered.into_iter().fold(ToolSet::default(), |tools, tool| recorder.with(tools, tool))
    }

    /// What happened meanwhile and was not told to this conversation; a heartbeat reads it in its message.
    fn happened(&self, request: &TurnRequest) -> Option<String> {
        if matches!(request.source, Source::Heartbeat | Source::Hook) {
            return None;
        }
        let told = self.schedule.events.take(&request.session_key);
        (!told.is_empty()).then(|| format!("What happened since the last turn:\n{}", told.join("\n")))
    }
}

fn conversation(request: &TurnRequest) -> String {
    match (&request.peer, request.source) {
        (Some((channel, _, peer)), _) => format!("{channel}, direct chat {peer}"),
        (None, Source::Node) => "a message of a paired device".to_owned(),
        (None, Source::Http) => "an application over HTTP".to_owned(),
        (None, Source::Cli) => "the command line".to_owned(),
        (None, Source::Cron | Source::CronAccount) => "an automation; nobody reads along".to_owned(),
        (None, Source::Heartbeat) => "a heartbeat; nobody reads along".to_owned(),
        (None, Source::Hook) => "a request of another program over HTTP".to_owned(),
        (None, _) => "web chat".to_owned(),
    }
}
