//! `sessions.list`: the sessions that are asked for, and what those have that chose nothing.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::{Archived, SessionFilter, SessionOrder};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock;
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::session_rows::{Extras, defaults};
use crate::settings::Settings;

const ROWS: usize = 100;
const MOST_ROWS: usize = 10_000;

/// What may be asked; who owns or shares a session is not, since all belong to the one owner of the gateway.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListParams {
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
    active_minutes: Option<i64>,
    #[serde(default)]
    active_only: bool,
    #[serde(default)]
    require_last_interaction: bool,
    #[serde(default)]
    sort_by: SortBy,
    #[serde(default)]
    configured_agents_only: bool,
    agent_id: Option<String>,
    search: Option<String>,
    label: Option<String>,
    spawned_by: Option<String>,
    board_face: Option<String>,
    #[serde(default)]
    include_derived_titles: bool,
    #[serde(default)]
    include_last_message: bool,
    #[serde(default)]
    archived: ArchivedParam,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum SortBy {
    #[default]
    UpdatedAt,
    LastInteractionAt,
    Activity,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ArchivedParam {
    Only(bool),
    All(All),
}

#[derive(Deserialize)]
enum All {
    #[serde(rename = "all")]
    All,
}

impl Default for ArchivedParam {
    fn default() -> Self {
        Self::Only(false)
    }
}

/// Sessions, the pinned first, then the last used.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&answer(gateway, call.params()?).await?)
}

/// The answer of `sessions.list`.
pub(super) async fn answer(gateway: &Gateway, params: ListParams) -> Result<Value, ErrorShape> {
    let settings = gateway.settings.now();
    let limit = params.limit.unwrap_or(ROWS).clamp(1, MOST_ROWS);
    let extras = Extras {
        last_message: params.include_last_message,
        title: params.include_derived_titles,
        leaf: false,
    };
    let agent = params.agent_id.clone();
    let offset = params.offset;
    let no_boards = params.board_face.as_deref() == Some("dashboard");
    let filter = filter(gateway, &settings, params, limit);
    let sessions = gateway.store.sessions();
    let all = SessionFilter { limit: None, offset: 0, ..filter.clone() };
    let (found, total) = if no_boards {
        (Vec::new(), 0)
    } else {
        let total = sessions.count(all).await.map_err(store_failed)?;
        (sessions.list(filter).await.map_err(store_failed)?, total)
    };
    let mut rows = Vec::with_capacity(found.len());
    for session in &found {
        rows.push(gateway.session_row(session, extras).await?);
    }
    let end = offset.saturating_add(rows.len());
    let more = end < total;
    let mut result = json!({
        "ts": clock::now_ms(),
        "path": gateway.place.database_path().display().to_string(),
        "count": rows.len(),
        "totalCount": total,
        "limitApplied": limit,
        "nextOffset": more.then_some(end),
        "hasMore": more,
        "owners": [],
        "defaults": defaults(&settings, agent.as_deref().unwrap_or(settings.default_agent())),
        "sessions": rows,
    });
    if offset > 0 {
        result["offset"] = offset.into();
    }
    Ok(result)
}

fn filter(gateway: &Gateway, settings: &Settings, params: ListParams, limit: usize) -> SessionFilter {
    let configured = || settings.agents().into_iter().map(|agent| agent.id).collect();
    let since = |minutes: i64| gateway.store.now() - minutes.saturating_mul(60_000);
    SessionFilter {
        agent_id: params.agent_id,
        agents: params.configured_agents_only.then(configured),
        keys: params.active_only.then(|| gateway.runs.active_sessions()),
        search: params.search.filter(|text| !text.trim().is_empty()),
        label: params.label,
        parent: params.spawned_by,
        updated_since: params.active_minutes.map(since),
        spoken_in: params.require_last_interaction,
        archived: match params.archived {
            ArchivedParam::Only(true) => Archived::Only,
            ArchivedParam::Only(false) => Archived::Without,
            ArchivedParam::All(All::All) => Archived::All,
        },
        order: match params.sort_by {
            SortBy::UpdatedAt => SessionOrder::Pinned,
            SortBy::LastInteractionAt => SessionOrder::Spoken,
            SortBy::Activity => SessionOrder::Activity,
        },
        limit: Some(limit),
        offset: params.offset,
    }
}
