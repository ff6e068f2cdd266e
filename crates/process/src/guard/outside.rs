//! Our side of a guard.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{Answer, GuardedProgram, own_process_group};
use crate::error::ProcessError;

const ANSWER_LIMIT: u64 = 64 * 1024;
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// A guarded program that runs. Dropping it ends the program and everything that it started.
#[derive(Debug)]
pub struct Guarded {
    pid: u32,
    guard: Child,
    stdin: Option<ChildStdin>,
}

impl Guarded {
    /// Starts `program` behind a guard. Blocks until it runs: call it off the async threads.
    pub fn spawn(guard: &[OsString], program: &GuardedProgram) -> Result<Self, ProcessError> {
        let failed =
            |why: String| ProcessError::Start { program: program.program.display().to_string(), why };
        let (first, rest) = guard.split_first().ok_or_else(|| failed("no guard was named".to_owned()))?;
        let mut command = Command::new(first);
        command.args(rest).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        own_process_group(&mut command);
        let mut guard = command.spawn().map_err(|error| failed(error.to_string()))?;
        let answered = Self::shake_hands(&mut guard, program);
        match answered {
            Ok((pid, stdin)) => Ok(Self { pid, guard, stdin: Some(stdin) }),
            Err(why) => {
                let _ = guard.kill();
                let _ = guard.wait();
                Err(failed(why))
            }
        }
    }

    fn shake_hands(guard: &mut Child, program: &GuardedProgram) -> Result<(u32, ChildStdin), String> {
        let mut stdin = guard.stdin.take().ok_or("the guard has no stdin")?;
        let stdout = guard.stdout.take().ok_or("the guard has no stdout")?;
        let mut line = serde_json::to_string(program).map_err(|error| error.to_string())?;
        line.push('\n');
        stdin.write_all(line.as_bytes()).map_err(|error| format!("the guard went away: {error}"))?;
        let (tell, answered) = mpsc::channel();
        std::thread::spawn(move || tell.send(read_answer(stdout)));
        let answer = answered.recv_timeout(ANSWER_TIME).map_err(|_| "the guard did not answer in time")?;
        answer.map(|pid| (pid, stdin))
    }

    /// The program's process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the program still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.guard.try_wait(), Ok(None))
    }

    /// Waits until the program has ended by itself; `false` if it has not within `limit`. Blocks.
    pub fn wait(&mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while self.is_running() {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Ends the program and everything that it started. Blocks until that is done.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stdin.take());
        let _ = self.guard.wait();
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.end();
    }
}

fn read_answer(stdout: ChildStdout) -> Result<u32, String> {
    for line in BufReader::new(stdout.take(ANSWER_LIMIT)).lines() {
        let line = line.map_err(|error| format!("the guard went away: {error}"))?;
        match serde_json::from_str(&line) {
            Ok(Answer::Started { pid }) => return Ok(pid),
            Ok(Answer::Failed { why }) => return Err(why),
            Err(_) => {}
        }
    }
    Err("the guard ended without an answer".to_owned())
}
