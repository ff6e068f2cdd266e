//! What happens in a round, by its kind; what was seen of it is counted by [`crate::judge`].

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use bulkhead_fakes::model::fault::PlannedFault as ModelFault;
use bulkhead_fakes::model::{Fault as Trouble, RecordedRequest};
use bulkhead_fakes::telegram::{BotMessage, Fault, PlannedFault};
use bulkhead_killpoint::Point;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::judge::{Counts, End, Seen, ends, judge};
use crate::lane::Lane;
use crate::plan::{Kind, Named, Question, Round, questions};

/// The longest that an answer may take, whatever happened. What takes longer is lost.
const ANSWERED: Duration = Duration::from_secs(90);
/// The longest until nothing is left to do after the last answer.
const FINISHED: Duration = Duration::from_secs(20);
/// How long a point that is not reached is waited for after the last answer.
const LOOK: Duration = Duration::from_millis(10);
/// A temporary file this old has outlived several starts, each of which should have cleared it away.
const LEFT_BEHIND: Duration = Duration::from_mins(2);
/// Patience with the outside observers.
const PATIENCE: Duration = Duration::from_secs(30);

/// A round's outcome.
pub struct Outcome {
    /// What was counted.
    pub counts: Counts,
    /// Whether the thing that the round is about came about (its point was reached, its fault struck).
    pub happened: bool,
    /// What was not as it must be, in words.
    pub notes: Vec<String>,
    /// What the observers have, for a report of a failure.
    pub evidence: Evidence,
}

/// What the observers have.
#[derive(Default)]
pub struct Evidence {
    pub questions: Vec<Question>,
    pub messages: Vec<BotMessage>,
    pub requests: Vec<RecordedRequest>,
    pub log: String,
}

/// One round that goes on.
struct Going<'a> {
    lane: &'a mut Lane,
    chance: StdRng,
    questions: Vec<Question>,
    asked: Vec<Instant>,
    answered: Vec<Option<Duration>>,
    kills: u64,
    /// Kills and cut connections in the one window in which a placeholder may be left.
    excused: u64,
    provider_failed: bool,
    helped: u64,
    notes: Vec<String>,
}

/// Does a round and counts it.
pub async fn round(lane: &mut Lane, round: &Round) -> Result<Outcome> {
    lane.prepare().await?;
    let handed_out = lane.bot.handed_out();
    let starts = lane.starts;
    let mut chance = StdRng::seed_from_u64(round.seed);
    let questions = questions(round, &mut chance);
    let mut going = Going {
        answered: vec![None; questions.len()],
        lane,
        chance,
        questions,
        asked: Vec::new(),
        kills: 0,
        excused: 0,
        provider_failed: false,
        helped: 0,
        notes: Vec::new(),
    };
    let happened = going.torture(round.kind).await?;
    going.all_answered().await;
    going.finished().await;
    let Going { lane, questions, answered, kills, excused, provider_failed, helped, mut notes, .. } = going;
    lane.note_start();
    if !lane.is_whole() {
        notes.push("the database is damaged".to_owned());
    }
    let litter = leftovers(lane);
    if !litter.is_empty() {
        notes.push(format!("left behind in the state directory: {}", litter.join(", ")));
    }
    let messages = lane.bot.messages();
    let requests = lane.model.control.chat_requests();
    let mut counts = judge(&Seen {
        questions: &questions,
        messages: &messages,
        requests: &requests,
        excused_strays: excused,
        provider_failed,
    });
    counts.updates_in = lane.bot.handed_out() - handed_out;
    counts.kills = kills;
    counts.starts = lane.starts - starts;
    counts.helped = helped;
    counts.damaged = notes.len() as u64;
    let worst = answered.iter().flatten().max().copied().unwrap_or_default();
    counts.worst_ms = u64::try_from(worst.as_millis()).unwrap_or(u64::MAX);
    let log = if counts.passes() { String::new() } else { lane.log_tail() };
    Ok(Outcome { counts, happened, notes, evidence: Evidence { questions, messages, requests, log } })
}

/// Temporary files that a kill in the middle of a write left, and that nobody cleared away after the next start.
fn leftovers(lane: &Lane) -> Vec<String> {
    let entries = std::fs::read_dir(lane.state()).into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let written = entry.metadata().and_then(|about| about.modified());
            written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age > LEFT_BEHIND))
        })
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(".bulkhead-"))
        .collect()
}

impl Going<'_> {
    async fn torture(&mut self, kind: Kind) -> Result<bool> {
        match kind {
            Kind::Point(Named(Point::MidFileWrite)) => self.config_write().await,
            Kind::Point(Named(point @ (Point::MigrationCopied | Point::MidMigration))) => {
                self.migration(point).await
            }
            Kind::Point(Named(point)) => self.point(point).await,
            Kind::DuringEdit => self.during("editMessageText").await,
            Kind::DuringSend => self.during("sendMessage").await,
            Kind::Random => self.random(1).await,
            Kind::Twice => self.random(2).await,
            Kind::Supervisor => self.supervisor().await,
            Kind::DiskFull => self.disk_full().await,
            Kind::ReadOnly => self.read_only().await,
            Kind::Clock => self.clock().await,
            Kind::Provider => self.provider().await,
            Kind::BotApi => self.bot_api().await,
            Kind::Keychain => self.keychain().await,
        }
    }

    /// All questions, as people write: some at once, some a moment later.
    async fn ask(&mut self) {
        for index in self.asked.len()..self.questions.len() {
            let question = &self.questions[index];
            self.lane.bot.say(question.chat, &question.text());
            self.asked.push(Instant::now());
            if self.chance.random_bool(0.3) {
                self.pause(0..60).await;
            }
        }
    }

    async fn pause(&mut self, milliseconds: std::ops::Range<u64>) {
        let wait = self.chance.random_range(milliseconds);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    async fn kill(&mut self) -> Result<()> {
        self.lane.kill().await?;
        self.kills += 1;
        self.excused += 1;
        Ok(())
    }

    /// Notes which questions are answered by now; true if all are.
    fn look(&mut self) -> bool {
        if self.asked.len() < self.questions.len() {
            return false;
        }
        let now = ends(&self.questions, &self.lane.bot.messages());
        for (index, end) in now.iter().enumerate() {
            if *end != End::Open && self.answered[index].is_none() {
                self.answered[index] = Some(self.asked[index].elapsed());
            }
        }
        now.iter().all(|end| *end != End::Open)
    }

    async fn all_answered(&mut self) {
        let deadline = Instant::now() + ANSWERED;
        while !self.look() && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the gateway has nothing left to do: what it would still say twice, it has said by then.
    async fn finished(&mut self) {
        let deadline = Instant::now() + FINISHED;
        let mut last = String::from("it was never asked");
        while Instant::now() < deadline {
            match self.lane.unfinished() {
                Ok(0) if self.lane.bot.waiting_updates() == 0 => return,
                Ok(0) => "an update was not confirmed".clone_into(&mut last),
                Ok(left) => last = format!("{left} rows are left in inbox and outbox"),
                Err(error) => last = format!("{error:#}"),
            }
            tokio::time::sleep(LOOK).await;
        }
        self.notes.push(format!("not finished {FINISHED:?} after the last answer: {last}"));
    }

    async fn point(&mut self, point: Point) -> Result<bool> {
        let most = match point {
            // Many pieces come: early ones, of which nothing is shown yet, and late ones.
            Point::MidStream => 24,
            Point::AfterInboxCommit | Point::BeforeInboxCommit => 1,
            _ => 3.min(self.questions.len() - 1),
        };
        let skip = self.chance.random_range(0..=most);
        self.lane.order(point, skip)?;
        self.ask().await;
        Ok(self.wait_for_hit().await)
    }

    /// Waits until the gateway has killed itself, or all is answered without that.
    async fn wait_for_hit(&mut self) -> bool {
        let deadline = Instant::now() + ANSWERED;
        loop {
            if self.lane.was_hit() {
                self.kills += 1;
                // Wherever one chat is, another may be in the window.
                self.excused += 1;
                self.lane.note_crash();
                return true;
            }
            if self.look() || Instant::now() > deadline {
                self.lane.withdraw();
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Killed while the configuration is being written: it is the old one or the new one, never half of one.
    async fn config_write(&mut self) -> Result<bool> {
        let file = self.lane.state().join("bulkhead.json");
        let before = std::fs::read_to_string(&file)?;
        let got = self.lane.cli(&["gateway", "call", "config.get", "--json"])?;
        let got: serde_json::Value = serde_json::from_str(&got)?;
        let hash = ["/hash", "/result/hash", "/payload/hash"]
            .iter()
            .find_map(|at| got.pointer(at)?.as_str())
            .map(str::to_owned);
        let Some(hash) = hash else { bail!("config.get told no hash: {got}") };
        let colour = format!("#{:06x}", self.chance.random_range(0..0x00ff_ffff));
        let raw = format!("{{ui:{{seamColor:'{colour}'}}}}");
        let params = serde_json::json!({"raw": raw, "baseHash": hash}).to_string();
        self.ask().await;
        self.pause(0..400).await;
        self.lane.order(Point::MidFileWrite, 0)?;
        // Its answer is lost with the gateway.
        let _ = self.lane.cli(&["gateway", "call", "config.patch", "--params", &params]);
        let hit = self.wait_for_hit().await;
        let after = std::fs::read_to_string(&file)?;
        if hit && after != before {
            self.notes.push("the configuration changed though the write was cut off".to_owned());
        }
        self.lane.ready().await?;
        if let Err(error) = self.lane.cli(&["config", "validate"]) {
            self.notes.push(format!("the configuration is broken: {error:#}"));
        }
        Ok(hit)
    }

    /// Killed while it brings an older database up to date, with questions unanswered in it.
    async fn migration(&mut self, point: Point) -> Result<bool> {
        self.ask().await;
        self.pause(0..700).await;
        self.excused += 1;
        self.kills += 1;
        if !self.lane.end_supervisor("KILL").await? {
            self.notes.push("a gateway outlived its supervisor".to_owned());
        }
        self.lane.age_database()?;
        self.lane.order(point, 0)?;
        self.lane.ensure(false);
        let deadline = Instant::now() + PATIENCE;
        while !self.lane.was_hit() && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
        Ok(self.wait_for_hit().await)
    }

    /// Killed from outside while a call is under way: before or after it took effect.
    async fn during(&mut self, method: &str) -> Result<bool> {
        let fault = if self.chance.random_bool(0.5) { Fault::Hold } else { Fault::HoldAnswer };
        let skip = self.chance.random_range(0..=3.min(self.questions.len() - 1));
        self.lane.bot.plan(PlannedFault::next(method, fault).after(skip));
        self.ask().await;
        let deadline = Instant::now() + PATIENCE;
        let held = loop {
            if self.lane.bot.calls_of(method).iter().any(|call| call.status == 0) {
                break true;
            }
            if self.look() || Instant::now() > deadline {
                break false;
            }
            tokio::time::sleep(LOOK).await;
        };
        if held {
            self.pause(0..5).await;
            self.kill().await?;
        }
        self.lane.bot.clear_faults();
        self.lane.bot.release();
        Ok(held)
    }

    async fn random(&mut self, times: usize) -> Result<bool> {
        self.ask().await;
        for time in 0..times {
            self.pause(if time == 0 { 0..2500 } else { 0..1200 }).await;
            self.kill().await?;
        }
        Ok(true)
    }

    async fn supervisor(&mut self) -> Result<bool> {
        self.ask().await;
        self.pause(0..1500).await;
        self.kills += 1;
        self.excused += 1;
        if !self.lane.end_supervisor("KILL").await? {
            self.notes.push("a gateway outlived its supervisor".to_owned());
        }
        self.lane.ensure(false);
        Ok(true)
    }

    async fn disk_full(&mut self) -> Result<bool> {
        if self.chance.random_bool(0.5) {
            self.ask().await;
            self.pause(0..600).await;
        }
        self.lane.fill_disk()?;
        self.ask().await;
        self.pause(500..2500).await;
        if self.chance.random_bool(0.4) {
            self.kill().await?;
            self.pause(0..1500).await;
        }
        self.lane.free_disk()?;
        self.helped_if_down().await?;
        Ok(true)
    }

    async fn read_only(&mut self) -> Result<bool> {
        if self.chance.random_bool(0.5) {
            self.ask().await;
            self.pause(0..600).await;
        }
        self.lane.read_only(true)?;
        let tortured = async {
            self.kill().await?;
            self.ask().await;
            self.pause(500..2000).await;
            anyhow::Ok(())
        };
        let outcome = tortured.await;
        self.lane.read_only(false)?;
        outcome?;
        self.helped_if_down().await?;
        Ok(true)
    }

    /// After a trouble in which a gateway cannot start at all, its supervisor may have given up; a person starts it again.
    async fn helped_if_down(&mut self) -> Result<()> {
        if self.lane.ready().await.is_err() {
            self.helped += 1;
            self.notes.push("the gateway did not come back by itself".to_owned());
            self.lane.end_supervisor("TERM").await?;
            self.lane.ensure(false);
            self.lane.ready().await?;
        }
        Ok(())
    }

    async fn clock(&mut self) -> Result<bool> {
        self.lane.end_supervisor("TERM").await?;
        self.lane.set_clock(0)?;
        self.lane.ensure(true);
        self.lane.ready().await?;
        let jump =
            *[-86_400, -3_600, -61, 61, 3_600, 86_400 * 30].choose(&mut self.chance).unwrap_or(&-86_400);
        if self.chance.random_bool(0.6) {
            // Something waits by the clock when that jumps.
            self.lane.bot.fail_next("editMessageText", Fault::TooManyRequests { retry_after: 1 });
            self.lane.bot.fail_next("editMessageText", Fault::HtmlPage { status: 502 });
        }
        self.ask().await;
        self.pause(0..1500).await;
        self.lane.set_clock(jump)?;
        if self.chance.random_bool(0.5) {
            self.pause(0..300).await;
            self.kill().await?;
        }
        Ok(true)
    }

    async fn provider(&mut self) -> Result<bool> {
        self.provider_failed = true;
        for _ in 0..self.chance.random_range(1..=3) {
            let status = |status: u16, after: Option<&str>| Trouble::Status {
                status,
                retry_after: after.map(str::to_owned),
            };
            let fault = match self.chance.random_range(0..7) {
                0 => status(500, None),
                1 => status(429, Some("1")),
                2 => status(503, None),
                3 => Trouble::Cut { after: 10 },
                4 => Trouble::StreamError,
                5 => Trouble::Reset,
                _ => Trouble::End { after: 10 },
            };
            self.lane.model.control.plan(ModelFault::next(fault).times(self.chance.random_range(1..=2)));
        }
        self.ask().await;
        if self.chance.random_bool(0.4) {
            self.pause(0..1500).await;
            self.kill().await?;
        }
        Ok(true)
    }

    async fn bot_api(&mut self) -> Result<bool> {
        for _ in 0..self.chance.random_range(2..=4) {
            let method = *["sendMessage", "editMessageText", "getUpdates"]
                .choose(&mut self.chance)
                .unwrap_or(&"sendMessage");
            let fault = match self.chance.random_range(0..7) {
                0 => Fault::TooManyRequests { retry_after: 1 },
                1 => Fault::HtmlPage { status: 502 },
                2 => Fault::Refuse { status: 500, description: "Internal Server Error".to_owned() },
                3 => Fault::CutCall,
                4 => Fault::Delay { ms: self.chance.random_range(50..900) },
                5 if method == "getUpdates" => Fault::RepeatUpdates { count: 5 },
                _ => {
                    // The server took the message, and nobody heard its number.
                    self.excused += u64::from(method == "sendMessage");
                    Fault::CutAnswer
                }
            };
            let skip = self.chance.random_range(0..=3);
            self.lane.bot.plan(PlannedFault::next(method, fault).after(skip));
        }
        self.ask().await;
        if self.chance.random_bool(0.4) {
            self.pause(0..2000).await;
            self.kill().await?;
        }
        Ok(true)
    }

    async fn keychain(&mut self) -> Result<bool> {
        // As after a reboot with nobody logged in yet: nothing remembers the secrets.
        self.ask().await;
        self.pause(0..600).await;
        self.kills += 1;
        self.excused += 1;
        self.lane.world.lock_keychain();
        if !self.lane.end_supervisor("KILL").await? {
            self.notes.push("a gateway outlived its supervisor".to_owned());
        }
        self.lane.ensure(false);
        self.pause(1000..2500).await;
        let failing = self.lane.failing().await;
        if !failing.iter().any(|why| why == "waiting-for-keychain") {
            self.notes.push(format!("with its keychain locked the gateway names {failing:?}"));
        }
        self.lane.world.unlock_keychain();
        self.lane.ready().await?;
        Ok(true)
    }
}
