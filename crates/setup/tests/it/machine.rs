//! A machine for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bulkhead_agent::ProviderSettings;
use bulkhead_config::{Config, ConfigDocument, SecretSource};
use bulkhead_process::Holder;
use bulkhead_profile::Environment;
use bulkhead_secrets::{SecretError, SecretId, SecretStore, StoreDescription};
use bulkhead_setup::{Bot, Live, ModelAnswer, Outcome, Progress, Request, Trouble, World};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Tokens that the outside world knows.
pub(crate) const MAIN_BOT: &str = "111111111:AAmainmainmainmainmainmainmainmainmain";
pub(crate) const RESCUE_BOT: &str = "222222222:AArescuerescuerescuerescuerescueresc";

/// What the real keychain would say.
pub(crate) type Cause = fn() -> keyring_core::Error;
type Items = Arc<Mutex<BTreeMap<(String, String), String>>>;

/// A keychain in memory that can fail.
#[derive(Clone, Default)]
pub(crate) struct Keychain {
    pub(crate) items: Items,
    /// Fails every call with the cause, as the real one words it.
    pub(crate) failure: Arc<Mutex<Option<Cause>>>,
    /// Never answers when a secret of this name is stored.
    pub(crate) hangs_on: Arc<Mutex<Option<String>>>,
    /// Refuses to store a secret of this name.
    pub(crate) refuses: Arc<Mutex<Option<(String, String)>>>,
}

struct Namespace {
    service: String,
    keychain: Keychain,
}

impl Keychain {
    pub(crate) fn get(&self, service: &str, id: &str) -> Option<String> {
        self.items.lock().unwrap().get(&(service.to_owned(), id.to_owned())).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.lock().unwrap().len()
    }
}

impl Namespace {
    async fn trouble(&self) -> Result<(), SecretError> {
        let failure = *self.keychain.failure.lock().unwrap();
        match failure {
            None => Ok(()),
            Some(cause) => {
                let broken =
                    bulkhead_secrets::KeychainStore::with_opener(&self.service, move || Err(cause()));
                broken.get(&SecretId::gateway_token()).await.map(|_| ())
            }
        }
    }

    fn key(&self, id: &SecretId) -> (String, String) {
        (self.service.clone(), id.as_str().to_owned())
    }
}

#[async_trait]
impl SecretStore for Namespace {
    async fn get(&self, id: &SecretId) -> Result<SecretString, SecretError> {
        self.trouble().await?;
        let found = self.keychain.items.lock().unwrap().get(&self.key(id)).cloned();
        found
            .map(SecretString::from)
            .ok_or_else(|| SecretError::NotFound { id: id.clone(), store: "the keychain".to_owned() })
    }

    async fn set(&self, id: &SecretId, secret: &SecretString) -> Result<(), SecretError> {
        self.trouble().await?;
        let hangs = self.keychain.hangs_on.lock().unwrap().as_deref() == Some(id.as_str());
        if hangs {
            std::future::pending::<()>().await;
        }
        if *self.keychain.refuses.lock().unwrap() == Some(self.key(id)) {
            return Err(SecretError::Denied {
                keychain: "The keychain",
                item: Some(id.clone()),
                cause: "no".to_owned(),
            });
        }
        self.keychain.items.lock().unwrap().insert(self.key(id), secret.expose_secret().to_owned());
        Ok(())
    }

    async fn delete(&self, id: &SecretId) -> Result<bool, SecretError> {
        self.trouble().await?;
        Ok(self.keychain.items.lock().unwrap().remove(&self.key(id)).is_some())
    }

    async fn list(&self) -> Result<Option<Vec<SecretId>>, SecretError> {
        self.trouble().await?;
        let items = self.keychain.items.lock().unwrap();
        let mine = items.keys().filter(|(service, _)| *service == self.service);
        Ok(Some(mine.map(|(_, id)| SecretId::parse(id).unwrap()).collect()))
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription {
            source: SecretSource::Keychain,
            label: format!("the keychain ({})", self.service),
            encrypted: true,
            writable: true,
        }
    }
}

/// Models and bots that answer as told.
#[derive(Clone, Default)]
pub(crate) struct Outside {
    pub(crate) model: Option<Trouble>,
    pub(crate) bot: Option<Trouble>,
}

#[async_trait]
impl Live for Outside {
    async fn model(&self, settings: &ProviderSettings, model: &str) -> Result<ModelAnswer, Trouble> {
        assert!(settings.base_url.starts_with("http"));
        match &self.model {
            Some(trouble) => Err(trouble.clone()),
            None => Ok(ModelAnswer { latency_ms: 42, model: model.to_owned() }),
        }
    }

    async fn models(&self, settings: &ProviderSettings) -> Vec<String> {
        vec![format!("{}-model", settings.id)]
    }

    async fn listing(&self, settings: &ProviderSettings) -> Result<Vec<String>, Trouble> {
        match &self.model {
            Some(trouble) => Err(trouble.clone()),
            None => Ok(self.models(settings).await),
        }
    }

    async fn date(&self, _: &str, _: Option<&str>) -> Option<std::time::SystemTime> {
        None
    }

    async fn bot(&self, _: Option<&str>, token: &SecretString, _: Option<&str>) -> Result<Bot, Trouble> {
        if let Some(trouble) = &self.bot {
            return Err(trouble.clone());
        }
        let id: u64 = token.expose_secret().split(':').next().unwrap().parse().unwrap();
        Ok(Bot { id, username: format!("bot{id}_bot"), name: "A bot".to_owned() })
    }
}

/// One temporary computer.
pub(crate) struct Machine {
    pub(crate) home: tempfile::TempDir,
    pub(crate) env: Environment,
    pub(crate) keychain: Keychain,
    pub(crate) outside: Outside,
    pub(crate) listening: BTreeMap<u16, Holder>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let env = Environment::for_test(home.path());
        Self {
            home,
            env,
            keychain: Keychain::default(),
            outside: Outside::default(),
            listening: BTreeMap::new(),
        }
    }

    pub(crate) fn world(&self) -> World {
        let keychain = self.keychain.clone();
        let listening = self.listening.clone();
        let ports: BTreeSet<u16> = listening.keys().copied().collect();
        World::of_this_machine(self.env.clone())
            .with_live(Arc::new(self.outside.clone()))
            .with_keychain(move |service| {
                Arc::new(Namespace { service: service.to_owned(), keychain: keychain.clone() })
            })
            .with_ports(move || ports.clone(), move |port, _| listening.get(&port).cloned())
    }

    pub(crate) fn listens(&mut self, port: u16, program: &str, profile: Option<&str>) {
        let holder = Holder {
            port,
            pid: Some(4711),
            program: Some(program.to_owned()),
            profile: profile.map(str::to_owned),
        };
        self.listening.insert(port, holder);
    }

    /// The same machine, but models and bots are really asked.
    pub(crate) fn world_with_network(&self) -> World {
        let real = World::of_this_machine(self.env.clone());
        let keychain = self.keychain.clone();
        let open = move |service: &str| -> Arc<dyn SecretStore> {
            Arc::new(Namespace { service: service.to_owned(), keychain: keychain.clone() })
        };
        real.with_keychain(open).with_ports(BTreeSet::new, |_, _| None)
    }

    pub(crate) async fn run(&self, request: Value) -> (Outcome, Vec<Progress>) {
        let request = Request::parse(request.to_string().as_bytes()).unwrap();
        let progress = Mutex::new(Vec::new());
        let outcome =
            bulkhead_setup::run(&request, &self.world(), &|step| progress.lock().unwrap().push(step)).await;
        (outcome, progress.into_inner().unwrap())
    }

    pub(crate) fn put(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A file that can be run.
    pub(crate) fn put_program(&self, path: &str, text: &str) -> PathBuf {
        let path = self.put(path, text);
        self.mode(&path, 0o755);
        path
    }

    /// Sets the mode of a file or folder.
    pub(crate) fn mode(&self, path: &std::path::Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        let _ = &self.home;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.home.path().join(path)).unwrap()
    }

    pub(crate) fn config(&self, path: &str) -> Config {
        Config::from_document(&ConfigDocument::parse(path, &self.text(path)).unwrap()).unwrap()
    }

    /// Every file under the home with its content; locks left out.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut dirs = vec![self.home.path().to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.home.path()).unwrap().display().to_string();
                if let Ok(target) = fs::read_link(&path) {
                    files.insert(name, format!("-> {}", target.display()).into_bytes());
                } else if path.is_dir() {
                    files.insert(format!("{name}/"), Vec::new());
                    dirs.push(path);
                } else if path.extension().is_none_or(|extension| extension != "lock") {
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    /// A text without what differs from run to run.
    pub(crate) fn show(&self, text: &str) -> String {
        text.replace(&self.home.path().display().to_string(), "~")
    }

    pub(crate) fn findings(&self, outcome: &Outcome) -> String {
        let lines: Vec<String> = outcome
            .findings
            .iter()
            .map(|finding| {
                self.show(&format!("[{} {:?}] {}", finding.code, finding.severity, finding.sentence()))
            })
            .collect();
        if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
    }
}

pub(crate) fn pair() -> Value {
    serde_json::json!({
        "secrets": "keychain",
        "model": { "provider": "custom", "api": "openai", "baseUrl": "http://127.0.0.1:18999/v1", "modelId": "fake-1", "apiKey": "s3cret-key" },
        "profiles": [
            { "name": "main", "owner": "desktop", "telegram": { "botToken": MAIN_BOT, "apiRoot": "http://127.0.0.1:18998" } },
            { "name": "rescue", "owner": "desktop", "gatewayToken": "s3cret-given", "telegram": { "botToken": RESCUE_BOT, "apiRoot": "http://127.0.0.1:18998" } },
        ],
    })
}

pub(crate) fn create(plan: &Value) -> Value {
    serde_json::json!({ "version": 1, "action": "create", "plan": plan })
}

pub(crate) fn check(plan: &Value) -> Value {
    serde_json::json!({ "version": 1, "action": "check", "plan": plan })
}
