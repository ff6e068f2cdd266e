-- What a gateway that watches another one must remember. The particulars are the watcher's own, as JSON; what is asked
-- for stands in columns.
CREATE TABLE rescue_incident (
  id       TEXT PRIMARY KEY NOT NULL,
  began_at INTEGER NOT NULL,
  over_at  INTEGER,
  body     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX rescue_incident_by_time ON rescue_incident (began_at);

-- What a button carries is good once. One that was used is kept for a day, so that a second tap is known as such.
CREATE TABLE rescue_nonce (
  nonce      TEXT PRIMARY KEY NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER,
  body       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rescue_timeline (
  only       INTEGER PRIMARY KEY CHECK (only = 1),
  body       TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Which bot told the code. One whose bot was replaced knows nothing of it.
ALTER TABLE pairing_request ADD COLUMN bot TEXT;
