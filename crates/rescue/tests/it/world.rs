//! The seams in memory: a clock that runs with tokio's, a keeper that does as it is told, a teller that remembers, a
//! journal that can be full.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_rescue::{
    Actor, Answer, Ask, AuditLine, ChatKind, Clock, Done, Incident, IssuedNonce, Journal, JournalError,
    Keeper, KeeperReport, Kept, KeptState, Message, MessageKind, MessageRef, Observation, ProcessSeen,
    ReadySeen, Recipient, Refusal, RemedyKind, RemedyRequest, SavedTimeline, Seams, Settings, Sighting,
    TellError, Teller, WatchHandle, Watcher,
};
use futures::stream::BoxStream;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Time of the tests: tokio's, which stands still while nothing waits; the wall can be set.
pub struct TestClock {
    began: tokio::time::Instant,
    pub wall_offset_ms: AtomicU64,
    pub slept_ms: AtomicU64,
}

impl Clock for TestClock {
    fn monotonic(&self) -> Duration {
        Duration::from_secs(1000) + self.began.elapsed()
    }

    fn boottime(&self) -> Duration {
        self.monotonic() + Duration::from_millis(self.slept_ms.load(Ordering::SeqCst))
    }

    fn wall_ms(&self) -> u64 {
        let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        self.wall_offset_ms.load(Ordering::SeqCst) + passed
    }
}

#[derive(Default)]
pub struct TestKeeper {
    pub calls: Mutex<Vec<String>>,
    pub able: Mutex<BTreeSet<RemedyKind>>,
    pub refuse: Mutex<Option<Refusal>>,
    pub change: Mutex<Vec<String>>,
}

impl TestKeeper {
    fn call(&self, name: &str) -> Result<Done, Refusal> {
        self.calls.lock().unwrap().push(name.to_owned());
        match self.refuse.lock().unwrap().clone() {
            Some(refusal) => Err(refusal),
            None => Ok(Done::new(name)),
        }
    }
}

#[async_trait]
impl Keeper for TestKeeper {
    async fn status(&self) -> KeeperReport {
        KeeperReport::None
    }
    fn watch(&self) -> BoxStream<'static, KeeperReport> {
        Box::pin(futures::stream::empty())
    }
    async fn abilities(&self) -> BTreeSet<RemedyKind> {
        self.able.lock().unwrap().clone()
    }
    async fn restart(&self) -> Result<Done, Refusal> {
        self.call("restart")
    }
    async fn start(&self) -> Result<Done, Refusal> {
        self.call("start")
    }
    async fn rollback(&self, _: Option<&str>, expected: Option<&str>) -> Result<Done, Refusal> {
        self.call(&format!("rollback from {}", expected.unwrap_or("nothing")))
    }
    async fn logs(&self, _: usize) -> Result<Vec<String>, Refusal> {
        Ok(vec!["last words".to_owned()])
    }
    async fn kill_for_drill(&self) -> Result<Done, Refusal> {
        self.call("kill")
    }
    async fn stop_for_drill(&self) -> Result<Done, Refusal> {
        self.call("stop")
    }
    async fn config_change(&self) -> Vec<String> {
        self.change.lock().unwrap().clone()
    }
}

/// One thing that was told.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at: Duration,
    pub to: Recipient,
    pub message: Message,
    pub edited: bool,
}

pub struct TestTeller {
    clock: Arc<TestClock>,
    pub operators: Mutex<Vec<String>>,
    pub sent: Mutex<Vec<Sent>>,
    pub fail: Mutex<Option<TellError>>,
    next: AtomicU64,
}

#[async_trait]
impl Teller for TestTeller {
    fn name(&self) -> &'static str {
        "telegram"
    }
    fn recipients(&self) -> Vec<Recipient> {
        let operators = self.operators.lock().unwrap();
        operators.iter().map(|id| Recipient { teller: "telegram".to_owned(), operator: id.clone() }).collect()
    }
    async fn tell(
        &self,
        to: &Recipient,
        message: &Message,
        existing: Option<&MessageRef>,
    ) -> Result<MessageRef, TellError> {
        if let Some(error) = self.fail.lock().unwrap().clone() {
            return Err(error);
        }
        let at = self.clock.monotonic();
        let sent = Sent { at, to: to.clone(), message: message.clone(), edited: existing.is_some() };
        self.sent.lock().unwrap().push(sent);
        let fresh = || MessageRef(self.next.fetch_add(1, Ordering::SeqCst).to_string());
        Ok(existing.cloned().unwrap_or_else(fresh))
    }
}

#[derive(Default)]
pub struct TestJournal {
    pub full: AtomicBool,
    pub incidents: Mutex<BTreeMap<String, Incident>>,
    pub nonces: Mutex<BTreeMap<String, IssuedNonce>>,
    pub audit: Mutex<Vec<AuditLine>>,
    pub timeline: Mutex<Option<SavedTimeline>>,
}

impl TestJournal {
    fn check(&self) -> Result<(), JournalError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(JournalError { why: "database or disk is full".to_owned() });
        }
        Ok(())
    }
}

#[async_trait]
impl Journal for TestJournal {
    async fn incidents(&self, limit: usize) -> Result<Vec<Incident>, JournalError> {
        self.check()?;
        Ok(self.incidents.lock().unwrap().values().rev().take(limit).cloned().collect())
    }
    async fn put_incident(&self, incident: &Incident) -> Result<(), JournalError> {
        self.check()?;
        self.incidents.lock().unwrap().insert(incident.id.0.clone(), incident.clone());
        Ok(())
    }
    async fn nonces(&self) -> Result<Vec<IssuedNonce>, JournalError> {
        self.check()?;
        Ok(self.nonces.lock().unwrap().values().cloned().collect())
    }
    async fn put_nonce(&self, nonce: &IssuedNonce) -> Result<(), JournalError> {
        self.check()?;
        self.nonces.lock().unwrap().insert(nonce.nonce.as_str().to_owned(), nonce.clone());
        Ok(())
    }
    async fn audit(&self, line: &AuditLine) -> Result<(), JournalError> {
        self.check()?;
        self.audit.lock().unwrap().push(line.clone());
        Ok(())
    }
    async fn timeline(&self) -> Result<Option<SavedTimeline>, JournalError> {
        self.check()?;
        Ok(self.timeline.lock().unwrap().clone())
    }
    async fn put_timeline(&self, timeline: &SavedTimeline) -> Result<(), JournalError> {
        self.check()?;
        *self.timeline.lock().unwrap() = Some(timeline.clone());
        Ok(())
    }
}

/// A watch over a gateway that the test plays.
pub struct World {
    pub clock: Arc<TestClock>,
    pub keeper: Arc<TestKeeper>,
    pub teller: Arc<TestTeller>,
    pub journal: Arc<TestJournal>,
    pub handle: WatchHandle,
    scene: Arc<Mutex<Vec<Observation>>>,
    stop: CancellationToken,
    running: Option<tokio::task::JoinHandle<()>>,
}

/// A summer's day, noon.
pub const NOON_MS: u64 = 1_781_006_400_000;

pub fn settings() -> Settings {
    let mut settings = Settings::bundled("main");
    settings.operators = BTreeSet::from(["42".to_owned()]);
    settings.zone = TimeZone::UTC;
    settings
}

pub fn healthy() -> Vec<Observation> {
    vec![
        Observation::Process(ProcessSeen::Running { pid: 7, starved: false }),
        Observation::Http(Answer::Good),
        Observation::Ready(ReadySeen::default()),
        Observation::Hello(Answer::Good),
        present(Kept { state: KeptState::Running, pid: Some(7), ..kept() }),
    ]
}

/// The same, with one thing seen differently.
pub fn but(mut scene: Vec<Observation>, what: Observation) -> Vec<Observation> {
    scene.retain(|seen| discriminant(seen) != discriminant(&what));
    scene.push(what);
    scene
}

pub fn kept() -> Kept {
    Kept { owner: "service".to_owned(), ..Kept::default() }
}

pub fn present(kept: Kept) -> Observation {
    Observation::Keeper(KeeperReport::Present { kept })
}

/// Gone, and its supervisor has given up.
pub fn failed() -> Vec<Observation> {
    vec![
        Observation::Process(ProcessSeen::Gone { pid: 7, asked: false }),
        Observation::Http(Answer::Refused),
        present(Kept { state: KeptState::Failed, ..kept() }),
    ]
}

/// Lives and does not answer.
pub fn hung() -> Vec<Observation> {
    vec![
        Observation::Process(ProcessSeen::Running { pid: 7, starved: false }),
        Observation::Http(Answer::Silent),
        present(Kept { state: KeptState::Running, pid: Some(7), ..kept() }),
    ]
}

impl World {
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let clock = Arc::new(TestClock {
            began: tokio::time::Instant::now(),
            wall_offset_ms: AtomicU64::new(NOON_MS),
            slept_ms: AtomicU64::new(0),
        });
        let keeper = Arc::new(TestKeeper::default());
        *keeper.able.lock().unwrap() =
            BTreeSet::from([RemedyKind::Restart, RemedyKind::Start, RemedyKind::Rollback, RemedyKind::Logs]);
        let teller = Arc::new(TestTeller {
            clock: Arc::clone(&clock),
            operators: Mutex::new(vec!["42".to_owned()]),
            sent: Mutex::default(),
            fail: Mutex::default(),
            next: AtomicU64::new(100),
        });
        let journal = Arc::new(TestJournal::default());
        Self::start(settings, clock, keeper, teller, journal, healthy()).await
    }

    async fn start(
        settings: Settings,
        clock: Arc<TestClock>,
        keeper: Arc<TestKeeper>,
        teller: Arc<TestTeller>,
        journal: Arc<TestJournal>,
        scene: Vec<Observation>,
    ) -> Self {
        let seams = Seams {
            keeper: Arc::clone(&keeper) as Arc<dyn Keeper>,
            tellers: vec![Arc::clone(&teller) as Arc<dyn Teller>],
            journal: Arc::clone(&journal) as Arc<dyn Journal>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let (watcher, handle) = Watcher::new(settings, seams).await;
        let (sightings, inbox) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let running = tokio::spawn(watcher.run(inbox, stop.clone()));
        let scene = Arc::new(Mutex::new(scene));
        let (shown, eye) = (Arc::clone(&scene), Arc::clone(&clock));
        tokio::spawn(async move {
            loop {
                let now: Vec<Observation> = shown.lock().unwrap().clone();
                for what in now {
                    if sightings.send(Sighting { began: eye.monotonic(), what }).await.is_err() {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        });
        let world = Self { clock, keeper, teller, journal, handle, scene, stop, running: Some(running) };
        world.pass(3).await;
        world
    }

    /// Ends this watch and starts another one on the same journal, as a restart of the rescue gateway does.
    pub async fn restarted(mut self) -> Self {
        self.stop.cancel();
        self.running.take().unwrap().await.unwrap();
        let scene = self.scene.lock().unwrap().clone();
        let (clock, keeper) = (Arc::clone(&self.clock), Arc::clone(&self.keeper));
        Self::start(settings(), clock, keeper, Arc::clone(&self.teller), Arc::clone(&self.journal), scene)
            .await
    }

    /// From now on this is seen.
    pub fn show(&self, scene: Vec<Observation>) {
        *self.scene.lock().unwrap() = scene;
    }

    pub async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    pub fn sent(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.teller.sent.lock().unwrap()
    }

    /// Messages that were sent anew, not updated.
    pub fn new_messages(&self, kind: MessageKind) -> Vec<Sent> {
        self.sent().iter().filter(|sent| !sent.edited && sent.message.kind == kind).cloned().collect()
    }

    pub fn last(&self) -> Sent {
        self.sent().last().cloned().expect("something was told")
    }

    /// The newest button of a kind, as it was shown to `operator`.
    pub fn button(&self, operator: &str, remedy: RemedyKind) -> String {
        let sent = self.sent();
        let messages = sent.iter().rev().filter(|sent| sent.to.operator == operator);
        messages
            .flat_map(|sent| sent.message.buttons.iter().flatten())
            .find(|button| button.remedy == remedy)
            .map(|button| button.nonce.as_str().to_owned())
            .expect("there is such a button")
    }

    pub async fn tap(
        &self,
        id: &str,
        user: &str,
        chat: ChatKind,
        data: &str,
    ) -> Result<bulkhead_rescue::RemedyReply, Refusal> {
        let by = Actor { via: "telegram".to_owned(), user: user.to_owned(), chat };
        let ask = Ask::Button { data: data.to_owned() };
        self.handle.request(RemedyRequest { id: id.to_owned(), by, ask }).await
    }

    pub fn calls(&self) -> Vec<String> {
        self.keeper.calls.lock().unwrap().clone()
    }

    pub fn audit(&self, result: &str) -> Vec<AuditLine> {
        self.journal.audit.lock().unwrap().iter().filter(|line| line.result == result).cloned().collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
