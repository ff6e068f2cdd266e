//! What lives on the internet, and how a test sets up profiles that talk to it.

use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use bulkhead_fakes::telegram::{BotControl, TelegramServer, TelegramServerOptions};
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, ports};
use rand::Rng;

/// A model and a Bot API for one test.
pub struct Outside {
    pub model: ModelServer,
    pub telegram: TelegramServer,
    pub key: String,
}

impl Outside {
    pub async fn new() -> Self {
        let key = format!("sk-planted-{}", word(24));
        let model = ModelServer::start(ModelServerOptions::default().with_key(&key)).await.expect("model");
        let telegram = TelegramServer::start(TelegramServerOptions::default()).await.expect("telegram");
        Self { model, telegram, key }
    }

    /// A bot with a random token.
    pub fn bot(&self, username: &str) -> Bot {
        let token = format!("{}:AA{}", rand::rng().random_range(100_000_000_u64..999_999_999), word(33));
        let control = self.telegram.control.add_bot(&token, username);
        Bot { token, control }
    }

    /// Onboards a profile as a script would.
    pub fn onboard(&self, world: &World, profile: &str, bot: Option<&Bot>, secrets: &str) -> Profile {
        let profile =
            Profile { name: profile.to_owned(), port: ports::base(), token: format!("gw-{}", word(40)) };
        let out = world.bulkhead_with_input(
            &profile.flags(&self.onboarding(&profile, bot, secrets)),
            // The gateway token goes in on standard input, as one would in a script.
            &profile.token,
        );
        assert!(out.status.success(), "onboarding {}: {}", profile.name, text(&out));
        profile
    }

    /// Onboards a profile and lets the service manager run it.
    #[cfg(target_os = "linux")]
    pub fn onboard_with_service(&self, world: &World, profile: &str, secrets: &str) -> Profile {
        let profile =
            Profile { name: profile.to_owned(), port: ports::base(), token: format!("gw-{}", word(40)) };
        let mut args = self.onboarding(&profile, None, secrets);
        args.retain(|arg| arg != "--no-install-daemon");
        let out = world.bulkhead_with_input(&profile.flags(&args), &profile.token);
        assert!(out.status.success(), "onboarding {}: {}", profile.name, text(&out));
        profile
    }

    fn onboarding(&self, profile: &Profile, bot: Option<&Bot>, secrets: &str) -> Vec<String> {
        let mut args: Vec<String> = [
            "onboard",
            "--non-interactive",
            "--accept-risk",
            "--mode",
            "local",
            "--auth-choice",
            "custom-api-key",
            "--custom-model-id",
            "fake-1",
            "--custom-provider-id",
            "fake",
            "--custom-compatibility",
            "openai",
            "--gateway-auth",
            "token",
            "--gateway-token",
            "-",
            "--no-install-daemon",
            "--json",
            "--secrets",
            secrets,
        ]
        .map(str::to_owned)
        .to_vec();
        args.extend(["--custom-base-url".to_owned(), self.model.openai_url()]);
        args.extend(["--custom-api-key".to_owned(), self.key.clone()]);
        args.extend(["--gateway-port".to_owned(), profile.port.to_string()]);
        if let Some(bot) = bot {
            args.extend(["--telegram-bot-token".to_owned(), bot.token.clone()]);
            args.extend(["--telegram-api-root".to_owned(), self.telegram.base_url.clone()]);
        }
        args
    }
}

/// A bot as its owner knows it.
pub struct Bot {
    pub token: String,
    pub control: BotControl,
}

impl Bot {
    /// Writes as a stranger, and reads the code that comes back.
    pub async fn pairing_code(&self, person: i64) -> String {
        self.control.say(person, "hello");
        let message = self.control.wait_for_messages(person, 1).await.remove(0);
        code_in(&message.now.text)
    }

    /// Makes a person known to the bot's gateway.
    pub async fn pair(&self, world: &World, profile: &Profile, person: i64) {
        let code = self.pairing_code(person).await;
        let out =
            world.bulkhead(&profile.flags(&["pairing".into(), "approve".into(), "telegram".into(), code]));
        assert!(out.status.success(), "approve: {}", text(&out));
    }

    /// Asks, and waits until an answer holds `part`.
    pub async fn ask(&self, person: i64, question: &str, part: &str) -> String {
        self.control.say(person, question);
        self.control.wait_for_text(person, part).await.now.text
    }
}

/// The pairing code in a message: eight characters without 0, O, 1 and I.
pub fn code_in(message: &str) -> String {
    message
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| {
            word.len() == 8
                && word.bytes().any(|b| b.is_ascii_uppercase())
                && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        })
        .unwrap_or_else(|| panic!("no code in {message:?}"))
        .to_owned()
}

/// A profile as a test knows it.
pub struct Profile {
    pub name: String,
    pub port: u16,
    pub token: String,
}

impl Profile {
    /// Arguments for this profile.
    pub fn flags<'a>(&'a self, args: &'a [String]) -> Vec<&'a str> {
        ["--profile", &self.name].into_iter().chain(args.iter().map(String::as_str)).collect()
    }

    /// Its gateway under its supervisor, once it answers.
    pub async fn supervised(&self, world: &World) -> Running {
        self.started(world.start(&["--profile", &self.name, "gateway", "supervise"])).await
    }

    /// Its gateway by itself, once it answers.
    pub async fn running(&self, world: &World) -> Running {
        self.started(world.start(&["--profile", &self.name, "gateway", "run"])).await
    }

    async fn started(&self, mut running: Running) -> Running {
        assert!(
            self.is_ready().await,
            "{} does not answer on {}: {}",
            self.name,
            self.port,
            running.output()
        );
        running
    }

    /// Waits until it is ready.
    pub async fn answers(&self) {
        assert!(self.is_ready().await, "{} does not answer on {}", self.name, self.port);
    }

    async fn is_ready(&self) -> bool {
        let client = client();
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        let deadline = std::time::Instant::now() + bulkhead_tests::run::PATIENCE;
        while std::time::Instant::now() < deadline {
            if client.get(&url).send().await.is_ok_and(|response| response.status().is_success()) {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        false
    }

    /// Process id of its gateway.
    pub fn gateway_pid(&self, world: &World) -> u32 {
        let state =
            if self.name == "main" { ".bulkhead".to_owned() } else { format!(".bulkhead-{}", self.name) };
        // Written a moment after the port answers.
        let deadline = std::time::Instant::now() + bulkhead_tests::run::PATIENCE;
        let text = loop {
            match std::fs::read_to_string(world.path(&state).join("run.json")) {
                Ok(text) => break text,
                Err(error) => assert!(std::time::Instant::now() < deadline, "no run record: {error}"),
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        };
        let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let pid =
            record.pointer("/identity/pid").or_else(|| record.get("pid")).and_then(serde_json::Value::as_u64);
        u32::try_from(pid.expect("a pid")).expect("a pid")
    }
}

/// A plain HTTP client.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("client")
}

/// Random letters and digits.
pub fn word(length: usize) -> String {
    rand::rng().sample_iter(rand::distr::Alphanumeric).take(length).map(char::from).collect()
}
