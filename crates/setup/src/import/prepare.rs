//! Reading everything, deciding what becomes of it, and writing nothing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use aho_corasick::AhoCorasick;
use bulkhead_profile::openclaw::OpenClawInstall;
use bulkhead_profile::{Finding, Place, ProfileName};
use bulkhead_protocol::methods::cron::CronJob;
use bulkhead_secrets::SecretId;
use secrecy::SecretString;
use serde_json::Value;

use super::folders::Survey;
use super::line::{ImportArea, ImportLine};
use super::people::LetIn;
use super::reading::Reading;
use super::sessions::Conversation;
use super::translate::Folder;
use super::{ImportPlan, includes, source};
use crate::event::error;
use crate::plan::Plan;
use crate::world::World;

/// Everything that one profile gets from elsewhere. Holds secrets, and shows none.
pub struct Brought {
    /// The configuration, with references where secrets were.
    pub(crate) config: Value,
    /// What the references lead to, but for the gateway's token, which stands in the plan.
    pub(crate) secrets: Vec<(SecretId, SecretString)>,
    /// Bots that the profile polls from now on.
    pub(crate) bots: Vec<u64>,
    pub(super) folders: Vec<(Folder, Survey)>,
    pub(super) conversations: Vec<Conversation>,
    pub(super) people: BTreeSet<LetIn>,
    /// Timed jobs that come along.
    pub(super) jobs: Vec<CronJob>,
    /// Those that do not, as a text for whoever makes them anew.
    pub(super) left_jobs: Vec<Value>,
    /// Finds the secrets in texts.
    pub(super) finder: Option<AhoCorasick>,
    pub(super) lines: Vec<ImportLine>,
}

impl Brought {
    /// Whether the folder that all agents share comes along.
    pub(crate) fn has_workspace(&self) -> bool {
        self.folders.iter().any(|(folder, _)| folder.agent.is_none())
    }
}

impl std::fmt::Debug for Brought {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Brought").field("lines", &self.lines.len()).finish_non_exhaustive()
    }
}

/// What was read, and the plan that it leads to.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) install: OpenClawInstall,
    pub(crate) lines: Vec<ImportLine>,
}

/// Refuses a profile that is set up already, unless an import into it was begun and not finished.
pub(crate) fn refuse_configured(place: &Place, unfinished: &[String]) -> Result<(), Finding> {
    let name = place.name().as_str();
    if !place.config_path().exists() || unfinished.iter().any(|begun| begun == name) {
        return Ok(());
    }
    Err(error(
        "import-profile-exists",
        &[name],
        format!("profile {name} ({})", place.config_path().display()),
        "it is set up already",
        "a profile that is new: an import never changes one that you use",
        "name another one, such as: bulkhead --profile imported import openclaw",
    ))
}

/// Reads the source and decides. Nothing is written anywhere.
pub(crate) fn prepare(plan: &Plan, wanted: &ImportPlan, world: &World) -> Result<Prepared, Finding> {
    let Some(profile) = plan.profiles.first() else {
        return Err(error(
            "plan-no-profile",
            &[],
            "plan.profiles",
            "no profile",
            "at least one: what is imported goes into the first",
            "add a profile to the plan",
        ));
    };
    let install = source::find(wanted.from.as_deref(), world)?;
    let running = source::is_running(&install, world);
    if running && (wanted.take_over || wanted.take_over_port) {
        let what = if wanted.take_over { "bots" } else { "port" };
        return Err(error(
            "openclaw-running",
            &[profile.name.as_str()],
            format!("{} of {}", what, install.label()),
            format!("its gateway runs and uses them ({})", install.state_dir.display()),
            "only one of the two at a time",
            "stop it first (openclaw gateway stop), or import without --take-over and --take-over-port",
        ));
    }
    let place = ProfileName::parse(&profile.name)
        .map_err(|error| error.to_string())
        .and_then(|name| Place::resolve(Some(&name), &world.env).map_err(|error| error.to_string()))
        .map_err(|found| {
            error(
                "profile-invalid",
                &[profile.name.as_str()],
                "profile",
                found,
                "a profile that can be made",
                "correct the name",
            )
        })?;
    let whole = includes::read(&install.config_path).map_err(|found| {
        error(
            "openclaw-config-broken",
            &[],
            format!("configuration of {}", install.label()),
            found,
            "a configuration that OpenClaw itself can read",
            "repair it (openclaw doctor), and run this again",
        )
    })?;
    let mut reading = Reading::of(&install, whole.value, world);
    reading.lines.insert(
        0,
        ImportLine::taken(
            ImportArea::Config,
            install.config_path.display().to_string(),
            files_in_words(&whole.files),
        ),
    );
    let brought = reading.decide(&install, &place, plan, wanted, world);
    let mut amended = plan.clone();
    let mut lines = brought.lines.clone();
    if wanted.take_over_port {
        lines.push(
            ImportLine::taken(
                ImportArea::Ports,
                "gateway.port",
                format!("{} from now on.", install.base_port),
            )
            .then("do not start OpenClaw on that port again"),
        );
    }
    lines.sort_by_key(|line| line.area);
    for line in &mut lines {
        line.name_profile(&profile.name);
    }
    let one = &mut amended.profiles[0];
    let mut brought = brought;
    let token = SecretId::gateway_token();
    if let Some(at) = brought.secrets.iter().position(|(id, _)| *id == token) {
        let (_, value) = brought.secrets.swap_remove(at);
        one.gateway_token.get_or_insert(value);
    }
    if wanted.take_over_port {
        one.port = Some(install.base_port);
    }
    one.brought = Some(std::sync::Arc::new(brought));
    Ok(Prepared { plan: amended, install, lines })
}

fn files_in_words(files: &[PathBuf]) -> String {
    match files.len() {
        0 | 1 => "Read; it is not changed.".to_owned(),
        2 => "Read with the file that it includes; neither is changed.".to_owned(),
        many => format!("Read with the {} files that it includes; none of them is changed.", many - 1),
    }
}
