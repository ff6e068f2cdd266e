//! Timed jobs: is there one that looks as if it ran, and never will?

use bulkhead_schedule::{Ailment, ailment};
use bulkhead_store::{CronJobRow, jobs_beside};
use jiff::tz::TimeZone;

use super::finding::{DoctorFinding, Subject};
use super::patient::Patient;

const SUBJECT: Subject = Subject::Jobs;
/// How many are told one by one.
const MOST: usize = 10;

pub(super) fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let path = patient.place.database_path();
    if std::fs::metadata(&path).map_or(0, |meta| meta.len()) == 0 {
        return vec![DoctorFinding::ok(SUBJECT, "None yet.")];
    }
    // A database that cannot be read is the finding of another check.
    let Ok(rows) = jobs_beside(&path) else {
        return vec![DoctorFinding::info(
            SUBJECT,
            "jobs.unread",
            "They could not be read with the database.",
        )];
    };
    let now = jiff::Timestamp::try_from(patient.world.now()).map_or(0, jiff::Timestamp::as_millisecond);
    let agents = &patient.config.agents.list;
    let is_agent =
        |id: &str| agents.iter().any(|agent| agent.id == id) || (agents.is_empty() && id == "main");
    let zone = TimeZone::system();
    let ill: Vec<_> =
        rows.iter().filter_map(|row| Some((row, ailment(&row.body, is_agent, now, &zone)?))).collect();
    let mut findings: Vec<DoctorFinding> =
        ill.iter().take(MOST).map(|(row, ailment)| of(patient, row, ailment)).collect();
    if ill.len() > MOST {
        findings.push(
            DoctorFinding::warning(
                SUBJECT,
                "jobs.more",
                format!("{} more jobs cannot run.", ill.len() - MOST),
            )
            .next(format!("See all of them: {} cron list --all", patient.command())),
        );
    }
    let on = rows.iter().filter(|row| row.enabled).count();
    if on > 0 && patient.config.cron.enabled == Some(false) {
        findings.push(
            DoctorFinding::info(
                SUBJECT,
                "jobs.off",
                format!("{} are on, but cron.enabled is false.", counted(on)),
            )
            .why("None of them runs by itself.")
            .next(format!("To let them run: {} config set cron.enabled true", patient.command())),
        );
    }
    if findings.is_empty() {
        findings.push(DoctorFinding::ok(
            SUBJECT,
            match on {
                0 => "None is on.".to_owned(),
                on => format!("{} {} on, and can run.", counted(on), if on == 1 { "is" } else { "are" }),
            },
        ));
    }
    findings
}

fn counted(count: usize) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") }
}

fn of(patient: &Patient, row: &CronJobRow, ailment: &Ailment) -> DoctorFinding {
    let command = patient.command();
    let id = &row.id;
    let name = row.body.get("name").and_then(serde_json::Value::as_str).unwrap_or(id);
    let never = "It looks as if it ran, and never will.";
    match ailment {
        Ailment::Unreadable(why) => DoctorFinding::error(
            SUBJECT,
            "jobs.unreadable",
            format!("What is stored of the job {name:?} is no job: {why}."),
        )
        .why(never)
        .next(format!("Take it away and make it anew: {command} cron rm {id}")),
        Ailment::NoTime(why) => {
            DoctorFinding::error(SUBJECT, "jobs.never", format!("The job {name:?} is on, but has no next time: {why}."))
                .why(never)
                .next(format!("Give it another time ({command} cron edit {id} --cron \"0 8 * * *\"), or: {command} cron disable {id}"))
        }
        Ailment::NoAgent(agent) => DoctorFinding::error(
            SUBJECT,
            "jobs.agent-gone",
            format!("The job {name:?} is for the agent {agent:?}, which is not configured."),
        )
        .why("Every run of it fails.")
        .next(format!("Give it another agent ({command} cron edit {id} --agent ID), or: {command} cron rm {id}")),
        Ailment::GivenUp { failures, last } => DoctorFinding::warning(
            SUBJECT,
            "jobs.given-up",
            format!(
                "The job {name:?} was switched off after {failures} failures{}",
                if last.is_empty() { ".".to_owned() } else { format!("; the last one: {last}") }
            ),
        )
        .why("It does not run until somebody switches it on.")
        .next(format!("See why ({command} cron runs {id}), then: {command} cron enable {id}")),
    }
}
