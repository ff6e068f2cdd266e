-- Ways in which a conversation did not go on: transcripts beside the present one, to which people can go back.
CREATE TABLE branch (
  session_id TEXT PRIMARY KEY NOT NULL,
  present_id TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX branch_by_present ON branch (present_id);
