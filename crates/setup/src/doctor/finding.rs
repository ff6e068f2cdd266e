//! What doctor finds.

use serde::Serialize;

use super::remedy::Remedy;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// What profiles must not share.
    Isolation,
    /// The base port and those derived from it.
    Ports,
    /// The configuration file, and set-ups and restores that did not come to their end.
    Config,
    /// Who may read the profile's files.
    Permissions,
    /// The place of secrets.
    Keychain,
    /// The system's service of the profile.
    Services,
    /// Whether services run without a login.
    Lingering,
    /// Free space.
    Disk,
    /// The time of this computer.
    Clock,
    /// Chrome or Chromium for the browser seat.
    Chrome,
    /// Bots.
    Channels,
    /// Model providers.
    Model,
    /// Which version runs.
    Version,
    /// The database.
    Database,
    /// Timed jobs.
    Jobs,
}

impl Subject {
    /// All of them, in the order in which people read them.
    pub const ALL: [Self; 15] = [
        Self::Config,
        Self::Isolation,
        Self::Ports,
        Self::Permissions,
        Self::Keychain,
        Self::Services,
        Self::Lingering,
        Self::Version,
        Self::Database,
        Self::Jobs,
        Self::Disk,
        Self::Clock,
        Self::Model,
        Self::Channels,
        Self::Chrome,
    ];

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Isolation => "Isolation",
            Self::Ports => "Ports",
            Self::Config => "Configuration",
            Self::Permissions => "Permissions",
            Self::Keychain => "Secrets",
            Self::Services => "Service",
            Self::Lingering => "Lingering",
            Self::Disk => "Disk",
            Self::Clock => "Clock",
            Self::Chrome => "Browser",
            Self::Channels => "Channels",
            Self::Model => "Model",
            Self::Version => "Version",
            Self::Database => "Database",
            Self::Jobs => "Timed jobs",
        }
    }

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Isolation => "isolation",
            Self::Ports => "ports",
            Self::Config => "config",
            Self::Permissions => "permissions",
            Self::Keychain => "keychain",
            Self::Services => "services",
            Self::Lingering => "lingering",
            Self::Disk => "disk",
            Self::Clock => "clock",
            Self::Chrome => "chrome",
            Self::Channels => "channels",
            Self::Model => "model",
            Self::Version => "version",
            Self::Database => "database",
            Self::Jobs => "jobs",
        }
    }
}

/// How bad a finding is; worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something does not work, or is not isolated.
    Error,
    /// It works, with a cost or a risk.
    Warning,
    /// Good to know.
    Info,
    /// As it should be.
    Ok,
}

/// A repair that doctor can do by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What it does.
    pub title: String,
    /// Whether `--fix` does it without asking: nothing is lost and nothing stops by it.
    pub safe: bool,
    #[serde(skip)]
    pub(crate) remedy: Remedy,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoctorFinding {
    /// Stable name for programs.
    pub code: String,
    /// How bad it is.
    pub severity: Level,
    /// What was looked at.
    pub subject: Subject,
    /// The profile.
    pub profile: String,
    /// What is there.
    pub found: String,
    /// Why that matters; empty where nothing is wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What to do; empty where there is nothing to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub next_step: String,
    /// What doctor can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

impl DoctorFinding {
    fn new(subject: Subject, severity: Level, code: &str, found: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            subject,
            profile: String::new(),
            found: found.into(),
            why: String::new(),
            next_step: String::new(),
            fix: None,
        }
    }

    /// As it should be.
    pub(crate) fn ok(subject: Subject, found: impl Into<String>) -> Self {
        Self::new(subject, Level::Ok, &format!("{}.ok", subject.as_str()), found)
    }

    /// Good to know.
    pub(crate) fn info(subject: Subject, code: &str, found: impl Into<String>) -> Self {
        Self::new(subject, Level::Info, code, found)
    }

    /// It works, but.
    pub(crate) fn warning(subject: Subject, code: &str, found: impl Into<String>) -> Self {
        Self::new(subject, Level::Warning, code, found)
    }

    /// It does not work.
    pub(crate) fn error(subject: Subject, code: &str, found: impl Into<String>) -> Self {
        Self::new(subject, Level::Error, code, found)
    }

    /// With the reason why it matters.
    #[must_use]
    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// With the next step for a person.
    #[must_use]
    pub(crate) fn next(mut self, next_step: impl Into<String>) -> Self {
        self.next_step = next_step.into();
        self
    }

    /// With a repair that loses nothing and stops nothing.
    #[must_use]
    pub(crate) fn safe_fix(self, title: impl Into<String>, remedy: Remedy) -> Self {
        self.fix(title, true, remedy)
    }

    /// With a repair that is asked for first.
    #[must_use]
    pub(crate) fn asked_fix(self, title: impl Into<String>, remedy: Remedy) -> Self {
        self.fix(title, false, remedy)
    }

    fn fix(mut self, title: impl Into<String>, safe: bool, remedy: Remedy) -> Self {
        self.fix = Some(Fix { title: title.into(), safe, remedy });
        self
    }

    /// The same as another severity.
    #[must_use]
    pub(crate) fn at_level(mut self, severity: Level) -> Self {
        self.severity = severity;
        self
    }

    /// Whether something does not work.
    pub fn is_error(&self) -> bool {
        self.severity == Level::Error
    }
}

/// What an error of another crate says, as what was found and what to do: our messages are
/// `what: found …, expected …. Next step.`, or with `; ` between them.
pub(crate) fn halves(message: &str) -> (String, String) {
    let Some(split) = message.find(". ").or_else(|| message.rfind("; ")) else {
        return (message.trim_end_matches('.').to_owned(), String::new());
    };
    let next = message[split + 2..].trim();
    let mut chars = next.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    (message[..split].to_owned(), format!("{first}{}", chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_is_listed_once() {
        let mut all = Subject::ALL.to_vec();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), Subject::ALL.len());
    }

    #[test]
    fn messages_fall_into_two() {
        assert_eq!(
            halves("a: found b, expected c. Do d. Or e."),
            ("a: found b, expected c".into(), "Do d. Or e.".into())
        );
        assert_eq!(halves("a: b; expected c; do d"), ("a: b; expected c".into(), "Do d".into()));
        assert_eq!(halves("a."), ("a".into(), String::new()));
    }
}
