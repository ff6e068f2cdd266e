//! Everything that can be wrong with a configuration file, in words that name place, found, expected and next step.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// How much an issue matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IssueSeverity {
    /// Worth knowing; the file is used as it is.
    Warning,
    /// The file cannot be used.
    Error,
}

/// One thing that is wrong at one place of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigIssue {
    /// Whether the file can still be used.
    pub severity: IssueSeverity,
    /// The field, such as `gateway.port`; empty for the file as a whole.
    pub path: String,
    /// Line of the value, from 1; 0 when the place is not in the file.
    pub line: usize,
    /// Column of the value, from 1; 0 when the place is not in the file.
    pub column: usize,
    /// What stands there, with secrets left out.
    pub found: String,
    /// What would be right.
    pub expected: String,
    /// What the person can do now.
    pub next_step: String,
}

impl fmt::Display for ConfigIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "found {}, expected {}. {}", self.found, self.expected, self.next_step)
    }
}

/// Where a text stops being a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxProblem {
    /// Which file.
    pub file: String,
    /// Line from 1.
    pub line: usize,
    /// Column from 1.
    pub column: usize,
    /// The enclosing field as far as it could be read; empty at the top.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What would be right.
    pub expected: String,
    /// What to do.
    pub next_step: String,
}

impl SyntaxProblem {
    fn problem(&self) -> String {
        let field = if self.field.is_empty() { String::new() } else { format!("in `{}`: ", self.field) };
        format!(
            "line {}, column {}: {field}found {}, expected {}",
            self.line, self.column, self.found, self.expected
        )
    }
}

impl fmt::Display for SyntaxProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.file, self.problem(), self.next_step)
    }
}

/// Why a configuration could not be read, changed or written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text is not JSON5, or breaks one of the rules that are stricter than JSON5.
    #[error("{0}")]
    Syntax(Box<SyntaxProblem>),
    /// Values of a wrong kind or range.
    #[error("{file}: {}", join_issues(issues))]
    Invalid {
        /// Which file.
        file: String,
        /// All that is wrong.
        issues: Vec<ConfigIssue>,
    },
    /// The file is larger than any configuration.
    #[error(
        "{file}: found {size} bytes, expected at most {limit}. Check that the path names a configuration file."
    )]
    TooLarge {
        /// Which file.
        file: String,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The file looks damaged: cut off, emptied, or a redacted copy.
    #[error("{file}: {reason}. {next_step}")]
    Suspicious {
        /// Which file.
        file: String,
        /// What was found and what was expected.
        reason: String,
        /// What to do.
        next_step: String,
    },
    /// A write was asked for while the file on disk is broken.
    #[error(
        "{file} is broken and is left untouched: {reason}. Repair it by hand, or go back to the last good version with `bulkhead config rollback`; then try again."
    )]
    Broken {
        /// Which file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody changed the file in between.
    #[error(
        "{file} changed in between: found {found}, expected {expected}. Read it again and repeat the change on the new version."
    )]
    Stale {
        /// Which file.
        file: String,
        /// Hash of what is there.
        found: String,
        /// Hash that the caller had read.
        expected: String,
    },
    /// A change that does not say which version it was made for.
    #[error(
        "{file}: found a change without the hash of the version that it was made for, expected it. Read the configuration, and send its hash along."
    )]
    NoBase {
        /// Which file.
        file: String,
    },
    /// A dotted path that cannot be read.
    #[error(
        "path `{path}`: found {found} at character {at}, expected keys joined by dots such as `gateway.port`, `agents.list[0].name` or `models.providers[\"my.host\"].baseUrl`. Correct the path."
    )]
    BadPath {
        /// The path as given.
        path: String,
        /// Character from 1.
        at: usize,
        /// What stands there.
        found: String,
    },
    /// A path that leads through or to something that is not there.
    #[error("{file}: `{path}`: found {found}, expected {expected}. {next_step}")]
    NoSuchPlace {
        /// Which file.
        file: Box<str>,
        /// The path as far as it leads.
        path: String,
        /// What stands there.
        found: String,
        /// What would be right.
        expected: String,
        /// What to do.
        next_step: String,
    },
    /// A change that only the person at the machine may make.
    #[error(
        "`{path}` can only be changed on this machine: found a request from the protocol, expected the command line. Run `bulkhead config set {path} <value>` in a terminal here."
    )]
    LocalOnly {
        /// The field.
        path: String,
    },
    /// A redacted value that would overwrite a real one.
    #[error(
        "`{path}`: found the placeholder `{marker}`, expected a value or a SecretRef. Leave the field out to keep what is stored.",
        marker = crate::redact::REDACTED
    )]
    Redacted {
        /// The field.
        path: String,
    },
    /// A patch would take entries out of a list without saying that this is meant.
    #[error(
        "`{path}`: found a patch that takes entries out of this list, expected one that keeps them. If that is meant, name the list in replacePaths; or send the whole configuration with config.apply."
    )]
    ListShrinks {
        /// The list, with `[]` for entries on the way to it.
        path: String,
    },
    /// There is no version to go back to.
    #[error(
        "{file}: found no last good version, expected one at {expected}. Repair the file by hand, or run `bulkhead onboard` to write a new one."
    )]
    NoLastGood {
        /// Which file.
        file: String,
        /// Where it would be.
        expected: String,
    },
    /// No version of the history has this hash.
    #[error(
        "{file}: found no version `{found}` among the {known} that are kept, expected the hash of one of them, or enough of its digits to tell it from the others. See `bulkhead config history`."
    )]
    NoSuchVersion {
        /// Which file.
        file: String,
        /// The hash that was asked for.
        found: String,
        /// How many versions there are.
        known: usize,
    },
    /// Another program holds the configuration lock.
    #[error(
        "{lock}: found it held by another process for {waited_ms} ms, expected it to be free. Wait for the other `bulkhead` command to end and try again."
    )]
    Busy {
        /// The lock file.
        lock: PathBuf,
        /// How long we waited.
        waited_ms: u128,
    },
    /// Reading failed.
    #[error(
        "{path}: cannot be read: found {source}, expected a file that your user may read. Correct its place or its permissions."
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// Writing failed.
    #[error(
        "{path}: cannot be written: {source}. Check that the folder exists, belongs to your user and that the disk has room; nothing was changed."
    )]
    Write {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
}

impl ConfigError {
    /// What is wrong with the file, without its name and without the next step.
    pub fn problem(&self) -> String {
        match self {
            Self::Syntax(problem) => problem.problem(),
            Self::Suspicious { reason, .. } => reason.clone(),
            Self::Invalid { issues, .. } => issues
                .iter()
                .map(|issue| {
                    let place = if issue.line > 0 {
                        format!("line {}, column {}: ", issue.line, issue.column)
                    } else {
                        String::new()
                    };
                    format!("{place}{}: found {}, expected {}", issue.path, issue.found, issue.expected)
                })
                .collect::<Vec<_>>()
                .join("; "),
            Self::Read { source, .. } => format!("it cannot be read: {source}"),
            other => other.to_string().trim_end_matches('.').to_owned(),
        }
    }

    /// A stable word for programs; never changes with the text.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "config.syntax",
            Self::Invalid { .. } => "config.invalid",
            Self::TooLarge { .. } => "config.too-large",
            Self::Suspicious { .. } => "config.suspicious",
            Self::Broken { .. } => "config.broken",
            Self::Stale { .. } => "config.stale",
            Self::NoBase { .. } => "config.no-base-hash",
            Self::BadPath { .. } => "config.bad-path",
            Self::NoSuchPlace { .. } => "config.no-such-place",
            Self::LocalOnly { .. } => "config.local-only",
            Self::Redacted { .. } => "config.redacted",
            Self::ListShrinks { .. } => "config.list-shrinks",
            Self::NoLastGood { .. } => "config.no-last-good",
            Self::NoSuchVersion { .. } => "config.no-such-version",
            Self::Busy { .. } => "config.busy",
            Self::Read { .. } => "config.unreadable",
            Self::Write { .. } => "config.unwritable",
        }
    }
}

fn join_issues(issues: &[ConfigIssue]) -> String {
    let errors: Vec<String> = issues.iter().map(ToString::to_string).collect();
    errors.join("\n  ")
}
