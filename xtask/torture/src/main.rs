//! `cargo xtask torture`: real gateways under their supervisors, killed at named points and at random while people ask,
//! with full disks, jumping clocks and servers that fail. Outside observers (the stand-ins for Bot API and model) count
//! what was lost and what was said twice; the verdict is theirs.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks on its streams")]
#![allow(clippy::format_push_string, reason = "a few short texts per run; they read better so")]

mod judge;
mod lane;
mod plan;
mod report;
mod rounds;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Parser;
use serde_json::json;

use crate::lane::{Lane, Wishes};
use crate::plan::{Kind, Round};
use crate::report::Report;
use crate::rounds::Outcome;

/// What to do.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo xtask torture")]
struct Args {
    /// How many rounds.
    #[arg(long, default_value_t = 500)]
    rounds: usize,
    /// Only rounds of this kind (`--points` names them).
    #[arg(long)]
    point: Option<String>,
    /// Where chance begins; the same seed plans the same rounds.
    #[arg(long)]
    seed: Option<u64>,
    /// Rounds that go on side by side, each on a gateway of its own.
    #[arg(long, default_value_t = 4)]
    lanes: usize,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Send answers without the outbox: the verdict must be FAIL then.
    #[arg(long)]
    without_outbox: bool,
    /// Name every kind of round.
    #[arg(long)]
    points: bool,
    /// Where the evidence of failed rounds goes.
    #[arg(long)]
    evidence: Option<PathBuf>,
    /// Already in a mount namespace of its own.
    #[arg(long, hide = true)]
    own_mounts: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.points {
        for kind in Kind::all() {
            println!("{}", kind.name());
        }
        return ExitCode::SUCCESS;
    }
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<ExitCode> {
    if !args.own_mounts
        && let Some(code) = in_own_mounts()
    {
        return Ok(code);
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let only = match &args.point {
        Some(name) => match Kind::all().into_iter().find(|kind| kind.name() == name) {
            Some(kind) => Some(kind),
            None => bail!("there is no kind of round {name:?}; `--points` names them"),
        },
        None => None,
    };
    let wishes = Wishes {
        disks: args.own_mounts,
        keychain: false,
        faketime: faketime(),
        without_outbox: args.without_outbox,
    };
    let mut report = Report { seed: args.seed.unwrap_or_else(rand::random), ..Report::default() };
    let planned = plan::rounds(args.rounds, only, report.seed);
    let planned = without_the_impossible(planned, &wishes, &mut report);
    eprintln!("{} rounds, seed {}, {} at a time", planned.len(), report.seed, args.lanes);
    let begun = Instant::now();
    let work = Arc::new(Mutex::new(Work { left: planned.into(), report, begun, json: args.json }));
    let threads: Vec<_> = (0..args.lanes.max(1))
        .map(|number| {
            let (args, work, wishes) = (args.clone(), Arc::clone(&work), wishes.clone());
            std::thread::spawn(move || work_lane(number, &args, &wishes, &work))
        })
        .collect();
    for thread in threads {
        if thread.join().is_err() {
            lock(&work).report.failures.push("a lane ended in a panic".to_owned());
        }
    }
    let mut work = lock(&work);
    work.report.seconds = begun.elapsed().as_secs();
    let passes = work.report.close();
    if args.json {
        println!("{}", serde_json::to_string(&work.report)?);
    } else {
        println!("{}", work.report.in_words());
    }
    Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the lanes share.
struct Work {
    left: VecDeque<Round>,
    report: Report,
    begun: Instant,
    json: bool,
}

fn lock(work: &Mutex<Work>) -> std::sync::MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work {
    /// The next round for this lane; only the first has a keychain.
    fn next(&mut self, keychain: bool) -> Option<Round> {
        if keychain {
            let place = self.left.iter().position(|round| round.kind == Kind::Keychain);
            return match place {
                Some(place) => self.left.remove(place),
                None => self.left.pop_front(),
            };
        }
        let place = self.left.iter().position(|round| round.kind != Kind::Keychain)?;
        self.left.remove(place)
    }
}

/// Rounds, one after the other, until none is left.
fn work_lane(number: usize, args: &Args, wishes: &Wishes, work: &Mutex<Work>) {
    let keychain = number == 0 && lock(work).left.iter().any(|round| round.kind == Kind::Keychain);
    let wishes = Wishes { keychain, ..wishes.clone() };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return lock(work).report.failures.push(error.to_string()),
    };
    let mut lane = None;
    loop {
        let Some(round) = lock(work).next(keychain) else { return };
        let outcome = runtime.block_on(async {
            let made = match lane.take() {
                Some(made) => made,
                None => Lane::make(wishes.clone()).await?,
            };
            let made = lane.insert(made);
            rounds::round(made, &round).await
        });
        match outcome {
            Ok(outcome) => note(args, work, &round, &outcome),
            Err(error) => {
                let said = format!("round {} ({}): {error:#}", round.number, round.kind.name());
                eprintln!("{said}");
                lock(work).report.failures.push(said);
                // What state it is in, nobody knows: the next round gets another.
                let _inside = runtime.enter();
                lane = None;
            }
        }
    }
}

fn note(args: &Args, work: &Mutex<Work>, round: &Round, outcome: &Outcome) {
    let mut work = lock(work);
    work.report.add(round.kind, outcome.happened, &outcome.counts);
    if !outcome.happened
        && let Some(again) = round.again()
    {
        work.left.push_back(again);
    }
    let total = &work.report.total;
    if !outcome.counts.passes() {
        let said = format!(
            "round {} ({}): lost {}, doubled {}, strays {} (beyond {}), turns after shown {}, merged {}; {}",
            round.number,
            round.kind.name(),
            outcome.counts.lost,
            outcome.counts.doubled,
            outcome.counts.stray_placeholders,
            outcome.counts.stray_beyond,
            outcome.counts.turns_after_shown,
            outcome.counts.merged_turns,
            outcome.notes.join("; "),
        );
        eprintln!("{said}");
        if let Some(folder) = &args.evidence {
            keep(folder, round, outcome);
        }
        work.report.failures.push(said);
    } else if total.rounds.is_multiple_of(10) && !work.json {
        eprintln!(
            "{:>4} rounds, {:>4} kills, {:>5} answers, lost {}, doubled {}, {} s",
            total.rounds,
            total.kills,
            total.answers,
            total.lost,
            total.doubled,
            work.begun.elapsed().as_secs()
        );
    }
}

/// Writes down what the observers have of a round that failed.
fn keep(folder: &Path, round: &Round, outcome: &Outcome) {
    let seen = json!({
        "kind": round.kind.name(),
        "counts": outcome.counts,
        "notes": outcome.notes,
        "questions": outcome.evidence.questions,
        "messages": outcome.evidence.messages,
        "requests": outcome.evidence.requests,
    });
    let _ = std::fs::create_dir_all(folder);
    let _ = std::fs::write(folder.join(format!("round-{}.json", round.number)), format!("{seen:#}"));
    let _ = std::fs::write(folder.join(format!("round-{}.log", round.number)), &outcome.evidence.log);
}

/// Leaves out what this machine cannot do, and says so.
fn without_the_impossible(planned: Vec<Round>, wishes: &Wishes, report: &mut Report) -> Vec<Round> {
    let why_not = |kind: Kind| match kind {
        Kind::DiskFull | Kind::ReadOnly if !wishes.disks => {
            Some("disks of their own need the right to mount (root, or user namespaces)")
        }
        Kind::Clock if wishes.faketime.is_none() => Some("libfaketime is not installed (package faketime)"),
        Kind::Keychain if which("gnome-keyring-daemon").is_none() || which("dbus-daemon").is_none() => {
            Some("gnome-keyring and dbus-daemon are not installed")
        }
        _ => None,
    };
    let (possible, impossible): (Vec<Round>, Vec<Round>) =
        planned.into_iter().partition(|round| why_not(round.kind).is_none());
    for kind in Kind::all() {
        let count = impossible.iter().filter(|round| round.kind == kind).count();
        if let Some(why) = why_not(kind).filter(|_| count > 0) {
            report.skipped.push(format!("{count} rounds {}: {why}", kind.name()));
        }
    }
    possible
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The library that fakes the wall clock of a program that it is loaded into.
fn faketime() -> Option<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    folders
        .iter()
        .map(|folder| Path::new(folder).join("faketime/libfaketime.so.1"))
        .find(|file| file.is_file())
}

/// Runs itself in a mount namespace of its own, so that no disk made here outlives it. `None` where that is not allowed.
fn in_own_mounts() -> Option<ExitCode> {
    let flags: &[&str] = if may(&["-m"]) {
        &["-m"]
    } else if may(&["-U", "-r", "-m"]) {
        &["-U", "-r", "-m"]
    } else {
        return None;
    };
    let program = std::env::current_exe().ok()?;
    let status = Command::new("unshare")
        .args(flags)
        .arg(program)
        .args(std::env::args_os().skip(1))
        .arg("--own-mounts")
        .status()
        .ok()?;
    Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn may(flags: &[&str]) -> bool {
    let script = "mount -t tmpfs tmpfs /mnt";
    Command::new("unshare")
        .args(flags)
        .args(["sh", "-c", script])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
