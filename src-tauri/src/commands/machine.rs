//! What a page may ask of this computer beside the gateways: doctor, earlier configurations, secrets, diagnostics. All of
//! it is the command line's machine interface; a page chooses among these requests and never words of its own.

use crate::failure::{Answer, Failure};
use crate::fleet::Fleet;
use crate::setup_cli;
use serde::Deserialize;
use serde_json::Value;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager, State};

/// One request about a profile of this computer. No `Debug`: one of them carries a secret.
#[derive(Clone, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum MachineRequest {
    /// Look at everything; changes nothing.
    Doctor {
        /// Also ask the model, Telegram and a time server.
        online: bool,
    },
    /// Repair one kind of finding, as its fix says; the person has said yes to it.
    DoctorFix {
        /// The finding's code.
        code: String,
    },
    /// Versions of the configuration that worked.
    ConfigHistory,
    /// What changed from one version to the file as it is now.
    ConfigDiff {
        /// Its hash.
        from: String,
    },
    /// Go back to a version; the rejected file is kept.
    ConfigRollback {
        /// Its hash.
        hash: String,
    },
    /// Names and states of secrets.
    SecretsList,
    /// Store or replace a secret.
    SecretsSet {
        /// Its name.
        id: String,
        /// The secret itself: it goes to standard input and nowhere else.
        value: String,
    },
    /// Delete a secret.
    SecretsDelete {
        /// Its name.
        id: String,
    },
    /// What a diagnostics bundle would hold.
    DiagnosticsPreview,
    /// Write a diagnostics bundle.
    DiagnosticsSave {
        /// The file to write; it is never replaced.
        file: String,
    },
}

/// Longest word that a page may choose: a path.
const WORD_LIMIT: usize = 4096;

impl MachineRequest {
    /// The words for the command line, and what goes to its standard input.
    fn words(&self) -> Answer<(Vec<&str>, Option<&str>)> {
        let (words, input): (Vec<&str>, Option<&str>) = match self {
            Self::Doctor { online: true } => (vec!["doctor"], None),
            Self::Doctor { online: false } => (vec!["doctor", "--offline"], None),
            Self::DoctorFix { code } => (vec!["doctor", "--fix", "--yes", "--only", checked(code)?], None),
            Self::ConfigHistory => (vec!["config", "history"], None),
            Self::ConfigDiff { from } => (vec!["config", "diff", checked(from)?], None),
            Self::ConfigRollback { hash } => (vec!["config", "rollback", checked(hash)?], None),
            Self::SecretsList => (vec!["secrets", "list"], None),
            Self::SecretsSet { id, value } => (vec!["secrets", "set", checked(id)?, "-"], Some(value)),
            Self::SecretsDelete { id } => (vec!["secrets", "delete", checked(id)?], None),
            Self::DiagnosticsPreview => (vec!["diagnostics", "--preview"], None),
            Self::DiagnosticsSave { file } => (vec!["diagnostics", "--out", absolute(file)?], None),
        };
        Ok((words, input))
    }

    /// Whether gateways may have been stopped, moved or started anew by it.
    fn changes_gateways(&self) -> bool {
        matches!(self, Self::DoctorFix { .. } | Self::ConfigRollback { .. })
    }
}

/// A word that can be nothing but a value.
fn checked(word: &str) -> Answer<&str> {
    if word.is_empty() || word.len() > WORD_LIMIT || word.starts_with(['-', '@']) || word.contains('\0') {
        return Err(Failure::new(
            "bad-request",
            format!("This cannot be a name: {:?}.", word.chars().take(80).collect::<String>()),
            "Names do not begin with - or @.",
        ));
    }
    Ok(word)
}

/// A place that means the same wherever the app was started.
fn absolute(file: &str) -> Answer<&str> {
    if std::path::Path::new(checked(file)?).is_absolute() {
        return Ok(file);
    }
    Err(Failure::new(
        "bad-request",
        format!("{file} is not a full path."),
        "Begin at the root, as in /home/me/file.tar.gz.",
    ))
}

/// Asks the command line about one profile. Progress lines arrive on the channel as they happen.
#[tauri::command]
#[specta::specta]
pub async fn machine_run(
    app: AppHandle,
    fleet: State<'_, Fleet>,
    profile: String,
    request: MachineRequest,
    on_progress: Channel<Value>,
) -> Answer<Value> {
    // Only profiles of this computer: nothing here reaches another one.
    fleet.place(&profile)?;
    let (asked, input) = request.words()?;
    let mut words = vec!["--profile".to_owned(), profile];
    words.extend(asked.into_iter().map(str::to_owned));
    words.push("--json".to_owned());
    let result = setup_cli::ask(&app, &words, input, move |line| {
        let _ = on_progress.send(line);
    })
    .await;
    if request.changes_gateways() {
        app.state::<Fleet>().refresh().await;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_chooses_values_and_never_flags() {
        let fix = MachineRequest::DoctorFix { code: "config.plain-secret".to_owned() };
        assert_eq!(
            fix.words().expect("words").0,
            ["doctor", "--fix", "--yes", "--only", "config.plain-secret"]
        );
        for bad in ["--all", "@/etc/passwd", "", "-"] {
            let request = MachineRequest::SecretsDelete { id: bad.to_owned() };
            assert_eq!(
                request.words().err().map(|failure| failure.code).as_deref(),
                Some("bad-request"),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_secret_goes_to_standard_input_only() {
        let request =
            MachineRequest::SecretsSet { id: "gateway/token".to_owned(), value: "s3cret".to_owned() };
        let (words, input) = request.words().expect("words");
        assert_eq!((words, input), (vec!["secrets", "set", "gateway/token", "-"], Some("s3cret")));
    }
}
