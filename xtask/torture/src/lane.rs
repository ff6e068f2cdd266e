//! One profile with its supervisor, its gateway, and the world outside: where rounds happen, one after the other.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use bulkhead_fakes::telegram::{BotControl, TelegramServer, TelegramServerOptions};
use bulkhead_killpoint::{Point, Switch};
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, ports, programs};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

/// The longest that a start may take on a busy machine.
const START: Duration = Duration::from_mins(1);
/// Between two looks at what no event tells of.
const LOOK: Duration = Duration::from_millis(10);
/// Crashes of one supervisor; one more within a minute would lead to the next rung of the ladder.
const CRASHES: usize = 3;
/// Size of the disk of a profile, where one can be made.
const DISK: &str = "size=64m,mode=0700";

/// How lanes are made.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// A small disk of its own for each state directory; needs the right to mount.
    pub disks: bool,
    /// Secrets in a keychain that can be locked.
    pub keychain: bool,
    /// The library that fakes the wall clock.
    pub faketime: Option<PathBuf>,
    /// Answers go out without the outbox: the verdict must be FAIL.
    pub without_outbox: bool,
}

/// A profile under torture.
pub struct Lane {
    // Declared first: it ends before its files go.
    supervisor: Option<Running>,
    pub world: World,
    pub model: ModelServer,
    telegram: TelegramServer,
    pub bot: BotControl,
    pub wishes: Wishes,
    port: u16,
    state: PathBuf,
    /// Kills under the present supervisor.
    crashes: usize,
    orders: u64,
    last_pid: u32,
    /// Gateways that were seen.
    pub starts: u64,
    http: reqwest::Client,
    faking_time: bool,
}

impl Lane {
    /// Onboards a profile of its own.
    pub async fn make(wishes: Wishes) -> Result<Self> {
        let world = if wishes.keychain { World::with_keychain() } else { World::new() };
        let state = world.path(".bulkhead");
        std::fs::create_dir_all(&state)?;
        set_private(&state)?;
        if wishes.disks {
            mount(&["-t", "tmpfs", "-o", DISK, "tmpfs"], &state)?;
        }
        let model = ModelServer::start(ModelServerOptions::default().with_key("sk-torture")).await?;
        let telegram = TelegramServer::start(TelegramServerOptions::default()).await?;
        let token = "700000001:AAtorture-torture-torture-torture-x";
        let bot = telegram.control.add_bot(token, "torture_bot");
        let port = ports::base();
        let secrets = if wishes.keychain { "keychain" } else { "file" };
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let lane = Self {
            supervisor: None,
            world,
            model,
            telegram,
            bot,
            wishes,
            port,
            state,
            crashes: 0,
            orders: 0,
            last_pid: 0,
            starts: 0,
            http,
            faking_time: false,
        };
        let args = [
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
            "--custom-base-url",
            &lane.model.openai_url(),
            "--custom-api-key",
            "sk-torture",
            "--gateway-auth",
            "token",
            "--gateway-token",
            "gw-torture-torture-torture-torture",
            "--gateway-port",
            &port.to_string(),
            "--telegram-bot-token",
            token,
            "--telegram-api-root",
            &lane.telegram.base_url,
            "--no-install-daemon",
            "--secrets",
            secrets,
            "--json",
        ];
        lane.cli(&args)?;
        lane.cli(&["config", "set", "channels.telegram.allowFrom", "[\"*\"]"])?;
        lane.cli(&["config", "set", "channels.telegram.dmPolicy", "open"])?;
        if lane.wishes.without_outbox {
            std::fs::write(lane.state.join("killpoint-switches"), Switch::NoOutbox.name())?;
        }
        Ok(lane)
    }

    /// Runs the command line to its end; it must succeed.
    pub fn cli(&self, args: &[&str]) -> Result<String> {
        let out = self.world.command(program()).args(args).output().context("starting bulkhead-torture")?;
        if !out.status.success() {
            bail!("bulkhead {}: {}\n{}", args.join(" "), out.status, text(&out));
        }
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// The state directory.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Sees to it that a gateway is up, under a supervisor that has seen few crashes.
    pub async fn prepare(&mut self) -> Result<()> {
        if self.faking_time || self.crashes >= CRASHES {
            self.end_supervisor("TERM").await?;
        }
        self.bot.clear_faults();
        self.bot.release();
        self.model.control.clear_faults();
        self.ensure(false);
        self.ready().await?;
        self.bot.forget_past();
        self.model.control.forget_requests();
        Ok(())
    }

    /// Starts a supervisor unless one is there.
    pub fn ensure(&mut self, fake_time: bool) {
        if self.supervisor.is_some() {
            return;
        }
        let mut command = self.world.command(program());
        command.args(["gateway", "supervise"]);
        if fake_time && let Some(library) = &self.wishes.faketime {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", self.world.path("faketime"))
                .env("FAKETIME_NO_CACHE", "1")
                .env("DONT_FAKE_MONOTONIC", "1")
                .env("FAKETIME_DONT_RESET", "1");
        }
        self.faking_time = fake_time;
        self.supervisor = Some(Running::start(command));
        self.crashes = 0;
    }

    /// Ends the supervisor by a signal, and waits until its gateway is gone too. False: an orphan stayed.
    pub async fn end_supervisor(&mut self, signal: &str) -> Result<bool> {
        let pid = self.pid();
        if let Some(mut supervisor) = self.supervisor.take() {
            supervisor.signal(signal);
            supervisor.wait();
        }
        // Every round begins at the foot of the crash ladder; what the ladder does is tested elsewhere.
        let _ = std::fs::remove_file(self.state.join("ladder.json"));
        let Some(pid) = pid else { return Ok(true) };
        Ok(self.gone(pid, Duration::from_secs(10)).await)
    }

    /// Waits until the gateway says that it is ready.
    pub async fn ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        loop {
            if self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                self.note_start();
                return Ok(());
            }
            if Instant::now() > deadline {
                let said = self.supervisor.as_mut().map(Running::output).unwrap_or_default();
                bail!(
                    "the gateway was not ready within {START:?}; its supervisor said:\n{said}\n{}",
                    self.log_tail()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What `/readyz` names as failing.
    pub async fn failing(&self) -> Vec<String> {
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        let Ok(answer) = self.http.get(&url).send().await else { return vec!["no answer".to_owned()] };
        let Ok(body) = answer.json::<Value>().await else { return Vec::new() };
        let failing = body["failing"].as_array().cloned().unwrap_or_default();
        failing.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Counts a gateway that was not seen before.
    pub fn note_start(&mut self) {
        if let Some(pid) = self.pid()
            && pid != self.last_pid
        {
            self.last_pid = pid;
            self.starts += 1;
        }
    }

    /// Process id of the running gateway.
    pub fn pid(&self) -> Option<u32> {
        self.recorded_pid().filter(|pid| is_alive(*pid)).or_else(|| {
            // One that began on a full disk could leave no record.
            child_of(self.supervisor.as_ref()?.id())
        })
    }

    fn recorded_pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.state.join("run.json")).ok()?;
        let record: Value = serde_json::from_str(&text).ok()?;
        let pid = record.pointer("/identity/pid").or_else(|| record.get("pid"))?.as_u64()?;
        u32::try_from(pid).ok()
    }

    /// Kills the gateway, as soon as there is one, and waits until it is gone.
    pub async fn kill(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            if let Some(pid) = self.pid() {
                self.note_start();
                kill(pid);
                self.gone(pid, START).await;
                self.crashes += 1;
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("there was no gateway to kill; {}", self.log_tail());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Counts a kill that the gateway did to itself.
    pub fn note_crash(&mut self) {
        self.crashes += 1;
    }

    async fn gone(&self, pid: u32, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while is_alive(pid) {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        true
    }

    /// Orders the gateway to kill itself when it reaches a point for the `skip + 1`st time.
    pub fn order(&mut self, point: Point, skip: usize) -> Result<()> {
        self.orders += 1;
        let _ = std::fs::remove_file(self.state.join("killpoint.hit"));
        std::fs::write(self.state.join("killpoint.new"), format!("{} {skip} {}", point.name(), self.orders))?;
        Ok(std::fs::rename(self.state.join("killpoint.new"), self.state.join("killpoint"))?)
    }

    /// Whether the order was carried out.
    pub fn was_hit(&self) -> bool {
        self.state.join("killpoint.hit").exists()
    }

    /// Takes an order back.
    pub fn withdraw(&self) {
        let _ = std::fs::remove_file(self.state.join("killpoint"));
    }

    /// Fills the disk to the last byte.
    pub fn fill_disk(&self) -> Result<()> {
        let mut file = std::fs::File::create(self.ballast())?;
        let mut size = 1 << 20;
        let block = vec![0u8; size];
        while size > 0 {
            if file.write_all(&block[..size]).is_err() {
                size /= 2;
            }
        }
        Ok(())
    }

    /// Makes room again.
    pub fn free_disk(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.state.join("ballast")
    }

    /// Makes the state directory read-only for whoever opens something in it from now on; or writable again.
    pub fn read_only(&self, on: bool) -> Result<()> {
        // Made read-only where nobody is at work, and laid over the place then: what has it open would hold it writable.
        let aside = self.world.path("read-only");
        if on {
            std::fs::create_dir_all(&aside)?;
            mount(&["--bind", &self.state.display().to_string()], &aside)?;
            mount(&["-o", "remount,bind,ro"], &aside)?;
            return mount(&["--bind", &aside.display().to_string()], &self.state);
        }
        run(Command::new("umount").arg("-l").arg(&self.state))?;
        run(Command::new("umount").arg("-l").arg(&aside))
    }

    /// Sets the wall clock of the lane's programs `offset` seconds off.
    pub fn set_clock(&self, offset: i64) -> Result<()> {
        let file = self.world.path("faketime");
        let new = self.world.path("faketime.new");
        std::fs::write(&new, format!("{offset:+}\n"))?;
        Ok(std::fs::rename(new, file)?)
    }

    fn database(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(self.state.join("bulkhead.sqlite"), flags)?;
        database.busy_timeout(Duration::from_secs(5))?;
        Ok(database)
    }

    /// How many messages still wait to be answered or sent.
    pub fn unfinished(&self) -> Result<i64> {
        Ok(self.database()?.query_row(
            "SELECT (SELECT count(*) FROM inbox WHERE state = 'pending') + (SELECT count(*) FROM outbox)",
            [],
            |row| row.get(0),
        )?)
    }

    /// Whether the database is whole.
    pub fn is_whole(&self) -> bool {
        let check = || -> Result<String> {
            Ok(self.database()?.query_row("PRAGMA quick_check", [], |row| row.get(0))?)
        };
        check().is_ok_and(|word| word == "ok")
    }

    /// Takes the database back to the version before the last. Nobody may use it meanwhile.
    pub fn age_database(&self) -> Result<()> {
        let database = Connection::open(self.state.join("bulkhead.sqlite"))?;
        database.execute_batch("BEGIN IMMEDIATE; DROP TABLE IF EXISTS torture;")?;
        let version: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        database.execute_batch(&format!("PRAGMA user_version = {}; COMMIT", version - 1))?;
        Ok(())
    }

    /// The end of the gateway's log, for reports of what went wrong.
    pub fn log_tail(&self) -> String {
        let mut tails = Vec::new();
        let folders = [self.state.join("logs"), self.state.clone()];
        for file in folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten() {
            let path = file.path();
            if path.extension().is_some_and(|end| end == "log" || end == "jsonl") {
                let log = std::fs::read_to_string(&path).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                let tail = lines[lines.len().saturating_sub(60)..].join("\n");
                tails.push(format!("{}:\n{tail}", path.display()));
            }
        }
        tails.join("\n")
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let pid = self.pid();
        if let Some(mut supervisor) = self.supervisor.take() {
            supervisor.signal("KILL");
            supervisor.wait();
        }
        if let Some(pid) = pid {
            kill(pid);
        }
        if self.wishes.disks {
            let _ = run(Command::new("umount").arg("-l").arg(&self.state));
        }
    }
}

/// The program that can be killed at its points.
fn program() -> PathBuf {
    programs::beside("bulkhead-torture")
}

fn mount(args: &[&str], at: &Path) -> Result<()> {
    run(Command::new("mount").args(args).arg(at))
}

fn run(command: &mut Command) -> Result<()> {
    let out = command.output().with_context(|| format!("starting {command:?}"))?;
    if !out.status.success() {
        bail!("{command:?}: {}", text(&out).trim());
    }
    Ok(())
}

#[cfg(unix)]
fn set_private(dir: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?)
}

#[cfg(not(unix))]
fn set_private(_: &Path) -> Result<()> {
    Ok(())
}

/// A living child of a process, where the system tells of it as Linux does.
fn child_of(parent: u32) -> Option<u32> {
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        after_name.split_whitespace().nth(1).and_then(|word| word.parse().ok()) == Some(parent)
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| is_child(pid) && is_alive(*pid))
}

#[cfg(unix)]
fn pid_of(pid: u32) -> Option<rustix::process::Pid> {
    i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw)
}

#[cfg(unix)]
fn kill(pid: u32) {
    if let Some(pid) = pid_of(pid) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// Whether it runs; one that has ended and was not waited for does not.
#[cfg(unix)]
fn is_alive(pid: u32) -> bool {
    if let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        return !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']);
    }
    !Path::new("/proc/self").exists()
        && pid_of(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

#[cfg(not(unix))]
fn kill(pid: u32) {
    let _ = Command::new("taskkill").args(["/F", "/PID", &pid.to_string()]).output();
}

#[cfg(not(unix))]
fn is_alive(pid: u32) -> bool {
    let out = Command::new("tasklist").args(["/FI", &format!("PID eq {pid}"), "/NH"]).output();
    out.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains(&pid.to_string()))
}
