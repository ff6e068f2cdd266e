//! Main and rescue, each with a bot, an operator who is told, and a clock.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bulkhead_fakes::telegram::{BotControl, BotMessage};
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, programs};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::outside::{Bot, Outside, Profile};

/// Told, and allowed to repair.
pub const OPERATOR: i64 = 9301;
const LOOK: Duration = Duration::from_millis(10);
/// Room of main's disk where it can be filled.
const DISK: &str = "size=48m";

/// What a case needs beside two gateways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Main's state lies on a small disk of its own.
    pub disk: bool,
    /// Main is a service of a user manager.
    pub service: bool,
    /// Main's supervisor runs a copy of the program, which can be taken away.
    pub copy: bool,
    /// The wall clock of all programs can be set.
    pub clock: bool,
}

/// A mounted disk; goes with the test.
pub struct Disk(PathBuf);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Two gateways that watch each other.
pub struct Scene {
    // Declared first: processes end before their disk and their files go.
    supervisors: Vec<Running>,
    pub bot: Bot,
    pub main_bot: Bot,
    pub main: Profile,
    pub rescue: Profile,
    pub outside: Outside,
    _disk: Option<Disk>,
    pub world: World,
}

impl Scene {
    /// Both run, and rescue sees main well. `Err` says why that can't be tried here.
    pub async fn new(needs: Needs) -> Result<Self, String> {
        let mut world = if needs.service {
            World::with_user_manager().ok_or("no user manager here")?
        } else {
            World::new()
        };
        if needs.clock {
            give_a_clock(&mut world)?;
        }
        let disk = needs.disk.then(|| mount(world.path(".bulkhead"))).transpose()?;
        let outside = Outside::new().await;
        let (main_bot, bot) = (outside.bot("working_bot"), outside.bot("watching_bot"));
        let main = outside.onboard(&world, "main", Some(&main_bot), "file");
        let rescue = outside.onboard(&world, "rescue", Some(&bot), "file");
        world.bulkhead_json(&["rescue", "operators", "add", &OPERATOR.to_string(), "--json"]);
        let mut scene =
            Self { supervisors: Vec::new(), bot, main_bot, main, rescue, outside, _disk: disk, world };
        if needs.service {
            scene.world.bulkhead_json(&["--profile", "main", "--json", "gateway", "install"]);
            scene.main.answers().await;
        } else {
            scene.supervise_main(needs.copy);
        }
        let rescue = scene.rescue.supervised(&scene.world).await;
        scene.supervisors.push(rescue);
        scene.main.answers().await;
        scene.health("good").await;
        scene.bot.control.say(OPERATOR, "/rescue");
        scene.bot.control.wait_for_text(OPERATOR, "main is well").await;
        Ok(scene)
    }

    /// Of what another kind of main needs; the bots are rescue's and main's, the profiles main and rescue.
    pub fn of(
        supervisors: Vec<Running>,
        (bot, main_bot): (Bot, Bot),
        (main, rescue): (Profile, Profile),
        outside: Outside,
        disk: Option<Disk>,
        world: World,
    ) -> Self {
        Self { supervisors, bot, main_bot, main, rescue, outside, _disk: disk, world }
    }

    fn supervise_main(&mut self, copy: bool) {
        let program = if copy {
            let copied = self.copied_program();
            std::fs::copy(programs::bulkhead(), &copied).expect("a copy of the program");
            copied
        } else {
            programs::bulkhead()
        };
        let mut command = self.world.command(program);
        command.args(["--profile", "main", "gateway", "supervise"]);
        self.supervisors.push(Running::start(command));
    }

    /// Where the copy of the program is.
    pub fn copied_program(&self) -> PathBuf {
        self.world.path("bulkhead-copy")
    }

    /// Main's configuration file.
    pub fn config(&self) -> PathBuf {
        self.world.path(".bulkhead/bulkhead.json")
    }

    /// The process of main's gateway.
    pub fn main_pid(&self) -> u32 {
        self.main.gateway_pid(&self.world)
    }

    /// The processes of rescue: supervisor and gateway.
    pub fn rescue_pids(&self) -> [u32; 2] {
        [self.supervisors.last().expect("rescue runs").id(), self.rescue.gateway_pid(&self.world)]
    }

    /// What `bulkhead rescue status` says, once main's health is this.
    pub async fn health(&self, health: &str) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.world.bulkhead_json(&["rescue", "status", "--json"]);
            if status["health"] == health {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "main is not {health}: {status:#}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Runs `bulkhead` for main, which must succeed.
    pub fn bulkhead_main(&self, args: &[&str]) {
        let out = self.world.bulkhead(&[&["--profile", "main"], args].concat());
        assert!(out.status.success(), "{args:?}: {}", text(&out));
    }

    /// As a person does whose bot lost its token: a new one is entered.
    pub fn give_main_another_token(&self) {
        let another = self.outside.bot("working_again_bot");
        let set = ["--profile", "main", "secrets", "set", "telegram/bot-token", "-"];
        let out = self.world.bulkhead_with_input(&set, &another.token);
        assert!(out.status.success(), "{}", text(&out));
    }

    /// Sets the wall clock of all programs so many seconds off.
    pub fn set_clock(&self, offset: i64) {
        write_clock(&self.world, offset);
        let told = self.world.command("date").arg("+%s").output().expect("date starts");
        let told: i64 = String::from_utf8_lossy(&told.stdout).trim().parse().expect("seconds");
        let real = i64::try_from(now_ms() / 1000).expect("a time");
        assert!((told - real - offset).abs() < 60, "the clock says {told}, expected {offset} beside {real}");
    }

    /// How many messages the operator has.
    pub fn told(&self) -> usize {
        self.bot.control.messages_to(OPERATOR).len()
    }

    /// The message about what is broken.
    pub async fn alert(&self, before: usize) -> Result<BotMessage, String> {
        self.seen("a message about main", |bot| bot.messages_to(OPERATOR).get(before).cloned()).await
    }

    /// The message that main is well again.
    pub async fn well_again(&self, before: usize) -> Result<BotMessage, String> {
        self.seen("the word that main is well again", |bot| {
            let messages = bot.messages_to(OPERATOR);
            messages.into_iter().skip(before).find(|message| message.now.text.contains("well again"))
        })
        .await
    }

    /// Presses a button of the newest message that has it; a question that comes back is answered with its first button.
    pub async fn tap(&self, label: &str, before: usize) -> Result<(), String> {
        let with = |bot: &BotControl| {
            let messages = bot.messages_to(OPERATOR);
            messages
                .into_iter()
                .skip(before)
                .rev()
                .find_map(|one| Some((one.message_id, one.now.button(label)?)))
        };
        let (message, data) = self.seen(&format!("the button {label:?}"), with).await?;
        let rested = self.bot.control.press_answers().len();
        self.bot.control.press(OPERATOR, message, &data);
        let answer =
            self.seen("an answer to the tap", |bot| bot.press_answers().get(rested).cloned()).await?;
        if answer.text.as_deref().is_some_and(|text| text.contains("confirm")) {
            let question = |bot: &BotControl| {
                let newest = bot.messages_to(OPERATOR).into_iter().next_back()?;
                let label = newest.now.labels().into_iter().next()?;
                (newest.message_id != message).then_some((newest.message_id, newest.now.button(&label)?))
            };
            let (message, data) = self.seen("the question before it", question).await?;
            self.bot.control.press(OPERATOR, message, &data);
        }
        Ok(())
    }

    async fn seen<T>(&self, what: &str, found: impl Fn(&BotControl) -> Option<T>) -> Result<T, String> {
        let seen = self.bot.control.wait(PATIENCE, found).await;
        seen.ok_or_else(|| {
            let texts: Vec<String> =
                self.bot.control.messages_to(OPERATOR).into_iter().map(|message| message.now.text).collect();
            let status = self.world.bulkhead(&["rescue", "status", "--json"]);
            format!("not seen in time: {what}; the operator has {texts:#?}; {}", text(&status))
        })
    }

    /// The newest incident, as rescue keeps it.
    pub fn incident(&self) -> Value {
        self.world.bulkhead_json(&["rescue", "incidents", "--json"])["incidents"][0].clone()
    }
}

/// A small disk of its own.
pub fn mount(dir: PathBuf) -> Result<Disk, String> {
    std::fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("{DISK},mode=700"), "tmpfs"])
        .arg(&dir)
        .status();
    match mounted {
        Ok(status) if status.success() => Ok(Disk(dir)),
        _ => Err("a disk can't be mounted here (that needs root)".to_owned()),
    }
}

/// A wall clock of its own for everything that is started in a world; monotonic clocks stay true, as when a clock is set.
fn give_a_clock(world: &mut World) -> Result<(), String> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let library = folders
        .iter()
        .map(|folder| std::path::Path::new(folder).join("faketime/libfaketime.so.1"))
        .find(|file| file.is_file())
        .ok_or("libfaketime is not installed (package faketime)")?;
    write_clock(world, 0);
    let file = world.path("clock");
    world.set("LD_PRELOAD", library);
    world.set("FAKETIME_TIMESTAMP_FILE", file);
    for name in ["FAKETIME_NO_CACHE", "DONT_FAKE_MONOTONIC", "FAKETIME_DONT_RESET"] {
        world.set(name, "1");
    }
    Ok(())
}

fn write_clock(world: &World, offset: i64) {
    let new = world.path("clock.new");
    std::fs::write(&new, format!("{offset:+}\n")).expect("a clock");
    std::fs::rename(new, world.path("clock")).expect("a clock");
}

/// Lays a view of a directory over it that can only be read; what is open stays open.
pub fn read_only(dir: &std::path::Path) {
    let mount = |args: &[&str]| {
        let done = std::process::Command::new("mount").args(args).arg(dir).status();
        assert!(done.is_ok_and(|status| status.success()), "{} can't be made read-only", dir.display());
    };
    mount(&["--bind", &dir.display().to_string()]);
    mount(&["-o", "remount,ro,bind"]);
}

/// Takes that view away.
pub fn writable(dir: &std::path::Path) {
    let done = std::process::Command::new("umount").arg("--lazy").arg(dir).status();
    assert!(done.is_ok_and(|status| status.success()), "{} can't be made writable", dir.display());
}

/// Sends a signal to a process that lives.
pub fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("pid")).expect("pid");
    let _ = kill_process(pid, signal);
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    u64::try_from(since.as_millis()).expect("a time")
}
