//! The same breakages with a real OpenClaw from npm as main, run by a real systemd user manager as
//! `openclaw gateway install` would have it.
//!
//! One after another: each takes some 700 MB and ten seconds to start. `BULKHEAD_TEST_CASES` names the rows to play, by
//! parts of their names and with commas between them.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bulkhead_fakes::model::fault::{Fault, PlannedFault};
use bulkhead_tests::openclaw::{OpenClaw, state_dir};
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, manager, ports};
use rustix::process::Signal;

use super::cases::{cause, difference, fill};
use super::scene::{OPERATOR, Scene, mount, now_ms, signal};
use super::table::{Row, Table};
use crate::outside::{Outside, Profile};

const UNIT: &str = "openclaw-gateway.service";
const GATEWAY_TOKEN: &str = "oc-planted-gateway-token-0123456789";
/// In OpenClaw's allow list.
const ANN: i64 = 424_242;
/// It starts in ten seconds, and its service manager waits five before it tries.
const COMES_BACK: Duration = Duration::from_mins(3);
/// A configuration that it ran well on for a minute is kept.
const KEPT_WITHIN: Duration = Duration::from_mins(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    ConfigEmptied,
    ConfigInvalid,
    ModelKeyRevoked,
    ProviderDown,
    BotTokenRevoked,
    PortStolen,
    DiskFull,
    StateReadOnly,
    KilledInALoop,
    Hung,
    NodeBroken,
    ServiceDisabled,
    /// Beyond the twelve: it heeds no request to end.
    Stuck,
    /// Beyond the twelve: started by hand, so there is nobody to ask.
    KilledByHand,
}

const ALL: &[Case] = &[
    Case::ConfigEmptied,
    Case::ConfigInvalid,
    Case::ModelKeyRevoked,
    Case::ProviderDown,
    Case::BotTokenRevoked,
    Case::PortStolen,
    Case::DiskFull,
    Case::StateReadOnly,
    Case::KilledInALoop,
    Case::Hung,
    Case::NodeBroken,
    Case::ServiceDisabled,
    Case::Stuck,
    Case::KilledByHand,
];

/// How it is put right.
enum Repair {
    Tap(&'static str),
    /// No button can; this is done outside, and rescue sees it.
    Outside(&'static str),
    /// Put right outside, then one tap, unless it came back by itself before.
    OutsideThenTap(&'static str, &'static str),
}

/// What holds on as long as it is broken.
#[allow(dead_code, reason = "what is in it is held, not used")]
enum Grip {
    Nothing,
    Port(TcpListener),
    Killer(Killer),
    Stopper(Killer),
    File(Killer, PathBuf),
}

impl Case {
    fn name(self) -> &'static str {
        match self {
            Self::ConfigEmptied => "config emptied",
            Self::ConfigInvalid => "config invalid",
            Self::ModelKeyRevoked => "model key revoked",
            Self::ProviderDown => "provider down",
            Self::BotTokenRevoked => "bot token revoked",
            Self::PortStolen => "port stolen",
            Self::DiskFull => "disk full",
            Self::StateReadOnly => "state read-only",
            Self::KilledInALoop => "killed in a loop",
            Self::Hung => "hung (SIGSTOP)",
            Self::NodeBroken => "broken Node install",
            Self::ServiceDisabled => "service disabled",
            Self::Stuck => "stuck, heeds nothing",
            Self::KilledByHand => "killed, was started by hand",
        }
    }

    fn cause(self) -> &'static str {
        match self {
            Self::ConfigEmptied => "config-emptied",
            Self::ConfigInvalid => "config-invalid",
            Self::ModelKeyRevoked => "model-key-revoked",
            Self::ProviderDown => "provider-down",
            Self::BotTokenRevoked => "bot-token-revoked",
            Self::PortStolen => "port-stolen",
            Self::DiskFull => "disk-full",
            Self::StateReadOnly => "state-read-only",
            Self::KilledInALoop => "crash-loop",
            Self::Hung | Self::Stuck => "hung",
            Self::NodeBroken => "node-broken",
            Self::ServiceDisabled => "service-disabled",
            Self::KilledByHand => "killed",
        }
    }

    fn repair(self) -> Repair {
        match self {
            Self::ConfigEmptied | Self::ConfigInvalid => Repair::Tap("Roll back"),
            Self::ModelKeyRevoked => Repair::Outside("the key is accepted again"),
            Self::ProviderDown => Repair::Outside("the provider answers again"),
            // OpenClaw gives up on a channel that was refused once, and says so at `/readyz`.
            Self::BotTokenRevoked => {
                Repair::OutsideThenTap("the token is accepted again, Restart", "Restart")
            }
            Self::PortStolen => Repair::OutsideThenTap("the port is free again, Restart", "Restart"),
            Self::DiskFull => Repair::Outside("room was made"),
            Self::StateReadOnly => Repair::Outside("the directory can be written again"),
            Self::KilledInALoop | Self::Hung | Self::Stuck => Repair::Tap("Restart"),
            Self::NodeBroken => Repair::OutsideThenTap("Node is back, Restart", "Restart"),
            Self::ServiceDisabled => Repair::Tap("Enable the service"),
            Self::KilledByHand => Repair::Outside("started again by hand"),
        }
    }

    /// What the operator is told where no tap alone helps.
    fn truth(self) -> Option<&'static str> {
        match self {
            Self::ModelKeyRevoked | Self::BotTokenRevoked => Some("No button can renew it."),
            Self::ProviderDown => Some("Wait for the provider"),
            Self::PortStolen => Some("It is not ours, so it is left alone."),
            Self::DiskFull => Some("Make room"),
            Self::StateReadOnly => Some("Nothing can be done about that from here."),
            Self::NodeBroken => Some("No button can install it."),
            Self::KilledByHand => Some("Start it at the machine where it runs."),
            _ => None,
        }
    }

    /// Whether it can only be repaired with a copy of a good configuration.
    fn wants_a_copy(self) -> bool {
        matches!(self, Self::ConfigEmptied | Self::ConfigInvalid)
    }
}

/// OpenClaw as main, and a rescue of ours.
struct Stage {
    by_hand: Option<Running>,
    scene: Scene,
    openclaw: OpenClaw,
}

impl Stage {
    /// Both run, and rescue sees OpenClaw well. `Err` says why that can't be tried here.
    async fn new(case: Case) -> Result<Self, String> {
        let needs_disk = matches!(case, Case::DiskFull | Case::StateReadOnly);
        if let Some(why) = manager::missing() {
            return Err(why);
        }
        let mut disk = None;
        let world = World::with_user_manager_after(|home| {
            disk = needs_disk.then(|| mount(home.join(".openclaw")));
        });
        let world = world.ok_or("no user manager here")?;
        let disk = disk.transpose()?;
        let openclaw = OpenClaw::installed();
        let outside = Outside::new().await;
        let (main_bot, bot) = (outside.bot("claw_bot"), outside.bot("watching_bot"));
        let port = ports::base();
        let model = outside.model.openai_url();
        let api = outside.telegram.base_url.clone();
        openclaw.onboard(&world, port, GATEWAY_TOKEN, (&model, &outside.key), (&main_bot.token, &api));
        let main = Profile { name: "main".to_owned(), port, token: GATEWAY_TOKEN.to_owned() };
        let by_hand = if case == Case::KilledByHand {
            Some(Running::start(openclaw.command(&world, &["gateway"])))
        } else {
            let node = openclaw.node();
            let node = if case == Case::NodeBroken { copied(&node, &world) } else { node };
            install(&world, &unit(&openclaw, &node, &world, port));
            None
        };
        attach(&world, &bot.token, &api);
        world.bulkhead_json(&["rescue", "operators", "add", &OPERATOR.to_string(), "--json"]);
        let supervisor = world.start(&["--profile", "rescue", "gateway", "supervise"]);
        let rescue = Profile { name: "rescue".to_owned(), port: 0, token: String::new() };
        let scene = Scene::of(vec![supervisor], (bot, main_bot), (main, rescue), outside, disk, world);
        let stage = Self { by_hand, scene, openclaw };
        stage.until("OpenClaw is ready", COMES_BACK, || stage.answers_on_its_port()).await?;
        stage.until("rescue sees it well", COMES_BACK, || stage.is_seen_well()).await?;
        // A bot may only write to whom wrote to it.
        stage.scene.bot.control.say(OPERATOR, "/rescue");
        stage.scene.bot.control.wait_for_text(OPERATOR, "OpenClaw is well").await;
        if case.wants_a_copy() {
            stage.until("a good configuration is kept", KEPT_WITHIN, || stage.has_a_copy()).await?;
        }
        Ok(stage)
    }

    async fn until(&self, what: &str, patience: Duration, is_so: impl Fn() -> bool) -> Result<(), String> {
        let begun = Instant::now();
        while !is_so() {
            if begun.elapsed() > patience {
                let status = self.scene.world.bulkhead(&["rescue", "status", "--json"]);
                return Err(format!("not in time: {what}; {}", text(&status)));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    fn answers_on_its_port(&self) -> bool {
        use std::io::Read as _;
        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", self.scene.main.port)) else {
            return false;
        };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let request = "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).is_ok()
            && (stream.read_to_string(&mut answer).is_ok() || !answer.is_empty())
            && answer.starts_with("HTTP/1.1 200")
    }

    fn is_seen_well(&self) -> bool {
        let out = self.scene.world.bulkhead(&["rescue", "status", "--json"]);
        let status: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap_or_default();
        status["health"] == "good"
    }

    fn has_a_copy(&self) -> bool {
        let copies = bulkhead_tests::openclaw::tree(&self.scene.world.path(".bulkhead-rescue"));
        copies.iter().any(|(path, ..)| path.extension().is_some_and(|end| end == "sealed"))
    }

    fn config(&self) -> PathBuf {
        state_dir(&self.scene.world).join("openclaw.json")
    }

    fn systemctl(&self, args: &[&str]) -> String {
        systemctl(&self.scene.world, args)
    }

    fn pid(&self) -> u32 {
        match &self.by_hand {
            Some(running) => running.id(),
            None => self
                .systemctl(&["show", "--property=MainPID", "--value", UNIT])
                .trim()
                .parse()
                .expect("a pid"),
        }
    }

    fn break_main(&self, case: Case) -> Grip {
        let outside = &self.scene.outside;
        match case {
            Case::ConfigEmptied => std::fs::write(self.config(), "").expect("emptied"),
            Case::ConfigInvalid => {
                std::fs::write(self.config(), "{ \"gateway\": { \"port\": ture } }\n").expect("broken");
            }
            Case::ModelKeyRevoked => outside.model.control.set_keys(vec!["sk-another".to_owned()]),
            Case::ProviderDown => {
                outside.model.control.plan(PlannedFault::next(Fault::Reset).times(usize::MAX));
            }
            Case::BotTokenRevoked => self.scene.main_bot.control.revoke(true),
            Case::PortStolen => {
                self.systemctl(&["stop", UNIT]);
                let thief = TcpListener::bind(("127.0.0.1", self.scene.main.port)).expect("it is free now");
                self.systemctl(&["start", "--no-block", UNIT]);
                return Grip::Port(thief);
            }
            Case::DiskFull => {
                let file = fill(&state_dir(&self.scene.world));
                return Grip::File(filler(&file), file);
            }
            Case::StateReadOnly => {
                let dir = state_dir(&self.scene.world).display().to_string();
                self.as_root("mount", &["--bind", &dir, &dir]);
                self.as_root("mount", &["-o", "remount,ro,bind", &dir]);
            }
            Case::KilledInALoop => return Grip::Killer(self.killer()),
            Case::Hung => signal(self.pid(), Signal::STOP),
            Case::Stuck => return Grip::Stopper(self.stopper()),
            Case::NodeBroken => {
                let pid = self.pid();
                std::fs::remove_file(self.scene.world.path("node/bin/node")).expect("removed");
                signal(pid, Signal::KILL);
            }
            Case::ServiceDisabled => {
                self.systemctl(&["disable", "--now", UNIT]);
            }
            Case::KilledByHand => signal(self.pid(), Signal::KILL),
        }
        Grip::Nothing
    }

    fn put_right(&mut self, case: Case, grip: Grip) {
        let outside = &self.scene.outside;
        match (case, grip) {
            (Case::ModelKeyRevoked, _) => outside.model.control.set_keys(vec![outside.key.clone()]),
            (Case::ProviderDown, _) => outside.model.control.clear_faults(),
            (Case::BotTokenRevoked, _) => self.scene.main_bot.control.revoke(false),
            (Case::StateReadOnly, _) => {
                let dir = state_dir(&self.scene.world).display().to_string();
                self.as_root("umount", &["--lazy", &dir]);
            }
            (Case::NodeBroken, _) => {
                copied(&self.openclaw.node(), &self.scene.world);
            }
            (Case::KilledByHand, _) => {
                self.by_hand = Some(Running::start(self.openclaw.command(&self.scene.world, &["gateway"])));
            }
            (_, Grip::File(filler, file)) => {
                drop(filler);
                std::fs::remove_file(file).expect("removed");
            }
            (_, Grip::Port(_) | Grip::Killer(_) | Grip::Stopper(_) | Grip::Nothing) => {}
        }
    }

    /// In the namespaces of the user manager, where OpenClaw and rescue are.
    fn as_root(&self, program: &str, args: &[&str]) {
        let out = self.scene.world.command(program).args(args).output().expect("it starts");
        assert!(out.status.success(), "{program} {args:?}: {}", text(&out));
    }

    /// Kills every process of the service as soon as it is there.
    fn killer(&self) -> Killer {
        let mut command = self.scene.world.command("systemctl");
        command.args(["--user", "show", "--property=MainPID", "--value", UNIT]);
        let ends = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                let out = command.output().expect("systemctl starts");
                if let Ok(pid @ 1..) = String::from_utf8_lossy(&out.stdout).trim().parse::<u32>() {
                    signal(pid, Signal::KILL);
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Killer { ends, thread: Some(thread) }
    }

    /// Stops its process again whenever it goes on, until that is gone.
    fn stopper(&self) -> Killer {
        let pid = self.pid();
        let ends = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            let process = PathBuf::from(format!("/proc/{pid}"));
            while !seen.load(Ordering::Relaxed) && process.exists() {
                signal(pid, Signal::STOP);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Killer { ends, thread: Some(thread) }
    }

    /// Whether a person gets an answer from it.
    async fn answers_ann(&self) -> bool {
        let bot = &self.scene.main_bot.control;
        let before = bot.messages_to(ANN).len();
        bot.say(ANN, "are you there?");
        bot.wait(PATIENCE, |bot| bot.messages_to(ANN).get(before).cloned()).await.is_some()
    }
}

struct Killer {
    ends: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Killer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = self.thread.take().expect("once").join();
    }
}

/// Takes what becomes free later too: OpenClaw copies its databases now and then and throws the copies away.
fn filler(file: &Path) -> Killer {
    let mut file = std::fs::OpenOptions::new().append(true).open(file).expect("it is there");
    let ends = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ends);
    let thread = std::thread::spawn(move || {
        while !seen.load(Ordering::Relaxed) {
            if file.write_all(&[7; 4096]).is_err() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    });
    Killer { ends, thread: Some(thread) }
}

fn systemctl(world: &World, args: &[&str]) -> String {
    let out = world.command("systemctl").arg("--user").args(args).output().expect("systemctl starts");
    assert!(out.status.success(), "systemctl {args:?}: {}", text(&out));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn copied(node: &Path, world: &World) -> PathBuf {
    let copy = world.path("node/bin/node");
    std::fs::create_dir_all(copy.parent().expect("a folder")).expect("folder");
    std::fs::copy(node, &copy).expect("copied");
    copy
}

/// As `openclaw gateway install` of 2026.9.6 writes it. That itself refuses to run here: it wants a system bus, and the
/// home of the account.
fn unit(openclaw: &OpenClaw, node: &Path, world: &World, port: u16) -> String {
    let index = openclaw.package().join("dist/index.js");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", node.parent().expect("a folder").display());
    format!(
        "[Unit]\nDescription=OpenClaw Gateway\nAfter=network-online.target\nWants=network-online.target\n\
         StartLimitBurst=10\nStartLimitIntervalSec=300\n\n\
         [Service]\nExecStart={} {} gateway --port {port}\nRestart=always\nRestartSec=5\n\
         RestartPreventExitStatus=78\nTimeoutStopSec=330\nTimeoutStartSec=30\nSuccessExitStatus=0 143\n\
         OOMPolicy=continue\nKillMode=mixed\nEnvironment=HOME={}\nEnvironment=PATH={path}\n\
         Environment=TMPDIR={}\nEnvironment=OPENCLAW_GATEWAY_PORT={port}\n\
         Environment=OPENCLAW_SERVICE_MARKER=openclaw\nEnvironment=OPENCLAW_SERVICE_KIND=gateway\n\
         Environment=OPENCLAW_SYSTEMD_UNIT={UNIT}\nEnvironment=OPENCLAW_DISABLE_BONJOUR=1\n\
         Environment=OPENCLAW_NO_AUTO_UPDATE=1\n\n[Install]\nWantedBy=default.target\n",
        node.display(),
        index.display(),
        world.home().display(),
        world.path("tmp").display(),
    )
}

fn install(world: &World, unit: &str) {
    let dir = world.path(".config/systemd/user");
    std::fs::create_dir_all(&dir).expect("folder");
    std::fs::write(dir.join(UNIT), unit).expect("written");
    systemctl(world, &["daemon-reload"]);
    systemctl(world, &["enable", "--now", UNIT]);
}

fn attach(world: &World, token: &str, api: &str) {
    // The network is everybody's: what seems free may be another test's a moment later.
    let port = ports::base().to_string();
    let args = [
        "onboard",
        "--rescue-for",
        "openclaw",
        "--non-interactive",
        "--accept-risk",
        "--skip-health",
        "--no-install-daemon",
        "--secrets",
        "file",
        "--telegram-bot-token",
        "-",
        "--telegram-api-root",
        api,
        "--gateway-port",
        &port,
        "--json",
    ];
    let out = world.bulkhead_with_input(&args, token);
    assert!(out.status.success(), "attach: {}", text(&out));
}

#[allow(clippy::print_stderr, reason = "what the service manager saw explains what went wrong")]
async fn run(case: Case) -> Row {
    let mut row = Row { name: case.name(), ..Row::default() };
    match Stage::new(case).await {
        Err(why) => row.wrong = Some(why),
        Ok(mut stage) => {
            if let Err(why) = play(case, &mut stage, &mut row).await {
                row.wrong = Some(why);
            }
            if row.wrong.is_some() {
                let journal = std::fs::read_to_string(stage.scene.world.path("user-manager.log"));
                let lines: Vec<String> =
                    journal.unwrap_or_default().lines().rev().take(25).map(str::to_owned).collect();
                eprintln!("{}", lines.into_iter().rev().collect::<Vec<_>>().join("\n"));
            }
        }
    }
    row
}

async fn play(case: Case, stage: &mut Stage, row: &mut Row) -> Result<(), String> {
    let before = stage.scene.told();
    let broken = now_ms();
    let mut grip = stage.break_main(case);
    // A port is only stolen once its owner had to let go of it.
    let broken = if case == Case::PortStolen { now_ms() } else { broken };
    let alert = stage.scene.alert(before).await?;
    let first = &alert.revisions[0];
    row.told = Some(Duration::from_millis(first.at.saturating_sub(broken)));
    row.differences.push(difference(&stage.scene.incident()["toldMs"], first.at));
    row.cause = cause(&stage.scene, case.cause()).await?;
    if let Some(truth) = case.truth() {
        stage.scene.bot.control.wait_for_text(OPERATOR, truth).await;
    }

    let put_right = now_ms();
    match case.repair() {
        Repair::Tap(button) => {
            row.repaired_by = button;
            // Whoever killed it stops; the rest is the button's.
            if matches!(grip, Grip::Killer(_)) {
                drop(std::mem::replace(&mut grip, Grip::Nothing));
            }
            stage.scene.tap(button, before).await?;
        }
        Repair::Outside(what) => {
            row.repaired_by = what;
            stage.put_right(case, std::mem::replace(&mut grip, Grip::Nothing));
        }
        Repair::OutsideThenTap(what, button) => {
            row.repaired_by = what;
            stage.put_right(case, std::mem::replace(&mut grip, Grip::Nothing));
            stage.scene.tap(button, before).await?;
        }
    }
    let seen = stage.scene.bot.control.wait(COMES_BACK, |bot| {
        let messages = bot.messages_to(OPERATOR).into_iter().skip(before);
        messages.flat_map(|one| one.revisions).find(|one| one.text.contains("well again"))
    });
    let Some(over) = seen.await else {
        let texts: Vec<String> =
            stage.scene.bot.control.messages_to(OPERATOR).into_iter().map(|one| one.now.text).collect();
        return Err(format!("not told that it is well again; the operator has {texts:#?}"));
    };
    row.repaired = Some(Duration::from_millis(over.at.saturating_sub(put_right)));
    row.differences.push(difference(&stage.scene.incident()["phase"]["atMs"], over.at));
    stage.until("OpenClaw is ready", COMES_BACK, || stage.answers_on_its_port()).await?;
    if !stage.answers_ann().await {
        return Err("told that it is well again, but nobody gets an answer on Telegram".to_owned());
    }
    drop(grip);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs openclaw 2026.9.6 and node 24 from npm (768 MB), and a quarter of an hour: BULKHEAD_TEST_OPENCLAW names their folder"]
async fn every_breakage_of_a_real_openclaw_is_told_and_repaired_where_it_can_be() {
    if std::env::var_os("BULKHEAD_TEST_OPENCLAW").is_none() {
        println!("skipped: BULKHEAD_TEST_OPENCLAW names no folder with openclaw and node@24 in it");
        return;
    }
    let wanted = std::env::var("BULKHEAD_TEST_CASES").unwrap_or_default();
    let is_wanted =
        |case: &Case| wanted.is_empty() || wanted.split(',').any(|part| case.name().contains(part.trim()));
    let mut rows = Vec::new();
    for case in ALL.iter().copied().filter(is_wanted) {
        let row = super::aside(move || run(case)).await.unwrap_or_else(|why| Row {
            name: case.name(),
            wrong: Some(why.to_string()),
            ..Row::default()
        });
        println!("{row:?}");
        rows.push(row);
    }
    let table = Table::of(rows);
    println!("{table}");
    table.must_hold();
}
