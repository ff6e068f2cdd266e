//! A machine with a profile that doctor looks at: real servers, real ports, real files; only the keychain is in memory.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use bulkhead_fakes::telegram::{TelegramServer, TelegramServerOptions};
use bulkhead_process::port;
use bulkhead_profile::{Place, ProfileName};
use bulkhead_setup::doctor::{self, DoctorFinding, DoctorOptions, Examination, Level, Treatment};
use bulkhead_setup::{Space, World};
use serde_json::{Value, json};

use crate::machine::{MAIN_BOT, Machine, create};

pub(crate) const KEY: &str = "sk-s3cret-good";

pub(crate) struct Ward {
    pub(crate) machine: Machine,
    pub(crate) model: ModelServer,
    pub(crate) telegram: TelegramServer,
    /// Ports that this test listens on: the only ones that doctor sees of this computer.
    pub(crate) listens: Arc<Mutex<BTreeSet<u16>>>,
}

impl Ward {
    /// A healthy profile main.
    pub(crate) async fn new() -> Self {
        let model = ModelServer::start(ModelServerOptions::default().with_key(KEY).with_models(["fake-1"]))
            .await
            .unwrap();
        let telegram = TelegramServer::start(TelegramServerOptions::default()).await.unwrap();
        telegram.control.add_bot(MAIN_BOT, "main_test_bot");
        let mut machine = Machine::new();
        machine.put_program("bin/chromium", "");
        machine.env =
            machine.env.clone().with_var("PATH", &machine.home.path().join("bin").display().to_string());
        let ward = Self { machine, model, telegram, listens: Arc::default() };
        ward.set_up("main", json!({ "botToken": MAIN_BOT, "apiRoot": ward.telegram.base_url })).await;
        ward
    }

    /// Sets up a profile; null for no bot.
    pub(crate) async fn set_up(&self, name: &str, telegram: Value) {
        let mut profile = json!({ "name": name });
        if !telegram.is_null() {
            profile["telegram"] = telegram;
        }
        let plan = json!({
            "secrets": "keychain",
            "model": { "provider": "custom", "api": "openai", "baseUrl": format!("{}/v1", self.model.base_url), "modelId": "fake-1", "apiKey": KEY },
            "profiles": [profile],
        });
        let (outcome, _) = self.machine.run(create(&plan)).await;
        assert!(outcome.ok, "{}", self.machine.findings(&outcome));
    }

    pub(crate) fn place(&self, name: &str) -> Place {
        Place::resolve(Some(&ProfileName::parse(name).unwrap()), &self.machine.env).unwrap()
    }

    /// The machine as doctor sees it: enough space, no browser but the one that the test puts there.
    pub(crate) fn world(&self) -> World {
        let (seen, asked) = (Arc::clone(&self.listens), Arc::clone(&self.listens));
        let home = self.machine.home.path().to_owned();
        let mine = move || port::listening().intersection(&seen.lock().unwrap()).copied().collect();
        self.machine
            .world_with_network()
            .with_ports(mine, move |port, records| {
                asked.lock().unwrap().contains(&port).then(|| port::holder_among(port, records)).flatten()
            })
            .with_programs(move |path| path.starts_with(&home) && path.is_file())
            .with_space(|_| Some(Space { free: 50 << 30, total: 100 << 30, files_free: Some(1 << 20) }))
    }

    /// Listens on a port for as long as the answer lives.
    pub(crate) fn listen(&self, port: u16) -> TcpListener {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        self.listens.lock().unwrap().insert(listener.local_addr().unwrap().port());
        listener
    }

    pub(crate) async fn doctor(&self, world: &World, name: &str) -> Examination {
        doctor::examine(world, &[self.place(name)], DoctorOptions::default(), &|_| ()).await
    }

    /// Repairs with consent to everything; what was done, and what is left.
    pub(crate) async fn fix(&self, world: &World, name: &str) -> (Vec<Treatment>, Examination) {
        let first = self.doctor(world, name).await;
        let places = [self.place(name)];
        let after = doctor::treat(
            world,
            &places,
            DoctorOptions::default(),
            first,
            &|_| true,
            &|_| Some(true),
            &|_| (),
        )
        .await;
        (after.fixed.clone(), after)
    }

    /// What is not in order, for a snapshot.
    pub(crate) fn show(&self, found: &Examination) -> String {
        let lines = found
            .findings
            .iter()
            .filter(|finding| finding.severity != Level::Ok)
            .map(|finding| self.line(finding));
        let text = lines.collect::<Vec<_>>().join("\n");
        if text.is_empty() { "nothing".to_owned() } else { text }
    }

    fn line(&self, finding: &DoctorFinding) -> String {
        let mut text = format!(
            "[{:?} {} {}] {}",
            finding.severity,
            finding.subject.as_str(),
            finding.code,
            finding.found
        );
        for (word, line) in [("why", &finding.why), ("next", &finding.next_step)] {
            if !line.is_empty() {
                text = format!("{text}\n    {word}: {line}");
            }
        }
        if let Some(fix) = &finding.fix {
            text = format!("{text}\n    fix ({}): {}", if fix.safe { "safe" } else { "asked" }, fix.title);
        }
        let home = self.machine.home.path();
        let real = home.canonicalize().unwrap_or_else(|_| home.to_owned());
        text.replace(&real.display().to_string(), "~").replace(&home.display().to_string(), "~")
    }

    pub(crate) fn codes(found: &Examination) -> Vec<&str> {
        let bad = found.findings.iter().filter(|finding| finding.severity <= Level::Warning);
        bad.map(|finding| finding.code.as_str()).collect()
    }
}

/// Snapshots without what differs from run to run.
pub(crate) fn shown(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"process \d+", "process [PID]");
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]");
    settings.add_filter(r"\bit-[0-9a-f]{16}", "[TEST]");
    settings.add_filter(r"\d{8}T\d{6}(\d{3})?Z", "[TIME]");
    settings.bind(|| insta::assert_snapshot!(name.to_owned(), text));
}
