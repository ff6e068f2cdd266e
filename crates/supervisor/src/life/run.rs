//! One run of the gateway: launch, hand over, watch, and what its end means.

use std::time::Duration;

use bulkhead_process::RunRecord;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout, timeout_at};

use super::reading::{Reading, finish};
use super::{Life, Next};
use crate::crash::CrashReport;
use crate::desired::{Desired, now_ms};
use crate::error::SupervisorError;
use crate::handle::{Command, Wish};
use crate::ladder::Rung;
use crate::launch::{Exit, GatewayProcess, LaunchSpec, ProcessEvent};
use crate::output::Tail;
use crate::secrets::Secrets;
use crate::status::{GatewayState, LastExit, Problem, Ready};

/// The exit code of a configuration that is refused: starting again would not help.
const EXIT_CONFIG: i32 = 78;
/// Lines of a crash that the status shows.
const SHOWN_LINES: usize = 10;
/// So many launches in a row are tried with a program that cannot be started.
const LAUNCHES: usize = 12;
/// A process that stands still (`SIGSTOP`) and does not go on when it is told to is not waited for any longer.
const STANDS_STILL: Duration = Duration::from_secs(2);
/// How long the handoff may take.
const HANDOFF_LIMIT: Duration = Duration::from_secs(5);
/// How long a killed gateway may take to go.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// One run.
struct Run {
    process: Box<dyn GatewayProcess>,
    tail: Tail,
    handed: Secrets,
    began: Instant,
    rung: Rung,
    ready: Option<Ready>,
    reading: Option<Reading>,
}

impl Life {
    pub(super) async fn run_once(&mut self, rung: Rung) -> Next {
        if let Err(refused) = self.must_own("started") {
            tracing::info!("{refused}");
            return Next::Idle;
        }
        // Never two gateways: one that somebody else started meanwhile is attached to.
        if let Some(record) = RunRecord::read_running(&self.options.place.run_record_path()) {
            return Next::Attach(Box::new(record));
        }
        self.tell(|status| {
            status.rung = rung;
            status.attached = false;
            status.pid = None;
            status.ready = None;
        });
        self.set_state(GatewayState::Starting);
        let (secrets, reading) = self.secrets_for_start().await;
        // Those of a shut keychain are read again at the next start.
        self.secrets = secrets.waiting.is_none().then(|| secrets.clone());
        let mut run = match self.launch(rung, secrets).await {
            Ok(run) => Run { reading, ..run },
            Err(why) => return self.launch_failed(rung, why),
        };
        self.not_launched = 0;
        let pid = run.process.pid();
        self.tell(|status| status.pid = pid);
        self.watch(&mut run).await
    }

    /// The secrets of the last run, else those that can be read soon, else none yet.
    async fn secrets_for_start(&self) -> (Secrets, Option<Reading>) {
        if let Some(secrets) = self.secrets.clone() {
            return (secrets, None);
        }
        let mut reading = Reading::begin(&self.options.secrets);
        if let Ok(secrets) = timeout(self.options.secrets_patience, reading.finish()).await {
            return (secrets, None);
        }
        let message = "the keychain has not answered yet: it may be waiting in a dialog on this computer's screen; \
                       expected an answer; look for the dialog and confirm it";
        (Secrets::waiting("keychain.slow", message), Some(reading))
    }

    async fn launch(&mut self, rung: Rung, secrets: Secrets) -> Result<Run, String> {
        let program = match &self.options.program {
            Some(program) => program.clone(),
            None => std::env::current_exe().map_err(|error| error.to_string())?,
        };
        let spec = LaunchSpec::for_gateway(program, &self.options.place, self.options.port, rung);
        let began = Instant::now();
        let mut process = self.options.launcher.launch(spec).await.map_err(|error| error.to_string())?;
        let line = secrets.first_message().to_line().map_err(|error| error.to_string())?;
        // A gateway that ends before it reads tells why by its exit code and its last lines.
        if let Ok(Err(error)) = timeout(HANDOFF_LIMIT, process.write_line(&line)).await {
            tracing::debug!(%error, "the gateway did not take its secrets");
        }
        let tail = Tail::new(secrets.values());
        Ok(Run { process, tail, handed: secrets, began, rung, ready: None, reading: None })
    }

    /// No other configuration helps against a program that is not there: it is tried again where it stands, for as
    /// long as an update may take.
    fn launch_failed(&mut self, rung: Rung, why: String) -> Next {
        tracing::error!(profile = %self.options.place.name(), "{why}");
        self.not_launched += 1;
        let exit = LastExit { at_ms: now_ms(), code: None, signal: None, last_lines: vec![why.clone()] };
        self.tell(|status| {
            status.last_exit = Some(exit);
            status.problem = Some(Problem { code: "gateway-not-startable".to_owned(), message: why });
        });
        if self.not_launched >= LAUNCHES {
            self.set_state(GatewayState::Failed);
            return Next::Idle;
        }
        let pauses = &self.options.ladder.backoff;
        let pause = pauses.get(self.not_launched).or(pauses.last()).copied().unwrap_or_default();
        Next::Backoff(pause, rung)
    }

    async fn watch(&mut self, run: &mut Run) -> Next {
        let late = Instant::now() + self.options.start_limit;
        let retry = self.options.keychain_retry;
        let mut keychain = interval_at(Instant::now() + retry, retry);
        keychain.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = run.process.next() => match event {
                    ProcessEvent::Stdout(line) => self.heard(run, &line),
                    ProcessEvent::Stderr(line) => self.keep(run, &line),
                    ProcessEvent::Exited(exit) => return self.ended(run, exit),
                },
                command = self.inbox.recv() => {
                    let Some(command) = command else {
                        self.stop_process(run).await;
                        return Next::Quit;
                    };
                    if let Some(next) = self.wish_while_up(run, command).await {
                        return next;
                    }
                }
                () = sleep_until(late), if run.ready.is_none() => {
                    self.keep(run, &format!(
                        "supervisor: not ready after {} s, so it is ended and started again",
                        self.options.start_limit.as_secs()
                    ));
                    run.process.kill().await;
                    let exit = self.drain(run, Instant::now() + AFTER_KILL).await.unwrap_or_default();
                    return self.ended(run, exit);
                }
                _ = keychain.tick(), if run.handed.waiting.is_some() && run.reading.is_none() => {
                    run.reading = Some(Reading::begin(&self.options.secrets));
                }
                secrets = finish(&mut run.reading), if run.reading.is_some() => {
                    let answer = run.reading.take().and_then(|mut reading| reading.answer.take());
                    let result = self.hand_over(run, secrets).await;
                    if let Err(error) = &result {
                        tracing::warn!(%error, "the secrets could not be handed over");
                    }
                    if let Some(answer) = answer {
                        let _ = answer.send(result);
                    }
                }
            }
        }
    }

    /// A line on stdout: the ready line, or something to keep.
    fn heard(&self, run: &mut Run, line: &str) {
        let message: Option<serde_json::Value> =
            line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten();
        let kind = message.as_ref().and_then(|message| message.get("type")?.as_str().map(str::to_owned));
        match (kind.as_deref(), message) {
            (Some("ready"), Some(message)) => {
                let ready: Ready = serde_json::from_value(message).unwrap_or_default();
                run.ready = Some(ready.clone());
                self.tell(|status| {
                    status.ready = Some(ready);
                    let waiting = run.handed.waiting.as_ref();
                    match waiting {
                        Some(waiting) => {
                            status.problem = Some(Problem {
                                code: waiting.code.clone(),
                                message: waiting.message.clone(),
                            });
                        }
                        // What the crash ladder said stays until somebody restarts it.
                        None if run.rung == Rung::Normal => status.problem = None,
                        None => {}
                    }
                });
                self.set_state(up_state(run));
            }
            _ => self.keep(run, line),
        }
    }

    fn keep(&self, run: &mut Run, line: &str) {
        let kept = run.tail.push(line);
        if let Some(lines) = &self.options.lines {
            let _ = lines.try_send(kept);
        }
    }

    /// Hands changed secrets to the running gateway.
    async fn hand_over(&mut self, run: &mut Run, secrets: Secrets) -> Result<(), SupervisorError> {
        let Some(message) = secrets.update_from(&run.handed) else { return Ok(()) };
        let io = |source| SupervisorError::Io {
            action: "hand secrets to the gateway of",
            path: self.options.place.state_dir().to_owned(),
            source,
        };
        let line = message.to_line().map_err(|error| io(std::io::Error::other(error.to_string())))?;
        let written = timeout(HANDOFF_LIMIT, run.process.write_line(&line)).await;
        written.map_err(|_| io(std::io::ErrorKind::TimedOut.into()))?.map_err(io)?;
        run.tail.hide_also(secrets.values());
        let unlocked = run.handed.waiting.is_some() && secrets.waiting.is_none();
        run.handed = secrets.clone();
        self.secrets = secrets.waiting.is_none().then_some(secrets);
        if unlocked {
            self.tell(|status| status.problem = None);
        }
        if run.ready.is_some() {
            self.set_state(up_state(run));
        }
        Ok(())
    }

    async fn wish_while_up(&mut self, run: &mut Run, command: Command) -> Option<Next> {
        let Command { wish, answer } = command;
        let (result, next) = match wish {
            Wish::Start => (self.want(Desired::Running), None),
            Wish::Update(secrets) => {
                run.reading = None;
                (self.hand_over(run, secrets).await, None)
            }
            Wish::ReloadSecrets => {
                let mut reading = Reading::begin(&self.options.secrets);
                reading.answer = Some(answer);
                run.reading = Some(reading);
                return None;
            }
            Wish::Stop => {
                let kept = self.want(Desired::Stopped);
                self.stop_process(run).await;
                self.forget_crashes();
                (kept, Some(Next::Idle))
            }
            Wish::Pause { until_ms } => {
                let kept = self.want(Desired::PausedUntil { until_ms });
                self.stop_process(run).await;
                (kept, Some(Next::Idle))
            }
            Wish::Restart | Wish::SafeMode => {
                let rung = if matches!(wish, Wish::SafeMode) { Rung::Safe } else { Rung::Normal };
                let kept = self.want(Desired::Running);
                self.stop_process(run).await;
                self.forget_crashes();
                self.secrets = None;
                (kept, Some(Next::Start(rung)))
            }
            Wish::Ping => (Ok(()), None),
            Wish::Release | Wish::Shutdown => {
                self.stop_process(run).await;
                (Ok(()), Some(Next::Quit))
            }
        };
        let _ = answer.send(result);
        next
    }

    /// Asks the gateway to stop (end of its stdin, and SIGTERM), and forces it after the limit.
    async fn stop_process(&mut self, run: &mut Run) {
        self.set_state(GatewayState::Stopping);
        run.process.close_stdin().await;
        run.process.terminate().await;
        let pid = run.process.pid();
        // One that stands still cannot hear that it shall end.
        if let Some(pid) = pid {
            bulkhead_process::go_on(pid);
        }
        let soon = STANDS_STILL.min(self.options.stop_limit);
        let until = Instant::now() + self.options.stop_limit;
        if self.drain(run, Instant::now() + soon).await.is_some() {
            return;
        }
        let hung = pid.is_some_and(bulkhead_process::stands_still);
        if !hung && self.drain(run, until).await.is_some() {
            return;
        }
        tracing::warn!(profile = %self.options.place.name(), "the gateway did not stop in time and is killed");
        run.process.kill().await;
        if self.drain(run, Instant::now() + AFTER_KILL).await.is_none() {
            tracing::error!(profile = %self.options.place.name(), "the gateway is not gone after it was killed");
        }
    }

    /// Reads on until the process has ended.
    async fn drain(&self, run: &mut Run, until: Instant) -> Option<Exit> {
        loop {
            match timeout_at(until, run.process.next()).await.ok()? {
                ProcessEvent::Exited(exit) => return Some(exit),
                ProcessEvent::Stdout(line) | ProcessEvent::Stderr(line) => self.keep(run, &line),
            }
        }
    }

    /// The gateway ended and nobody had asked it to.
    fn ended(&mut self, run: &Run, exit: Exit) -> Next {
        let (first_lines, omitted, last_lines) = run.tail.parts();
        let at_ms = now_ms();
        let report = CrashReport {
            at_ms,
            code: exit.code,
            signal: exit.signal,
            ran_ms: u64::try_from(run.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            was_ready: run.ready.is_some(),
            rung: run.rung,
            version: run.ready.as_ref().map(|ready| ready.version.clone()),
            first_lines,
            omitted,
            last_lines,
        };
        let shown = run.tail.last(SHOWN_LINES);
        tracing::warn!(profile = %self.options.place.name(), code = ?exit.code, signal = ?exit.signal, ran_ms = report.ran_ms, "the gateway ended by itself");
        let place = self.options.place.clone();
        // The restart does not wait for the disk.
        tokio::task::spawn_blocking(move || report.keep(&place));
        self.tell(|status| {
            status.last_exit =
                Some(LastExit { at_ms, code: exit.code, signal: exit.signal, last_lines: shown.clone() });
        });
        if exit.code == Some(EXIT_CONFIG) {
            let name = self.options.place.name();
            let said = shown.last().cloned().unwrap_or_default();
            let message = format!(
                "the gateway of '{name}' refuses its configuration and is not started again: {said}; after repairing it: bulkhead --profile {name} gateway start"
            );
            self.tell(|status| status.problem = Some(Problem { code: "config-refused".to_owned(), message }));
            self.set_state(GatewayState::Failed);
            return Next::Idle;
        }
        self.after_crash(run.rung)
    }
}

fn up_state(run: &Run) -> GatewayState {
    if run.handed.waiting.is_some() { GatewayState::WaitingForKeychain } else { GatewayState::Running }
}
