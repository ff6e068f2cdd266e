//! One turn of a conversation, whoever asked for it: accept, wait for the lane, run, tell, record.

mod bench;
pub(crate) mod compaction;
mod conversion;
mod cut_off;
mod pauses;
mod progress;
mod recorded_tools;
pub(crate) mod registry;
mod room;
mod settle;
mod tell;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use bulkhead_agent::{ModelMessage, Picture, StopReason, Thinking, Wishes};
use bulkhead_store::{Run, RunStatus};
use serde_json::{Value, json};

use crate::schedule::Route;
use crate::settings::ModelRef;
use registry::{EndStatus, RunEnd};

pub(crate) use bench::{Bench, open_workspace, out_of_reach};
pub(crate) use progress::Progress;

/// Where a message came from; decides which tools may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A chat window.
    Webchat,
    /// The command line.
    Cli,
    /// The OpenAI-compatible endpoint.
    Http,
    /// A Telegram chat.
    Telegram,
    /// A paired device by itself.
    Node,
    /// A job that an administrator made.
    Cron,
    /// A job that a conversation made: it may no more than that one.
    CronAccount,
    /// The agent's own look whether something needs attention.
    Heartbeat,
    /// Another program, over HTTP: what it says may be anybody's words.
    Hook,
}

impl Source {
    /// The word in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Webchat => "webchat",
            Self::Cli => "cli",
            Self::Http => "http",
            Self::Telegram => "telegram",
            Self::Node => "node",
            Self::Cron => "cron",
            Self::CronAccount => "cron-account",
            Self::Heartbeat => "heartbeat",
            Self::Hook => "hook",
        }
    }

    /// Whether messages from there, by its word in the database, come again after a crash: an inbox holds them.
    pub(crate) fn comes_again(word: &str) -> bool {
        word == Self::Telegram.as_str()
    }

    /// Whether whoever wrote may have paired devices asked for something: not over a channel, and not a device by itself.
    pub(crate) fn may_ask_nodes(self) -> bool {
        !self.is_channel() && self != Self::Node
    }

    /// Whether the message came through a channel, where nobody but the sender proved anything.
    pub(crate) fn is_channel(self) -> bool {
        matches!(self, Self::Telegram | Self::CronAccount | Self::Hook)
    }
}

/// A message that asks for an answer.
#[derive(Debug, Clone)]
pub(crate) struct TurnRequest {
    /// Names the run; the same id never runs twice.
    pub(crate) run_id: String,
    pub(crate) session_key: String,
    pub(crate) agent_id: String,
    /// For a session that does not exist yet: the id of its first transcript.
    pub(crate) session_id: Option<String>,
    /// Channel, account and peer of a session that belongs to a channel.
    pub(crate) peer: Option<(String, String, String)>,
    /// Name of who wrote, on a channel.
    pub(crate) sender: Option<String>,
    /// What is asked.
    pub(crate) message: String,
    pub(crate) source: Source,
    /// Added to the system prompt.
    pub(crate) extra_system: Option<String>,
    /// A conversation that the caller brings, instead of the stored one.
    pub(crate) earlier: Option<Vec<ModelMessage>>,
    /// Results of the caller's own tools, with which an earlier run goes on; nothing new is said then.
    pub(crate) results: Vec<ModelMessage>,
    /// Pictures that come with it.
    pub(crate) pictures: Vec<Picture>,
    /// Tools of the caller, and how the model is to answer.
    pub(crate) wishes: Wishes,
    /// The model that answers this one, instead of the session's.
    pub(crate) model: Option<ModelRef>,
    /// The longest that the answer may take.
    pub(crate) timeout: Option<Duration>,
    /// Who follows the answer cannot take anything back that was shown.
    pub(crate) append_only: bool,
    /// Other models than the agent's, in the order they are tried.
    pub(crate) models: Option<Vec<ModelRef>>,
    /// Without the files that describe the agent.
    pub(crate) light_context: bool,
    /// Only these of the tools that the policy gives; `*` is all of them.
    pub(crate) tools_allow: Option<Vec<String>>,
    /// How hard the model thinks about this one, instead of as the session says.
    pub(crate) thinking: Option<Thinking>,
    /// The chat that the answer goes to as well.
    pub(crate) deliver: Option<Route>,
}

impl TurnRequest {
    /// A plain message.
    pub(crate) fn new(
        run_id: String,
        session_key: String,
        agent_id: String,
        message: &str,
        source: Source,
    ) -> Self {
        Self {
            run_id,
            session_key,
            agent_id,
            session_id: None,
            peer: None,
            sender: None,
            message: message.to_owned(),
            source,
            extra_system: None,
            earlier: None,
            results: Vec::new(),
            pictures: Vec::new(),
            wishes: Wishes::default(),
            model: None,
            timeout: None,
            append_only: false,
            models: None,
            light_context: false,
            tools_allow: None,
            thinking: None,
            deliver: None,
        }
    }
}

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// It is recorded and will be answered.
    Started {
        /// Its place in the transcript.
        message_seq: Option<i64>,
    },
    /// It was accepted before and is being answered.
    InFlight,
    /// It was answered before.
    Ended(Arc<RunEnd>),
}

/// What a message of the assistant carries that no model wrote. `aside`: no model reads it either.
pub(crate) fn answered_by_gateway(aside: bool) -> Value {
    let nothing = json!({"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 0});
    let mut meta = json!({
        "api": "gateway", "provider": "bulkhead", "model": "gateway-injected", "stopReason": "stop", "usage": nothing,
    });
    if aside {
        meta["excludeFromContext"] = true.into();
    }
    meta
}

/// How a recorded run ended; `None` while it runs.
pub(crate) fn end_of(run: &Run) -> Option<RunEnd> {
    let status = match run.status {
        RunStatus::Running => return None,
        RunStatus::Ok => EndStatus::Ok,
        RunStatus::Aborted => EndStatus::Aborted,
        RunStatus::Error | RunStatus::Interrupted => EndStatus::Error,
    };
    let tokens = |name: &str| run.usage.as_ref().and_then(|usage| usage.get(name)?.as_u64()).unwrap_or(0);
    let interrupted = run.status == RunStatus::Interrupted;
    Some(RunEnd {
        status,
        text: run.text.clone().unwrap_or_default(),
        error: run.error.clone().or_else(|| interrupted.then(|| cut_off::CUT_OFF.to_owned())),
        input_tokens: tokens("input"),
        output_tokens: tokens("output"),
        provider: None,
        model: None,
        wanted: Vec::new(),
        stop: StopReason::Stop,
        started_at: u64::try_from(run.started_at).unwrap_or(0),
        ended_at: u64::try_from(run.ended_at.unwrap_or(run.started_at)).unwrap_or(0),
    })
}
