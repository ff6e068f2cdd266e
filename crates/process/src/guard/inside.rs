//! The guard's own life.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use super::{Answer, GuardedProgram, own_process_group, pdeathsig};

const LINE_LIMIT: u64 = 256 * 1024;
/// How long the program may take to end by itself once we are gone.
const GRACE: Duration = Duration::from_millis(1500);

/// Runs a guard: reads what to start from stdin, answers on stdout, and stays until the program or the parent is
/// gone. The first thing that `main` does when its argument is [`GUARD_ARGUMENT`](super::GUARD_ARGUMENT).
pub fn run() -> ExitCode {
    let mut stdin = BufReader::new(std::io::stdin());
    let mut line = String::new();
    let read = stdin.by_ref().take(LINE_LIMIT).read_line(&mut line);
    let Ok(1..) = read else { return ExitCode::SUCCESS };
    let program: GuardedProgram = match serde_json::from_str(&line) {
        Ok(program) => program,
        Err(error) => return fail(&format!("the guard cannot read what to start: {error}")),
    };
    let mut child = match start(&program) {
        Ok(child) => child,
        Err(error) => return fail(&error.to_string()),
    };
    let pid = child.id();
    if answer(&Answer::Started { pid }).is_err() {
        kill_group(pid);
        let _ = child.wait();
        return ExitCode::FAILURE;
    }
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut stdin, &mut std::io::sink());
        ask_group(pid);
        std::thread::sleep(GRACE);
        kill_group(pid);
    });
    // This thread started the program and must live as long (see `pdeathsig`): it waits and does not end before.
    let status = wait(&mut child);
    let code = status.ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

/// Waits for the program's end, then ends what is left of its group.
#[cfg(unix)]
fn wait(child: &mut Child) -> std::io::Result<std::process::ExitStatus> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(pid), how), Err(rustix::io::Errno::INTR)) {}
        // As long as it is not reaped, its process group cannot become somebody else's.
        kill_group(child.id());
    }
    child.wait()
}

/// On Windows the children of a program that has ended cannot be found any more; Chrome's end with it.
#[cfg(windows)]
fn wait(child: &mut Child) -> std::io::Result<std::process::ExitStatus> {
    child.wait()
}

fn start(program: &GuardedProgram) -> std::io::Result<Child> {
    let mut command = Command::new(&program.program);
    command.args(&program.args).stdin(Stdio::null());
    for name in &program.without {
        command.env_remove(name);
    }
    match &program.log {
        Some(path) => {
            let log = std::fs::File::create(path)?;
            command.stdout(log.try_clone()?).stderr(log);
        }
        None => {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
    }
    own_process_group(&mut command);
    pdeathsig(&mut command);
    command.spawn()
}

fn fail(why: &str) -> ExitCode {
    let _ = answer(&Answer::Failed { why: why.to_owned() });
    ExitCode::FAILURE
}

fn answer(answer: &Answer) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(answer)?)?;
    out.flush()
}

#[cfg(unix)]
fn signal_group(pid: u32, signal: rustix::process::Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

#[cfg(unix)]
fn ask_group(pid: u32) {
    signal_group(pid, rustix::process::Signal::TERM);
}

#[cfg(unix)]
fn kill_group(pid: u32) {
    signal_group(pid, rustix::process::Signal::KILL);
}

#[cfg(windows)]
fn ask_group(_: u32) {}

#[cfg(windows)]
fn kill_group(pid: u32) {
    let _ = Command::new("taskkill")
        .args(["/T", "/F", "/PID", &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}
