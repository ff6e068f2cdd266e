//! Starting a browser behind a guard. Blocks: call it off the async threads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bulkhead_process::guard::{self, Guarded, GuardedProgram};
use bulkhead_process::port;
use bulkhead_profile::files;
use tokio_util::sync::CancellationToken;

use crate::error::BrowserError;
use crate::flags::{self, Manner};
use crate::lock;

/// How long a browser may take to open its port; a first start on a slow disk is slow.
const START: Duration = Duration::from_secs(40);
const LOG_LIMIT: u64 = 256 * 1024;
const SPOKE: &str = "DevTools listening on ";

/// What is to be started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) data_dir: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) port: u16,
    pub(crate) manner: Manner,
    pub(crate) without: Vec<String>,
    pub(crate) guard: Option<Vec<OsString>>,
    /// Nobody wants it any more.
    pub(crate) closing: CancellationToken,
}

/// A browser that was started and listens.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) guarded: Guarded,
    /// Its own WebSocket, as it said itself: another program on the port cannot be taken for it.
    pub(crate) socket: String,
}

impl Launch {
    pub(crate) fn run(&self) -> Result<Launched, BrowserError> {
        files::create_private_dir(&self.data_dir).map_err(BrowserError::file("make", &self.data_dir))?;
        lock::clear(&self.data_dir)?;
        let guard = match &self.guard {
            Some(guard) => guard.clone(),
            None => guard::guard_command().map_err(BrowserError::file("find", "this program"))?,
        };
        let program = GuardedProgram {
            program: self.program.clone(),
            args: flags::arguments(&self.data_dir, self.port, self.manner),
            without: self.without.clone(),
            log: Some(self.log.clone()),
        };
        let mut guarded = Guarded::spawn(&guard, &program)?;
        let until = Instant::now() + START;
        loop {
            if self.closing.is_cancelled() {
                return Err(BrowserError::Closing);
            }
            let running = guarded.is_running();
            let log = read_log(&self.log);
            if let Some(socket) = socket_in(&log, self.port) {
                return Ok(Launched { guarded, socket });
            }
            if !running {
                return Err(self.failed("it ended at once".to_owned(), &log));
            }
            if log.contains("Cannot start http server for devtools") {
                return Err(self.taken());
            }
            if Instant::now() >= until {
                return Err(self.failed(format!("it did not listen within {} s", START.as_secs()), &log));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn taken(&self) -> BrowserError {
        let holder = port::holder(self.port);
        BrowserError::PortTaken {
            what: "CDP".to_owned(),
            port: self.port,
            holder: holder.map_or_else(|| "another program".to_owned(), |holder| holder.to_string()),
            next: "start the browser again: it gets another port",
        }
    }

    fn failed(&self, why: String, log: &str) -> BrowserError {
        let last: Vec<&str> =
            log.lines().map(str::trim).filter(|line| !line.is_empty()).rev().take(3).collect();
        let said = if last.is_empty() {
            format!("it said nothing; try it by hand: {}", self.program.display())
        } else {
            let text: String = last.into_iter().rev().collect::<Vec<_>>().join(" · ");
            format!("it said: {}", text.chars().take(400).collect::<String>())
        };
        let snap = if self.program.starts_with("/snap") {
            "; a browser from a snap cannot use hidden folders: install another one and name it in browser.executablePath"
        } else {
            ""
        };
        BrowserError::Start {
            program: self.program.clone(),
            port: self.port,
            why,
            said: format!("{said}{snap}"),
        }
    }
}

fn read_log(path: &Path) -> String {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        let _ = file.take(LOG_LIMIT).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The WebSocket that a browser named in a whole line of its output, if it is on the port that it was given.
fn socket_in(log: &str, port: u16) -> Option<String> {
    let lines = log.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    lines.filter_map(|line| line.trim_end().split_once(SPOKE)).map(|(_, socket)| socket.to_owned()).find(
        |socket| {
            url::Url::parse(socket)
                .is_ok_and(|url| url.scheme() == "ws" && url.port_or_known_default() == Some(port))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_says_where_it_listens() {
        let log = "noise\nDevTools listening on ws://127.0.0.1:18800/devtools/browser/a-b\n";
        assert_eq!(socket_in(log, 18800).as_deref(), Some("ws://127.0.0.1:18800/devtools/browser/a-b"));
        assert_eq!(socket_in(log, 18801), None);
        assert_eq!(socket_in("DevTools listening on ws://127.0.0.1:18800/dev", 18800), None, "half a line");
    }
}
