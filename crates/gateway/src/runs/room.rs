//! The room that an agent answers in: its workspace, its tools by policy, its prompt.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_agent::prompt::{PromptFacts, system_prompt};
use bulkhead_agent::tools::{Edit, Exec, ExecOptions, Ls, Read, WebFetch, Write};
use bulkhead_agent::workspace::{Workspace, ensure_templates};
use bulkhead_agent::{Tool, ToolContext, ToolOutput, ToolSet};
use bulkhead_profile::{Environment, Place, known_profiles, siblings};
use bulkhead_store::ToolCall;
use serde_json::Value;

use super::recorded_tools::{Recorder, recount};
use super::{Source, TurnRequest};
use crate::approvals::PATIENCE;
use crate::approvals::people::owner_of_chat;
use crate::approvals::policy::requested;
use crate::approvals::tool::{AskedExec, Asker};
use crate::clock;
use crate::gateway::Gateway;
use crate::questions::tool::AskUser;
use crate::settings::{AgentView, Settings};
use crate::tool_policy::ToolPolicy;

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
        let workspace = self.workspace(&settings, &agent).await?;
        let tools = self.offered(&settings, &agent, &workspace, request);
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

    /// Opens the agent's workspace.
    async fn workspace(&self, settings: &Settings, agent: &AgentView) -> Result<Workspace, String> {
        let place = self.place.clone();
        let env = Arc::clone(&settings.environment);
        let folder = agent.workspace.clone();
        tokio::task::spawn_blocking(move || open_workspace(&place, &env, &folder))
            .await
            .map_err(|_| "opening the workspace was interrupted".to_owned())?
            .map_err(|error| error.to_string())
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
        let workspace = self.workspace(settings, agent).await?;
        let tools = self.tools(settings, agent, &workspace, request, before.len());
        let facts = PromptFacts {
            agent: agent.name.clone(),
            profile: self.place.name().as_str().to_owned(),
            conversation: conversation(request),
            date: clock::rfc3339(clock::now_ms()).chars().take(10).collect(),
            tools: tools.names().map(str::to_owned).collect(),
            notes: request
                .extra_system
                .clone()
                .into_iter()
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

    /// The policy: files of the workspace and the web for everybody; commands only if the configuration says so; the browser
    /// only while its seat is on.
    fn offered(
        self: &Arc<Self>,
        settings: &Settings,
        agent: &AgentView,
        workspace: &Workspace,
        request: &TurnRequest,
    ) -> Vec<Arc<dyn Tool>> {
        let mut all: Vec<Arc<dyn Tool>> = vec![
            Arc::new(Read::new(workspace.clone())),
            Arc::new(Write::new(workspace.clone())),
            Arc::new(Edit::new(workspace.clone())),
            Arc::new(Ls::new(workspace.clone())),
        ];
        let allowed = &settings.config.tools;
        if allowed.web.fetch.enabled {
            all.push(self.web_fetch());
        }
        all.extend(self.exec(settings, workspace, request));
        all.extend(AskUser::for_turn(self, request));
        if request.source.may_ask_nodes() {
            all.extend(self.nodes.tool());
        }
        all.extend(self.seat.tool());
        all.extend(crate::rescue::tools::tools(self, request));
        all.extend(crate::schedule::tool::tool(self, request));
        let policy = ToolPolicy::new([&allowed.lists, &agent.tools]);
        all.retain(|tool| policy.allows(tool.name()));
        all
    }

    /// What is offered, each call recorded before it runs.
    fn tools(
        self: &Arc<Self>,
        settings: &Settings,
        agent: &AgentView,
        workspace: &Workspace,
        request: &TurnRequest,
        before: usize,
    ) -> ToolSet {
        let recorder = Recorder::new(self.store.clone(), before);
        let mut offered = self.offered(settings, agent, workspace, request);
        if let Some(allowed) = &request.tools_allow {
            offered.retain(|tool| allowed.iter().any(|name| name == "*" || name == tool.name()));
        }
        offered.into_iter().fold(ToolSet::default(), |tools, tool| recorder.with(tools, tool))
    }

    /// Commands: where the configuration allows them; on a channel only for an owner in their private chat, so that what a
    /// stranger's message talks the model into does not run here.
    fn exec(
        self: &Arc<Self>,
        settings: &Settings,
        workspace: &Workspace,
        request: &TurnRequest,
    ) -> Option<Arc<dyn Tool>> {
        if request.source == Source::Node {
            return None;
        }
        let on_channel = request.source.is_channel();
        if on_channel {
            let (_, _, peer) = request.peer.as_ref()?;
            owner_of_chat(&settings.config, peer)?;
        }
        let everybody = &settings.config.tools.exec;
        let own = settings.config.agents.list.iter().find(|agent| agent.id == request.agent_id);
        let own = own.map(|agent| agent.tools.exec.clone()).unwrap_or_default();
        let wanted = requested(everybody, &own, on_channel)?;
        let mut options = ExecOptions::default();
        if let Some(seconds) = own.timeout_seconds.or(everybody.timeout_seconds) {
            options.timeout = Duration::from_secs(seconds.max(1));
            options.longest_timeout = options.longest_timeout.max(options.timeout);
        }
        let patience = own.approval_timeout_seconds.or(everybody.approval_timeout_seconds);
        let patience = patience.map_or(PATIENCE, Duration::from_secs);
        let exec = Exec::new(workspace.clone(), options);
        Some(Arc::new(AskedExec::new(exec, self, Asker::new(request, wanted, patience))))
    }

    /// What happened meanwhile and was not told to this conversation; a heartbeat reads it in its message.
    fn happened(&self, request: &TurnRequest) -> Option<String> {
        if matches!(request.source, Source::Heartbeat | Source::Hook) {
            return None;
        }
        let told = self.schedule.events.take(&request.session_key);
        (!told.is_empty()).then(|| format!("What happened since the last turn:\n{}", told.join("\n")))
    }

    /// One web client for all turns, made when first needed.
    fn web_fetch(&self) -> Arc<dyn Tool> {
        let mut slot = self.web.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(web) = &*slot {
            return Arc::clone(web) as Arc<dyn Tool>;
        }
        let web = Arc::new(WebFetch::default());
        *slot = Some(Arc::clone(&web));
        web
    }
}

/// Opens an agent's workspace; a new one gets its first files.
pub(crate) fn open_workspace(
    place: &Place,
    env: &Environment,
    folder: &Path,
) -> Result<Workspace, bulkhead_agent::AgentError> {
    ensure_templates(folder)?;
    Workspace::open(folder, &out_of_reach(place, env))
}

/// What file tools never reach, though it may lie inside a workspace: the gateway's own state and other profiles.
pub(crate) fn out_of_reach(place: &Place, env: &Environment) -> Vec<PathBuf> {
    let neighbours = known_profiles(env).into_iter().map(|known| known.place).collect::<Vec<_>>();
    let mut paths = siblings::foreign_paths(place, &neighbours);
    paths.extend([place.config_path().to_path_buf(), place.secrets_file(), place.state_dir().to_path_buf()]);
    for other in &neighbours {
        if other.state_dir() != place.state_dir() {
            paths.extend([other.state_dir().to_path_buf(), other.workspace().to_path_buf()]);
        }
    }
    paths
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
