//! One row's machine: a home, a keychain or none, a model, a Bot API, a stranger on a port, a port where nobody listens.
//!
//! Placeholders in a row: `{home}`, `{base}` (a free base port), `{near}` (16 above it), `{far}` (31 above it), `{other}`
//! (another free base port), `{stranger}` (a port that this test listens on), `{dead}` (a port where nobody listens),
//! `{model}` (an OpenAI-compatible address), `{key}` (its key), `{api}` (a Bot API's address), `{bot}` (a good bot token).

use super::{Keychain, Row};
use crate::outside::{Bot, Outside};
use bulkhead_tests::programs;
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::{Running, World, ports};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Write;
use std::net::TcpListener;
use std::process::{Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// Longest that a command of a row may take.
const LONGEST: Duration = Duration::from_secs(20);

/// The machine of a row.
pub struct Scene {
    pub world: World,
    pub outside: Outside,
    pub bot: Bot,
    base: u16,
    other: u16,
    stranger: TcpListener,
    dead: u16,
}

/// What a row's command did.
pub struct Seen {
    pub exit: Option<i32>,
    /// The command, the exit code, what was printed.
    pub told: String,
    /// What differs from run to run, and what is shown for it.
    pub filters: Vec<(String, String)>,
}

impl Scene {
    pub async fn new(row: &Row) -> Self {
        let mut world = match row.keychain {
            Keychain::NoBus => World::new(),
            Keychain::NoService => World::with_bus(),
            Keychain::Locked => World::with_locked_keychain(),
        };
        world.set("COLUMNS", "100");
        let outside = Outside::new().await;
        let bot = outside.bot("good_bot");
        let stranger = TcpListener::bind("127.0.0.1:0").expect("a port");
        // A port that was just ours and is given back: nobody listens on it.
        let dead = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("address").port();
        let (base, other) = (ports::base(), ports::base());
        let mut scene = Self { world, outside, bot, base, other, stranger, dead };
        for (name, value) in row.vars {
            let value = scene.filled(value);
            scene.world.set(name, value);
        }
        for (path, text) in row.files {
            let path = scene.world.path(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
            std::fs::write(&path, scene.filled(text)).expect("file");
        }
        scene
    }

    /// Runs the row to its end.
    pub async fn play(self, row: &Row) -> Seen {
        for words in row.before {
            let out = self.bulkhead(words, "");
            assert!(out.status.success(), "{}: {words:?}: {}", row.name, bulkhead_tests::world::text(&out));
        }
        (row.arrange)(&self);
        let mut running = Vec::new();
        for words in row.running {
            let words = self.words(words);
            let mut gateway = self.world.start(&words.iter().map(String::as_str).collect::<Vec<_>>());
            gateway.wait_for("ready");
            running.push(gateway);
        }
        let deadline = Instant::now() + PATIENCE;
        let out = loop {
            let out = self.bulkhead(row.run, row.input);
            let said = bulkhead_tests::world::text(&out);
            if row.until.is_none_or(|part| said.contains(part)) {
                break out;
            }
            let logs = running.iter_mut().map(Running::output).collect::<String>();
            assert!(Instant::now() < deadline, "{} never said {:?}: {said}\n{logs}", row.name, row.until);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        Seen { exit: out.status.code(), told: self.told(row, &out), filters: self.filters() }
    }

    /// A path in the machine's home.
    pub fn path(&self, relative: &str) -> std::path::PathBuf {
        self.world.path(relative)
    }

    /// Runs `bulkhead` to its end, or ends it: a command that should be refused and goes on is a failed row, no test
    /// that hangs.
    fn bulkhead(&self, words: &[&str], input: &str) -> Output {
        let mut child = self
            .world
            .command(programs::bulkhead())
            .args(self.words(words))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bulkhead starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A program that refuses its arguments closes the pipe early; that is its answer, not a fault of the test.
        let _ = stdin.write_all(self.filled(input).as_bytes());
        drop(stdin);
        let pid = Pid::from_child(&child);
        let (ended, end) = std::sync::mpsc::channel::<()>();
        let watch = std::thread::spawn(move || {
            if end.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        let out = child.wait_with_output().expect("bulkhead ends");
        drop(ended);
        watch.join().expect("the watch");
        out
    }

    fn words(&self, words: &[&str]) -> Vec<String> {
        words.iter().map(|word| self.filled(word)).collect()
    }

    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in self.values() {
            text = text.replace(&format!("{{{name}}}"), &value);
        }
        text
    }

    fn stranger(&self) -> u16 {
        self.stranger.local_addr().expect("address").port()
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![
            ("home", self.world.home().display().to_string()),
            ("base", self.base.to_string()),
            ("near", (self.base + 16).to_string()),
            ("far", (self.base + 31).to_string()),
            ("other", self.other.to_string()),
            ("stranger", self.stranger().to_string()),
            ("dead", self.dead.to_string()),
            ("model", self.outside.model.openai_url()),
            ("key", self.outside.key.clone()),
            ("api", self.outside.telegram.base_url.clone()),
            ("bot", self.bot.token.clone()),
        ]
    }

    fn told(&self, row: &Row, out: &Output) -> String {
        let input = if row.input.is_empty() { String::new() } else { format!("  < {:?}", row.input) };
        let command: Vec<String> = row
            .run
            .iter()
            .map(|word| if word.contains([' ', '"']) { format!("'{word}'") } else { (*word).to_owned() })
            .collect();
        let text = format!(
            "$ bulkhead {}{input}\nexit {}\n{}{}",
            command.join(" "),
            out.status.code().map_or_else(|| "by a signal".to_owned(), |code| code.to_string()),
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
        for secret in [&self.outside.key, &self.bot.token] {
            assert!(!text.contains(secret.as_str()), "{}: a secret in {text}", row.name);
        }
        text.trim_end().to_owned()
    }

    fn filters(&self) -> Vec<(String, String)> {
        let home = self.world.home().display().to_string().replace('.', "\\.");
        let mut filters = vec![
            (home, "[HOME]".to_owned()),
            (r"(?m)^\d{4}-\d\d-\d\dT[0-9:.]+Z.*\n?".to_owned(), String::new()),
            (r"\bpid \d+".to_owned(), "pid [PID]".to_owned()),
            (r"\bprocess \d+".to_owned(), "process [PID]".to_owned()),
            (r"\be2e-[0-9a-f]+".to_owned(), "[THIS TEST]".to_owned()),
            (r"\b\d+(\.\d+)? m?s\b".to_owned(), "[TIME]".to_owned()),
            (r"\bbot \d{9}\b".to_owned(), "bot [BOT]".to_owned()),
            (r"\bprobe/[\w-]+".to_owned(), "probe/[RANDOM]".to_owned()),
        ];
        let port = |url: &str| url.split(['/', ':']).find_map(|part| part.parse::<u16>().ok());
        let servers = [
            (port(&self.outside.model.openai_url()), "[MODEL]"),
            (port(&self.outside.telegram.base_url), "[BOT API]"),
        ];
        for (port, shown) in servers {
            filters.push((format!(r"\b{}\b", port.expect("a port")), shown.to_owned()));
        }
        for (port, shown) in [(self.base, "BASE"), (self.other, "OTHER")] {
            for above in 0..=141 {
                let shown = if above == 0 { format!("[{shown}]") } else { format!("[{shown}+{above}]") };
                filters.push((format!(r"\b{}\b", port + above), shown));
            }
        }
        for (port, shown) in [(self.stranger(), "[STRANGER]"), (self.dead, "[DEAD]")] {
            filters.push((format!(r"\b{port}\b"), shown.to_owned()));
        }
        filters
    }
}
