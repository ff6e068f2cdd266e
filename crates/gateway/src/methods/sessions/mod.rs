//! `sessions.*`: conversations, what is set about them, and who is told of them.

mod branches;
mod compact;
mod create;
mod files;
mod groups;
mod life;
mod list;
mod look;
mod patch;
mod recover;
mod subscribe;
mod talk;

pub(crate) use patch::set_on_session;

use bulkhead_protocol::ErrorShape;
use bulkhead_store::Session;
use serde::Deserialize;

use super::store_failed;
use crate::gateway::Gateway;
use crate::sessions::resolve;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "sessions.list" => list::list,
    "sessions.describe" => look::describe,
    "sessions.preview" => look::preview,
    "sessions.resolve" => look::resolve_one,
    "sessions.search" => look::search,
    "sessions.branches.list" => branches::list,
    "sessions.branches.switch" => branches::switch,
    "sessions.rewind" => branches::rewind,
    "sessions.fork" => branches::fork,
    "sessions.files.list" => files::list,
    "sessions.files.get" => files::get,
    "sessions.files.set" => files::set,
    "sessions.subscribe" => subscribe::subscribe,
    "sessions.unsubscribe" => subscribe::unsubscribe,
    "sessions.messages.subscribe" => subscribe::messages_subscribe,
    "sessions.messages.unsubscribe" => subscribe::messages_unsubscribe,
    "sessions.create" => create::create,
    "sessions.send" => talk::send,
    "sessions.steer" => talk::steer,
    "sessions.abort" => talk::abort,
    "sessions.patch" => patch::patch,
    "sessions.patchMany" => patch::patch_many,
    "sessions.reset" => life::reset,
    "sessions.delete" => life::delete,
    "sessions.compact" => compact::compact,
    "sessions.recover" => recover::recover,
    "sessions.groups.list" => groups::list,
    "sessions.groups.defaults" => groups::defaults,
    "sessions.groups.put" => groups::put,
    "sessions.groups.rename" => groups::rename,
    "sessions.groups.delete" => groups::delete,
};

/// Names one session.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyParams {
    key: String,
    agent_id: Option<String>,
}

/// The session under a key as it stands or completed; `None` if there is none.
async fn find(gateway: &Gateway, key: &str, agent: Option<&str>) -> Result<Option<Session>, ErrorShape> {
    let sessions = gateway.store.sessions();
    if let Some(session) = sessions.get(key).await.map_err(store_failed)? {
        return Ok(Some(session));
    }
    let (full, _) = resolve(&gateway.settings.now(), Some(key), agent)?;
    sessions.get(&full).await.map_err(store_failed)
}

/// The session under a key, or an error that says that there is none.
async fn existing(gateway: &Gateway, key: &str, agent: Option<&str>) -> Result<Session, ErrorShape> {
    find(gateway, key, agent).await?.ok_or_else(|| {
        ErrorShape::invalid_request(format!("there is no session {key:?}; sessions.list names them"))
    })
}
