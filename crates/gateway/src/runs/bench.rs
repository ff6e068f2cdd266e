//! What an agent has to work with: its workspace, its skills, and the tools that the policy leaves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_agent::Tool;
use bulkhead_agent::tools::{Edit, Exec, ExecOptions, Ls, Read, WebFetch, Write};
use bulkhead_agent::workspace::{Workspace, ensure_templates};
use bulkhead_config::ToolLists;
use bulkhead_profile::{Environment, Place, known_profiles, siblings};

use super::{Source, TurnRequest};
use crate::approvals::PATIENCE;
use crate::approvals::people::owner_of_chat;
use crate::approvals::policy::requested;
use crate::approvals::tool::{AskedExec, Asker};
use crate::gateway::Gateway;
use crate::questions::tool::AskUser;
use crate::settings::{AgentView, Settings};
use crate::skills::Told;
use crate::tool_policy::ToolPolicy;

/// An agent's place of work, opened.
pub(crate) struct Bench {
    pub(super) workspace: Workspace,
    pub(super) skills: Told,
    lists: ToolLists,
}

impl Gateway {
    /// Opens the agent's workspace; a new one gets its first files.
    pub(crate) async fn bench(&self, settings: &Settings, agent: &AgentView) -> Result<Bench, String> {
        let place = self.place.clone();
        let env = Arc::clone(&settings.environment);
        let folder = agent.workspace.clone();
        let workspace = tokio::task::spawn_blocking(move || open_workspace(&place, &env, &folder))
            .await
            .map_err(|_| "opening the workspace was interrupted".to_owned())?
            .map_err(|error| error.to_string())?;
        let skills = self.skills_for(settings, agent).await;
        Ok(Bench { workspace, skills, lists: agent.tools.clone() })
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

impl Bench {
    /// The policy: files of the workspace and the web for everybody; commands only if the configuration says so; the browser
    /// only while its seat is on.
    pub(crate) fn tools(
        &self,
        gateway: &Arc<Gateway>,
        settings: &Settings,
        request: &TurnRequest,
    ) -> Vec<Arc<dyn Tool>> {
        let mut all = self.plain(gateway, settings);
        all.extend(self.exec(gateway, settings, request));
        all.extend(AskUser::for_turn(gateway, request));
        if request.source.may_ask_nodes() {
            all.extend(gateway.nodes.tool());
        }
        all.extend(crate::canvas::tool::tool(gateway, request, &self.workspace));
        all.extend(crate::schedule::tool::tool(gateway, request));
        all.extend(crate::rescue::tools::tools(gateway, request));
        self.keep_allowed(settings, all)
    }

    /// Those of them that need nobody's turn around them: no commands, no questions, no remedies.
    pub(crate) fn plain(&self, gateway: &Gateway, settings: &Settings) -> Vec<Arc<dyn Tool>> {
        let mut all = self.files();
        if settings.config.tools.web.fetch.enabled {
            all.push(gateway.web_fetch());
        }
        all.extend(gateway.seat.tool());
        self.keep_allowed(settings, all)
    }

    fn keep_allowed(&self, settings: &Settings, mut all: Vec<Arc<dyn Tool>>) -> Vec<Arc<dyn Tool>> {
        let policy = ToolPolicy::new([&settings.config.tools.lists, &self.lists]);
        all.retain(|tool| policy.allows(tool.name()));
        all
    }

    /// Commands: where the configuration allows them; on a channel only for an owner in their private chat, so that what a
    /// stranger's message talks the model into does not run here.
    fn exec(
        &self,
        gateway: &Arc<Gateway>,
        settings: &Settings,
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
        let mut options = ExecOptions { variables: self.skills.variables.clone(), ..ExecOptions::default() };
        if let Some(seconds) = own.timeout_seconds.or(everybody.timeout_seconds) {
            options.timeout = Duration::from_secs(seconds.max(1));
            options.longest_timeout = options.longest_timeout.max(options.timeout);
        }
        let patience = own.approval_timeout_seconds.or(everybody.approval_timeout_seconds);
        let patience = patience.map_or(PATIENCE, Duration::from_secs);
        let exec = Exec::new(self.workspace.clone(), options);
        Some(Arc::new(AskedExec::new(exec, gateway, Asker::new(request, wanted, patience))))
    }

    /// Every tool that there is, whatever the policy says; for telling, not for use.
    pub(crate) fn everything(&self, gateway: &Gateway) -> Vec<Arc<dyn Tool>> {
        let mut all = self.files();
        all.push(gateway.web_fetch());
        all.push(Arc::new(Exec::new(self.workspace.clone(), ExecOptions::default())));
        all.extend(gateway.seat.tool());
        all
    }

    fn files(&self) -> Vec<Arc<dyn Tool>> {
        let workspace = &self.workspace;
        vec![
            Arc::new(Read::new(workspace.clone()).beside(self.skills.folders.clone())),
            Arc::new(Write::new(workspace.clone())),
            Arc::new(Edit::new(workspace.clone())),
            Arc::new(Ls::new(workspace.clone())),
        ]
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
