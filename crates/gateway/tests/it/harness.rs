//! A real gateway process: this test binary starts itself again, hands it secrets on stdin, and may kill it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bulkhead_client::protocol::EventFrame;
use bulkhead_client::{Auth, Client, ConnectOptions};
use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use bulkhead_fakes::telegram::{BotControl, TelegramServer, TelegramServerOptions};
use bulkhead_gateway::{RunOptions, run_blocking};
use bulkhead_profile::{Environment, Place};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// Nothing that a test waits for takes longer.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The gateway's token.
pub const TOKEN: &str = "gateway-token-4f1c2d3b4a5968778695a4b3c2d1e0f1";
/// The bot's token.
pub const BOT: &str = "700000001:AAplanted-bot-token_0123456789abcdefg";
/// The model's key.
pub const KEY: &str = "sk-planted/model+key=0123456789abcdef";

/// Not a test: the gateway process of the others.
#[test]
#[ignore = "started by the other tests"]
fn gateway_process() {
    let env = Environment::from_process();
    let Some(flags) = env.var("TEST_GATEWAY_FLAGS").map(str::to_owned) else { return };
    let place = Place::resolve(None, &env).unwrap();
    let mut options = RunOptions::new(place, env);
    options.sidecar = true;
    options.port = Some(0);
    for flag in flags.split(',') {
        match flag {
            "allow-unconfigured" => options.allow_unconfigured = true,
            "safe" => options.safe_mode = true,
            "force" => options.force = true,
            "last-good" => options.last_good = true,
            other => {
                if let Some(ms) = other.strip_prefix("healthy-after-ms=") {
                    options.healthy_after = Duration::from_millis(ms.parse().unwrap());
                }
                if let Some(ms) = other.strip_prefix("missed-after-ms=") {
                    options.missed_after = Duration::from_millis(ms.parse().unwrap());
                }
                if let Some(port) = other.strip_prefix("port=") {
                    options.port = port.parse().ok();
                }
            }
        }
    }
    match run_blocking(options) {
        Ok(ended) => std::process::exit(ended.exit_code().into()),
        Err(error) => {
            println!("{}", json!({"type": "failed", "code": error.code(), "message": error.to_string()}));
            std::process::exit(error.exit_code().into())
        }
    }
}

/// A home directory with one profile, a model server and a Bot API server beside it.
pub struct World {
    pub home: tempfile::TempDir,
    pub model: ModelServer,
    pub telegram: TelegramServer,
    pub bot: BotControl,
}

impl World {
    /// A profile with a model and no channel.
    pub async fn new() -> Self {
        let model = ModelServer::start(ModelServerOptions::default().with_key(KEY)).await.unwrap();
        let telegram = TelegramServer::start(TelegramServerOptions::default()).await.unwrap();
        let bot = telegram.control.add_bot(BOT, "it_bot");
        let world = Self { home: tempfile::tempdir().unwrap(), model, telegram, bot };
        world.write_config(&world.config());
        world
    }

    /// The same with Telegram.
    pub async fn with_telegram() -> Self {
        let world = Self::new().await;
        let mut config = world.config();
        config["channels"]["telegram"] = world.telegram_config();
        world.write_config(&config);
        world
    }

    pub fn config(&self) -> Value {
        json!({
            "gateway": {"mode": "local", "auth": {"mode": "token", "token": {"source": "keychain", "id": "gateway/token"}}},
            "agents": {"defaults": {"model": {"primary": "fake/fake-1"}}},
            "models": {"providers": {"fake": {
                "baseUrl": self.model.openai_url(),
                "api": "openai-completions",
                "apiKey": {"source": "keychain", "id": "models/fake/api-key"},
                "models": [{"id": "fake-1", "name": "Fake one", "contextWindow": 32000}, {"id": "fake-2"}],
            }}},
        })
    }

    pub fn telegram_config(&self) -> Value {
        json!({"apiRoot": self.telegram.base_url, "botToken": {"source": "keychain", "id": "telegram/bot-token"}})
    }

    /// The profile's place.
    pub fn place(&self) -> Place {
        Place::resolve(None, &Environment::for_test(self.home.path())).unwrap()
    }

    pub fn state(&self) -> PathBuf {
        self.home.path().join(".bulkhead")
    }

    pub fn config_path(&self) -> PathBuf {
        self.state().join("bulkhead.json")
    }

    pub fn write_config(&self, config: &Value) {
        std::fs::create_dir_all(self.state()).unwrap();
        std::fs::write(self.config_path(), serde_json::to_string_pretty(config).unwrap()).unwrap();
    }

    /// All secrets, as a supervisor hands them over.
    pub fn secrets() -> Value {
        json!({
            "gateway/token": TOKEN,
            "device/key": "device-key-0123456789abcdef0123456789abcdef",
            "telegram/bot-token": BOT,
            "models/fake/api-key": KEY,
        })
    }

    /// A running gateway.
    pub async fn start(&self) -> Gateway {
        self.start_with("", &[]).await
    }

    pub async fn start_with(&self, flags: &str, vars: &[(&str, &str)]) -> Gateway {
        let mut process = self.spawn(flags, vars);
        process.hand_over(&json!({"v": 1, "type": "secrets", "secrets": Self::secrets()})).await;
        process.ready().await.unwrap_or_else(|line| panic!("the gateway did not start: {line}"))
    }

    /// A process that was told nothing yet.
    pub fn spawn(&self, flags: &str, vars: &[(&str, &str)]) -> Process {
        let vars: BTreeMap<&str, &str> = vars.iter().copied().collect();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "harness::gateway_process", "--nocapture", "--test-threads=1"])
            .env_clear()
            .env("HOME", self.home.path())
            .env("TEST_GATEWAY_FLAGS", format!("run,{flags}"))
            .env("RUST_BACKTRACE", "0")
            .envs(vars)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(std::fs::File::create(self.home.path().join("stderr.txt")).unwrap()))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Process { child, stdin, stdout, heard: String::new() }
    }
}

/// A gateway process.
pub struct Process {
    pub child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<tokio::process::ChildStdout>,
    heard: String,
}

impl Process {
    /// Writes one line to its stdin.
    pub async fn hand_over(&mut self, line: &Value) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        stdin.flush().await.unwrap();
    }

    /// Ends its stdin.
    pub fn let_go(&mut self) {
        self.stdin = None;
    }

    /// Waits for its ready line, or gives back the line with which it failed.
    pub async fn ready(mut self) -> Result<Gateway, String> {
        let line = self.line().await;
        if line["type"] != "ready" {
            return Err(line.to_string());
        }
        let port = u16::try_from(line["port"].as_u64().unwrap()).unwrap();
        Ok(Gateway { process: self, port, ready: line })
    }

    /// The next line of JSON.
    pub async fn line(&mut self) -> Value {
        let next = async {
            loop {
                let mut line = String::new();
                if self.stdout.read_line(&mut line).await.unwrap() == 0 {
                    return json!({"type": "gone", "heard": self.heard});
                }
                self.heard.push_str(&line);
                if let Some(value) = line.find('{').and_then(|at| serde_json::from_str(&line[at..]).ok()) {
                    return value;
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("a line of the gateway")
    }

    /// Its exit code.
    pub async fn exit(&mut self) -> Option<i32> {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the gateway ends").unwrap().code()
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends it SIGTERM.
    pub fn terminate(&self) {
        let pid = self.pid().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// `kill -9`, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Everything it wrote to stdout.
    pub fn heard(&self) -> &str {
        &self.heard
    }
}

/// A gateway that is ready.
pub struct Gateway {
    pub process: Process,
    pub port: u16,
    pub ready: Value,
}

impl Gateway {
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// An operator with every scope.
    pub async fn client(&self) -> (Client, Events) {
        let mut options = ConnectOptions::cli(
            format!("ws://127.0.0.1:{}", self.port),
            Auth::Token(TOKEN.to_owned().into()),
        );
        options.caps = vec!["tool-events".to_owned()];
        let (client, _, events) = Client::connect_with_events(options).await.unwrap();
        (client, Events(events))
    }

    /// The body of a GET without any proof.
    pub async fn get(&self, path: &str) -> Value {
        http().get(self.url(path)).send().await.unwrap().json().await.unwrap()
    }

    /// Waits until `/readyz` says so.
    pub async fn until_ready(&self, failing: &[&str]) {
        let wait = async {
            loop {
                let answer = self.get("/readyz").await;
                if answer["failing"] == json!(failing) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let said = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(said, "/readyz never said {failing:?}: {}", self.get("/readyz").await);
    }
}

/// A plain HTTP client.
pub fn http() -> reqwest::Client {
    bulkhead_agent::http::install_crypto();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Events as they come.
pub struct Events(tokio::sync::broadcast::Receiver<std::sync::Arc<EventFrame>>);

impl Events {
    /// The next event that fits, with all before it passed over.
    pub async fn next(&mut self, what: &str, fits: impl Fn(&str, &Value) -> bool) -> Value {
        let mut passed = Vec::new();
        let search = async {
            loop {
                let frame = self.0.recv().await.unwrap();
                let payload: Value = frame
                    .payload
                    .as_ref()
                    .map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap());
                if fits(&frame.event, &payload) {
                    return payload;
                }
                passed.push(format!("{} {payload}", frame.event));
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(error) => panic!("no event: {what} ({error}); seen: {passed:#?}"),
        }
    }

    /// The end of a run: `final`, `aborted` or `error`.
    pub async fn end_of(&mut self, run_id: &str) -> Value {
        self.next(run_id, |event, payload| {
            event == "chat"
                && payload["runId"] == run_id
                && matches!(payload["state"].as_str(), Some("final" | "aborted" | "error"))
        })
        .await
    }
}

/// The text of a `chat` event's message.
pub fn text(payload: &Value) -> &str {
    payload["message"]["content"][0]["text"].as_str().unwrap_or_default()
}

/// Every file below a directory.
pub fn files(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(below).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}
