//! The watch as it runs: sightings in, messages and remedies out. All decisions are made by the pure parts; here they
//! meet the clock, the keeper, the tellers and the journal, and nothing here waits for any of them.

mod act;
mod follow;
mod handle;
mod ledger;
mod paint;
mod requests;
mod settings;
mod sight;
mod tell;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use handle::{AspectState, AspectView, RescueEvent, WatchHandle, WatchView};
pub use settings::Settings;

use crate::alert::Desk;
use crate::cause::diagnose;
use crate::drill::Drill;
use crate::incident::{Book, Incident, RepairTime};
use crate::observation::Sighting;
use crate::remedy::{AutoPilot, Circumstances, Gate, RemedyKind, RemedyOutcome, Verdict};
use crate::seams::{Clock, Journal, Keeper, Teller};
use crate::state::{Now, Standing, TICK, Watch};
use crate::timeline::{SavedTimeline, Shade};

use act::Happened;
use handle::Command;
use ledger::{Entry, Ledger};

/// How long the first message of an incident waits for the last log lines at most.
const CONTEXT_PATIENCE: Duration = Duration::from_millis(800);
/// How often what the keeper can do is asked anew while an incident is open.
const ABLE_EVERY: Duration = Duration::from_secs(5);
/// What was done beside the watch and has not come back to it; whoever brings more waits.
const HAPPENED: usize = 64;
/// Incidents that are kept in memory for those who ask.
const MOST_PAST: usize = 50;

/// What the watch needs of the world.
#[derive(Clone)]
pub struct Seams {
    /// Whoever can do something to the watched gateway.
    pub keeper: Arc<dyn Keeper>,
    /// The ways to people.
    pub tellers: Vec<Arc<dyn Teller>>,
    /// What outlives this gateway.
    pub journal: Arc<dyn Journal>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// A remedy that was asked for while nothing was wrong.
#[derive(Debug, Clone)]
struct Loose {
    outcome: RemedyOutcome,
    done_at: Option<Duration>,
}

/// One watch over one gateway.
pub struct Watcher {
    settings: Settings,
    seams: Seams,
    watch: Watch,
    book: Book,
    desk: Desk,
    gate: Gate,
    auto: AutoPilot,
    timeline: SavedTimeline,
    ledger: Ledger,
    writer: Option<tokio::task::JoinHandle<()>>,
    able: BTreeSet<RemedyKind>,
    able_at: Option<Duration>,
    /// When the open incident was opened in this run.
    opened_at: Duration,
    /// The first message waits for the last log lines until then.
    context_until: Option<Duration>,
    /// Incidents that are over and that not everybody knows of.
    untold: Vec<Incident>,
    past: Vec<Incident>,
    loose: Option<Loose>,
    drill: Option<(Drill, requests::DrillReply)>,
    shade: (Shade, u64),
    happened: mpsc::Sender<Happened>,
    inbox: Option<mpsc::Receiver<Happened>>,
    commands: Option<mpsc::Receiver<Command>>,
    view: watch::Sender<Arc<WatchView>>,
    events: broadcast::Sender<RescueEvent>,
    tasks: TaskTracker,
}

impl Watcher {
    /// Takes up the watch where an earlier run of this gateway left it. Has to be called within a tokio runtime.
    pub async fn new(settings: Settings, seams: Seams) -> (Self, WatchHandle) {
        let (ledger, writer) = Ledger::start(Arc::clone(&seams.journal));
        let (happened, inbox) = mpsc::channel(HAPPENED);
        let (sender, commands) = mpsc::channel(64);
        let (events, _) = broadcast::channel(64);
        let mut watcher = Self {
            watch: Watch::new(settings.patience.clone()),
            book: Book::new(settings.watched.clone(), RepairTime(settings.repair_time)),
            desk: Desk::default(),
            gate: Gate::default(),
            auto: AutoPilot::default(),
            timeline: SavedTimeline::default(),
            ledger,
            writer: Some(writer),
            able: BTreeSet::new(),
            able_at: None,
            opened_at: Duration::ZERO,
            context_until: None,
            untold: Vec::new(),
            past: Vec::new(),
            loose: None,
            drill: None,
            shade: (Shade::Unknown, seams.clock.wall_ms()),
            happened,
            inbox: Some(inbox),
            commands: Some(commands),
            view: watch::Sender::new(Arc::new(WatchView::nothing(&settings.watched))),
            events: events.clone(),
            tasks: TaskTracker::new(),
            settings,
            seams,
        };
        watcher.apply_settings();
        watcher.take_up().await;
        watcher.show();
        let handle = WatchHandle { commands: sender, view: watcher.view.subscribe(), events };
        (watcher, handle)
    }

    /// Watches until `stop`. Sightings come from [`probe::start`](crate::probe::start), or from anywhere else.
    pub async fn run(mut self, mut sightings: mpsc::Receiver<Sighting>, stop: CancellationToken) {
        let (Some(mut inbox), Some(mut commands)) = (self.inbox.take(), self.commands.take()) else { return };
        let mut tick = tokio::time::interval(TICK);
        // A late tick has to be seen as one.
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // Before any sighting: whether this program was held up decides what they are worth.
                _ = tick.tick() => self.tick(),
                Some(sighting) = sightings.recv() => self.sight(sighting),
                Some(happened) = inbox.recv() => self.take(happened),
                Some(command) = commands.recv() => self.command(command),
                else => break,
            }
            self.step();
        }
        self.close().await;
    }

    async fn close(mut self) {
        let now = self.now();
        self.timeline.sample(now.wall_ms, self.shade.0);
        self.ledger.write(Entry::Timeline(Box::new(self.timeline.clone())));
        let Some(writer) = self.writer.take() else { return };
        drop(self);
        // Whatever cannot be written within a moment will not be written at all.
        let _ = tokio::time::timeout(Duration::from_secs(2), writer).await;
    }

    async fn take_up(&mut self) {
        let journal = Arc::clone(&self.seams.journal);
        match journal.timeline().await {
            Ok(saved) => self.timeline = saved.unwrap_or_default(),
            Err(error) => tracing::warn!(%error, "the timeline begins anew"),
        }
        match journal.nonces().await {
            Ok(nonces) => self.gate.restore(nonces),
            Err(error) => tracing::warn!(%error, "buttons of earlier messages do nothing"),
        }
        let incidents = journal.incidents(MOST_PAST).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "an incident that was open before may be told again");
            Vec::new()
        });
        self.opened_at = self.seams.clock.monotonic();
        if let Some(open) = incidents.first().filter(|incident| incident.is_open()) {
            self.desk.resume(open);
            self.book.resume(open.clone());
        }
        self.past = incidents.into_iter().filter(|incident| !incident.is_open()).collect();
    }

    fn apply_settings(&mut self) {
        self.desk.set_quiet_hours(self.settings.quiet.clone());
        self.auto.set_mode(self.settings.auto);
    }

    fn now(&self) -> Now {
        let clock = &self.seams.clock;
        Now { monotonic: clock.monotonic(), boottime: clock.boottime(), wall_ms: clock.wall_ms() }
    }

    fn tick(&mut self) {
        let now = self.now();
        self.watch.tick(now);
    }

    /// After everything that happened: what follows from it.
    fn step(&mut self) {
        let now = self.now();
        let standing = self.watch.standing(now);
        let facts = self.watch.facts();
        let hash = facts.config.as_ref().and_then(|config| config.hash.clone());
        let bad = match &standing {
            Standing::Bad { aspects, .. } => aspects.clone(),
            _ => Vec::new(),
        };
        let changes = self.book.step(now, &standing, || diagnose(facts, &bad), hash.as_deref());
        for change in changes {
            self.changed(now, change);
        }
        self.judge_loose(now, &standing);
        self.look_after_drill(now, &standing);
        self.refresh_abilities(now);
        self.act_alone(now);
        self.send_errands(now);
        self.paint(now, &standing);
        self.show();
    }

    fn circumstances<'a>(&'a self, hash: Option<&'a str>, now: Now) -> Circumstances<'a> {
        Circumstances {
            operators: &self.settings.operators,
            incident: self.book.current().map(|incident| &incident.id),
            config_hash: hash,
            under_way: self.under_way(),
            now_ms: now.wall_ms,
        }
    }

    fn under_way(&self) -> Option<RemedyKind> {
        let running = |incident: &Incident| {
            incident
                .remedies
                .iter()
                .rev()
                .find(|remedy| remedy.verdict == Verdict::Running && remedy.remedy.is_repair())
                .map(|remedy| remedy.remedy)
        };
        let loose = self.loose.as_ref().map(|loose| loose.outcome.remedy);
        self.book.current().and_then(running).or(loose)
    }
}
