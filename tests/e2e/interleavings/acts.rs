//! What people, programs and mishaps do to one profile.

use crate::app_life::app_at;
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, programs};
use rand::Rng;
use rand::rngs::StdRng;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Install,
    Uninstall,
    Start,
    Stop,
    Restart,
    ToDesktop,
    ToExternal,
    /// `gateway supervise` in a terminal, left running.
    Supervise,
    /// `gateway run` in a terminal, left running.
    Run,
    /// Ctrl+C in the oldest terminal.
    EndTerminal,
    /// `kill -9` of it.
    KillTerminal,
    KillGateway,
    KillSupervisor,
    /// The app at a log-in; a second one ends by itself.
    OpenApp,
    EndApp,
    KillApp,
    /// The program is replaced by another copy, as a package manager does, and the gateway restarted.
    Update,
}

const ALL: [Act; 17] = [
    Act::Install,
    Act::Uninstall,
    Act::Start,
    Act::Stop,
    Act::Restart,
    Act::ToDesktop,
    Act::ToExternal,
    Act::Supervise,
    Act::Run,
    Act::EndTerminal,
    Act::KillTerminal,
    Act::KillGateway,
    Act::KillSupervisor,
    Act::OpenApp,
    Act::EndApp,
    Act::KillApp,
    Act::Update,
];

impl Act {
    pub fn any(random: &mut StdRng) -> Self {
        ALL[random.random_range(0..ALL.len())]
    }
}

/// A machine with programs of its own, which updates may replace, and what was left running on it.
pub struct Stage {
    // Declared before `world`: they end before their files go.
    terminals: Mutex<Vec<Running>>,
    apps: Mutex<Vec<Running>>,
    told: Mutex<Vec<(Act, String)>>,
    folder: PathBuf,
    world: World,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Stage {
    pub fn new(world: World) -> Self {
        let folder = world.path("bin");
        std::fs::create_dir(&folder).expect("folder");
        std::fs::copy(programs::bulkhead(), folder.join("bulkhead")).expect("a copy of the program");
        std::fs::copy(programs::app(), folder.join("bulkhead-app")).expect("a copy of the app");
        Self { terminals: Mutex::default(), apps: Mutex::default(), told: Mutex::default(), folder, world }
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    /// What was answered, in order.
    pub fn told(&self) -> String {
        let lines =
            locked(&self.told).iter().map(|(act, said)| format!("{act:?}: {said}")).collect::<Vec<_>>();
        lines.join("\n")
    }

    /// How often which act was answered how; of a refusal one as an example.
    pub fn counts(&self) -> String {
        let mut counts: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for (act, said) in locked(&self.told).iter() {
            let (word, rest) = said.split_once(':').unwrap_or((said, ""));
            let (times, example) = counts.entry(format!("{act:?} {word}")).or_default();
            *times += 1;
            rest.clone_into(example);
        }
        let lines = counts.iter().map(|(what, (times, example))| format!("  {times:3} {what}{example}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Does it, to its end.
    pub fn run(&self, act: Act) {
        let said = match act {
            Act::Install => self.command(&["gateway", "install"]),
            Act::Uninstall => self.command(&["gateway", "uninstall"]),
            Act::Start => self.command(&["gateway", "start"]),
            Act::Stop => self.command(&["gateway", "stop"]),
            Act::Restart => self.command(&["gateway", "restart"]),
            Act::ToDesktop => self.command(&["profiles", "owner", "main", "desktop"]),
            Act::ToExternal => self.command(&["profiles", "owner", "main", "external"]),
            Act::Supervise => self.terminal("supervise"),
            Act::Run => self.terminal("run"),
            Act::EndTerminal => end(&self.terminals, "TERM"),
            Act::KillTerminal => end(&self.terminals, "KILL"),
            Act::KillGateway => self.kill_holder("gateway.lock"),
            Act::KillSupervisor => self.kill_holder("supervisor.lock"),
            Act::OpenApp => {
                locked(&self.apps).push(app_at(
                    &self.world,
                    &self.folder.join("bulkhead-app"),
                    &["--hidden"],
                ));
                "opened".to_owned()
            }
            Act::EndApp => end(&self.apps, "TERM"),
            Act::KillApp => end(&self.apps, "KILL"),
            Act::Update => {
                self.update();
                self.command(&["gateway", "restart"])
            }
        };
        locked(&self.told).push((act, said));
    }

    /// Ends whatever was left running.
    pub fn end_all(&self) {
        while !locked(&self.apps).is_empty() {
            end(&self.apps, "TERM");
        }
        while !locked(&self.terminals).is_empty() {
            end(&self.terminals, "TERM");
        }
    }

    /// Refusals are as good as anything done, if they are answers: a code and words, in good time.
    fn command(&self, args: &[&str]) -> String {
        let begun = Instant::now();
        let mut command = self.world.command(self.folder.join("bulkhead"));
        let out = command.arg("--json").args(args).output().expect("bulkhead starts");
        let said = text(&out);
        assert!(
            !said.contains("panicked") && out.status.code().is_some(),
            "{args:?}: {}\n{said}",
            out.status
        );
        assert!(begun.elapsed() < PATIENCE, "{args:?} took {:?}: {said}", begun.elapsed());
        let value: Value =
            serde_json::from_slice(&out.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {said}"));
        if out.status.success() {
            return "done".to_owned();
        }
        let [code, message] =
            ["code", "message"].map(|field| value["error"][field].as_str().unwrap_or_default());
        assert!(!code.is_empty() && !message.is_empty(), "{args:?}: {said}");
        format!("{code}: {message} ({:?})", begun.elapsed())
    }

    fn terminal(&self, how: &str) -> String {
        let mut command = self.world.command(self.folder.join("bulkhead"));
        command.args(["gateway", how]);
        locked(&self.terminals).push(Running::start(command));
        "opened".to_owned()
    }

    fn kill_holder(&self, lock: &str) -> String {
        let path = self.world.path(".bulkhead").join(lock);
        let holders = super::watch::holders(&path);
        for pid in &holders {
            let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw).expect("a pid");
            let _ = kill_process(pid, Signal::KILL);
        }
        if holders.is_empty() { "nobody" } else { "killed" }.to_owned()
    }

    fn update(&self) {
        let new = self.folder.join("bulkhead.new");
        std::fs::copy(programs::bulkhead(), &new).expect("another copy");
        std::fs::rename(&new, self.folder.join("bulkhead")).expect("put in place");
    }
}

/// Ends the oldest one, and waits for it.
fn end(of: &Mutex<Vec<Running>>, signal: &str) -> String {
    let oldest = {
        let mut all = locked(of);
        if all.is_empty() { None } else { Some(all.remove(0)) }
    };
    let Some(mut oldest) = oldest else { return "nobody".to_owned() };
    oldest.signal(signal);
    oldest.wait();
    let output = oldest.output();
    assert!(!output.contains("panicked"), "{output}");
    "ended".to_owned()
}
