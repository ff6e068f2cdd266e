-- What each run took, with its price as it was then. It outlives the run and its session: totals by day are made of it.
CREATE TABLE usage (
  run_id           TEXT PRIMARY KEY NOT NULL,
  session_key      TEXT NOT NULL,
  session_id       TEXT NOT NULL,
  agent_id         TEXT NOT NULL,
  channel          TEXT,
  provider         TEXT NOT NULL,
  model            TEXT NOT NULL,
  failed           INTEGER NOT NULL,
  started_at       INTEGER NOT NULL,
  ended_at         INTEGER NOT NULL,
  input            INTEGER NOT NULL,
  output           INTEGER NOT NULL,
  cache_read       INTEGER NOT NULL,
  cache_write      INTEGER NOT NULL,
  priced           INTEGER NOT NULL,
  input_cost       REAL NOT NULL,
  output_cost      REAL NOT NULL,
  cache_read_cost  REAL NOT NULL,
  cache_write_cost REAL NOT NULL,
  tools            TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_time ON usage (ended_at);
CREATE INDEX usage_by_session ON usage (session_key, ended_at);
