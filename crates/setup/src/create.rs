//! Making a plan so: ports claimed, places made, secrets stored, configuration written. All of it or nothing.

mod document;
mod journal;
mod pair;
mod secrets;
mod undo;

use bulkhead_agent::AgentError;
use bulkhead_agent::workspace::ensure_templates;
use bulkhead_profile::{ClaimRequest, Environment, Finding, PlaceError, Register, RegisterError};
use serde_json::json;

use self::journal::{Entry, Journal};
pub(crate) use self::secrets::wanted_ids;
use crate::check;
use crate::elsewhere;
use crate::event::{ProfileResult, Reporter, Step, error};
use crate::import;
use crate::plan::{CheckKind, Plan};
use crate::run::resolve;
use crate::target::{self, ModelTarget, Target};
use crate::world::World;

/// Profiles whose creation was begun and not finished, by nobody who is still at it.
pub(crate) fn unfinished(env: &Environment) -> Vec<String> {
    match journal::try_lock(env) {
        Ok(Some(_lock)) => Journal::read(env).map(|journal| journal.names()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Makes the profiles of a plan.
pub(crate) async fn create(
    plan: &Plan,
    checks: &[CheckKind],
    world: &World,
    report: &Reporter<'_>,
) -> Vec<ProfileResult> {
    let mut all = CheckKind::LOCAL.to_vec();
    all.extend(checks);
    build(plan, &all, world, report).await
}

/// The same without any secret.
pub(crate) async fn create_without_secrets(
    plan: &Plan,
    world: &World,
    report: &Reporter<'_>,
) -> Vec<ProfileResult> {
    build(plan, &[CheckKind::Ports, CheckKind::Isolation], world, report).await
}

async fn build(
    plan: &Plan,
    checks: &[CheckKind],
    world: &World,
    report: &Reporter<'_>,
) -> Vec<ProfileResult> {
    let _lock = match journal::lock(&world.env).await {
        Ok(lock) => lock,
        Err(finding) => {
            report.found(Step::Register, None, finding);
            return Vec::new();
        }
    };
    let mut left = Journal::read(&world.env).unwrap_or_default();
    let wanted: Vec<&str> = plan.profiles.iter().map(|profile| profile.name.as_str()).collect();
    let abandoned = left.take_others(&wanted);
    if !abandoned.is_empty() {
        left.entries.extend(undo::undo_all(&abandoned, world, report).await);
        left.save_or_remove(&world.env);
    }
    let begun: Vec<String> =
        left.entries.iter().filter(|entry| !entry.had_config).map(|entry| entry.name.clone()).collect();
    let Some(plan) = &elsewhere::completed(plan, &begun, world, report) else { return Vec::new() };
    let targets = resolve(plan, world, report);
    let model = match plan.model.as_ref().map(target::model).transpose() {
        Ok(model) => model,
        Err(finding) => {
            report.found(Step::Model, None, finding);
            None
        }
    };
    check::run(checks, plan, &targets, world, report).await;
    if report.has_errors() {
        return Vec::new();
    }
    let journal = Journal::begin(&targets, &left, world);
    let mut work = Work { plan, model, world, report, journal, replaced: secrets::Replaced::default() };
    let result = match work.journal.save(&world.env) {
        Ok(()) => work.everything(&targets).await,
        Err(finding) => Err(vec![(Step::Config, None, finding)]),
    };
    match result {
        Ok(profiles) => {
            Journal::forget_copies(&work.journal.entries);
            // What an earlier run could not undo waits for the next one.
            Journal { entries: left.take_others(&wanted) }.save_or_remove(&world.env);
            pair::watch_back(plan, &world.env, report);
            profiles
        }
        Err(findings) => {
            for (step, profile, finding) in findings {
                report.found(step, profile.as_deref(), finding);
            }
            work.replaced.put_back().await;
            let undone = std::mem::take(&mut work.journal.entries);
            let mut open = left.take_others(&wanted);
            open.extend(undo::undo_all(&undone, world, report).await);
            Journal::forget_copies(&undone);
            Journal { entries: open }.save_or_remove(&world.env);
            Vec::new()
        }
    }
}

type Failed = Vec<(Step, Option<String>, Finding)>;

struct Work<'w> {
    plan: &'w Plan,
    model: Option<ModelTarget<'w>>,
    world: &'w World,
    report: &'w Reporter<'w>,
    journal: Journal,
    replaced: secrets::Replaced,
}

impl Work<'_> {
    async fn everything(&mut self, targets: &[Target<'_>]) -> Result<Vec<ProfileResult>, Failed> {
        let mut ports = Vec::new();
        for target in targets {
            ports.push(self.claim(target)?);
        }
        for (index, (target, port)) in targets.iter().zip(&ports).enumerate() {
            self.places(index, target)?;
            self.secrets(index, target).await?;
            self.bring(index, target).await?;
            self.configuration(target, *port)?;
        }
        Ok(targets.iter().zip(ports).map(|(target, port)| target.result(Some(port))).collect())
    }

    fn claim(&self, target: &Target<'_>) -> Result<u16, Failed> {
        let name = target.name();
        self.report.running(Step::Register, Some(name), "Claiming ports…");
        let register = Register::open(&self.world.env);
        let request =
            ClaimRequest { place: &target.place, base_port: target.wanted, owner: target.plan.owner };
        let around = elsewhere::around(target.plan.beside.as_deref(), self.world.surroundings());
        let claimed = register.claim(&request, &around).map_err(|refused| match refused {
            RegisterError::Refused(findings) => {
                findings.into_iter().map(|finding| (Step::Register, Some(name.to_owned()), finding)).collect()
            }
            other => vec![(
                Step::Register,
                Some(name.to_owned()),
                error(
                    other.code(),
                    &[name],
                    "register of profiles",
                    other.to_string(),
                    "a register that can be written",
                    "correct what it says, and run this again",
                ),
            )],
        })?;
        for warning in claimed.warnings {
            self.report.keep(warning);
        }
        let base = claimed.entry.base_port;
        self.report.ok(
            Step::Register,
            Some(name),
            format!("{name} has the ports {base} to {}.", base.saturating_add(110)),
            json!({ "base": base, "created": claimed.created }),
        );
        Ok(base)
    }

    fn places(&mut self, index: usize, target: &Target<'_>) -> Result<(), Failed> {
        let name = target.name();
        let failed = |step, finding| vec![(step, Some(name.to_owned()), finding)];
        target.place.write_marker().map_err(|trouble| {
            failed(
                Step::Config,
                error(
                    trouble.code(),
                    &[name],
                    format!("state directory {}", target.place.state_dir().display()),
                    match &trouble {
                        PlaceError::Io { action, source, .. } => format!("cannot {action}: {source}"),
                        other => other.to_string(),
                    },
                    "a folder of this profile's own",
                    "correct its permissions, or set BULKHEAD_STATE_DIR to another folder",
                ),
            )
        })?;
        if target.plan.brought.as_ref().is_some_and(|brought| brought.has_workspace()) {
            return Ok(());
        }
        self.report.running(Step::Workspace, Some(name), "Making the workspace…");
        ensure_templates(&target.workspace).map_err(|trouble| {
            failed(
                Step::Workspace,
                error(
                    trouble.code(),
                    &[name],
                    format!("workspace {}", target.workspace.display()),
                    match &trouble {
                        AgentError::Workspace { found, .. } => found.clone(),
                        other => other.to_string(),
                    },
                    "a folder that your user may write to",
                    "correct its permissions, or choose another workspace",
                ),
            )
        })?;
        self.journal.note_workspace(index, &target.workspace);
        self.journal.save(&self.world.env).map_err(|finding| failed(Step::Workspace, finding))?;
        self.report.ok(
            Step::Workspace,
            Some(name),
            format!("The workspace is {}.", target.workspace.display()),
            json!({ "path": target.workspace }),
        );
        Ok(())
    }

    async fn secrets(&mut self, index: usize, target: &Target<'_>) -> Result<(), Failed> {
        let name = target.name();
        let Some(kind) = self.plan.secrets else {
            self.report.skipped(Step::Secrets, Some(name), "No secret to store.");
            return Ok(());
        };
        self.report.running(Step::Secrets, Some(name), "Storing secrets…");
        let stored = secrets::store(
            self.plan,
            kind,
            target,
            self.world,
            (&mut self.journal, index),
            &mut self.replaced,
        )
        .await
        .map_err(|finding| vec![(Step::Secrets, Some(name.to_owned()), finding)])?;
        let place = self.world.store(&target.place, kind).describe().label;
        self.report.ok(
            Step::Secrets,
            Some(name),
            format!("{} are in {place}.", stored.join(", ")),
            json!({ "ids": stored, "source": kind.source() }),
        );
        Ok(())
    }

    async fn bring(&mut self, index: usize, target: &Target<'_>) -> Result<(), Failed> {
        let Some(brought) = &target.plan.brought else { return Ok(()) };
        let name = target.name();
        self.report.running(Step::Import, Some(name), "Copying folders and conversations…");
        let earlier = self.journal.brought(index);
        let (journal, env) = (&mut self.journal, &self.world.env);
        let done = import::bring(brought, &target.place, earlier, |step| {
            journal.note_brought(index, step);
            journal.save(env)
        })
        .await
        .map_err(|finding| vec![(Step::Import, Some(name.to_owned()), finding)])?;
        self.report.ok(Step::Import, Some(name), done, json!({}));
        Ok(())
    }

    fn configuration(&mut self, target: &Target<'_>, port: u16) -> Result<(), Failed> {
        let name = target.name();
        self.report.running(Step::Config, Some(name), "Writing the configuration…");
        let failed = |finding| vec![(Step::Config, Some(name.to_owned()), finding)];
        let wanted = document::Wanted {
            plan: self.plan,
            model: self.model.as_ref(),
            target,
            port,
            counterpart: pair::counterpart(self.plan, &self.world.env, name),
        };
        let new = target.plan.brought.is_some()
            || target.existing.document.is_empty() && !target.place.config_path().exists();
        let written = if new {
            wanted.new_document().and_then(|document| target.config.write(&document, None))
        } else {
            target.config.edit(|document| wanted.apply(document))
        };
        let written = written.map_err(|trouble| {
            failed(error(
                trouble.code(),
                &[name],
                format!("configuration of {name}"),
                trouble.to_string(),
                "a configuration that can be written",
                "correct what it says, and run this again",
            ))
        })?;
        let imported =
            target.plan.brought.as_ref().map(|brought| brought.bots.as_slice()).unwrap_or_default();
        let bots: Vec<u64> = target.bot_id.into_iter().chain(imported.iter().copied()).collect();
        if !bots.is_empty() {
            Register::open(&self.world.env).record_bots(&target.place, &bots).map_err(|trouble| {
                failed(error(
                    trouble.code(),
                    &[name],
                    "register of profiles",
                    trouble.to_string(),
                    "a register that can be written",
                    "correct what it says, and run this again",
                ))
            })?;
        }
        let path = target.place.config_path();
        self.report.ok(
            Step::Config,
            Some(name),
            format!("The configuration is {}.", path.display()),
            json!({ "path": path, "hash": written.hash, "changed": written.changed }),
        );
        Ok(())
    }
}

impl Entry {
    pub(crate) fn place(&self, world: &World) -> Option<bulkhead_profile::Place> {
        let name = bulkhead_profile::ProfileName::parse(&self.name).ok()?;
        let place = bulkhead_profile::Place::resolve(Some(&name), &world.env).ok()?;
        (place.state_dir() == self.state_dir).then_some(place)
    }
}
