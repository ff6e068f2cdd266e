//! Probes against real servers and real processes.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{any, get};
use bulkhead_process::{ProcessIdentity, RunRecord};
use bulkhead_profile::{Environment, Place};
use bulkhead_rescue::openclaw::{OpenClawKeeper, Vault, VaultKey};
use bulkhead_rescue::{
    Answer, BinarySeen, ConfigTrouble, Keeper, Observation, PortSeen, ProcessSeen, Reception, RemedyKind,
    SystemClock, Target, probe,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::world::TestKeeper;

/// A small real gateway: health, readiness with details, and the beginning of the protocol.
struct Server {
    port: u16,
    failing: Arc<AtomicBool>,
    stop: CancellationToken,
}

impl Server {
    async fn start() -> Self {
        let failing = Arc::new(AtomicBool::new(false));
        let said = Arc::clone(&failing);
        let ready = move || async move {
            if said.load(Ordering::SeqCst) {
                let body = r#"{"ready":false,"failing":["model"],"details":{"model":{"code":"auth","message":"401"}}}"#;
                return (StatusCode::SERVICE_UNAVAILABLE, body);
            }
            (StatusCode::OK, r#"{"ready":true,"failing":[]}"#)
        };
        let socket = |upgrade: WebSocketUpgrade| async move {
            upgrade.on_upgrade(|mut socket| async move {
                let challenge = r#"{"type":"event","event":"connect.challenge","payload":{"nonce":"n","ts":1}}"#;
                let _ = socket.send(Message::text(challenge)).await;
                if let Some(Ok(Message::Text(_))) = socket.recv().await {
                    let refusal = r#"{"type":"res","id":"knock","ok":false,"error":{"code":"INVALID_REQUEST","message":"connect first"}}"#;
                    let _ = socket.send(Message::text(refusal)).await;
                }
            })
        };
        let app = Router::new()
            .route("/healthz", get(|| async { r#"{"ok":true,"status":"live"}"# }))
            .route("/readyz", get(ready))
            .route("/", any(socket));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = CancellationToken::new();
        let end = stop.clone();
        tokio::spawn(async move {
            let serve = axum::serve(listener, app).into_future();
            tokio::select! {
                _ = serve => {}
                () = end.cancelled() => {}
            }
        });
        Self { port, failing, stop }
    }
}

struct Probing {
    sightings: mpsc::Receiver<bulkhead_rescue::Sighting>,
    _stop: tokio_util::sync::DropGuard,
}

impl Probing {
    fn start(target: Target) -> Self {
        let stop = CancellationToken::new();
        let keeper = Arc::new(TestKeeper::default());
        let sightings = probe::start(target, keeper, Arc::new(SystemClock), &stop);
        Self { sightings, _stop: stop.drop_guard() }
    }

    /// Waits until something is seen.
    async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(&Observation) -> Option<T>) -> T {
        let wait = async {
            loop {
                let sighting = self.sightings.recv().await.expect("probes run");
                if let Some(found) = pick(&sighting.what) {
                    return found;
                }
            }
        };
        let limit = Duration::from_secs(20);
        tokio::time::timeout(limit, wait).await.unwrap_or_else(|_| panic!("never seen: {what}"))
    }

    async fn http(&mut self, expected: Answer) {
        self.until(&format!("{expected:?}"), |what| {
            matches!(what, Observation::Http(answer) if *answer == expected).then_some(())
        })
        .await;
    }
}

fn place(home: &Path) -> (Place, Environment) {
    let env = Environment::for_test(home);
    (Place::resolve(None, &env).unwrap(), env)
}

struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        Self(Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap())
    }

    fn record(&self, place: &Place, port: u16) -> RunRecord {
        let record = RunRecord {
            identity: ProcessIdentity::of(self.0.id()).unwrap(),
            profile: "main".to_owned(),
            base_port: port,
            state_dir: place.state_dir().to_owned(),
            version: "1.2.3".to_owned(),
        };
        record.write(&place.run_record_path()).unwrap();
        record
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_gateway_that_answers_fails_and_goes_away() {
    let home = tempfile::tempdir().unwrap();
    let (place, env) = place(home.path());
    let server = Server::start().await;
    let mut probing = Probing::start(Target::bundled(&place, server.port, &env));
    probing.http(Answer::Good).await;
    probing.until("hello", |what| matches!(what, Observation::Hello(Answer::Good)).then_some(())).await;
    server.failing.store(true, Ordering::SeqCst);
    let reason = probing
        .until("a failing model", |what| match what {
            Observation::Ready(seen) => seen.failing.get("model").cloned(),
            _ => None,
        })
        .await;
    assert_eq!((reason.code.as_str(), reason.message.as_str()), ("auth", "401"));
    server.stop.cancel();
    probing.http(Answer::Refused).await;
}

#[tokio::test]
async fn what_is_no_gateway_is_told_by_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let (place, env) = place(home.path());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = Router::new().fallback(|| async { "<html>hello</html>" });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut probing = Probing::start(Target::bundled(&place, port, &env));
    let holder = probing
        .until("a thief", |what| match what {
            Observation::Port(PortSeen::Taken(holder)) => Some(holder.clone()),
            _ => None,
        })
        .await;
    assert_eq!((holder.pid, holder.port, holder.ours), (Some(std::process::id()), port, false));
    probing
        .until("a web server", |what| matches!(what, Observation::Http(Answer::Wrong { .. })).then_some(()))
        .await;
}

#[tokio::test]
async fn one_that_takes_connections_and_says_nothing_is_silent() {
    let home = tempfile::tempdir().unwrap();
    let (place, env) = place(home.path());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut probing = Probing::start(Target::bundled(&place, port, &env));
    probing.http(Answer::Silent).await;
    drop(listener);
}

#[tokio::test]
async fn a_process_is_seen_frozen_thawed_and_killed() {
    let home = tempfile::tempdir().unwrap();
    let (place, env) = place(home.path());
    let sleeper = Sleeper::start();
    let pid = sleeper.record(&place, 1).identity.pid;
    let mut probing = Probing::start(Target::bundled(&place, 1, &env));
    let is = |expected: ProcessSeen| {
        move |what: &Observation| {
            matches!(what, Observation::Process(seen) if *seen == expected).then_some(())
        }
    };
    probing.until("running", is(ProcessSeen::Running { pid, starved: false })).await;
    sleeper.signal("-STOP");
    probing.until("stopped", is(ProcessSeen::Stopped { pid })).await;
    sleeper.signal("-CONT");
    probing.until("running again", is(ProcessSeen::Running { pid, starved: false })).await;
    let killed = std::time::Instant::now();
    sleeper.signal("-KILL");
    probing.until("gone", is(ProcessSeen::Gone { pid, asked: false })).await;
    assert!(killed.elapsed() < Duration::from_millis(500), "the end is an event, not a look");

    // One that takes its record away ended as it should.
    let second = Sleeper::start();
    let pid = second.record(&place, 1).identity.pid;
    probing.until("the second", is(ProcessSeen::Running { pid, starved: false })).await;
    std::fs::remove_file(place.run_record_path()).unwrap();
    second.signal("-TERM");
    probing.until("gone as asked", is(ProcessSeen::Gone { pid, asked: true })).await;
}

#[tokio::test]
async fn a_configuration_is_looked_at_when_it_is_written() {
    let home = tempfile::tempdir().unwrap();
    let (place, env) = place(home.path());
    std::fs::create_dir_all(place.state_dir()).unwrap();
    let good = "{ gateway: { port: 18789, mode: 'local' }, agents: { defaults: { workspace: '~/w' } }, logging: { level: 'info' } }";
    std::fs::write(place.config_path(), good).unwrap();
    std::fs::write(place.last_good_config_path(), good).unwrap();
    let mut probing = Probing::start(Target::bundled(&place, 1, &env));
    let trouble = |what: &Observation| match what {
        Observation::Config(seen) => Some(seen.trouble.clone()),
        _ => None,
    };
    assert_eq!(probing.until("a good one", trouble).await, None);
    for (text, emptied) in
        [("", true), ("{}", true), ("{ gateway: { port: 'x' } }", false), ("{ broken", false)]
    {
        std::fs::write(place.config_path(), text).unwrap();
        let seen = probing
            .until("a broken one", |what| {
                trouble(what).flatten().filter(|seen| (*seen == ConfigTrouble::Empty) == emptied)
            })
            .await;
        assert_eq!(seen == ConfigTrouble::Empty, emptied, "{text}: {seen:?}");
    }
    std::fs::remove_file(place.config_path()).unwrap();
    probing.until("none", |what| (trouble(what)? == Some(ConfigTrouble::Missing)).then_some(())).await;
    std::fs::write(place.config_path(), good).unwrap();
    probing.until("a good one again", |what| trouble(what)?.is_none().then_some(())).await;
}

#[tokio::test]
async fn a_program_that_was_taken_away_is_missed() {
    let home = tempfile::tempdir().unwrap();
    let (place, env) = place(home.path());
    let program = home.path().join("bulkhead");
    std::fs::copy("/bin/sleep", &program).unwrap();
    let sleeper = Sleeper(Command::new(&program).arg("600").stdin(Stdio::null()).spawn().unwrap());
    sleeper.record(&place, 1);
    let mut probing = Probing::start(Target::bundled(&place, 1, &env));
    let version = Some("1.2.3".to_owned());
    probing
        .until("present", |what| {
            matches!(what, Observation::Binary(BinarySeen::Present { version: seen }) if *seen == version)
                .then_some(())
        })
        .await;
    std::fs::remove_file(&program).unwrap();
    probing
        .until("missing", |what| {
            matches!(what, Observation::Binary(BinarySeen::Missing { node: false, .. })).then_some(())
        })
        .await;
}

/// A Bot API and a model provider whose answers the test chooses.
async fn services() -> (u16, Arc<AtomicU16>, Arc<AtomicU16>, Arc<Mutex<BTreeMap<String, String>>>) {
    let (bot, model) = (Arc::new(AtomicU16::new(200)), Arc::new(AtomicU16::new(200)));
    let seen: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
    let (bot_says, model_says, noted) = (Arc::clone(&bot), Arc::clone(&model), Arc::clone(&seen));
    let status = |said: &AtomicU16| StatusCode::from_u16(said.load(Ordering::SeqCst)).unwrap();
    let app = Router::new()
        .route("/healthz", get(|| async { r#"{"ok":true}"# }))
        .route(
            "/bot777000111:AAtoken/getMe",
            any(move || async move { (status(&bot_says), "{}").into_response() }),
        )
        .route(
            "/v1/models",
            get(move |headers: HeaderMap| async move {
                let key = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
                noted.lock().unwrap().insert("key".to_owned(), key.unwrap_or_default());
                (status(&model_says), "{}").into_response()
            }),
        );
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (port, bot, model, seen)
}

fn openclaw(home: &Path, port: u16) -> Target {
    let dir = home.join(".openclaw");
    std::fs::create_dir_all(&dir).unwrap();
    let config = format!(
        "{{ gateway: {{ port: {port} }}, agents: {{ defaults: {{ model: 'fake/one' }} }},
            models: {{ providers: {{ fake: {{ baseUrl: 'http://127.0.0.1:{port}/v1', apiKey: 'fake-key' }} }} }},
            channels: {{ telegram: {{ botToken: '777000111:AAtoken', apiRoot: 'http://127.0.0.1:{port}' }} }} }}"
    );
    std::fs::write(dir.join("openclaw.json"), config).unwrap();
    let mut target = Target::openclaw(&bulkhead_config::WatchedMain::default(), &Environment::for_test(home));
    target.unit = None;
    assert_eq!(target.port(), Some(port));
    target
}

#[tokio::test]
async fn credentials_of_an_openclaw_are_asked_about_without_paying() {
    let home = tempfile::tempdir().unwrap();
    let (port, bot, model, seen) = services().await;
    let mut probing = Probing::start(openclaw(home.path(), port));
    let bot_is = |expected| {
        move |what: &Observation| matches!(what, Observation::Bot(seen) if seen.how == expected).then_some(())
    };
    let model_is = |expected| {
        move |what: &Observation| {
            matches!(what, Observation::Model(seen) if seen.how == expected).then_some(())
        }
    };
    probing.until("a bot", bot_is(Reception::Accepted)).await;
    probing.until("a model", model_is(Reception::Accepted)).await;
    assert_eq!(seen.lock().unwrap()["key"], "Bearer fake-key");
    bot.store(401, Ordering::SeqCst);
    model.store(503, Ordering::SeqCst);
    probing.until("a revoked bot", bot_is(Reception::Rejected)).await;
    probing.until("a provider that is down", model_is(Reception::Failed)).await;
    model.store(401, Ordering::SeqCst);
    probing.until("a revoked key", model_is(Reception::Rejected)).await;
}

#[tokio::test]
async fn the_configuration_of_an_openclaw_goes_back_and_only_that() {
    let home = tempfile::tempdir().unwrap();
    let target = openclaw(home.path(), 21_000);
    let file = home.path().join(".openclaw/openclaw.json");
    let good = std::fs::read(&file).unwrap();
    let vault = Vault::new(home.path().join("copies"), VaultKey::new([3; 32]));
    let keeper = OpenClawKeeper::new(target, Some(vault));
    assert!(!keeper.abilities().await.contains(&RemedyKind::Rollback));
    keeper.keep_good(&bulkhead_config::hash_bytes(&good), 1);
    assert!(!keeper.abilities().await.contains(&RemedyKind::Rollback), "it is what is there");
    std::fs::write(&file, "{ gateway: { port: 2 } }").unwrap();
    assert!(keeper.abilities().await.contains(&RemedyKind::Rollback));
    let change = keeper.config_change().await;
    assert!(
        change.iter().any(|path| path == "gateway.port") && !change.join(" ").contains("AAtoken"),
        "{change:?}"
    );

    let stale = keeper.rollback(None, Some("another hash")).await.unwrap_err();
    assert_eq!(stale.kind.code(), "conflict");
    let hash = bulkhead_config::hash_bytes(&std::fs::read(&file).unwrap());
    let done = keeper.rollback(None, Some(&hash)).await.unwrap();
    assert!(done.what.contains("is kept as"), "{}", done.what);
    assert_eq!(std::fs::read(&file).unwrap(), good);
    let names: Vec<_> = std::fs::read_dir(home.path().join(".openclaw"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
