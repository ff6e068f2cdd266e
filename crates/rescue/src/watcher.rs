//! The watch as it runs: sightings in, messages and remedies out. All decisions are made by the pure parts; here they
//! meet the clock, the keeper, the tellers and the journal, and nothing here waits for any of them.

mod act;
mod handle;
mod ledger;
mod requests;
mod settings;
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
use crate::cause::{Severity, diagnose};
use crate::drill::Drill;
use crate::incident::{Book, Change, Incident, RepairTime};
use crate::observation::{Observation, Sighting};
use crate::remedy::{AutoPilot, Circumstances, Gate, RemedyKind, RemedyOutcome, Verdict, offer};
use crate::seams::{Clock, Journal, Keeper, Teller};
use crate::state::{Aspect, Hush, Judgement, Now, Standing, TICK, Watch, judge};
use crate::timeline::{SavedTimeline, Shade};

use act::Happened;
use handle::Command;
use ledger::{Entry, Ledger};

/// How long the first message of an incident waits for the last log lines at most.
const CONTEXT_PATIENCE: Duration = Duration::from_millis(800);
/// How often what the keeper can do is asked anew while an incident is open.
const ABLE_EVERY: Duration = Duration::from_secs(5);
/// Incidents that are over and not yet told.
const MOST_UNTOLD: usize = 8;
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
    happened: mpsc::UnboundedSender<Happened>,
    inbox: Option<mpsc::UnboundedReceiver<Happened>>,
    commands: Option<mpsc::Receiver<Command>>,
    view: watch::Sender<Arc<WatchView>>,
    events: broadcast::Sender<RescueEvent>,
    tasks: TaskTracker,
}

impl Watcher {
    /// Takes up the watch where an earlier run of this gateway left it. Has to be called within a tokio runtime.
    pub async fn new(settings: Settings, seams: Seams) -> (Self, WatchHandle) {
        let (ledger, writer) = Ledger::start(Arc::clone(&seams.journal));
        let (happened, inbox) = mpsc::unbounded_channel();
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

    fn sight(&mut self, sighting: Sighting) {
        let now = self.now();
        let exits = self.watch.facts().last_exit_at;
        let version = |watch: &Watch| watch.facts().version().map(str::to_owned);
        let before = version(&self.watch);
        let is_gone =
            matches!(sighting.what, Observation::Process(crate::observation::ProcessSeen::Gone { .. }));
        self.watch.see(now, sighting);
        let facts = self.watch.facts();
        if facts.last_exit_at != exits {
            let how = facts.kept().and_then(|kept| kept.last_exit.as_ref());
            let text = match how.map(|exit| (exit.signal, exit.code)) {
                Some((Some(signal), _)) => format!("ended by signal {signal}"),
                Some((None, Some(code))) => format!("ended with exit code {code}"),
                _ => "ended".to_owned(),
            };
            self.timeline.mark(now.wall_ms, "exit", text);
        }
        if let (Some(before), Some(after)) = (before, version(&self.watch))
            && before != after
        {
            self.timeline.mark(now.wall_ms, "version", format!("from {before} to {after}"));
        }
        if let Some((drill, _)) = &mut self.drill {
            let suspicious = !matches!(self.watch.standing(now), Standing::Healthy { .. });
            if is_gone || suspicious {
                drill.noticed(now.monotonic);
            }
        }
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

    fn changed(&mut self, now: Now, change: Change) {
        match change {
            Change::Opened => {
                self.opened_at = now.monotonic;
                self.context_until = Some(now.monotonic + CONTEXT_PATIENCE);
                self.able_at = None;
                self.gather_context();
                self.note("incident", now);
                self.current_changed(true);
            }
            Change::Returned => {
                self.opened_at = now.monotonic;
                self.able_at = None;
                if let Some(incident) = self.book.current() {
                    self.desk.changed(&incident.id, true);
                    let id = incident.id.clone();
                    self.untold.retain(|untold| untold.id != id);
                    self.past.retain(|past| past.id != id);
                }
                self.gather_context();
                self.note("incident", now);
                self.current_changed(true);
            }
            Change::Changed { major } => self.current_changed(major),
            Change::Judged(outcome) => {
                self.judged(now, outcome);
                self.current_changed(true);
            }
            Change::Over { planned } => self.over(now, planned),
        }
    }

    fn note(&mut self, kind: &str, now: Now) {
        if let Some(incident) = self.book.current() {
            let text = crate::alert::text::headline(&incident.watched, &incident.cause);
            self.timeline.mark(now.wall_ms, kind, text);
        }
    }

    /// The open incident changed: told, written down, published.
    fn current_changed(&mut self, major: bool) {
        let Some(incident) = self.book.current() else { return };
        self.desk.changed(&incident.id, major);
        self.ledger.write(Entry::Incident(Box::new(incident.clone())));
        let _ = self.events.send(RescueEvent::Incident { incident: Box::new(incident.clone()) });
    }

    fn over(&mut self, now: Now, planned: bool) {
        let Some(incident) = self.book.last().cloned() else { return };
        self.context_until = None;
        let text = if planned { "stopped on purpose" } else { "well again" };
        self.timeline.mark(now.wall_ms, "over", text);
        self.desk.changed(&incident.id, true);
        self.ledger.write(Entry::Incident(Box::new(incident.clone())));
        let _ = self.events.send(RescueEvent::Incident { incident: Box::new(incident.clone()) });
        self.untold.push(incident.clone());
        let extra = self.untold.len().saturating_sub(MOST_UNTOLD);
        self.untold.drain(..extra);
        self.past.insert(0, incident);
        self.past.truncate(MOST_PAST);
    }

    fn judged(&mut self, now: Now, outcome: RemedyOutcome) {
        let result = match &outcome.verdict {
            Verdict::Running => "running",
            Verdict::Repaired => "repaired",
            Verdict::Done => "done",
            Verdict::NoEffect { .. } => "no-effect",
            Verdict::Failed { .. } => "failed",
        };
        self.timeline.mark(
            now.wall_ms,
            "remedy",
            format!("{} by {}: {result}", outcome.remedy.label(), outcome.by),
        );
        self.audit(
            now,
            &outcome.by,
            outcome.remedy,
            result,
            serde_json::json!({ "request": outcome.request, "incident": outcome.incident }),
        );
        let _ = self.events.send(RescueEvent::Remedy { outcome });
    }

    /// A remedy outside of an incident is done when health is seen after it.
    fn judge_loose(&mut self, now: Now, standing: &Standing) {
        let Some(Loose { outcome, done_at: Some(done) }) = &self.loose else { return };
        let healthy = matches!(standing, Standing::Healthy { since }
            if now.monotonic.saturating_sub(*since) >= Duration::from_secs(2)
                && now.monotonic.saturating_sub(*done) >= Duration::from_secs(2));
        let late = now.monotonic.saturating_sub(*done) >= self.settings.repair_time;
        if !healthy && !late {
            return;
        }
        let mut outcome = outcome.clone();
        outcome.ended_ms = Some(now.wall_ms);
        outcome.verdict = if healthy {
            Verdict::Done
        } else {
            Verdict::NoEffect { seen: "It does not answer after it.".to_owned() }
        };
        self.loose = None;
        self.judged(now, outcome);
    }

    fn paint(&mut self, now: Now, standing: &Standing) {
        let shade = match standing {
            Standing::Hushed(Hush::Planned) => Shade::Planned,
            Standing::Hushed(Hush::Starting | Hush::Slept) => Shade::Unknown,
            Standing::Healthy { .. } => Shade::Good,
            Standing::Suspect(_) if self.book.current().is_none() => self.shade.0,
            Standing::Suspect(_) | Standing::Bad { .. } => {
                let severity = self.book.current().map_or(Severity::Degraded, |incident| incident.severity);
                if severity == Severity::Down { Shade::Down } else { Shade::Degraded }
            }
        };
        if shade != self.shade.0 {
            self.shade = (shade, now.wall_ms);
        }
        if self.timeline.sample(now.wall_ms, shade) {
            self.ledger.write(Entry::Timeline(Box::new(self.timeline.clone())));
        }
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

    /// Publishes the view, if it differs.
    fn show(&self) {
        let now = self.now();
        let facts = self.watch.facts();
        let visible = matches!(self.watch.standing(now), Standing::Bad { .. });
        let state = |aspect: Aspect| match judge(aspect, facts, &self.settings.patience) {
            Judgement::Unknown => AspectState::Unknown,
            Judgement::Good => AspectState::Good,
            Judgement::Bad { .. } if visible => AspectState::Bad,
            Judgement::Bad { .. } => AspectState::Suspect,
        };
        let incident = self.book.current();
        let offer = incident.map(|incident| offer(&incident.cause, &self.able));
        let view = WatchView {
            watched: self.settings.watched.clone(),
            shade: self.shade.0,
            since_ms: self.shade.1,
            wanted: facts.wanted(),
            owner: facts.owner().map(str::to_owned),
            config_hash: facts.config.as_ref().and_then(|config| config.hash.clone()),
            aspects: Aspect::ALL
                .into_iter()
                .map(|aspect| AspectView { aspect, state: state(aspect) })
                .collect(),
            incident: incident.cloned(),
            remedies: offer
                .as_ref()
                .map_or_else(|| self.able.iter().copied().collect(), |offer| offer.remedies.clone()),
            advice: offer.map(|offer| offer.advice),
            muted_until_ms: self.desk.muted_until(now).map(|until| {
                let left = until.saturating_sub(now.monotonic);
                now.wall_ms.saturating_add(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)) / 1000 * 1000
            }),
            own_network_down: facts.own_network_down,
            drill: self.drill.as_ref().map(|(drill, _)| drill.kind),
        };
        self.view.send_if_modified(|shown| {
            let differs = **shown != view;
            if differs {
                *shown = Arc::new(view);
            }
            differs
        });
    }
}

impl WatchView {
    fn nothing(watched: &str) -> Self {
        Self {
            watched: watched.to_owned(),
            shade: Shade::Unknown,
            since_ms: 0,
            wanted: crate::seams::Wanted::Running,
            owner: None,
            config_hash: None,
            aspects: Vec::new(),
            incident: None,
            remedies: Vec::new(),
            advice: None,
            muted_until_ms: None,
            own_network_down: false,
            drill: None,
        }
    }
}
