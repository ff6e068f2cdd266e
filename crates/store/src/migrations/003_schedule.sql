-- Jobs that run by themselves. What is asked for and what is known of a job is one JSON value; the columns are what is
-- searched by. `running` names the run that has claimed the job: while it is set, no other run begins.
CREATE TABLE cron_job (
  id              TEXT PRIMARY KEY NOT NULL,
  declaration_key TEXT UNIQUE,
  enabled         INTEGER NOT NULL,
  next_run_at     INTEGER,
  running         TEXT,
  body            TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX cron_job_due ON cron_job (next_run_at) WHERE enabled = 1 AND running IS NULL AND next_run_at IS NOT NULL;

-- One row per run, written before the run begins: `queued` (asked for by hand), `running`, `done`.
CREATE TABLE cron_run (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  id       TEXT NOT NULL UNIQUE,
  job_id   TEXT NOT NULL,
  agent_id TEXT,
  state    TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done')),
  at       INTEGER NOT NULL,
  status   TEXT,
  delivery TEXT,
  entry    TEXT NOT NULL
) STRICT;
CREATE INDEX cron_run_of_job ON cron_run (job_id, seq);
CREATE INDEX cron_run_open ON cron_run (state) WHERE state <> 'done';
CREATE INDEX cron_run_by_time ON cron_run (at);

-- A job's private note. The revision outlives the note.
CREATE TABLE cron_scratch (
  job_id     TEXT PRIMARY KEY NOT NULL,
  content    TEXT,
  revision   INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
