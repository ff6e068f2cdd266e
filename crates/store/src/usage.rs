//! What runs took: tokens and their price, one row per run, kept longer than the run itself.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use crate::{Store, StoreError};

/// Most rows of one answer; the newest ones.
const MOST_ROWS: i64 = 200_000;

/// Tokens of one run, or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read by the model, without what came from the cache or went into it.
    pub input: u64,
    /// Written by the model.
    pub output: u64,
    /// Read out of the provider's cache.
    pub cache_read: u64,
    /// Put into the provider's cache.
    pub cache_write: u64,
}

/// What tokens cost, in the currency of the configured prices.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Of [`Tokens::input`].
    pub input: f64,
    /// Of [`Tokens::output`].
    pub output: f64,
    /// Of [`Tokens::cache_read`].
    pub cache_read: f64,
    /// Of [`Tokens::cache_write`].
    pub cache_write: f64,
}

/// What one run took, as it is recorded with its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewUsage {
    /// The provider that answered last.
    pub provider: String,
    /// Its model.
    pub model: String,
    /// Tokens of the whole run.
    pub tokens: Tokens,
    /// Their price, where one is configured.
    pub cost: Option<Cost>,
}

/// What one run took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UsageEntry {
    /// The run.
    pub run_id: String,
    /// Its session's key.
    pub session_key: String,
    /// Its transcript.
    pub session_id: String,
    /// The agent that answered.
    pub agent_id: String,
    /// The channel that the question came by.
    pub channel: Option<String>,
    /// Provider, model, tokens and price.
    pub spent: NewUsage,
    /// Whether it ended with an error.
    pub failed: bool,
    /// When it began, in milliseconds since 1970.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: i64,
    /// How often each tool was called.
    pub tools: BTreeMap<String, u64>,
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default)]
pub struct UsageFilter {
    /// Ended at this time or later, in milliseconds since 1970.
    pub from: i64,
    /// Ended before this time.
    pub until: i64,
    /// Of this agent only.
    pub agent_id: Option<String>,
    /// Of this session only.
    pub session_key: Option<String>,
}

/// Repository of what runs took.
#[derive(Debug, Clone)]
pub struct UsageLog {
    pub(crate) store: Store,
}

impl UsageLog {
    /// The entries that fit, oldest first.
    pub async fn list(&self, filter: UsageFilter) -> Result<Vec<UsageEntry>, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM (SELECT * FROM usage WHERE ended_at >= ?1 AND ended_at < ?2
                       AND (?3 IS NULL OR agent_id = ?3) AND (?4 IS NULL OR session_key = ?4)
                     ORDER BY ended_at DESC LIMIT ?5) ORDER BY ended_at, run_id",
                )?;
                let values = (filter.from, filter.until, filter.agent_id, filter.session_key, MOST_ROWS);
                let found = statement.query_map(values, entry)?.collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }

    /// Forgets what ended before then. Returns how many rows.
    pub async fn prune(&self, ended_before: i64) -> Result<usize, StoreError> {
        self.store
            .jobs
            .call(move |db| {
                db.execute("DELETE FROM usage WHERE ended_at < ?1", [ended_before])
                    .map_err(StoreError::query("forget old usage"))
            })
            .await
    }
}

/// Adds what a run took. One that was cut off and ran again took both.
pub(crate) fn add(db: &Connection, run_id: &str, spent: &NewUsage, now: i64) -> rusqlite::Result<usize> {
    let number = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    let cost = spent.cost.unwrap_or_default();
    db.execute(
        "INSERT INTO usage (run_id, session_key, session_id, agent_id, channel, provider, model, failed, started_at, ended_at,
           input, output, cache_read, cache_write, priced, input_cost, output_cost, cache_read_cost, cache_write_cost, tools)
         SELECT run.id, run.session_key, run.session_id, coalesce(session.agent_id, ''), session.channel, ?2, ?3,
           run.status = 'error', run.started_at, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
           (SELECT coalesce(json_group_object(name, calls), '{}')
              FROM (SELECT name, count(*) AS calls FROM tool_call WHERE run_id = ?1 GROUP BY name))
         FROM run LEFT JOIN session ON session.key = run.session_key WHERE run.id = ?1
         ON CONFLICT (run_id) DO UPDATE SET provider = excluded.provider, model = excluded.model, failed = excluded.failed,
           ended_at = excluded.ended_at, input = input + excluded.input, output = output + excluded.output,
           cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write,
           priced = min(priced, excluded.priced), input_cost = input_cost + excluded.input_cost,
           output_cost = output_cost + excluded.output_cost, cache_read_cost = cache_read_cost + excluded.cache_read_cost,
           cache_write_cost = cache_write_cost + excluded.cache_write_cost, tools = excluded.tools",
        (
            run_id,
            &spent.provider,
            &spent.model,
            now,
            number(spent.tokens.input),
            number(spent.tokens.output),
            number(spent.tokens.cache_read),
            number(spent.tokens.cache_write),
            spent.cost.is_some(),
            cost.input,
            cost.output,
            cost.cache_read,
            cost.cache_write,
        ),
    )
}

fn entry(row: &Row<'_>) -> rusqlite::Result<UsageEntry> {
    let tokens = |name: &str| Ok::<_, rusqlite::Error>(u64::try_from(row.get::<_, i64>(name)?).unwrap_or(0));
    let tools: String = row.get("tools")?;
    let cost = Cost {
        input: row.get("input_cost")?,
        output: row.get("output_cost")?,
        cache_read: row.get("cache_read_cost")?,
        cache_write: row.get("cache_write_cost")?,
    };
    Ok(UsageEntry {
        run_id: row.get("run_id")?,
        session_key: row.get("session_key")?,
        session_id: row.get("session_id")?,
        agent_id: row.get("agent_id")?,
        channel: row.get("channel")?,
        spent: NewUsage {
            provider: row.get("provider")?,
            model: row.get("model")?,
            tokens: Tokens {
                input: tokens("input")?,
                output: tokens("output")?,
                cache_read: tokens("cache_read")?,
                cache_write: tokens("cache_write")?,
            },
            cost: row.get::<_, bool>("priced")?.then_some(cost),
        },
        failed: row.get("failed")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        tools: serde_json::from_str(&tools).unwrap_or_default(),
    })
}
