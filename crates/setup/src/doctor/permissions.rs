//! Who may read and write the profile's files.

#[cfg(unix)]
use std::path::{Path, PathBuf};

use super::finding::{DoctorFinding, Subject};
use super::patient::Patient;
#[cfg(unix)]
use super::remedy::Remedy;

const SUBJECT: Subject = Subject::Permissions;

#[cfg(not(unix))]
pub(super) fn check(_: &Patient) -> Vec<DoctorFinding> {
    vec![DoctorFinding::ok(SUBJECT, "The profile lies in your user folder, which this system keeps to you.")]
}

/// What is looked at: how it is called, where it is, which mode it shall have, and why.
#[cfg(unix)]
struct Rule {
    code: &'static str,
    what: &'static str,
    path: PathBuf,
    mode: u32,
    why: &'static str,
    /// Holds something private whatever the configuration says.
    private: bool,
}

#[cfg(unix)]
fn rules(patient: &Patient) -> Vec<Rule> {
    let place = &patient.place;
    let plain = patient.config.secret_inputs().iter().any(|(_, input)| input.plain().is_some());
    let database = place.database_path();
    let beside = |end: &str| {
        let mut path = database.as_os_str().to_owned();
        path.push(end);
        PathBuf::from(path)
    };
    let secrets = place.secrets_file();
    let conversations = "Conversations and pairings are in it; other users of this computer could read them.";
    let mut rules = vec![
        Rule {
            code: "permissions.state-dir",
            what: "state directory",
            path: place.state_dir().to_owned(),
            mode: 0o700,
            why: "Other users of this computer could see or change what the profile keeps.",
            private: true,
        },
        Rule {
            code: "permissions.config",
            what: "configuration file",
            path: place.config_path().to_owned(),
            mode: 0o600,
            why: "Other users of this computer could read how the gateway is set up, or change it.",
            private: plain,
        },
        Rule {
            code: "permissions.secrets-file",
            what: "secrets file",
            path: secrets.clone(),
            mode: 0o600,
            why: "It holds secrets unencrypted. The gateway refuses it while others may read it.",
            private: true,
        },
    ];
    if let Some(dir) = secrets.parent().filter(|_| secrets.exists()) {
        rules.push(Rule {
            code: "permissions.secrets-dir",
            what: "folder of the secrets file",
            path: dir.to_owned(),
            mode: 0o700,
            why: "Others could put another file in place of the secrets file.",
            private: true,
        });
    }
    for path in [database.clone(), beside("-wal"), beside("-shm")] {
        rules.push(Rule {
            code: "permissions.database",
            what: "database",
            path,
            mode: 0o600,
            why: conversations,
            private: true,
        });
    }
    rules
}

#[cfg(unix)]
pub(super) fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let mut findings: Vec<DoctorFinding> = Vec::new();
    let mut looked_at = 0;
    for rule in rules(patient) {
        match look(&rule) {
            Looked::Missing => {}
            Looked::Right => looked_at += 1,
            Looked::Unreadable(reason) => findings.push(
                DoctorFinding::error(
                    SUBJECT,
                    rule.code,
                    format!("The {} {} cannot be looked at: {reason}.", rule.what, rule.path.display()),
                )
                .why("The gateway needs it.")
                .next("Correct the permissions of the folders above it."),
            ),
            Looked::Foreign(owner) => findings.push(foreign(patient, &rule, owner)),
            Looked::Loose(mode) => findings.push(loose(&rule, mode)),
        }
    }
    if findings.is_empty() {
        findings.push(match looked_at {
            0 => DoctorFinding::ok(SUBJECT, "Nothing is there yet."),
            _ => DoctorFinding::ok(SUBJECT, "Only you can read the profile's files."),
        });
    }
    findings
}

#[cfg(unix)]
enum Looked {
    Missing,
    Right,
    Unreadable(String),
    Foreign(u32),
    Loose(u32),
}

#[cfg(unix)]
fn look(rule: &Rule) -> Looked {
    use std::os::unix::fs::MetadataExt as _;
    let meta = match std::fs::metadata(&rule.path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Looked::Missing,
        Err(error) => return Looked::Unreadable(error.to_string()),
    };
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Looked::Foreign(meta.uid());
    }
    let mode = meta.mode() & 0o7777;
    // The group's bits and everybody's.
    let others = mode & 0o077;
    if others == 0 { Looked::Right } else { Looked::Loose(mode) }
}

#[cfg(unix)]
fn foreign(patient: &Patient, rule: &Rule, owner: u32) -> DoctorFinding {
    DoctorFinding::error(
        SUBJECT,
        "permissions.owner",
        format!("The {} {} belongs to another user (id {owner}).", rule.what, rule.path.display()),
    )
    .why("This user's gateway cannot rely on it: whoever owns it may change it at any time. It happens after a start with sudo.")
    .next(format!("Take it over: sudo chown -R \"$USER\" {}", shell(patient.place.state_dir())))
}

#[cfg(unix)]
fn loose(rule: &Rule, mode: u32) -> DoctorFinding {
    let found =
        format!("The {} {} has mode {mode:04o}; expected {:04o}.", rule.what, rule.path.display(), rule.mode);
    let finding = if rule.private {
        DoctorFinding::error(SUBJECT, rule.code, found)
    } else {
        DoctorFinding::warning(SUBJECT, rule.code, found)
    };
    let finding = finding.why(rule.why).next(format!("chmod {:o} {}", rule.mode, shell(&rule.path)));
    let remedy = Remedy::Mode { path: rule.path.clone(), mode: rule.mode };
    let linked = std::fs::symlink_metadata(&rule.path).is_ok_and(|meta| meta.is_symlink());
    if linked {
        // Somebody keeps it elsewhere on purpose, such as in a folder under version control.
        finding.asked_fix(format!("set the mode of what it links to to {:04o}", rule.mode), remedy)
    } else {
        finding.safe_fix(format!("set its mode to {:04o}", rule.mode), remedy)
    }
}

#[cfg(unix)]
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
