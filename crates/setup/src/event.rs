//! What comes back: progress as it happens, and one outcome.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use bulkhead_profile::{Finding, Owner};
use serde::Serialize;
use serde_json::Value;

use crate::Detection;
use crate::import::ImportLine;

/// One JSON line of the machine interface.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Event {
    /// Something happened.
    Progress(Progress),
    /// It is over; always last.
    Result(Box<Outcome>),
}

/// Which part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The model.
    Model,
    /// Bots.
    Telegram,
    /// Ports.
    Ports,
    /// The place of secrets.
    Keychain,
    /// The checklist.
    Isolation,
    /// The configuration file and the state directory.
    Config,
    /// Storing secrets.
    Secrets,
    /// The workspace.
    Workspace,
    /// The register of profiles.
    Register,
    /// What comes from another program.
    Import,
    /// The service that runs the gateway.
    Service,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgressState {
    /// It goes on.
    Running,
    /// Done.
    Ok,
    /// Done, with something to know.
    Warning,
    /// It does not work.
    Failed,
    /// Not wanted.
    Skipped,
}

/// One step of the work.
#[derive(Debug, Clone, Serialize)]
pub struct Progress {
    /// Which part.
    pub step: Step,
    /// For which profile; none for all.
    pub profile: Option<String>,
    /// How it stands.
    pub state: ProgressState,
    /// A stable word.
    pub code: String,
    /// In words.
    pub message: String,
    /// Values: `latencyMs`, `bot`, `lines`…
    #[serde(skip_serializing_if = "Value::is_null")]
    pub detail: Value,
}

/// A profile as it stands after `check` (planned) or `create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileResult {
    /// Its name.
    pub name: String,
    /// Its base port.
    pub port: Option<u16>,
    /// Its state directory.
    pub state_dir: PathBuf,
    /// Its configuration file.
    pub config_path: PathBuf,
    /// Its workspace.
    pub workspace: PathBuf,
    /// The browser control service's port.
    pub control: Option<u16>,
    /// Its first CDP port.
    pub cdp_first: Option<u16>,
    /// Its last CDP port.
    pub cdp_last: Option<u16>,
    /// Its keychain namespace.
    pub keychain_service: String,
    /// Who runs it.
    pub owner: Owner,
}

/// How it ended.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Whether it worked.
    pub ok: bool,
    /// What to know, worst first.
    pub findings: Vec<Finding>,
    /// The profiles.
    pub profiles: Vec<ProfileResult>,
    /// What was found around.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection: Option<Detection>,
    /// What became of every part of what was imported, or would become of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub report: Vec<ImportLine>,
}

/// Where progress goes, and where findings gather.
pub(crate) struct Reporter<'a> {
    sink: &'a (dyn Fn(Progress) + Send + Sync),
    findings: Mutex<Vec<Finding>>,
    lines: Mutex<Vec<ImportLine>>,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(sink: &'a (dyn Fn(Progress) + Send + Sync)) -> Self {
        Self { sink, findings: Mutex::new(Vec::new()), lines: Mutex::new(Vec::new()) }
    }

    pub(crate) fn tell(
        &self,
        step: Step,
        profile: Option<&str>,
        state: ProgressState,
        code: &str,
        message: impl Into<String>,
        detail: Value,
    ) {
        (self.sink)(Progress {
            step,
            profile: profile.map(str::to_owned),
            state,
            code: code.to_owned(),
            message: message.into(),
            detail,
        });
    }

    pub(crate) fn running(&self, step: Step, profile: Option<&str>, message: impl Into<String>) {
        self.tell(step, profile, ProgressState::Running, "running", message, Value::Null);
    }

    pub(crate) fn ok(&self, step: Step, profile: Option<&str>, message: impl Into<String>, detail: Value) {
        self.tell(step, profile, ProgressState::Ok, "ok", message, detail);
    }

    pub(crate) fn skipped(&self, step: Step, profile: Option<&str>, message: impl Into<String>) {
        self.tell(step, profile, ProgressState::Skipped, "skipped", message, Value::Null);
    }

    /// A finding, also as progress of its step.
    pub(crate) fn found(&self, step: Step, profile: Option<&str>, finding: Finding) {
        let state = if finding.is_error() { ProgressState::Failed } else { ProgressState::Warning };
        self.tell(step, profile, state, &finding.code, finding.sentence(), Value::Null);
        self.keep(finding);
    }

    /// A finding without progress; told once, however often it is found.
    pub(crate) fn keep(&self, finding: Finding) {
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }

    /// The lines of an import.
    pub(crate) fn imported(&self, lines: Vec<ImportLine>) {
        *self.lines.lock().unwrap_or_else(PoisonError::into_inner) = lines;
    }

    pub(crate) fn take_lines(&self) -> Vec<ImportLine> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).iter().any(Finding::is_error)
    }

    pub(crate) fn take_findings(&self) -> Vec<Finding> {
        let mut findings = std::mem::take(&mut *self.findings.lock().unwrap_or_else(PoisonError::into_inner));
        findings.sort_by_key(|finding| finding.severity);
        findings
    }
}

/// A finding in one call.
pub(crate) fn error(
    code: &str,
    profiles: &[&str],
    what: impl Into<String>,
    found: impl Into<String>,
    expected: impl Into<String>,
    next_step: impl Into<String>,
) -> Finding {
    Finding {
        code: code.to_owned(),
        severity: bulkhead_profile::Severity::Error,
        profiles: profiles.iter().map(|name| (*name).to_owned()).collect(),
        what: what.into(),
        found: found.into(),
        expected: expected.into(),
        next_step: lower_first(&next_step.into()),
    }
}

/// A next step stands in the middle of a sentence.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && !second.is_uppercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

/// The same as a warning.
pub(crate) fn warning(finding: Finding) -> Finding {
    Finding { severity: bulkhead_profile::Severity::Warning, ..finding }
}
