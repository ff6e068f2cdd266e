//! One run: ask, run the tools that the model wants, ask again, until it answers.

mod keep;
mod settings;
mod text;
mod trouble;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use self::text::{PARAGRAPH, Text};
use self::trouble::{cut, empty_answer, timed_out};
use crate::error::AgentError;
use crate::events::{RunEvent, RunOutcome, RunStatus};
use crate::history;
use crate::message::{ModelMessage, StopReason, ToolCall, Usage};
use crate::provider::{Decision, ModelEvent, ModelReply, ModelRequest, ToolDefinition, decide};
use crate::tools::{ToolContext, ToolOutput, ToolSet, limit_text};

pub use self::settings::{Candidate, RetryPolicy, RunInput, RunSettings, Wishes};

/// Runs agents; cheap to clone.
#[derive(Debug, Clone)]
pub struct AgentRun {
    settings: Arc<RunSettings>,
}

impl AgentRun {
    /// Runs with these settings.
    pub fn new(settings: RunSettings) -> Self {
        Self { settings: Arc::new(settings) }
    }

    /// Runs to the end, whatever it is. Cancelling ends it at once: the request is dropped, a running tool is killed. A receiver of
    /// events that is gone or slow never breaks a run; a slow one holds it back.
    pub async fn run(
        &self,
        input: RunInput,
        tools: &ToolSet,
        events: mpsc::Sender<RunEvent>,
        cancel: CancellationToken,
    ) -> RunOutcome {
        let mut run = Run::new(&self.settings, input, tools, events, cancel);
        let result = run.go().await;
        run.end(result).await
    }
}

/// One run on its way.
struct Run<'a> {
    settings: &'a RunSettings,
    tools: &'a ToolSet,
    events: mpsc::Sender<RunEvent>,
    cancel: CancellationToken,
    context: ToolContext,
    system: String,
    wishes: Wishes,
    /// Calls of the caller's own tools, for the caller to run.
    wanted: Vec<ToolCall>,
    /// What is sent: history, the person's message, everything since.
    conversation: Vec<ModelMessage>,
    /// Where in `conversation` the new messages begin.
    new_from: usize,
    /// The index of the candidate in use; it stays for the run once it had to change.
    candidate: usize,
    usage: Usage,
    stop: StopReason,
    text: Text,
}

impl<'a> Run<'a> {
    fn new(
        settings: &'a RunSettings,
        input: RunInput,
        tools: &'a ToolSet,
        events: mpsc::Sender<RunEvent>,
        cancel: CancellationToken,
    ) -> Self {
        let mut conversation = history::prepare(input.history, settings.history_limit(input.system.len()));
        let said = ModelMessage::User { text: input.user, pictures: input.pictures };
        // Results that its caller brings are all that a run goes on with: then nothing is said.
        let silent =
            matches!(&said, ModelMessage::User { text, pictures } if text.is_empty() && pictures.is_empty());
        if !silent || conversation.is_empty() {
            conversation.push(said);
        }
        Self {
            settings,
            tools,
            events,
            context: ToolContext {
                session_key: input.session_key,
                run_id: input.run_id,
                cancel: cancel.clone(),
            },
            cancel,
            system: input.system,
            wishes: input.wishes,
            wanted: Vec::new(),
            new_from: conversation.len(),
            conversation,
            candidate: 0,
            usage: Usage::default(),
            stop: StopReason::Stop,
            text: Text::default(),
        }
    }

    async fn go(&mut self) -> Result<(), AgentError> {
        let (provider, model) = self.names();
        self.emit(RunEvent::Started { provider, model }).await;
        for _ in 0..self.settings.max_steps {
            let reply = self.turn().await?;
            self.flush().await;
            self.usage.add(&reply.usage);
            self.emit(RunEvent::Usage(reply.usage)).await;
            self.stop = reply.stop;
            if reply.text.is_empty() && reply.tool_calls.is_empty() {
                return Err(empty_answer(self.names(), reply.stop));
            }
            let calls = reply.tool_calls.clone();
            self.keep(ModelMessage::Assistant {
                text: reply.text,
                tool_calls: reply.tool_calls,
                interrupted: false,
                native: reply.native,
            })
            .await;
            self.text.begin_turn();
            if calls.is_empty() {
                return Ok(());
            }
            for (index, call) in calls.into_iter().enumerate() {
                if self.wishes.tools.iter().any(|tool| tool.name == call.name) {
                    self.wanted.push(call);
                } else {
                    self.call(call, index).await?;
                }
            }
            if !self.wanted.is_empty() {
                return Ok(());
            }
        }
        Err(AgentError::StepLimit { steps: self.settings.max_steps })
    }

    /// One model turn: attempts, pauses, fallbacks.
    async fn turn(&mut self) -> Result<ModelReply, AgentError> {
        let policy = self.settings.retry;
        loop {
            let mut pauses = ExponentialBuilder::default()
                .with_jitter()
                .with_min_delay(policy.first_pause)
                .with_max_delay(policy.longest_pause)
                .with_max_times(policy.attempts.saturating_sub(1))
                .build();
            let mut attempt = 1;
            let error = loop {
                let error = match self.attempt().await {
                    Ok(reply) => return Ok(reply),
                    Err(AgentError::Provider(error)) => error,
                    Err(other) => return Err(other),
                };
                let shown = self.text.turn_was_shown() && !self.settings.revisable;
                match decide(&error, shown, pauses.next(), &policy) {
                    Decision::GiveUp => break error,
                    Decision::Again(wait) => {
                        attempt += 1;
                        tracing::info!(
                            provider = %error.provider, code = error.code(), attempt, wait_ms = wait.as_millis(),
                            "asking the model again"
                        );
                        let text = self.text.take_back();
                        let why = error.to_string();
                        self.emit(RunEvent::Retrying { attempt, wait, why, text }).await;
                        self.sleep(wait).await?;
                    }
                }
            };
            let shown = self.text.turn_was_shown() && !self.settings.revisable;
            if shown || self.candidate + 1 >= self.settings.candidates.len() {
                return Err(AgentError::Provider(error));
            }
            let (_, from_model) = self.names();
            self.candidate += 1;
            let (provider, model) = self.names();
            tracing::warn!(from = %error.provider, code = error.code(), to = %provider, %model, "asking the next model");
            let text = self.text.take_back();
            let why = error.to_string();
            self.emit(RunEvent::FellBack { from_model, error: *error, provider, model, why, text }).await;
        }
    }

    /// Asks once.
    async fn attempt(&mut self) -> Result<ModelReply, AgentError> {
        let candidate = &self.settings.candidates[self.candidate];
        let request = ModelRequest {
            model: candidate.model.clone(),
            system: self.system.clone(),
            messages: self.conversation.clone(),
            tools: self.offered(),
            max_tokens: at_most(candidate.max_tokens, self.wishes.max_tokens),
            context_window: candidate.context_window,
            temperature: self.wishes.temperature,
            thinking: candidate.thinking,
            extra: self.wishes.extra.clone(),
        };
        let provider = Arc::clone(&candidate.provider);
        let cancel = self.cancel.clone();
        let opened = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(AgentError::Aborted),
            opened = timeout(self.settings.first_timeout, provider.stream(request)) => opened,
        };
        let mut stream = opened.map_err(|_| timed_out(&*provider, self.settings.first_timeout))??;
        let mut patience = self.settings.first_timeout;
        let mut deadline = Instant::now() + patience;
        loop {
            let due = self.text.flush_due(self.settings.flush_interval);
            let event = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(AgentError::Aborted),
                () = tokio::time::sleep_until(due.unwrap_or(deadline)), if due.is_some() => {
                    self.flush().await;
                    continue;
                }
                event = tokio::time::timeout_at(deadline, stream.next()) => event,
            };
            let event = match event {
                Err(_) => return Err(timed_out(&*provider, patience)),
                Ok(None) => return Err(cut(&*provider)),
                Ok(Some(event)) => event?,
            };
            patience = self.settings.stall_timeout;
            deadline = Instant::now() + patience;
            match event {
                ModelEvent::Text(piece) => {
                    self.text.push(&piece);
                    if self
                        .text
                        .flush_due(self.settings.flush_interval)
                        .is_some_and(|due| due <= Instant::now())
                    {
                        self.flush().await;
                    }
                }
                ModelEvent::Reasoning(delta) => self.emit(RunEvent::ReasoningDelta { delta }).await,
                ModelEvent::ToolCallStarted { .. } => {}
                ModelEvent::Finished(reply) => return Ok(*reply),
            }
        }
    }

    /// Runs one tool and keeps its result.
    async fn call(&mut self, call: ToolCall, index: usize) -> Result<(), AgentError> {
        let args = serde_json::Value::Object(call.arguments);
        self.emit(RunEvent::ToolStart { id: call.id.clone(), name: call.name.clone(), args: args.clone() })
            .await;
        let output = if index >= self.settings.max_calls_per_step {
            ToolOutput::error(format!(
                "not run: at most {} tool calls at once",
                self.settings.max_calls_per_step
            ))
        } else if let Some(sent) = &call.invalid_arguments {
            ToolOutput::error(format!("not run: the arguments are no JSON object: {}", limit_text(sent, 200)))
        } else {
            let limit = self.tools.patience(&call.name).unwrap_or(self.settings.tool_timeout);
            let running = AssertUnwindSafe(self.tools.call(&self.context, &call.name, args)).catch_unwind();
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(AgentError::Aborted),
                output = timeout(limit, running) => match output {
                    Ok(Ok(output)) => output,
                    Ok(Err(_)) => ToolOutput::error("the tool broke (a fault of the program); its effect is unknown"),
                    Err(_) => ToolOutput::error(format!("stopped: no result within {} s", limit.as_secs_f32())),
                },
            }
        };
        let text = limit_text(&output.text, self.settings.max_tool_result);
        self.emit(RunEvent::ToolEnd {
            id: call.id.clone(),
            name: call.name.clone(),
            result: text.clone(),
            is_error: output.is_error,
        })
        .await;
        self.keep(ModelMessage::Tool { call_id: call.id, name: call.name, text, is_error: output.is_error })
            .await;
        Ok(())
    }

    async fn end(mut self, result: Result<(), AgentError>) -> RunOutcome {
        let unfinished = self.text.all[self.text.turn_from..].trim_start_matches(PARAGRAPH).to_owned();
        // Cancelled or not: what was shown is told and kept.
        self.cancel = CancellationToken::new();
        if result.is_err() {
            self.flush().await;
            if !unfinished.is_empty() {
                let text = unfinished;
                let message =
                    ModelMessage::Assistant { text, tool_calls: Vec::new(), interrupted: true, native: None };
                self.keep(message).await;
            }
            for (call_id, name) in self.open_calls() {
                let text = history::INTERRUPTED.to_owned();
                self.keep(ModelMessage::Tool { call_id, name, text, is_error: true }).await;
            }
        }
        let (status, error) = match result {
            Ok(()) => (RunStatus::Ok, None),
            Err(AgentError::Aborted) => (RunStatus::Aborted, Some(AgentError::Aborted)),
            Err(error) => (RunStatus::Error, Some(error)),
        };
        let text: Arc<str> = self.text.all.as_str().into();
        let error_code = error.as_ref().map(AgentError::code);
        self.emit(RunEvent::Finished { status, text, error_code }).await;
        RunOutcome {
            status,
            model: self.names(),
            text: self.text.all,
            messages: self.conversation.split_off(self.new_from),
            usage: self.usage,
            stop: self.stop,
            wanted: self.wanted,
            error,
        }
    }

    /// Our tools and the caller's; the caller's own one wins over one of ours with its name.
    fn offered(&self) -> Vec<ToolDefinition> {
        let theirs = &self.wishes.tools;
        let mut tools = self.tools.definitions();
        tools.retain(|tool| theirs.iter().all(|their| their.name != tool.name));
        tools.extend(theirs.iter().cloned());
        tools
    }

    async fn sleep(&self, pause: Duration) -> Result<(), AgentError> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(AgentError::Aborted),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }

    fn names(&self) -> (String, String) {
        let candidate = &self.settings.candidates[self.candidate];
        (candidate.provider.id().to_owned(), candidate.model.clone())
    }
}

/// The smaller of two limits that may not be there.
fn at_most(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a.into_iter().chain(b).min()
}
