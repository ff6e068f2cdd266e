//! Reading everything, deciding what becomes of it, and writing nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use bulkhead_profile::openclaw::OpenClawInstall;
use bulkhead_profile::{Finding, Place, ProfileName};
use bulkhead_secrets::SecretId;
use rusqlite::Connection;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::credentials::Credentials;
use super::folders::{self, NotCopied, Survey};
use super::jobs::{self, Job};
use super::line::{ImportArea, ImportLine};
use super::people::{self, LetIn};
use super::sessions::{self, Conversation};
use super::translate::{self, Folder, Terms};
use super::variables::Variables;
use super::{ImportPlan, database, includes, profiles, source};
use crate::event::error;
use crate::plan::{Plan, SecretsPlan};
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
    pub(super) jobs: Vec<Job>,
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

struct Reading {
    config: Value,
    state: Option<Connection>,
    agent: Option<Connection>,
    credentials: Credentials,
    lines: Vec<ImportLine>,
}

impl Reading {
    fn of(install: &OpenClawInstall, config: Value, world: &World) -> Self {
        let mut lines = Vec::new();
        let mut open = |path: &Path| match database::open(path) {
            Ok(database) => database,
            Err(unreadable) => {
                lines.push(
                    ImportLine::skipped(
                        ImportArea::Secrets,
                        path.display().to_string(),
                        format!("Found {}.", unreadable.found),
                    )
                    .then(unreadable.next_step),
                );
                None
            }
        };
        let state = open(&install.state_dir.join("state").join("openclaw.sqlite"));
        let agent = open(&sessions::database_of(&install.state_dir, "main"));
        let variables = Variables::gather(&install.state_dir, &config, &world.env);
        let credentials = Credentials::new(variables, &config, state.as_ref(), &world.env);
        Self { config, state, agent, credentials, lines }
    }

    fn decide(
        mut self,
        install: &OpenClawInstall,
        place: &Place,
        plan: &Plan,
        wanted: &ImportPlan,
        world: &World,
    ) -> Brought {
        let legacy = install.state_dir.join("agents/main/agent/auth-profiles.json");
        let profiles = profiles::gather(&self.config, self.state.as_ref(), self.agent.as_ref(), &[&legacy]);
        let terms = Terms {
            credentials: &self.credentials,
            profiles: &profiles,
            source: plan.secrets.unwrap_or(SecretsPlan::Keychain).source(),
            their_state: install.state_dir.clone(),
            home: world.env.home.clone(),
            their_workspace: their_workspace(install, world),
            our_workspace: plan.profiles[0]
                .workspace
                .as_deref()
                .map_or_else(|| place.workspace().to_owned(), |path| world.env.expand(path)),
            our_state: place.state_dir().to_owned(),
            take_over: wanted.take_over,
            same_port: wanted.take_over_port,
        };
        let config = std::mem::take(&mut self.config);
        let done = translate::translate(config, &terms);
        self.lines.extend(done.lines);
        let finder = finder(done.secrets.iter().map(|secret| &secret.value));
        let folders = self.folders(done.folders, finder.as_ref(), install, place, world);
        let people = people::gather(self.state.as_ref(), &install.state_dir);
        for person in &people {
            self.lines.push(ImportLine::taken(
                ImportArea::People,
                format!("telegram {} user {}", person.account, person.sender),
                "May write to the bot, as before.",
            ));
        }
        let conversations =
            if wanted.sessions { self.conversations(install, finder.as_ref()) } else { Vec::new() };
        if !wanted.sessions {
            self.lines.push(ImportLine::skipped(
                ImportArea::Sessions,
                "all conversations",
                "Left out as you asked.",
            ));
        }
        let jobs = self.jobs(install, place);
        let devices = jobs::devices(self.state.as_ref());
        if devices > 0 {
            self.lines.push(
                ImportLine::skipped(
                    ImportArea::Devices,
                    counted(usize::try_from(devices).unwrap_or_default(), "paired device"),
                    "Their tokens belong to OpenClaw's gateway.",
                )
                .then("pair them again; each asks by itself when it connects"),
            );
        }
        Brought {
            config: done.value,
            secrets: done.secrets.into_iter().map(|secret| (secret.id, secret.value)).collect(),
            bots: done.bots,
            folders,
            conversations,
            people,
            jobs,
            finder,
            lines: self.lines,
        }
    }

    fn folders(
        &mut self,
        folders: Vec<Folder>,
        finder: Option<&AhoCorasick>,
        install: &OpenClawInstall,
        place: &Place,
        world: &World,
    ) -> Vec<(Folder, Survey)> {
        let mut kept = Vec::new();
        for folder in folders {
            let item = folder.from.display().to_string();
            let by_hand = format!("copy it by hand to {}", folder.to.display());
            let not_around = [install.state_dir.as_path(), place.state_dir(), world.env.home.as_path()];
            match folders::survey(&folder.from, finder, &not_around) {
                Ok(survey) => {
                    self.lines.push(ImportLine::taken(
                        ImportArea::Workspace,
                        &item,
                        format!(
                            "{}, {} kB, copied to {}.",
                            counted(survey.files - survey.with_secrets.len(), "file"),
                            survey.bytes.div_ceil(1024),
                            folder.to.display()
                        ),
                    ));
                    for path in &survey.left {
                        self.lines.push(
                            ImportLine::skipped(
                                ImportArea::Workspace,
                                folder.from.join(path).display().to_string(),
                                "A link that leads out of the folder, or no file.",
                            )
                            .then("copy what it leads to by hand, if agents need it"),
                        );
                    }
                    for path in &survey.with_secrets {
                        self.lines.push(
                            ImportLine::skipped(
                                ImportArea::Workspace,
                                folder.from.join(path).display().to_string(),
                                "One of the secrets stands in it as plain text.",
                            )
                            .then("take the secret out of it, and copy the file by hand"),
                        );
                    }
                    kept.push((folder, survey));
                }
                Err(NotCopied::Missing) => self.lines.push(ImportLine::skipped(
                    ImportArea::Workspace,
                    item,
                    "There is no such folder; the profile begins with a new one.",
                )),
                Err(NotCopied::TooWide(inner)) => self.lines.push(
                    ImportLine::skipped(
                        ImportArea::Workspace,
                        item,
                        format!("{inner} lies in it, so it is not an agent's alone."),
                    )
                    .then(by_hand),
                ),
                Err(NotCopied::TooMuch { files, bytes }) => self.lines.push(
                    ImportLine::skipped(
                        ImportArea::Workspace,
                        item,
                        format!("More than {} files or {} MB.", files - 1, bytes >> 20),
                    )
                    .then(by_hand),
                ),
                Err(NotCopied::Unreadable(found)) => self.lines.push(
                    ImportLine::skipped(ImportArea::Workspace, item, format!("It cannot be read: {found}."))
                        .then(by_hand),
                ),
            }
        }
        kept
    }

    fn conversations(
        &mut self,
        install: &OpenClawInstall,
        finder: Option<&AhoCorasick>,
    ) -> Vec<Conversation> {
        let all = sessions::gather(&install.state_dir);
        for conversation in &all.found {
            let with_secrets = conversation
                .messages
                .iter()
                .filter(|said| super::bring::holds_secret(&said.content, finder))
                .count();
            let count = conversation.messages.len();
            let line = if with_secrets == 0 {
                ImportLine::taken(
                    ImportArea::Sessions,
                    &conversation.key,
                    format!("{}.", counted(count, "message")),
                )
            } else {
                ImportLine::changed(
                    ImportArea::Sessions,
                    &conversation.key,
                    format!(
                        "{}; secrets in {with_secrets} of them became [secret].",
                        counted(count, "message")
                    ),
                )
            };
            self.lines.push(line);
        }
        if all.of_machines > 0 {
            self.lines.push(ImportLine::skipped(
                ImportArea::Sessions,
                counted(all.of_machines, "conversation"),
                "Of timed jobs, helpers and other programs, not of people.",
            ));
        }
        if all.empty > 0 {
            self.lines.push(ImportLine::skipped(
                ImportArea::Sessions,
                counted(all.empty, "conversation"),
                "Nothing was said in them.",
            ));
        }
        for (item, unreadable) in all.unread {
            self.lines.push(
                ImportLine::skipped(ImportArea::Sessions, item, format!("Found {}.", unreadable.found))
                    .then(unreadable.next_step),
            );
        }
        all.found
    }

    fn jobs(&mut self, install: &OpenClawInstall, place: &Place) -> Vec<Job> {
        let (jobs, own) = jobs::gather(self.state.as_ref(), &install.state_dir);
        let kept = super::bring::jobs_path(place);
        for job in &jobs {
            self.lines.push(
                ImportLine::changed(
                    ImportArea::Cron,
                    format!("{} ({})", job.name, job.when),
                    format!("it is not taken over by itself: make it anew with `bulkhead cron add`; its text is kept in {}.", kept.display()),
                )
                .then("let OpenClaw go on with it, or let cron run `bulkhead agent --message`"),
            );
        }
        if own > 0 {
            self.lines.push(ImportLine::skipped(
                ImportArea::Cron,
                format!("{} of OpenClaw's own", counted(own, "job")),
                "Its housekeeping.",
            ));
        }
        jobs
    }
}

/// A number of things in words.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Where its agents work by rule: beside its state, and for a named profile in older versions under `~/.openclaw`.
fn their_workspace(install: &OpenClawInstall, world: &World) -> PathBuf {
    let beside = install.state_dir.join("workspace");
    match &install.profile {
        Some(profile) if !beside.is_dir() => {
            world.env.home.join(".openclaw").join(format!("workspace-{profile}"))
        }
        _ => beside,
    }
}

/// Finds secrets that are long enough to be no ordinary word.
fn finder<'s>(secrets: impl Iterator<Item = &'s SecretString>) -> Option<AhoCorasick> {
    let patterns: Vec<&str> =
        secrets.map(ExposeSecret::expose_secret).filter(|secret| secret.len() >= 8).collect();
    if patterns.is_empty() { None } else { AhoCorasick::new(patterns).ok() }
}
