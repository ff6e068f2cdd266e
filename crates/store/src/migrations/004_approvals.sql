-- Commands that wait for a person. A row is never changed again once it is resolved, but for `used_at`: what was allowed
-- runs once.
CREATE TABLE approval (
  id          TEXT PRIMARY KEY NOT NULL,
  kind        TEXT NOT NULL,
  request     TEXT NOT NULL,
  agent_id    TEXT,
  session_key TEXT,
  run_id      TEXT,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  status      TEXT NOT NULL,
  decision    TEXT,
  reason      TEXT,
  resolver    TEXT,
  resolved_at INTEGER,
  used_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX approval_pending ON approval (created_at) WHERE status = 'pending';
CREATE INDEX approval_by_time ON approval (resolved_at) WHERE resolved_at IS NOT NULL;

-- What may run without asking, as one document: it is read and replaced as a whole, by its hash.
CREATE TABLE exec_document (
  only       INTEGER PRIMARY KEY CHECK (only = 1),
  body       TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE question (
  id          TEXT PRIMARY KEY NOT NULL,
  questions   TEXT NOT NULL,
  agent_id    TEXT,
  session_key TEXT,
  run_id      TEXT,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  status      TEXT NOT NULL,
  answers     TEXT,
  resolved_by TEXT,
  resolved_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX question_pending ON question (created_at) WHERE status = 'pending';

-- Where on a channel an approval or a question is shown, and what its buttons carry. A button is good once.
CREATE TABLE prompt_place (
  subject    TEXT NOT NULL,
  channel    TEXT NOT NULL,
  account    TEXT NOT NULL,
  chat       TEXT NOT NULL,
  message_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (subject, channel, account, chat)
) STRICT, WITHOUT ROWID;
CREATE TABLE prompt_button (
  nonce      TEXT PRIMARY KEY NOT NULL,
  subject    TEXT NOT NULL,
  choice     TEXT NOT NULL,
  account    TEXT NOT NULL,
  person     TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX prompt_button_by_subject ON prompt_button (subject);

-- Work that goes on beside conversations.
CREATE TABLE task (
  id          TEXT PRIMARY KEY NOT NULL,
  runtime     TEXT NOT NULL,
  status      TEXT NOT NULL,
  title       TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  session_key TEXT NOT NULL,
  run_id      TEXT NOT NULL UNIQUE,
  source_id   TEXT,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  prompt      TEXT NOT NULL,
  result      TEXT,
  error       TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX task_by_time ON task (updated_at);
CREATE INDEX task_by_session ON task (session_key, updated_at);
