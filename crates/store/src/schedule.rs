//! Jobs that run by themselves, their runs, and their private notes. What a job is, is the schedule crate's; here it is
//! JSON with the columns that are searched by.

use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter, types::Value as Sql};
use serde_json::Value;

use crate::{Store, StoreError, rows};

/// One job.
#[derive(Debug, Clone, PartialEq)]
pub struct CronJobRow {
    /// Its name.
    pub id: String,
    /// Made again under this key, it is the same job.
    pub declaration_key: Option<String>,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// When it runs next, in milliseconds since 1970.
    pub next_run_at: Option<i64>,
    /// The run that has claimed it.
    pub running: Option<String>,
    /// The job.
    pub body: Value,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CronRunState {
    /// Asked for, waits for its turn.
    Queued,
    /// Claimed; from here on it is never begun again.
    Running,
    /// Over.
    Done,
}

impl CronRunState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Done].into_iter().find(|state| state.as_str() == text)
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct CronRunRow {
    /// Its name.
    pub id: String,
    /// Whose run it is.
    pub job_id: String,
    /// The agent that does it.
    pub agent_id: Option<String>,
    /// How it stands.
    pub state: CronRunState,
    /// When it was claimed or ended, in milliseconds since 1970.
    pub at: i64,
    /// How it ended.
    pub status: Option<String>,
    /// What became of its outcome.
    pub delivery: Option<String>,
    /// Everything that is told of it.
    pub entry: Value,
}

/// One change, as part of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum CronWrite {
    /// Adds or replaces a job.
    Job(CronJobRow),
    /// Removes a job and its note; its runs stay.
    Remove(String),
    /// Adds or replaces a run.
    Run(CronRunRow),
    /// Takes back a run that has not begun.
    Forget(String),
}

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub struct CronRunFilter {
    /// Of this job.
    pub job_id: Option<String>,
    /// Of this agent.
    pub agent_id: Option<String>,
    /// This run.
    pub run_id: Option<String>,
    /// That ended so; all when empty.
    pub statuses: Vec<String>,
    /// Whose outcome fared so; all when empty.
    pub deliveries: Vec<String>,
    /// With this text in summary or error.
    pub text: Option<String>,
    /// The oldest first.
    pub ascending: bool,
    /// Most runs.
    pub limit: usize,
    /// Leave out so many.
    pub offset: usize,
}

/// A job's private note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CronScratch {
    /// The note, if there is one.
    pub content: Option<String>,
    /// Grows with every change; 0: there never was one.
    pub revision: i64,
    /// When it was changed.
    pub updated_at: i64,
}

/// Repository of jobs and runs.
#[derive(Debug, Clone)]
pub struct CronJobs {
    pub(crate) store: Store,
}

impl CronJobs {
    /// Every job, by name.
    pub async fn all(&self) -> Result<Vec<CronJobRow>, StoreError> {
        self.store.jobs.call(|db| all_jobs(db)).await
    }

    /// One job.
    pub async fn get(&self, id: &str) -> Result<Option<CronJobRow>, StoreError> {
        let id = id.to_owned();
        self.store.jobs.call(move |db| find(db, &id)).await
    }

    /// The job that was declared under this key.
    pub async fn declared(&self, key: &str) -> Result<Option<CronJobRow>, StoreError> {
        let key = key.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let sql = "SELECT * FROM cron_job WHERE declaration_key = ?1";
                Ok(db.query_row(sql, [key], job_row).optional()?)
            })
            .await
    }

    /// How many there are.
    pub async fn count(&self) -> Result<usize, StoreError> {
        self.store
            .jobs
            .call(|db| {
                let count: i64 = db.query_row("SELECT count(*) FROM cron_job", [], |row| row.get(0))?;
                Ok(usize::try_from(count).unwrap_or_default())
            })
            .await
    }

    /// When the next job is due that is on and does not run already.
    pub async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        self.store
            .jobs
            .call(|db| {
                let sql = "SELECT min(next_run_at) FROM cron_job
                           WHERE enabled = 1 AND running IS NULL AND next_run_at IS NOT NULL";
                Ok(db.query_row(sql, [], |row| row.get(0))?)
            })
            .await
    }

    /// The jobs that are due, the one that waited longest first.
    pub async fn due(&self, now: i64, limit: usize) -> Result<Vec<CronJobRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.store
            .jobs
            .call(move |db| {
                let mut statement = db.prepare(
                    "SELECT * FROM cron_job WHERE enabled = 1 AND running IS NULL AND next_run_at <= ?1
                     ORDER BY next_run_at, id LIMIT ?2",
                )?;
                let found = statement.query_map((now, limit), job_row)?.collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }

    /// Reads a job, decides, and writes, in one transaction: nobody changes the job in between.
    pub async fn decide<T: Send + 'static>(
        &self,
        id: &str,
        decision: impl FnOnce(Option<CronJobRow>) -> (Vec<CronWrite>, T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let id = id.to_owned();
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let (writes, outcome) = decision(find(&tx, &id)?);
                for write in writes {
                    apply(&tx, write).map_err(StoreError::query("change a job"))?;
                }
                tx.commit().map_err(StoreError::query("change a job"))?;
                Ok(outcome)
            })
            .await
    }

    /// The runs that are not over, in the order of asking.
    pub async fn open_runs(&self) -> Result<Vec<CronRunRow>, StoreError> {
        self.store
            .jobs
            .call(|db| {
                let mut statement =
                    db.prepare("SELECT * FROM cron_run WHERE state <> 'done' ORDER BY seq")?;
                let found = statement.query_map([], run_row)?.collect::<Result<_, _>>()?;
                Ok(found)
            })
            .await
    }

    /// The runs that are over and match, and how many there are of them.
    pub async fn runs(&self, filter: CronRunFilter) -> Result<(Vec<CronRunRow>, usize), StoreError> {
        self.store.jobs.call(move |db| list_runs(db, &filter)).await
    }

    /// Forgets runs that ended before `before`, and of each job all but the newest `most`. Says how many.
    pub async fn prune(&self, before: i64, most: usize) -> Result<usize, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.store
            .jobs
            .call(move |db| {
                let old = db
                    .execute("DELETE FROM cron_run WHERE state = 'done' AND at < ?1", [before])
                    .map_err(StoreError::query("forget runs"))?;
                let many = db
                    .execute(
                        "DELETE FROM cron_run WHERE state = 'done' AND seq IN (
                           SELECT seq FROM (SELECT seq, row_number() OVER (PARTITION BY job_id ORDER BY seq DESC) AS nth
                             FROM cron_run WHERE state = 'done') WHERE nth > ?1)",
                        [most],
                    )
                    .map_err(StoreError::query("forget runs"))?;
                Ok(old + many)
            })
            .await
    }

    /// A job's private note.
    pub async fn scratch(&self, job_id: &str) -> Result<CronScratch, StoreError> {
        let id = job_id.to_owned();
        self.store.jobs.call(move |db| find_scratch(db, &id)).await
    }

    /// Replaces a job's private note, if `expected` (when given) is its revision. Answers what is there now, and whether it
    /// was replaced.
    pub async fn set_scratch(
        &self,
        job_id: &str,
        content: Option<String>,
        expected: Option<i64>,
    ) -> Result<(CronScratch, bool), StoreError> {
        let (id, now) = (job_id.to_owned(), self.store.now());
        self.store
            .jobs
            .call(move |db| {
                let tx = db.transaction()?;
                let before = find_scratch(&tx, &id)?;
                if expected.is_some_and(|expected| expected != before.revision) {
                    return Ok((before, false));
                }
                tx.execute(
                    "INSERT INTO cron_scratch (job_id, content, revision, updated_at) VALUES (?1, ?2, 1, ?3)
                     ON CONFLICT (job_id) DO UPDATE SET content = excluded.content, revision = revision + 1,
                       updated_at = excluded.updated_at",
                    (&id, content, now),
                )?;
                let after = find_scratch(&tx, &id)?;
                tx.commit().map_err(StoreError::query("change a job's note"))?;
                Ok((after, true))
            })
            .await
    }
}

fn apply(db: &Connection, write: CronWrite) -> rusqlite::Result<()> {
    match write {
        CronWrite::Job(job) => db.execute(
            "INSERT INTO cron_job (id, declaration_key, enabled, next_run_at, running, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET declaration_key = excluded.declaration_key, enabled = excluded.enabled,
               next_run_at = excluded.next_run_at, running = excluded.running, body = excluded.body",
            (job.id, job.declaration_key, job.enabled, job.next_run_at, job.running, job.body.to_string()),
        ),
        CronWrite::Remove(id) => {
            db.execute("DELETE FROM cron_scratch WHERE job_id = ?1", [&id])?;
            db.execute("DELETE FROM cron_job WHERE id = ?1", [id])
        }
        CronWrite::Run(run) => db.execute(
            "INSERT INTO cron_run (id, job_id, agent_id, state, at, status, delivery, entry)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, at = excluded.at, status = excluded.status,
               delivery = excluded.delivery, entry = excluded.entry, agent_id = excluded.agent_id",
            (
                run.id,
                run.job_id,
                run.agent_id,
                run.state.as_str(),
                run.at,
                run.status,
                run.delivery,
                run.entry.to_string(),
            ),
        ),
        CronWrite::Forget(id) => db.execute("DELETE FROM cron_run WHERE id = ?1 AND state = 'queued'", [id]),
    }
    .map(drop)
}

fn list_runs(db: &Connection, filter: &CronRunFilter) -> Result<(Vec<CronRunRow>, usize), StoreError> {
    let mut conditions = vec!["state = 'done'".to_owned()];
    let mut values: Vec<Sql> = Vec::new();
    let mut one = |column: &str, value: &Option<String>| {
        if let Some(value) = value {
            values.push(Sql::Text(value.clone()));
            conditions.push(format!("{column} = ?{}", values.len()));
        }
    };
    one("job_id", &filter.job_id);
    one("agent_id", &filter.agent_id);
    one("id", &filter.run_id);
    for (column, words) in [("status", &filter.statuses), ("delivery", &filter.deliveries)] {
        if words.is_empty() {
            continue;
        }
        let places: Vec<String> = words
            .iter()
            .map(|word| {
                values.push(Sql::Text(word.clone()));
                format!("?{}", values.len())
            })
            .collect();
        conditions.push(format!("{column} IN ({})", places.join(", ")));
    }
    if let Some(text) = &filter.text {
        values.push(Sql::Text(text.to_lowercase()));
        conditions.push(format!(
            "instr(lower(coalesce(entry ->> 'summary', '') || ' ' || coalesce(entry ->> 'error', '')), ?{}) > 0",
            values.len()
        ));
    }
    let matching = conditions.join(" AND ");
    let total: i64 = db.query_row(
        &format!("SELECT count(*) FROM cron_run WHERE {matching}"),
        params_from_iter(values.iter()),
        |row| row.get(0),
    )?;
    let order = if filter.ascending { "ASC" } else { "DESC" };
    let mut statement = db.prepare(&format!(
        "SELECT * FROM cron_run WHERE {matching} ORDER BY at {order}, seq {order} LIMIT {} OFFSET {}",
        filter.limit, filter.offset
    ))?;
    let found = statement.query_map(params_from_iter(values.iter()), run_row)?.collect::<Result<_, _>>()?;
    Ok((found, usize::try_from(total).unwrap_or_default()))
}

fn find(db: &Connection, id: &str) -> Result<Option<CronJobRow>, StoreError> {
    Ok(db.query_row("SELECT * FROM cron_job WHERE id = ?1", [id], job_row).optional()?)
}

fn find_scratch(db: &Connection, id: &str) -> Result<CronScratch, StoreError> {
    let sql = "SELECT * FROM cron_scratch WHERE job_id = ?1";
    let found = db.query_row(sql, [id], |row| {
        Ok(CronScratch {
            content: row.get("content")?,
            revision: row.get("revision")?,
            updated_at: row.get("updated_at")?,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Every job, by name.
pub(crate) fn all_jobs(db: &Connection) -> Result<Vec<CronJobRow>, StoreError> {
    let mut statement = db.prepare("SELECT * FROM cron_job ORDER BY id")?;
    let found = statement.query_map([], job_row)?.collect::<Result<_, _>>()?;
    Ok(found)
}

fn job_row(row: &Row<'_>) -> rusqlite::Result<CronJobRow> {
    Ok(CronJobRow {
        id: row.get("id")?,
        declaration_key: row.get("declaration_key")?,
        enabled: row.get("enabled")?,
        next_run_at: row.get("next_run_at")?,
        running: row.get("running")?,
        body: rows::json(row, "body")?,
    })
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<CronRunRow> {
    Ok(CronRunRow {
        id: row.get("id")?,
        job_id: row.get("job_id")?,
        agent_id: row.get("agent_id")?,
        state: rows::word(row, "state", CronRunState::parse)?,
        at: row.get("at")?,
        status: row.get("status")?,
        delivery: row.get("delivery")?,
        entry: rows::json(row, "entry")?,
    })
}
