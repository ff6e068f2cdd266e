//! `agents.delete`: an agent out of the configuration, with its bindings and what it leaves behind; its folder unless that is
//! to stay, and only ours.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bulkhead_profile::{Place, files};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::agents::{AgentsDeleteParams, AgentsDeleteResult, NotRemoved, Removed};
use bulkhead_server::Reply;

use super::edit::change;
use super::unknown;
use crate::clock;
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::roster::take_out;
use crate::settings::AgentView;

/// Takes an agent out of the configuration.
pub(super) async fn delete(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AgentsDeleteParams = call.params()?;
    let id = params.agent_id.clone();
    let agents = gateway.settings.now().agents();
    let Some(agent) = agents.iter().find(|agent| agent.id == id).cloned() else {
        return left_behind(gateway, id).await;
    };
    if agents.len() == 1 {
        return Err(ErrorShape::invalid_request(format!(
            "Agent \"{id}\" is the only configured agent and cannot be deleted."
        )));
    }
    let (gone, (sender, counted)) = (id.clone(), std::sync::mpsc::channel());
    change(gateway, &call, "agents.delete", move |document| {
        let _ = sender.send(take_out(document, &gone)?);
        Ok(())
    })
    .await?;
    let mut result = AgentsDeleteResult {
        ok: true,
        agent_id: id,
        removed_bindings: counted.try_recv().unwrap_or_default(),
        ..AgentsDeleteResult::default()
    };
    if !purged(gateway, &result.agent_id).await {
        result.purge_failed = Some(true);
    }
    if params.delete_files != Some(false) && result.purge_failed.is_none() {
        let place = gateway.place.clone();
        let others: Vec<AgentView> = agents.into_iter().filter(|other| other.id != agent.id).collect();
        let (removed, failed) =
            tokio::task::spawn_blocking(move || put_away(&place, &agent, &others)).await.map_err(|_| {
                ErrorShape::unavailable("the agent is gone; putting its folder away was interrupted")
            })?;
        result.removed = Some(removed);
        result.failed = Some(failed);
    }
    Reply::json(&result)
}

/// An agent that is gone, and not all that it left behind.
async fn left_behind(gateway: &Arc<Gateway>, id: String) -> Result<Reply, ErrorShape> {
    // Only what an agent can be called: anything else might name a part of another one's conversations.
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if !plain || gateway.store.sessions().transcripts_of(&id).await.map_err(store_failed)?.is_empty() {
        return Err(unknown(&id));
    }
    let purge_failed = (!purged(gateway, &id).await).then_some(true);
    Reply::json(&AgentsDeleteResult { ok: true, agent_id: id, purge_failed, ..AgentsDeleteResult::default() })
}

/// Removes what an agent leaves behind; says whether that worked.
async fn purged(gateway: &Gateway, id: &str) -> bool {
    let folder = gateway.place.trash_dir().join(format!("agent-{id}-{}-conversations", clock::now_ms()));
    match gateway.purge_agent(id, folder).await {
        Ok(None) => true,
        Ok(Some(kept)) => {
            tracing::info!(agent = id, folder = %kept.display(), "its conversations were put away");
            true
        }
        Err(problem) => {
            tracing::error!(agent = id, "what the agent left behind could not be removed: {problem}");
            false
        }
    }
}

/// Moves the agent's folder into the profile's trash, if it is the one that was made for it and nobody else uses it.
fn put_away(place: &Place, agent: &AgentView, others: &[AgentView]) -> (Vec<Removed>, Vec<NotRemoved>) {
    let path = agent.workspace.display().to_string();
    let kept = |reason: String| (Vec::new(), vec![NotRemoved { path: path.clone(), reason }]);
    if !is_ours(place, agent) {
        return kept(
            "it was not made by this program; delete it yourself if nothing else needs it".to_owned(),
        );
    }
    if !agent.workspace.exists() {
        return (vec![Removed { path, method: "missing".to_owned() }], Vec::new());
    }
    if let Some(other) = others.iter().find(|other| touch(&other.workspace, &agent.workspace)) {
        return kept(format!("agent {:?} uses it too", other.id));
    }
    match into_trash(place, agent) {
        Ok(_) => (vec![Removed { path, method: "trash".to_owned() }], Vec::new()),
        Err(error) => kept(format!("{error}; move it away yourself")),
    }
}

/// Whether the folder is where this program puts an agent's, without a link on the way.
fn is_ours(place: &Place, agent: &AgentView) -> bool {
    let expected = place.agent_workspace(&agent.id);
    let Ok(below) = expected.strip_prefix(place.state_dir()) else { return false };
    let real = files::canonical(place.state_dir()).join(below);
    files::normalise(&agent.workspace) == files::normalise(&expected)
        && (!expected.exists() || files::canonical(&expected) == real)
}

fn touch(a: &Path, b: &Path) -> bool {
    let (a, b) = (files::canonical(a), files::canonical(b));
    files::is_within(&a, &b) || files::is_within(&b, &a)
}

fn into_trash(place: &Place, agent: &AgentView) -> std::io::Result<PathBuf> {
    let trash = place.trash_dir();
    files::create_private_dir(&trash)?;
    let target = trash.join(format!("agent-{}-{}", agent.id, clock::now_ms()));
    std::fs::rename(&agent.workspace, &target)?;
    if let Some(home) = agent.workspace.parent() {
        // Only while nothing else is in it.
        let _ = std::fs::remove_dir(home);
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use bulkhead_profile::Environment;

    use super::*;

    #[test]
    fn only_a_folder_of_ours_that_nobody_shares_goes_to_the_trash() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::resolve(None, &Environment::for_test(home.path())).unwrap();
        let agent = |id: &str, workspace: PathBuf| AgentView { workspace, ..AgentView::for_test(id) };
        let foreign = home.path().join("photos");
        std::fs::create_dir_all(&foreign).unwrap();
        let (removed, failed) = put_away(&place, &agent("a", foreign.clone()), &[]);
        assert!(removed.is_empty() && failed[0].reason.contains("not made by this program"));
        assert!(foreign.exists());

        let own = agent("b", place.agent_workspace("b"));
        std::fs::create_dir_all(own.workspace.join("deep")).unwrap();
        let sharing = agent("c", own.workspace.join("deep"));
        assert!(put_away(&place, &own, std::slice::from_ref(&sharing)).1[0].reason.contains("\"c\""));
        let (removed, failed) = put_away(&place, &own, &[]);
        assert!(failed.is_empty());
        assert_eq!(removed[0].method, "trash");
        assert!(!own.workspace.exists() && place.trash_dir().read_dir().unwrap().count() == 1);
        assert_eq!(put_away(&place, &own, &[]).0[0].method, "missing");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::resolve(None, &Environment::for_test(home.path())).unwrap();
        let precious = home.path().join("precious");
        std::fs::create_dir_all(&precious).unwrap();
        let own = AgentView { workspace: place.agent_workspace("b"), ..AgentView::for_test("b") };
        std::fs::create_dir_all(own.workspace.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&precious, &own.workspace).unwrap();
        assert_eq!(put_away(&place, &own, &[]).1.len(), 1);
        assert!(precious.exists());
    }
}
