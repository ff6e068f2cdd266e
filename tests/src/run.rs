//! A program that keeps running: its lines as they come, its end, and no survivor.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest wait for anything: generous, because a test machine may be busy. It is a limit, never a pause.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// One line that a program wrote.
#[derive(Debug, Clone)]
pub struct Line {
    /// Whether it came on standard error.
    pub error: bool,
    /// Without its line break.
    pub text: String,
}

/// A running program; killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<Line>,
    /// What it has written so far, as far as anyone waited for it.
    pub seen: Vec<Line>,
}

impl Running {
    /// Starts it with its streams read line by line.
    pub fn start(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let (send, lines) = channel();
        let streams: [(bool, Box<dyn std::io::Read + Send>); 2] = [
            (false, Box::new(child.stdout.take().expect("a pipe"))),
            (true, Box::new(child.stderr.take().expect("a pipe"))),
        ];
        for (error, stream) in streams {
            let send = send.clone();
            std::thread::spawn(move || {
                for text in BufReader::new(stream).lines().map_while(Result::ok) {
                    if send.send(Line { error, text }).is_err() {
                        return;
                    }
                }
            });
        }
        Self { child, lines, seen: Vec::new() }
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that contains `part`.
    pub fn wait_for(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        if let Some(line) = self.seen.iter().find(|line| line.text.contains(part)) {
            return line.text.clone();
        }
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.text.contains(part) {
                        return line.text;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("no line with {part:?} in time; seen:\n{}", self.output())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!(
                        "ended ({:?}) without a line with {part:?}; seen:\n{}",
                        self.child.try_wait(),
                        self.output()
                    )
                }
            }
        }
    }

    /// Everything seen so far.
    pub fn output(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        self.seen.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Sends a signal by name (`TERM`, `KILL`, `INT`).
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        use rustix::process::{Pid, Signal, kill_process};
        let signal = match name {
            "TERM" => Signal::TERM,
            "INT" => Signal::INT,
            _ => Signal::KILL,
        };
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                return status;
            }
            assert!(Instant::now() < deadline, "did not end in time; seen:\n{}", self.output());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kills a process that a test's world holds.
#[cfg(unix)]
pub fn kill(pid: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Kills a process that a test's world holds.
#[cfg(not(unix))]
pub fn kill(_pid: u32) {}
