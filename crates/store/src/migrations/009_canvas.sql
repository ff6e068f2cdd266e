-- Documents that agents made for people to look at. A page is replaced whole; of a surface (`a2ui`) the messages that made
-- it are kept, one a line. They go with their conversation.
CREATE TABLE canvas_document (
  id          TEXT PRIMARY KEY NOT NULL,
  session_key TEXT NOT NULL,
  kind        TEXT NOT NULL,
  title       TEXT NOT NULL,
  content     TEXT NOT NULL,
  revision    INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX canvas_document_by_session ON canvas_document (session_key, updated_at);
CREATE TRIGGER canvas_document_goes_with_session AFTER DELETE ON session
BEGIN
  DELETE FROM canvas_document WHERE session_key = OLD.key;
END;
