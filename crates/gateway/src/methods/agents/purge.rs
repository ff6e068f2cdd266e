//! What an agent leaves behind: jobs that would find nobody, conversations that nobody would answer, and what it was allowed
//! to run, which another agent of its name must not inherit.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bulkhead_profile::files;
use bulkhead_protocol::methods::cron::{CronJob, SessionTarget};
use bulkhead_store::{Message, SessionFilter};
use serde_json::json;

use crate::approvals::document::Document;
use crate::events::SessionChange;
use crate::gateway::Gateway;
use crate::sessions::agent_of;
use crate::transcript;

impl Gateway {
    /// Removes it all. Transcripts are written into `folder` first, one file each, so that nothing is lost; answers the
    /// folder if there were any.
    pub(super) async fn purge_agent(&self, id: &str, folder: PathBuf) -> Result<Option<PathBuf>, String> {
        let failed = |error: bulkhead_store::StoreError| error.to_string();
        let sessions = self.store.sessions();
        let filter = SessionFilter { agent_id: Some(id.to_owned()), ..SessionFilter::default() };
        let held = sessions.list(filter).await.map_err(failed)?;
        for session in &held {
            self.runs.abort(&session.key, None);
        }
        if let Ok(engine) = self.schedule.engine() {
            let jobs = engine.jobs().await.map_err(|error| error.to_string())?;
            // Heartbeats go and come with the configuration.
            for job in jobs.iter().filter(|job| is_of(job, id) && !job.is_heartbeat()) {
                engine.remove(&job.id).await.map_err(|error| error.to_string())?;
            }
        }
        let mut kept = None;
        for transcript in sessions.transcripts_of(id).await.map_err(failed)? {
            let messages = sessions.transcript(&transcript).await.map_err(failed)?;
            if messages.is_empty() {
                continue;
            }
            let target = folder.clone();
            tokio::task::spawn_blocking(move || keep(&target, &transcript, &messages))
                .await
                .map_err(|_| "writing the transcripts was interrupted".to_owned())?
                .map_err(|error| {
                    format!("a transcript could not be written to {}: {error}", folder.display())
                })?;
            kept = Some(folder.clone());
        }
        sessions.purge_agent(id).await.map_err(failed)?;
        for session in &held {
            let change = SessionChange::Reason("delete");
            self.events.sessions_changed(&session.key, id, change, &json!({"key": session.key}));
        }
        let text = self.store.approvals().document().await.map_err(failed)?;
        if Document::stored(text.as_deref()).agents.contains_key(id) {
            let change = self.change_exec_document(|document| drop(document.agents.remove(id)));
            change.await.map_err(|error| error.message)?;
        }
        Ok(kept)
    }
}

/// Whether a job is this agent's, or goes on with one of its conversations.
fn is_of(job: &CronJob, id: &str) -> bool {
    let target = match &job.session_target {
        SessionTarget::Session(key) => agent_of(key),
        _ => None,
    };
    match job.agent_id.as_deref() {
        Some(agent) => agent == id,
        None => target == Some(id),
    }
}

/// Writes a transcript, one message a line.
fn keep(folder: &Path, name: &str, messages: &[Message]) -> std::io::Result<()> {
    files::create_private_dir(folder)?;
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let mut lines = Vec::new();
    for message in messages {
        writeln!(lines, "{}", transcript::to_wire(message))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(folder.join(format!("{safe}.jsonl")))?.write_all(&lines)
}
