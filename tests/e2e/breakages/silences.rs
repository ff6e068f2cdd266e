//! What only looks like a breakage.

use std::time::Duration;

use bulkhead_fakes::telegram::{Fault, PlannedFault};
use rustix::process::Signal;

use super::scene::{Needs, OPERATOR, Scene, signal};

/// One thing that must alarm nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    PlannedStop,
    Update,
    SuspendAndResume,
    CpuStarvation,
    TelegramOutage,
    ClockJump,
}

/// All of them.
pub const ALL: &[Silence] = &[
    Silence::PlannedStop,
    Silence::Update,
    Silence::SuspendAndResume,
    Silence::CpuStarvation,
    Silence::TelegramOutage,
    Silence::ClockJump,
];

/// Longer than it takes to tell a breakage.
const LASTS: Duration = Duration::from_secs(8);
/// And afterwards: what was held back would come now.
const AFTERWARDS: Duration = Duration::from_secs(6);

/// Plays one; says what was said, if anything was. `Err` says why it can't be played here.
pub async fn run(silence: Silence) -> Result<Option<String>, String> {
    let needs = Needs { clock: silence == Silence::ClockJump, ..Needs::default() };
    let scene = Scene::new(needs).await?;
    let before = scene.told();
    match silence {
        Silence::PlannedStop => {
            scene.bulkhead_main(&["gateway", "stop"]);
            scene.health("planned").await;
            tokio::time::sleep(LASTS).await;
            scene.bulkhead_main(&["gateway", "start"]);
            scene.main.answers().await;
        }
        Silence::Update => {
            // As an update does it: drained and started anew, more than once.
            for _ in 0..3 {
                scene.bulkhead_main(&["gateway", "restart"]);
                scene.main.answers().await;
            }
        }
        Silence::SuspendAndResume => {
            let all: Vec<u32> = scene.rescue_pids().into_iter().chain([scene.main_pid()]).collect();
            for pid in &all {
                signal(*pid, Signal::STOP);
            }
            tokio::time::sleep(LASTS).await;
            for pid in all {
                signal(pid, Signal::CONT);
            }
        }
        Silence::CpuStarvation => {
            let hogs: Vec<_> = (0..24)
                .filter_map(|_| {
                    std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().ok()
                })
                .collect();
            tokio::time::sleep(LASTS).await;
            for mut hog in hogs {
                let _ = hog.kill();
                let _ = hog.wait();
            }
        }
        Silence::ClockJump => {
            for offset in [3600, -7200, 86_400, 0] {
                scene.set_clock(offset);
                tokio::time::sleep(LASTS / 4).await;
            }
        }
        Silence::TelegramOutage => {
            let down =
                || PlannedFault { method: None, ..PlannedFault::next("", Fault::CutCall) }.times(usize::MAX);
            scene.main_bot.control.plan(down());
            scene.bot.control.plan(down());
            tokio::time::sleep(LASTS).await;
            scene.main_bot.control.clear_faults();
            scene.bot.control.clear_faults();
        }
    }
    tokio::time::sleep(AFTERWARDS).await;
    scene.health("good").await;
    let said: Vec<String> =
        scene.bot.control.messages_to(OPERATOR).into_iter().skip(before).map(|one| one.now.text).collect();
    Ok((!said.is_empty()).then(|| format!("{silence:?}: {}", said.join(" | "))))
}
