-- What an operator calls a device; survives a new approval.
ALTER TABLE device ADD COLUMN label TEXT;

-- A setup code: admits one device once. Only the hash of its token is here.
CREATE TABLE device_setup (
  id          TEXT PRIMARY KEY NOT NULL,
  token_hash  TEXT NOT NULL UNIQUE,
  access      TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  device_id   TEXT,
  device_name TEXT,
  outcome     TEXT,
  outcome_at  INTEGER
) STRICT, WITHOUT ROWID;

-- What is known of a device that came as a node, and what an operator lets it do (`surface`; without one: nothing).
CREATE TABLE node (
  id                 TEXT PRIMARY KEY NOT NULL,
  display_name       TEXT,
  version            TEXT,
  surface            TEXT,
  surface_created_at INTEGER,
  approved_at        INTEGER,
  connected_at       INTEGER,
  host_stats         TEXT,
  work_revision      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- A node that offers more than it may do; waits for an operator.
CREATE TABLE node_request (
  node_id    TEXT PRIMARY KEY NOT NULL,
  id         TEXT NOT NULL UNIQUE,
  surface    TEXT NOT NULL,
  about      TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a node is to do when it is there again.
CREATE TABLE node_work (
  id         TEXT PRIMARY KEY NOT NULL,
  node_id    TEXT NOT NULL,
  kind       TEXT NOT NULL,
  priority   INTEGER NOT NULL,
  payload    TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX node_work_by_node ON node_work (node_id, priority DESC, created_at);
