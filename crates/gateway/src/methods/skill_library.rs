//! `skills.library.*` and `skills.bins`: the folders of skills over all agents.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::skills::{
    LibraryRevision, LibraryScope, LibrarySession, SkillsLibraryListParams, SkillsLibraryListResult,
    SkillsLibraryReadParams, SkillsLibraryReadResult,
};
use bulkhead_server::Reply;
use serde_json::json;

use super::Call;
use crate::gateway::Gateway;
use crate::sessions::resolve;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "skills.bins" => bins,
    "skills.library.list" => list,
    "skills.library.read" => read,
};

/// Skills that a new session selects at most, as clients expect it to be said.
const SELECTION_LIMIT: u32 = 64;

/// The programs that skills of any agent ask for.
pub(super) async fn bins(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let library = gateway.library().await;
    Reply::json(&json!({"bins": library.programs()}))
}

/// All of them. They belong to nobody in particular, and are changed in their folders.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SkillsLibraryListParams = call.params()?;
    let session = match params.session_key.as_deref() {
        Some(key) => {
            let (key, _) = resolve(&gateway.settings.now(), Some(key), None)?;
            Some(LibrarySession { session_key: key, selections: Vec::new(), attachable: Vec::new() })
        }
        None => None,
    };
    let library = gateway.library().await;
    let entries = if params.scope == Some(LibraryScope::Mine) {
        Vec::new()
    } else {
        tokio::task::spawn_blocking(move || library.entries()).await.map_err(|_| interrupted())?
    };
    Reply::json(&SkillsLibraryListResult {
        entries,
        profile_id: None,
        multiple_profiles: false,
        default_target: "workspace".to_owned(),
        can_manage_workspace: false,
        default_selection_limit: SELECTION_LIMIT,
        session,
    })
}

/// One with its files.
pub(super) async fn read(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SkillsLibraryReadParams = call.params()?;
    if params.session_key.is_some() {
        return Err(refused(
            "FORBIDDEN",
            "sessions hold on to no versions here: agents read skills as they are; leave sessionKey out",
        ));
    }
    let library = gateway.library().await;
    let id = params.skill_id;
    let found = tokio::task::spawn_blocking(move || library.by_id(&id).map(crate::skills::Found::read))
        .await
        .map_err(|_| interrupted())?;
    let found = found.ok_or_else(|| refused("NOT_FOUND", "skill not found; list the library again"))?;
    let (entry, content, files) = found.map_err(|problem| refused("INVALID_BUNDLE", &problem))?;
    if params.revision.is_some_and(|asked| asked != entry.revision) {
        return Err(refused(
            "NOT_FOUND",
            "that version is gone: the folder was changed since; read it without revision",
        ));
    }
    let revisions = vec![LibraryRevision { revision: entry.revision.clone(), created_at: entry.updated_at }];
    Reply::json(&SkillsLibraryReadResult { entry, revisions, content, files })
}

fn refused(code: &str, message: &str) -> ErrorShape {
    ErrorShape::invalid_request(message).with_details(json!({"code": format!("SKILL_LIBRARY_{code}")}))
}

fn interrupted() -> ErrorShape {
    ErrorShape::unavailable("reading the skills was interrupted; try again")
}
