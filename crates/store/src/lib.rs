//! Everything that a profile remembers, in one SQLite file.
//!
//! A [`Store`] is a cheap handle on one thread that owns the only connection. Every call is a job in a bounded
//! queue, runs in a transaction where it changes more than one row, and is on disk when it returns (WAL with
//! `synchronous=FULL`). A caller that goes away does not undo a job that already waits in the queue.
//!
//! One module per noun, and only its repository is public: [`Sessions`], [`Runs`], [`Inbox`], [`Outbox`],
//! [`Devices`], [`Pairings`], [`AuditLog`], [`RescueLog`], [`Approvals`], [`Questions`], [`Prompts`], [`Tasks`], [`Kv`].
//! [`Devices`], [`Pairings`], [`AuditLog`], [`RescueLog`], [`CronJobs`], [`Kv`].
//! [`Devices`], [`Setups`], [`Nodes`], [`Pairings`], [`AuditLog`], [`RescueLog`], [`Kv`].
//!
//! This crate never holds a secret (device tokens are derived, so only their generation is here), never talks
//! to the network, and never decides who may do what.
//!
//! ```
//! # async fn example(dir: &std::path::Path) -> Result<(), bulkhead_store::StoreError> {
//! use bulkhead_store::{NewMessage, NewSession, Store};
//! use serde_json::json;
//!
//! let store = Store::open(dir.join("bulkhead.sqlite"))?;
//! let session = store.sessions().get_or_create(NewSession::new("agent:main:main", "main")).await?;
//! store.sessions().append_message(NewMessage::new(&session.key, "user", json!("hello"))).await?;
//! let history = store.sessions().history(&session.key, 20, None).await?;
//! assert_eq!(history[0].content, json!("hello"));
//! # Ok(()) }
//! ```

mod approvals;
mod audit;
mod branches;
mod canvas;
mod compactions;
mod device_tokens;
mod devices;
mod error;
mod examine;
mod imports;
mod inbox;
mod kv;
mod messages;
mod migrations;
mod node_work;
mod nodes;
mod open;
mod outbox;
mod outbox_once;
mod pairings;
mod pictures;
mod prompts;
mod purge;
mod questions;
mod recent;
mod rescue;
mod rows;
mod runs;
mod schedule;
mod session_groups;
mod session_list;
mod session_patch;
mod session_search;
mod sessions;
mod setups;
mod tasks;
mod thread;
mod tool_calls;
mod usage;

pub use approvals::{Approval, ApprovalEnd, ApprovalStatus, Approvals, NewApproval, Resolution};
pub use audit::{AuditEntry, AuditLog};
pub use branches::{Branch, Cut};
pub use canvas::{CanvasBounds, CanvasDocument, CanvasDocuments, CanvasDraft};
pub use compactions::{Compaction, NewCompaction};
pub use device_tokens::DeviceToken;
pub use devices::{Device, DeviceRequest, Devices};
pub use error::StoreError;
pub use examine::{Examination, copy_beside, examine, jobs_beside};
pub use imports::{ImportedMessage, ImportedSession};
pub use inbox::{Inbox, InboxRow, InboxState, NewUpdate};
pub use kv::Kv;
pub use messages::{Message, NewMessage};
pub use migrations::latest_version;
pub use node_work::{NodeWork, Queued, WorkPriority};
pub use nodes::{Asked, Node, NodeRequest, NodeSurface, Nodes};
pub use open::{Clock, Store, StoreOptions};
pub use outbox::{Delivery, NewOutbox, Outbox, OutboxRow, OutboxState};
pub use outbox_once::{Enqueued, OutgoingOnce};
pub use pairings::{
    ALLOWED_PENDING, AllowedSender, CODE_ALPHABET, CODE_LENGTH, CODE_LIFETIME_MS, NewPairing, PairingOutcome,
    PairingRequest, Pairings,
};
pub use pictures::StoredPicture;
pub use prompts::{PromptButton, PromptPlace, Prompts};
pub use questions::{Question, QuestionEnd, Questions};
pub use recent::{RunFacts, recent_runs};
pub use rescue::{RescueIncident, RescueLog, RescueNonce};
pub use runs::{NewRun, Run, RunEnd, RunStart, RunStatus, Runs};
pub use schedule::{CronJobRow, CronJobs, CronRunFilter, CronRunRow, CronRunState, CronScratch, CronWrite};
pub use session_list::{Archived, SessionFilter, SessionOrder};
pub use session_patch::SessionPatch;
pub use session_search::SessionHit;
pub use sessions::{NewSession, Session, SessionTotals, Sessions};
pub use setups::{Setup, SetupOutcome, Setups};
pub use tasks::{Task, TaskFilter, Tasks};
pub use tool_calls::ToolCall;
pub use usage::{Cost, NewUsage, Tokens, UsageEntry, UsageFilter, UsageLog};
