//! A home directory for one test, and running the command in it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A home directory with nothing in it; gone after the test.
pub struct Home {
    dir: TempDir,
    path: PathBuf,
    vars: Vec<(String, String)>,
}

/// What a command did.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
    home: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        Self { dir, path, vars: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self) -> &Path {
        assert!(self.dir.path().exists());
        &self.path
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead"));
        command
            .args(words)
            .env_clear()
            .env("HOME", &self.path)
            .env("PATH", "/usr/bin:/bin")
            .current_dir(&self.path);
        command.env("COLUMNS", "100").envs(self.vars.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, words: &[&str]) -> Done {
        self.run_with_input(words, "")
    }

    pub fn run_with_input(&self, words: &[&str], input: &str) -> Done {
        let mut command = self.command(words);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Done {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            home: self.path.clone(),
        }
    }

    /// Starts a gateway and waits until it is ready.
    pub fn gateway(&self, words: &[&str]) -> Gateway {
        let mut command = self.command(words);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.next().and_then(Result::ok);
        assert!(ready.as_ref().is_some_and(|line| line.contains("is ready on")), "{ready:?}");
        // Kept open, so that the gateway never writes into a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Gateway { child }
    }
}

impl Done {
    /// The one JSON value that was printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Everything, for a snapshot: paths, ports and process numbers of this run replaced.
    pub fn shown(&self) -> String {
        let all = format!(
            "exit {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            self.out.trim_end(),
            self.err.trim_end()
        );
        all.replace(self.home.to_str().unwrap(), "[HOME]")
    }
}

/// A gateway that runs; killed with the test.
pub struct Gateway {
    pub child: Child,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A base port whose whole interval is free now and far from others that run tests here.
pub fn free_base() -> u16 {
    for _ in 0..200 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if (2000..65_400).contains(&port) && TcpListener::bind(("127.0.0.1", port + 2)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}
