//! Reading the source, part by part, and saying of each what becomes of it.

use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use bulkhead_profile::Place;
use bulkhead_profile::openclaw::OpenClawInstall;
use bulkhead_protocol::methods::cron::CronJob;
use jiff::tz::TimeZone;
use rusqlite::Connection;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::credentials::Credentials;
use super::folders::{self, NotCopied, Survey};
use super::jobs::{self, Fate, Ground};
use super::line::{ImportArea, ImportLine};
use super::people;
use super::prepare::Brought;
use super::sessions::{self, Conversation};
use super::translate::{self, Folder, Terms};
use super::variables::Variables;
use super::{ImportPlan, database, profiles};
use crate::doctor::capital;
use crate::plan::{Plan, SecretsPlan};
use crate::world::World;

/// What is read at the source, and the lines that tell of it.
pub(super) struct Reading {
    config: Value,
    state: Option<Connection>,
    agent: Option<Connection>,
    credentials: Credentials,
    pub(super) lines: Vec<ImportLine>,
}

impl Reading {
    /// Opens what there is to read.
    pub(super) fn of(install: &OpenClawInstall, config: Value, world: &World) -> Self {
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

    /// Decides what becomes of everything.
    pub(super) fn decide(
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
        let ground = Ground {
            agents: &agents(&done.value),
            finder: finder.as_ref(),
            take_over: wanted.take_over,
            now: jiff::Timestamp::try_from(world.now())
                .unwrap_or_else(|_| jiff::Timestamp::now())
                .as_millisecond(),
            zone: &TimeZone::system(),
        };
        let (jobs, left_jobs) = self.jobs(install, place, &ground);
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
            left_jobs,
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

    /// The jobs that come along, and those that are kept as a text for whoever makes them anew.
    fn jobs(
        &mut self,
        install: &OpenClawInstall,
        place: &Place,
        ground: &Ground<'_>,
    ) -> (Vec<CronJob>, Vec<Value>) {
        let (jobs, own) = jobs::gather(self.state.as_ref(), &install.state_dir);
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for job in jobs {
            let item = format!("{} ({})", job.name, job.when);
            match jobs::fate(&job, ground) {
                Fate::Taken { job, was_on, without } => {
                    self.lines.push(of_taken(item, &job, was_on, &without));
                    taken.push(*job);
                }
                Fate::Left(reason) => {
                    left.push(job.kept());
                    let kept = super::bring::jobs_path(place);
                    self.lines.push(
                        ImportLine::skipped(
                            ImportArea::Cron,
                            item,
                            format!("{} Its text is kept in {}.", capital(&reason), kept.display()),
                        )
                        .then("make it anew in another form with `bulkhead cron add`, if it is needed"),
                    );
                }
            }
        }
        if own > 0 {
            self.lines.push(ImportLine::skipped(
                ImportArea::Cron,
                format!("{} of OpenClaw's own", counted(own, "job")),
                "Its housekeeping.",
            ));
        }
        (taken, left)
    }
}

/// How a job comes along. None runs here while OpenClaw may run it as well.
fn of_taken(item: String, job: &CronJob, was_on: bool, without: &[&str]) -> ImportLine {
    let mut detail = match (was_on, job.enabled) {
        (false, _) => "It was off, and is off here.".to_owned(),
        (true, true) => "Runs here from now on.".to_owned(),
        (true, false) => "Switched off here: OpenClaw goes on with it, and it must not run twice.".to_owned(),
    };
    if !without.is_empty() {
        detail = format!("{detail} Left out: {}.", without.join(", "));
    }
    let made = if without.is_empty() && was_on == job.enabled {
        ImportLine::taken(ImportArea::Cron, item, detail)
    } else {
        ImportLine::changed(ImportArea::Cron, item, detail)
    };
    match (was_on, job.enabled) {
        (false, _) => made,
        (true, true) => made.then("leave OpenClaw stopped: it still has this job, too"),
        (true, false) => made.then(format!(
            "when OpenClaw is stopped or has its own switched off: bulkhead cron enable {}",
            job.id
        )),
    }
}

/// The agents of a configuration, by id.
fn agents(config: &Value) -> Vec<String> {
    let listed = config.pointer("/agents/list").and_then(Value::as_array).into_iter().flatten();
    let mut ids: Vec<String> =
        listed.filter_map(|agent| Some(agent.get("id")?.as_str()?.to_owned())).collect();
    let keyed = config.pointer("/agents/entries").and_then(Value::as_object).into_iter().flatten();
    ids.extend(keyed.map(|(id, _)| id.clone()));
    if ids.is_empty() {
        ids.push("main".to_owned());
    }
    ids
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
