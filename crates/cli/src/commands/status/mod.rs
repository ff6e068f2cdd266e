//! `bulkhead status`: what runs, where, on which ports. No keychain, no threads, a few milliseconds; with `--deep` the gateway
//! is asked as well.

mod same;

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_process::{RunRecord, memory};
use bulkhead_profile::{KnownProfile, Owner, Place, Ports, Register, known_profiles};
use serde::Serialize;
use serde_json::{Map, Value};

use super::DONE;
use crate::context::{Context, base_port};
use crate::error::Failure;
use crate::grammar::simple::StatusArgs;
use crate::http::{self, NoAnswer};
use crate::output::{paint, table};

/// A gateway on this machine answers its health routes within a millisecond.
const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    ok: bool,
    version: &'static str,
    profile: ProfileStatus,
    others: Vec<ProfileStatus>,
    /// For programs that know OpenClaw's.
    #[serde(flatten)]
    same: Map<String, Value>,
}

/// How a profile stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileStatus {
    pub name: String,
    pub state: State,
    pub ready: bool,
    /// What keeps it from being ready.
    pub failing: Vec<String>,
    pub pid: Option<u32>,
    pub version: Option<String>,
    pub uptime_ms: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub owner: Option<Owner>,
    pub base_port: u16,
    pub control_port: Option<u16>,
    pub cdp_first: Option<u16>,
    pub cdp_last: Option<u16>,
    pub configured: bool,
    pub state_dir: PathBuf,
    pub config_path: PathBuf,
    pub workspace: PathBuf,
}

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It answers.
    Running,
    /// It answers, and says what does not work.
    Degraded,
    /// Its process is there, but it does not answer yet.
    Starting,
    /// It does not run.
    Stopped,
    /// Something else has its port.
    PortTaken,
    /// There is no configuration.
    NotSetUp,
}

impl State {
    fn painted(self) -> String {
        match self {
            Self::Running => paint::good("running"),
            Self::Degraded => paint::warn("degraded"),
            Self::Starting => paint::warn("starting"),
            Self::Stopped => paint::dim("stopped"),
            Self::PortTaken => paint::bad("port taken"),
            Self::NotSetUp => paint::dim("not set up"),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Starting => "starting",
            Self::Stopped => "stopped",
            Self::PortTaken => "port taken",
            Self::NotSetUp => "not set up",
        }
    }
}

pub fn run(args: &StatusArgs, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let (port, _) = base_port(&place, &context.env)?;
    let owner = Register::open(&context.env).find(&place).ok().flatten().map(|entry| entry.owner);
    let profile = look(&place, port, owner);
    let others: Vec<ProfileStatus> = if args.only {
        Vec::new()
    } else {
        known_profiles(&context.env)
            .iter()
            .filter(|known| known.place.state_dir() != place.state_dir())
            .map(look_known)
            .collect()
    };
    let same = if context.out.is_json() || args.deep {
        same::keys(context, &place, &profile, args.deep)
    } else {
        Map::new()
    };
    let report = Report { ok: true, version: env!("CARGO_PKG_VERSION"), profile, others, same };
    context.out.result(&report, || text(&report));
    Ok(DONE)
}

fn look_known(known: &KnownProfile) -> ProfileStatus {
    let record = RunRecord::read_running(&known.place.run_record_path());
    let port = record.map(|record| record.base_port).or(known.base_port).unwrap_or_default();
    look(&known.place, port, known.owner)
}

/// Looks at one profile.
pub fn look(place: &Place, port: u16, owner: Option<Owner>) -> ProfileStatus {
    let record = RunRecord::read_running(&place.run_record_path());
    let ports = Ports::new(port).ok();
    let configured = place.config_path().exists();
    let mut status = ProfileStatus {
        name: place.name().as_str().to_owned(),
        state: State::Stopped,
        ready: false,
        failing: Vec::new(),
        pid: record.as_ref().map(|record| record.identity.pid),
        version: record.as_ref().map(|record| record.version.clone()),
        uptime_ms: None,
        memory_bytes: record.as_ref().and_then(|record| memory::of(record.identity.pid)),
        owner,
        base_port: port,
        control_port: ports.map(Ports::control),
        cdp_first: ports.map(Ports::cdp_first),
        cdp_last: ports.map(Ports::cdp_last),
        configured,
        state_dir: place.state_dir().to_owned(),
        config_path: place.config_path().to_owned(),
        workspace: place.workspace().to_owned(),
    };
    if record.is_none() {
        status.state = match (configured, port) {
            (false, _) => State::NotSetUp,
            (true, 0) => State::Stopped,
            (true, port) => match http::get(port, "/healthz", PATIENCE) {
                Err(NoAnswer::Refused) => State::Stopped,
                _ => State::PortTaken,
            },
        };
        return status;
    }
    match http::get(port, "/startupz", PATIENCE) {
        Ok(answer) if answer.status == 200 => {
            status.uptime_ms = answer.json().and_then(|body| body["uptimeMs"].as_u64());
            readiness(port, &mut status);
        }
        _ => status.state = State::Starting,
    }
    status
}

fn readiness(port: u16, status: &mut ProfileStatus) {
    let body = http::get(port, "/readyz", PATIENCE).ok().and_then(|answer| answer.json());
    if let Some(body) = body {
        status.ready = body["ready"].as_bool() == Some(true);
        let failing = body["failing"].as_array().into_iter().flatten();
        status.failing = failing.filter_map(|code| code.as_str().map(str::to_owned)).collect();
    }
    status.state = if status.ready { State::Running } else { State::Degraded };
}

fn text(report: &Report) -> String {
    let mut lines = vec![format!("{} {}", paint::strong("Bulkhead"), report.version), String::new()];
    lines.push(block(&report.profile));
    if !report.others.is_empty() {
        let rows = report.others.iter().map(|other| {
            [
                other.name.clone(),
                other.state.word().to_owned(),
                if other.base_port == 0 { "-".to_owned() } else { other.base_port.to_string() },
                other.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
                other.state_dir.display().to_string(),
            ]
        });
        lines.push(String::new());
        lines.push(table::rows(["profile", "state", "port", "pid", "state directory"], rows));
    }
    lines.extend(deep(&report.same));
    lines.join("\n")
}

/// What the gateway said of itself, for people.
fn deep(same: &Map<String, Value>) -> Option<String> {
    if let Some(problem) = same.get("gateway").and_then(|gateway| gateway["error"].as_str()) {
        return Some(format!("\n{} {problem}", paint::warn("not asked:")));
    }
    let sessions = same.get("sessions")?;
    let count = |value: Option<&Value>| value.and_then(Value::as_u64).unwrap_or_default().to_string();
    let channels: Vec<&str> = same
        .get("channelSummary")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut pairs = vec![
        ("sessions", count(sessions.get("count"))),
        ("tasks", count(same.get("tasks").and_then(|tasks| tasks.get("active")))),
        (
            "events",
            count(
                same.get("queuedSystemEvents")
                    .map(|list| list.as_array().map_or(0, Vec::len))
                    .map(Value::from)
                    .as_ref(),
            ),
        ),
    ];
    if !channels.is_empty() {
        pairs.push(("channels", channels.join("; ")));
    }
    Some(format!("\n{}", table::pairs(&pairs)))
}

/// One profile for people.
pub fn block(profile: &ProfileStatus) -> String {
    let mut head = format!("{} {}", paint::strong(&profile.name), profile.state.painted());
    if let Some(uptime) = profile.uptime_ms {
        head.push_str(&format!(" for {}", table::duration(uptime)));
    }
    if !profile.failing.is_empty() {
        head.push_str(&format!(" ({})", profile.failing.join(", ")));
    }
    let mut pairs = Vec::new();
    let browser = match (profile.control_port, profile.cdp_first, profile.cdp_last) {
        (Some(control), Some(first), Some(last)) => {
            format!(", browser control {control}, CDP {first} to {last}")
        }
        _ => String::new(),
    };
    pairs.push(("ports", format!("{}{browser}", profile.base_port)));
    if let Some(pid) = profile.pid {
        let memory =
            profile.memory_bytes.map(|bytes| format!(", {}", table::bytes(bytes))).unwrap_or_default();
        let version =
            profile.version.as_deref().map(|version| format!(", version {version}")).unwrap_or_default();
        pairs.push(("process", format!("{pid}{memory}{version}")));
    }
    if let Some(owner) = profile.owner {
        pairs.push(("owner", owner.to_string()));
    }
    pairs.push(("state", profile.state_dir.display().to_string()));
    pairs.push(("config", profile.config_path.display().to_string()));
    pairs.push(("workspace", profile.workspace.display().to_string()));
    if let Some(next) = next_step(profile) {
        pairs.push(("next", next));
    }
    format!("{head}\n{}", table::pairs(&pairs))
}

fn next_step(profile: &ProfileStatus) -> Option<String> {
    let name = &profile.name;
    match profile.state {
        State::NotSetUp => Some(format!("`bulkhead --profile {name} onboard`")),
        State::Stopped => Some(format!("`bulkhead --profile {name} gateway`")),
        State::PortTaken => Some(format!(
            "port {} is used by another program: see `bulkhead --profile {name} gateway status`",
            profile.base_port
        )),
        State::Starting | State::Degraded => Some(format!("`bulkhead --profile {name} logs`")),
        State::Running => None,
    }
}
