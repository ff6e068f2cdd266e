//! Which conversations there are, by what is asked of them.

use rusqlite::named_params;

use crate::sessions::session;
use crate::{Session, Sessions, StoreError};

/// Which conversations to list.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Only those of this agent.
    pub agent_id: Option<String>,
    /// Only those of one of these agents.
    pub agents: Option<Vec<String>>,
    /// Only these.
    pub keys: Option<Vec<String>>,
    /// Only those whose key, label, name or peer contains this text.
    pub search: Option<String>,
    /// Only those with exactly this label.
    pub label: Option<String>,
    /// Only those begun from this one.
    pub parent: Option<String>,
    /// Only those changed (or spoken in, by [`SessionFilter::order`]) at this time or later.
    pub updated_since: Option<i64>,
    /// Only those that a person spoke in.
    pub spoken_in: bool,
    /// Which of those that were put away.
    pub archived: Archived,
    /// What comes first.
    pub order: SessionOrder,
    /// At most so many; all when left out.
    pub limit: Option<usize>,
    /// Leave out so many of the first.
    pub offset: usize,
}

/// Whether those that were put away are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Archived {
    /// With the others.
    #[default]
    All,
    /// Not.
    Without,
    /// And no others.
    Only,
}

/// What comes first in a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SessionOrder {
    /// The last changed.
    #[default]
    Changed,
    /// The pinned, then the last changed.
    Pinned,
    /// Where a person spoke last.
    Spoken,
    /// Where anything was said last.
    Activity,
}

impl SessionOrder {
    fn time(self) -> &'static str {
        match self {
            Self::Changed | Self::Pinned => "updated_at",
            Self::Spoken => "spoken_at",
            Self::Activity => "max(coalesce(spoken_at, 0), updated_at)",
        }
    }

    fn first(self) -> &'static str {
        match self {
            Self::Pinned => "pinned_at IS NULL, ",
            _ => "",
        }
    }
}

/// Text, as JSON, of a list that SQL takes apart again.
fn list(values: Option<&Vec<String>>) -> Option<String> {
    values.map(|values| serde_json::Value::from(values.clone()).to_string())
}

impl SessionFilter {
    fn condition(&self) -> String {
        let archived = match self.archived {
            Archived::All => "1",
            Archived::Without => "archived_at IS NULL",
            Archived::Only => "archived_at IS NOT NULL",
        };
        let spoken = if self.spoken_in { "spoken_at IS NOT NULL" } else { "1" };
        let time = self.order.time();
        format!(
            "(:agent IS NULL OR agent_id = :agent)
             AND (:agents IS NULL OR agent_id IN (SELECT value FROM json_each(:agents)))
             AND (:keys IS NULL OR key IN (SELECT value FROM json_each(:keys)))
             AND (:search IS NULL OR instr(lower(key || ' ' || coalesce(label, '') || ' ' || coalesce(peer, '') || ' ' ||
                  coalesce(json_extract(meta, '$.displayName'), '')), lower(:search)) > 0)
             AND (:label IS NULL OR label = :label)
             AND (:parent IS NULL OR parent = :parent)
             AND (:since IS NULL OR {time} >= :since)
             AND {archived} AND {spoken}"
        )
    }
}

impl Sessions {
    /// Sessions that match, in the order that is asked for.
    pub async fn list(&self, filter: SessionFilter) -> Result<Vec<Session>, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                let (first, time) = (filter.order.first(), filter.order.time());
                let mut statement = db.prepare(&format!(
                    "SELECT * FROM session WHERE {} ORDER BY {first}{time} DESC, key LIMIT :limit OFFSET :offset",
                    filter.condition()
                ))?;
                let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(-1));
                let offset = i64::try_from(filter.offset).unwrap_or(i64::MAX);
                let sessions = statement
                    .query_map(
                        named_params! {
                            ":agent": filter.agent_id, ":agents": list(filter.agents.as_ref()),
                            ":keys": list(filter.keys.as_ref()), ":search": filter.search, ":label": filter.label,
                            ":parent": filter.parent, ":since": filter.updated_since, ":limit": limit, ":offset": offset,
                        },
                        session,
                    )?
                    .collect::<Result<_, _>>()?;
                Ok(sessions)
            })
            .await
    }

    /// How many match, whatever the limit.
    pub async fn count(&self, filter: SessionFilter) -> Result<usize, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                let count: i64 = db.query_row(
                    &format!("SELECT count(*) FROM session WHERE {}", filter.condition()),
                    named_params! {
                        ":agent": filter.agent_id, ":agents": list(filter.agents.as_ref()),
                        ":keys": list(filter.keys.as_ref()), ":search": filter.search, ":label": filter.label,
                        ":parent": filter.parent, ":since": filter.updated_since,
                    },
                    |row| row.get(0),
                )?;
                Ok(usize::try_from(count).unwrap_or_default())
            })
            .await
    }
}
