//! The conversations of one OpenClaw: in a database per agent (2026.7 and later), or in files (before).

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use bulkhead_profile::files;
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

use super::database::{self, Unreadable, has_table};
use super::transcript::{Event, Said, active, is_of_people, message};

const LIMIT: u64 = 64 * 1024 * 1024;
const LARGEST_EVENT: u64 = 8 * 1024 * 1024;
const MOST_AGENTS: usize = 64;

/// One conversation with everything that was said in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conversation {
    pub(super) key: String,
    pub(super) agent: String,
    pub(super) session_id: String,
    pub(super) label: Option<String>,
    pub(super) kind: &'static str,
    pub(super) channel: Option<String>,
    pub(super) account: Option<String>,
    pub(super) peer: Option<String>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) messages: Vec<Said>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    pub(super) found: Vec<Conversation>,
    /// Those of timed jobs and of agents among themselves.
    pub(super) of_machines: usize,
    /// Conversations without any message.
    pub(super) empty: usize,
    /// What could not be read: which, and why.
    pub(super) unread: Vec<(String, Unreadable)>,
}

/// The agents that have a folder.
pub(super) fn agents(state_dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(state_dir.join("agents"))
        .map(|entries| entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
        .unwrap_or_default();
    names.sort();
    names.truncate(MOST_AGENTS);
    names
}

/// The database of an agent.
pub(super) fn database_of(state_dir: &Path, agent: &str) -> PathBuf {
    state_dir.join("agents").join(agent).join("agent").join("openclaw-agent.sqlite")
}

/// Reads every conversation.
pub(super) fn gather(state_dir: &Path) -> Conversations {
    let mut all = Conversations::default();
    for agent in agents(state_dir) {
        let path = database_of(state_dir, &agent);
        match database::open(&path) {
            Ok(Some(database)) if has_table(&database, "session_nodes") => {
                if let Err(error) = of_database(&database, &agent, state_dir, &mut all) {
                    all.unread.push((
                        path.display().to_string(),
                        Unreadable {
                            found: format!("a form of OpenClaw's database that is not known here ({error})"),
                            next_step: "keep OpenClaw for reading old conversations, or update Bulkhead and import again",
                        },
                    ));
                }
            }
            Ok(_) => {}
            Err(unreadable) => all.unread.push((path.display().to_string(), unreadable)),
        }
        of_files(&state_dir.join("agents").join(&agent).join("sessions"), &agent, &mut all);
    }
    all.found.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

impl Conversations {
    fn add(&mut self, conversation: Conversation) {
        if self.found.iter().any(|known| known.key == conversation.key) {
            return;
        }
        if !is_of_people(&conversation.key) {
            self.of_machines += 1;
        } else if conversation.messages.is_empty() {
            self.empty += 1;
        } else {
            self.found.push(conversation);
        }
    }
}

struct Node {
    key: String,
    session_id: String,
    label: Option<String>,
    entry: Value,
    created_at: i64,
    updated_at: i64,
}

fn of_database(
    database: &Connection,
    agent: &str,
    state_dir: &Path,
    all: &mut Conversations,
) -> rusqlite::Result<()> {
    let mut statement = database.prepare(
        "SELECT session_key, current_session_id, label, display_name, entry_json, created_at, updated_at FROM session_nodes ORDER BY session_key",
    )?;
    let nodes: Vec<Node> = statement
        .query_map([], |row| {
            let updated_at: i64 = row.get(6)?;
            Ok(Node {
                key: row.get(0)?,
                session_id: row.get(1)?,
                label: row.get::<_, Option<String>>(2)?.or(row.get(3)?),
                entry: serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default(),
                created_at: row.get::<_, Option<i64>>(5)?.unwrap_or(updated_at),
                updated_at,
            })
        })?
        .collect::<Result<_, _>>()?;
    for node in nodes {
        if !is_of_people(&node.key) {
            all.of_machines += 1;
            continue;
        }
        match events(database, &node.session_id, state_dir, agent)? {
            Ok(events) => {
                let messages = events.iter().filter_map(message).collect();
                all.add(conversation(node, agent, messages));
            }
            Err(why) => all.unread.push((
                node.key,
                Unreadable {
                    found: why,
                    next_step: "open the conversation once in OpenClaw, and run this again",
                },
            )),
        }
    }
    Ok(())
}

/// An event as text or packed, and when it was written.
type Row = (Option<String>, Option<Vec<u8>>, i64);

/// The events of a transcript in order: those that OpenClaw marks as active, else the branch that the last one ends.
fn events(
    database: &Connection,
    session_id: &str,
    state_dir: &Path,
    agent: &str,
) -> rusqlite::Result<Result<Vec<Event>, String>> {
    let packed = columns(database, "transcript_events")?.iter().any(|name| name == "event_zstd");
    let payload = if packed { "e.event_json, e.event_zstd" } else { "e.event_json, NULL" };
    let marked = has_table(database, "session_transcript_active_events");
    let read = |query: &str| -> rusqlite::Result<Vec<Row>> {
        let mut statement = database.prepare(query)?;
        let rows = statement.query_map([session_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect()
    };
    let mut rows = Vec::new();
    if marked {
        rows = read(&format!(
            "SELECT {payload}, e.created_at FROM session_transcript_active_events a
             JOIN transcript_events e ON e.session_id = a.session_id AND e.seq = a.event_seq
             WHERE a.session_id = ?1 ORDER BY a.active_position"
        ))?;
    }
    let in_order = !rows.is_empty();
    if rows.is_empty() {
        rows = read(&format!(
            "SELECT {payload}, e.created_at FROM transcript_events e WHERE e.session_id = ?1 ORDER BY e.seq"
        ))?;
    }
    let mut events = Vec::with_capacity(rows.len());
    for (text, packed, at) in rows {
        let text = match (text, packed) {
            (Some(text), _) => text.into_bytes(),
            (None, Some(packed)) => match unpacked(&packed, LARGEST_EVENT) {
                Some(text) => text,
                None => return Ok(Err("a packed message that cannot be unpacked".to_owned())),
            },
            (None, None) => continue,
        };
        if let Ok(value) = serde_json::from_slice(&text) {
            events.push(Event { value, at });
        }
    }
    if events.is_empty()
        && let Some(archive) = cold(database, session_id, state_dir, agent)?
    {
        return Ok(archive.map(|text| active(lines(&text))));
    }
    Ok(Ok(if in_order { events } else { active(events) }))
}

fn columns(database: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = database.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    names.collect()
}

/// A transcript that OpenClaw packed away: in the database, or in a file beside it.
fn cold(
    database: &Connection,
    session_id: &str,
    state_dir: &Path,
    agent: &str,
) -> rusqlite::Result<Option<Result<String, String>>> {
    if !has_table(database, "session_transcript_cold_archives") {
        return Ok(None);
    }
    let found: Option<(String, Option<Vec<u8>>)> = database
        .query_row(
            "SELECT archive_name, archive_blob FROM session_transcript_cold_archives WHERE session_id = ?1",
            [session_id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((name, blob)) = found else { return Ok(None) };
    let bytes = blob.or_else(|| {
        let plain = Path::new(&name).file_name()?;
        let path = state_dir.join("agents").join(agent).join("sessions").join("cold").join(plain);
        files::read_limited(&path, LIMIT).ok()
    });
    let text = bytes.and_then(|bytes| unpacked(&bytes, LIMIT)).and_then(|text| String::from_utf8(text).ok());
    Ok(Some(text.ok_or_else(|| format!("its archive {name} is not there or cannot be unpacked"))))
}

fn unpacked(packed: &[u8], limit: u64) -> Option<Vec<u8>> {
    let decoder = ruzstd::decoding::StreamingDecoder::new(packed).ok()?;
    let mut text = Vec::new();
    decoder.take(limit + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= limit).then_some(text)
}

/// `sessions.json` and one file of lines for each transcript.
fn of_files(dir: &Path, agent: &str, all: &mut Conversations) {
    let Ok(bytes) = files::read_limited(&dir.join("sessions.json"), LIMIT) else { return };
    let index: BTreeMap<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
    for (key, entry) in index {
        let key = if key.starts_with("agent:") { key } else { format!("agent:{agent}:{key}") };
        let Some(session_id) = entry.get("sessionId").and_then(Value::as_str) else { continue };
        let name = entry
            .get("sessionFile")
            .and_then(Value::as_str)
            .and_then(|path| Path::new(path).file_name()?.to_str().map(str::to_owned))
            .unwrap_or_else(|| format!("{session_id}.jsonl"));
        let text = match transcript_file(&dir.join(&name)) {
            Ok(text) => text,
            Err(found) => {
                all.unread
                    .push((key, Unreadable { found, next_step: "nothing, if the conversation was deleted" }));
                continue;
            }
        };
        let messages = active(lines(&text)).iter().filter_map(message).collect::<Vec<_>>();
        let updated_at = entry.get("updatedAt").and_then(Value::as_i64).unwrap_or_default();
        let node = Node {
            session_id: session_id.to_owned(),
            label: ["label", "displayName", "subject"]
                .iter()
                .find_map(|key| entry.get(*key)?.as_str().map(str::to_owned)),
            created_at: messages.first().map_or(updated_at, |first: &Said| first.at),
            updated_at,
            entry,
            key,
        };
        all.add(conversation(node, agent, messages));
    }
}

fn transcript_file(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|error| format!("no transcript ({error})"))?;
    let mut text = String::new();
    for line in BufReader::new(file.take(LIMIT)).lines() {
        // A line that is no text is passed over: the last one may be half written.
        if let Ok(line) = line {
            text.push_str(&line);
            text.push('\n');
        } else {
            break;
        }
    }
    Ok(text)
}

fn lines(text: &str) -> Vec<Event> {
    text.lines()
        .filter_map(|line| {
            let value: Value = serde_json::from_str(line).ok()?;
            let at = value.get("timestamp").and_then(|at| {
                at.as_i64().or_else(|| Some(at.as_str()?.parse::<jiff::Timestamp>().ok()?.as_millisecond()))
            });
            Some(Event { at: at.unwrap_or_default(), value })
        })
        .collect()
}

fn conversation(node: Node, agent: &str, messages: Vec<Said>) -> Conversation {
    let agent = node.key.split(':').nth(1).unwrap_or(agent).to_owned();
    let parts: Vec<&str> = node.key.split(':').skip(2).collect();
    let (channel, account, kind, peer) = match parts.as_slice() {
        [channel, kind @ ("direct" | "dm" | "group" | "channel"), peer, ..] => {
            (Some(*channel), Some("default"), *kind, Some(*peer))
        }
        [channel, account, kind @ ("direct" | "dm" | "group" | "channel"), peer, ..] => {
            (Some(*channel), Some(*account), *kind, Some(*peer))
        }
        _ => (None, None, node.entry.get("chatType").and_then(Value::as_str).unwrap_or("direct"), None),
    };
    Conversation {
        agent,
        label: node.label.filter(|label| !label.is_empty()),
        kind: if matches!(kind, "group" | "channel") { "group" } else { "direct" },
        channel: channel.map(str::to_owned),
        account: account.map(str::to_owned),
        peer: peer.map(str::to_owned),
        session_id: node.session_id,
        created_at: node.created_at,
        updated_at: node.updated_at,
        key: node.key,
        messages,
    }
}
