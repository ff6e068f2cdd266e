//! The twelve breakages of a main of ours.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bulkhead_fakes::model::fault::{Fault, PlannedFault};
use rustix::process::Signal;
use serde_json::Value;

use super::scene::{Needs, Scene, now_ms, read_only, signal, writable};
use super::table::Row;

/// One way to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
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
    BinaryMissing,
    ServiceDisabled,
}

/// In the order of the table.
pub const ALL: &[Case] = &[
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
    Case::BinaryMissing,
    Case::ServiceDisabled,
];

/// How main is put right.
enum Repair {
    /// One tap on this button (and a second one where it asks).
    Tap(&'static str),
    /// No button can; this is done outside, and rescue sees it.
    Outside(&'static str),
    /// Put right outside, then one tap.
    OutsideThenTap(&'static str, &'static str),
}

/// What holds on as long as main is broken.
enum Grip {
    Nothing,
    Port(TcpListener),
    Killer(tokio::task::JoinHandle<()>),
    File(PathBuf),
}

impl Case {
    /// As the table names it.
    pub fn name(self) -> &'static str {
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
            Self::BinaryMissing => "missing binary",
            Self::ServiceDisabled => "service disabled",
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
            Self::Hung => "hung",
            Self::BinaryMissing => "binary-missing",
            Self::ServiceDisabled => "service-disabled",
        }
    }

    fn needs(self) -> Needs {
        let none = Needs::default();
        match self {
            Self::DiskFull | Self::StateReadOnly => Needs { disk: true, ..none },
            Self::BinaryMissing => Needs { copy: true, ..none },
            Self::ServiceDisabled => Needs { service: true, ..none },
            _ => none,
        }
    }

    fn repair(self) -> Repair {
        match self {
            Self::ConfigEmptied | Self::ConfigInvalid => Repair::Tap("Roll back"),
            Self::ModelKeyRevoked => Repair::Outside("the key is accepted again"),
            Self::ProviderDown => Repair::Outside("the provider answers again"),
            Self::BotTokenRevoked => Repair::Outside("a new token was entered"),
            Self::PortStolen => Repair::Tap("Use another port"),
            Self::DiskFull => Repair::Outside("room was made"),
            Self::StateReadOnly => Repair::Outside("the directory can be written again"),
            Self::KilledInALoop | Self::Hung => Repair::Tap("Restart"),
            Self::BinaryMissing => Repair::OutsideThenTap("the program is back", "Restart"),
            Self::ServiceDisabled => Repair::Tap("Enable the service"),
        }
    }

    fn break_main(self, scene: &Scene) -> Grip {
        match self {
            Self::ConfigEmptied => std::fs::write(scene.config(), "").expect("emptied"),
            Self::ConfigInvalid => {
                std::fs::write(scene.config(), "{ \"gateway\": { \"port\": ture } }\n").expect("broken");
            }
            Self::ModelKeyRevoked => scene.outside.model.control.set_keys(vec!["sk-another".to_owned()]),
            Self::ProviderDown => {
                scene.outside.model.control.plan(PlannedFault::next(Fault::Reset).times(usize::MAX));
            }
            Self::BotTokenRevoked => scene.main_bot.control.revoke(true),
            Self::PortStolen => return Grip::Port(steal_port(scene)),
            Self::DiskFull => return Grip::File(fill(&scene.world.path(".bulkhead"))),
            Self::StateReadOnly => read_only(&scene.world.path(".bulkhead")),
            Self::KilledInALoop => {
                return Grip::Killer(kill_on_sight(scene.world.path(".bulkhead/run.json")));
            }
            Self::Hung => signal(scene.main_pid(), Signal::STOP),
            Self::BinaryMissing => {
                std::fs::remove_file(scene.copied_program()).expect("removed");
                signal(scene.main_pid(), Signal::KILL);
            }
            Self::ServiceDisabled => {
                let done = scene
                    .world
                    .command("systemctl")
                    .args(["--user", "disable", "--now", "bulkhead-gateway.service"])
                    .status();
                assert!(done.is_ok_and(|status| status.success()), "the service can't be disabled");
            }
        }
        Grip::Nothing
    }

    fn put_right(self, scene: &Scene, grip: Grip) {
        match (self, grip) {
            (Self::ModelKeyRevoked, _) => {
                scene.outside.model.control.set_keys(vec![scene.outside.key.clone()]);
            }
            (Self::ProviderDown, _) => scene.outside.model.control.clear_faults(),
            (Self::BotTokenRevoked, _) => scene.give_main_another_token(),
            (Self::StateReadOnly, _) => writable(&scene.world.path(".bulkhead")),
            (Self::BinaryMissing, _) => {
                std::fs::copy(bulkhead_tests::programs::bulkhead(), scene.copied_program()).expect("copied");
            }
            (_, Grip::Killer(killer)) => killer.abort(),
            (_, Grip::File(file)) => std::fs::remove_file(file).expect("removed"),
            (_, Grip::Port(listener)) => drop(listener),
            (_, Grip::Nothing) => {}
        }
    }
}

/// Breaks one main and sees how it ends.
pub async fn run(case: Case) -> Row {
    let mut row = Row { name: case.name(), ..Row::default() };
    match Scene::new(case.needs()).await {
        Err(why) => row.skipped = Some(why),
        Ok(scene) => {
            if let Err(why) = play(case, &scene, &mut row).await {
                row.wrong = Some(why);
            }
        }
    }
    row
}

async fn play(case: Case, scene: &Scene, row: &mut Row) -> Result<(), String> {
    let before = scene.told();
    let broken = now_ms();
    let mut grip = case.break_main(scene);
    let alert = scene.alert(before).await?;
    let first = &alert.revisions[0];
    row.told = Some(Duration::from_millis(first.at.saturating_sub(broken)));
    let told = scene.incident();
    row.differences.push(difference(&told["toldMs"], first.at));
    // The first sight may be of a symptom; the same message then says the cause.
    row.cause = cause(scene, case.cause()).await?;

    let put_right = match case.repair() {
        Repair::Tap(button) => {
            row.repaired_by = button;
            if case == Case::KilledInALoop {
                case.put_right(scene, std::mem::replace(&mut grip, Grip::Nothing));
            }
            let at = now_ms();
            scene.tap(button, before).await?;
            at
        }
        Repair::Outside(what) => {
            row.repaired_by = what;
            case.put_right(scene, std::mem::replace(&mut grip, Grip::Nothing));
            now_ms()
        }
        Repair::OutsideThenTap(what, button) => {
            row.repaired_by = what;
            case.put_right(scene, std::mem::replace(&mut grip, Grip::Nothing));
            let at = now_ms();
            // It may be well again by itself before anybody taps.
            if scene
                .bot
                .control
                .wait(Duration::from_secs(1), |bot| {
                    bot.messages_to(super::scene::OPERATOR)
                        .into_iter()
                        .skip(before)
                        .find(|one| one.now.text.contains("well again"))
                })
                .await
                .is_none()
            {
                scene.tap(button, before).await?;
            }
            at
        }
    };
    let over = scene.well_again(before).await?;
    let seen =
        over.revisions.iter().find(|one| one.text.contains("well again")).map_or(over.now.at, |one| one.at);
    row.repaired = Some(Duration::from_millis(seen.saturating_sub(put_right)));
    row.differences.push(difference(&scene.incident()["phase"]["atMs"], seen));
    if case != Case::PortStolen {
        scene.main.answers().await;
    }
    drop(grip);
    Ok(())
}

/// Rescue's time minus the observer's.
pub fn difference(ours: &Value, seen: u64) -> i64 {
    let ours = ours.as_i64().unwrap_or(i64::MAX / 2);
    ours - i64::try_from(seen).expect("a time")
}

/// What rescue calls it, once that is what it is.
pub async fn cause(scene: &Scene, expected: &str) -> Result<String, String> {
    let begun = std::time::Instant::now();
    loop {
        let incident = scene.incident();
        let code = incident["cause"]["code"].as_str().unwrap_or_default().to_owned();
        if code == expected {
            return Ok(code);
        }
        if begun.elapsed() > bulkhead_tests::run::PATIENCE {
            return Err(format!("found the cause {code:?}, expected {expected:?}; {incident:#}"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Takes main's port in the moment in which main lets go of it.
fn steal_port(scene: &Scene) -> TcpListener {
    scene.bulkhead_main(&["gateway", "stop"]);
    let thief = TcpListener::bind(("127.0.0.1", scene.main.port)).expect("the port is free now");
    // Main is wanted again, and finds the stranger. The command would wait for how it ends.
    let mut start = scene.world.command(bulkhead_tests::programs::bulkhead());
    start.args(["--profile", "main", "gateway", "start"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut started = start.spawn().expect("bulkhead starts");
    std::thread::spawn(move || started.wait());
    thief
}

/// Leaves no room.
pub fn fill(dir: &Path) -> PathBuf {
    let path = dir.join("somebody-elses-download");
    let mut file = std::fs::File::create(&path).expect("a file");
    for chunk in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![7; chunk]).is_ok() {}
    }
    path
}

/// Kills every gateway of main as soon as it says who it is.
fn kill_on_sight(record: PathBuf) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let text = std::fs::read_to_string(&record).unwrap_or_default();
            let value: Value = serde_json::from_str(&text).unwrap_or_default();
            let pid = value.pointer("/identity/pid").or_else(|| value.get("pid")).and_then(Value::as_u64);
            if let Some(pid) = pid.and_then(|pid| u32::try_from(pid).ok())
                && Path::new(&format!("/proc/{pid}")).exists()
            {
                signal(pid, Signal::KILL);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
}
