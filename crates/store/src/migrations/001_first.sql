CREATE TABLE session (
  key            TEXT PRIMARY KEY NOT NULL,
  session_id     TEXT NOT NULL UNIQUE,
  agent_id       TEXT NOT NULL,
  kind           TEXT NOT NULL,
  channel        TEXT,
  account        TEXT,
  peer           TEXT,
  label          TEXT,
  model_provider TEXT,
  model          TEXT,
  input_tokens   INTEGER NOT NULL DEFAULT 0,
  output_tokens  INTEGER NOT NULL DEFAULT 0,
  context_tokens INTEGER NOT NULL DEFAULT 0,
  created_at     INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL,
  meta           TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_time ON session (updated_at);

-- Messages hang on the session id, not on the key: a reset gives the key a new id and keeps the old transcript.
CREATE TABLE message (
  row             INTEGER PRIMARY KEY,
  id              TEXT NOT NULL UNIQUE,
  session_id      TEXT NOT NULL,
  seq             INTEGER NOT NULL,
  role            TEXT NOT NULL,
  content         TEXT NOT NULL,
  run_id          TEXT,
  idempotency_key TEXT,
  meta            TEXT NOT NULL DEFAULT '{}',
  ts              INTEGER NOT NULL,
  UNIQUE (session_id, seq)
) STRICT;
CREATE UNIQUE INDEX message_once ON message (session_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX message_by_run ON message (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE run (
  id          TEXT PRIMARY KEY NOT NULL,
  session_key TEXT NOT NULL,
  session_id  TEXT NOT NULL,
  source      TEXT NOT NULL,
  status      TEXT NOT NULL,
  text        TEXT,
  error       TEXT,
  usage       TEXT,
  started_at  INTEGER NOT NULL,
  ended_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX run_by_session ON run (session_key, started_at);
CREATE INDEX run_running ON run (status) WHERE status = 'running';

CREATE TABLE tool_call (
  run_id     TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  call_id    TEXT NOT NULL,
  name       TEXT NOT NULL,
  args       TEXT NOT NULL,
  state      TEXT NOT NULL,
  result     TEXT,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  PRIMARY KEY (run_id, call_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_offset (
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  next    INTEGER NOT NULL,
  PRIMARY KEY (channel, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  channel     TEXT NOT NULL,
  account     TEXT NOT NULL,
  update_id   INTEGER NOT NULL,
  payload     TEXT NOT NULL,
  state       TEXT NOT NULL,
  attempts    INTEGER NOT NULL DEFAULT 0,
  received_at INTEGER NOT NULL,
  done_at     INTEGER,
  UNIQUE (channel, account, update_id)
) STRICT;
CREATE INDEX inbox_pending ON inbox (channel, account, id) WHERE state = 'pending';

CREATE TABLE outbox (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  channel    TEXT NOT NULL,
  account    TEXT NOT NULL,
  target     TEXT NOT NULL,
  inbox_id   INTEGER REFERENCES inbox (id) ON DELETE SET NULL,
  part       INTEGER NOT NULL DEFAULT 0,
  state      TEXT NOT NULL,
  text       TEXT NOT NULL DEFAULT '',
  options    TEXT NOT NULL DEFAULT '{}',
  message_id INTEGER,
  attempts   INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX outbox_part ON outbox (inbox_id, part) WHERE inbox_id IS NOT NULL;
CREATE INDEX outbox_due ON outbox (channel, account, id) WHERE state = 'ready';

CREATE TABLE device (
  id            TEXT PRIMARY KEY NOT NULL,
  public_key    TEXT NOT NULL,
  display_name  TEXT,
  platform      TEXT,
  device_family TEXT,
  client_id     TEXT NOT NULL,
  client_mode   TEXT NOT NULL,
  role          TEXT NOT NULL,
  roles         TEXT NOT NULL,
  scopes        TEXT NOT NULL,
  approved_via  TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  approved_at   INTEGER NOT NULL,
  last_seen_at  INTEGER,
  last_seen_why TEXT,
  meta          TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

-- No token is here: it is derived from a keychain key over device, role and generation. Generations outlive the
-- device row, so that a device that is removed and paired again never gets its old token back.
CREATE TABLE device_token (
  device_id  TEXT NOT NULL,
  role       TEXT NOT NULL,
  generation INTEGER NOT NULL,
  scopes     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  rotated_at INTEGER,
  used_at    INTEGER,
  revoked_at INTEGER,
  PRIMARY KEY (device_id, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE device_request (
  id         TEXT PRIMARY KEY NOT NULL,
  device_id  TEXT NOT NULL,
  reason     TEXT NOT NULL,
  payload    TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_request_by_device ON device_request (device_id);

CREATE TABLE pairing_request (
  channel    TEXT NOT NULL,
  account    TEXT NOT NULL,
  sender     TEXT NOT NULL,
  code       TEXT NOT NULL,
  meta       TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (channel, account, sender)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX pairing_request_by_code ON pairing_request (channel, code);

CREATE TABLE allowed_sender (
  channel     TEXT NOT NULL,
  account     TEXT NOT NULL,
  sender      TEXT NOT NULL,
  meta        TEXT NOT NULL DEFAULT '{}',
  approved_by TEXT NOT NULL,
  approved_at INTEGER NOT NULL,
  PRIMARY KEY (channel, account, sender)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  ts     INTEGER NOT NULL,
  actor  TEXT NOT NULL,
  action TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE kv (
  name       TEXT PRIMARY KEY NOT NULL,
  value      TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
