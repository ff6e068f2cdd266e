-- What people set about a conversation, and what of it they have read. Choices (model, levels, icon …) are one JSON object:
-- nothing is asked for by them.
ALTER TABLE session ADD COLUMN archived_at INTEGER;
ALTER TABLE session ADD COLUMN pinned_at INTEGER;
ALTER TABLE session ADD COLUMN read_at INTEGER;
ALTER TABLE session ADD COLUMN marked_unread_at INTEGER;
ALTER TABLE session ADD COLUMN spoken_at INTEGER;
ALTER TABLE session ADD COLUMN category TEXT;
ALTER TABLE session ADD COLUMN parent TEXT;
ALTER TABLE session ADD COLUMN choices TEXT NOT NULL DEFAULT '{}';

-- Headings that conversations are sorted under, in their order.
CREATE TABLE session_group (
  name     TEXT PRIMARY KEY NOT NULL,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The summaries that stand for the beginning of a transcript in what models read. The messages themselves stay.
CREATE TABLE compaction (
  id            TEXT PRIMARY KEY NOT NULL,
  session_id    TEXT NOT NULL,
  kept_from     INTEGER NOT NULL,
  summary       TEXT NOT NULL,
  reason        TEXT NOT NULL,
  tokens_before INTEGER NOT NULL,
  tokens_after  INTEGER NOT NULL,
  created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX compaction_by_session ON compaction (session_id, created_at);

-- Pictures that came with messages. Transcripts name them; their bytes are read only when a model is shown them.
CREATE TABLE picture (
  id         TEXT PRIMARY KEY NOT NULL,
  session_id TEXT NOT NULL,
  mime_type  TEXT NOT NULL,
  data       BLOB NOT NULL
) STRICT;
CREATE INDEX picture_by_session ON picture (session_id);
