//! Runs a program of the system: with a time limit, in English, without input.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::ServiceError;

/// What is read of a program's output at most.
const OUTPUT_LIMIT: u64 = 1024 * 1024;
/// How often its end is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// What a program answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) command: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn ok(&self) -> bool {
        self.code == Some(0)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// An error of it, unless it succeeded.
    pub(crate) fn must(self, next: impl Into<String>) -> Result<Self, ServiceError> {
        if self.ok() {
            return Ok(self);
        }
        let how =
            self.code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit code {code}"));
        let said = if self.err.trim().is_empty() { self.text() } else { self.err };
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        Err(ServiceError::Command { command: self.command, how, said, next: next.into() })
    }
}

/// Runs a program to its end; ended by force after `limit`.
pub(crate) fn run(
    program: &str,
    args: &[&str],
    variables: &[(&str, &str)],
    limit: Duration,
) -> Result<Said, ServiceError> {
    let command = [&[program], args].concat().join(" ");
    let failed = |how: String, next: &str| ServiceError::Command {
        command: command.clone(),
        how,
        said: String::new(),
        next: next.to_owned(),
    };
    let mut child = Command::new(program)
        .args(args)
        .env("LC_ALL", "C")
        .env("SYSTEMD_COLORS", "0")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string(), "look whether that program is installed"))?;
    let reader = |stream: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(stream) = stream {
                let _ = stream.take(OUTPUT_LIMIT).read_to_end(&mut bytes);
            }
            bytes
        })
    };
    let out = reader(child.stdout.take().map(|stream| Box::new(stream) as _));
    let err = reader(child.stderr.take().map(|stream| Box::new(stream) as _));
    let began = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if began.elapsed() < limit => std::thread::sleep(LOOK),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(
                    format!("no answer within {} s", limit.as_secs()),
                    "look whether the service manager hangs",
                ));
            }
            Err(error) => return Err(failed(error.to_string(), "try it again")),
        }
    };
    Ok(Said {
        command,
        code: status.code(),
        out: out.join().unwrap_or_default(),
        err: String::from_utf8_lossy(&err.join().unwrap_or_default()).into_owned(),
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended_and_named() {
        let error = run("sleep", &["30"], &[], Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().starts_with("`sleep 30` failed (no answer within"), "{error}");
    }

    #[test]
    fn what_it_says_is_told() {
        let said =
            run("sh", &["-c", "echo out; echo err >&2; exit 3"], &[], Duration::from_secs(10)).unwrap();
        assert_eq!((said.code, said.text().trim(), said.err.trim()), (Some(3), "out", "err"));
        let error = said.must("try it again").unwrap_err().to_string();
        assert!(error.contains("(exit code 3): err; expected it to succeed; try it again"), "{error}");
    }
}
