//! Words that were said, found again.

use serde_json::Value;

use crate::messages::message;
use crate::{Message, Sessions, StoreError};

/// How many messages that hold the first word are looked at more closely.
const CLOSELY: usize = 500;

/// A message in which all words occur.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionHit {
    /// The conversation.
    pub session_key: String,
    /// What was said.
    pub message: Message,
    /// How often the words occur in it.
    pub times: usize,
}

impl Sessions {
    /// Messages of people and models that hold every word of `query`, the newest first. Letters count alike in both cases.
    /// Says too whether there may be more than `limit`.
    pub async fn search(
        &self,
        query: &str,
        agent_id: Option<&str>,
        keys: Option<Vec<String>>,
        limit: usize,
    ) -> Result<(Vec<SessionHit>, bool), StoreError> {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        let Some(longest) = words.iter().max_by_key(|word| word.len()).cloned() else {
            return Ok((Vec::new(), false));
        };
        let agent = agent_id.map(str::to_owned);
        let keys = keys.map(|keys| Value::from(keys).to_string());
        self.store
            .jobs
            .call(move |db| {
                // SQL looks for the word as JSON writes it; ASCII letters count alike there, the others below.
                let written = Value::from(longest.as_str()).to_string();
                let ascii: String = written
                    .trim_matches('"')
                    .split(|c: char| !c.is_ascii())
                    .max_by_key(|part| part.len())
                    .unwrap_or_default()
                    .to_owned();
                let mut statement = db.prepare(
                    "SELECT message.*, session.key AS session_key FROM message
                     JOIN session ON session.session_id = message.session_id
                     WHERE message.role IN ('user', 'assistant') AND instr(lower(message.content), ?1) > 0
                       AND (?2 IS NULL OR session.agent_id = ?2)
                       AND (?3 IS NULL OR session.key IN (SELECT value FROM json_each(?3)))
                     ORDER BY message.ts DESC, message.row DESC LIMIT ?4",
                )?;
                let most = i64::try_from(CLOSELY).unwrap_or(i64::MAX);
                let mut rows = statement.query((ascii, agent, keys, most))?;
                let (mut hits, mut seen) = (Vec::new(), 0);
                while let Some(row) = rows.next()? {
                    seen += 1;
                    let found = message(row)?;
                    let text = found.text().to_lowercase();
                    let times: usize = words.iter().map(|word| text.matches(word.as_str()).count()).sum();
                    if words.iter().all(|word| text.contains(word.as_str())) {
                        if hits.len() == limit {
                            return Ok((hits, true));
                        }
                        hits.push(SessionHit { session_key: row.get("session_key")?, message: found, times });
                    }
                }
                Ok((hits, seen == CLOSELY))
            })
            .await
    }
}
