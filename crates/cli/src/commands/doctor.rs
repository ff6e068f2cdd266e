//! `bulkhead doctor`

use std::io::IsTerminal as _;

use bulkhead_profile::{Place, known_profiles};
use bulkhead_setup::World;
use bulkhead_setup::doctor::{
    self, DoctorEvent, DoctorFinding, DoctorOptions, Examination, Level, Treatment, TreatmentState,
};

use super::{DONE, setup};
use crate::context::Context;
use crate::error::{FAILED, Failure};
use crate::grammar::doctor::DoctorArgs;
use crate::output::{Output, paint};

pub fn run(args: &DoctorArgs, context: &Context) -> Result<u8, Failure> {
    let places = places(args, context)?;
    let out = context.out;
    let options = DoctorOptions { offline: args.offline, deep: args.deep };
    let world = World::of_this_machine(setup::surroundings(context));
    let found = context.block_on(async {
        let progress = move |progress| {
            if out.is_json() {
                out.value(&DoctorEvent::Progress(progress));
            }
        };
        let first = doctor::examine(&world, &places, options, &progress).await;
        if !args.fix {
            return Ok(first);
        }
        let consent = |finding: &DoctorFinding| consent(out, args.yes, finding);
        let told = move |treatment: Treatment| tell(out, treatment);
        let wanted = |finding: &DoctorFinding| args.only.is_empty() || args.only.contains(&finding.code);
        Ok(doctor::treat(&world, &places, options, first, &wanted, &consent, &told).await)
    })?;
    let exit = if found.ok { DONE } else { FAILED };
    if out.is_json() {
        out.value(&DoctorEvent::Result(Box::new(found)));
    } else {
        out.text(&report(&found, &places, args));
    }
    Ok(exit)
}

fn places(args: &DoctorArgs, context: &Context) -> Result<Vec<Place>, Failure> {
    let asked = context.place()?;
    if !args.all {
        return Ok(vec![asked]);
    }
    let mut places: Vec<Place> = known_profiles(&context.env).into_iter().map(|known| known.place).collect();
    if places.is_empty() {
        places.push(asked);
    }
    Ok(places)
}

/// Asks before what stops or moves something.
fn consent(out: Output, yes: bool, finding: &DoctorFinding) -> Option<bool> {
    if yes {
        return Some(true);
    }
    if out.is_json() || !std::io::stdin().is_terminal() {
        return None;
    }
    let title = finding.fix.as_ref().map(|fix| fix.title.as_str()).unwrap_or_default();
    let question = format!("{}\nRepair: {title}?", finding.found);
    Some(cliclack::confirm(question).initial_value(true).interact().unwrap_or(false))
}

fn tell(out: Output, treatment: Treatment) {
    if out.is_json() {
        out.value(&DoctorEvent::Fix(treatment));
        return;
    }
    let mark = match treatment.state {
        TreatmentState::Done => paint::good("repaired"),
        TreatmentState::Failed => paint::bad("not repaired"),
        TreatmentState::Skipped => paint::dim("left"),
    };
    out.text(&format!("{mark} {} ({}): {}", treatment.code, treatment.profile, treatment.message));
}

fn report(found: &Examination, places: &[Place], args: &DoctorArgs) -> String {
    let mut text = String::new();
    for place in places {
        let mine: Vec<&DoctorFinding> =
            found.findings.iter().filter(|finding| finding.profile == place.name().as_str()).collect();
        if !text.is_empty() || !found.fixed.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!(
            "{}  {}\n",
            paint::strong(place.name().as_str()),
            paint::dim(&place.state_dir().display().to_string())
        ));
        for finding in mine.iter().filter(|finding| finding.severity != Level::Ok) {
            text.push_str(&block(finding));
        }
        let fine: Vec<&&DoctorFinding> =
            mine.iter().filter(|finding| finding.severity == Level::Ok).collect();
        if args.verbose {
            for finding in fine {
                text.push_str(&format!(
                    "\n{} {}  {}\n",
                    paint::good("ok"),
                    finding.subject.label(),
                    finding.found
                ));
            }
        } else if !fine.is_empty() {
            let mut labels: Vec<&str> = fine.iter().map(|finding| finding.subject.label()).collect();
            labels.dedup();
            text.push_str(&format!("\n{} {}\n", paint::good("ok"), labels.join(", ")));
        }
    }
    text.push('\n');
    text.push_str(&last_line(found, places, args));
    text
}

fn block(finding: &DoctorFinding) -> String {
    let mark = match finding.severity {
        Level::Error => paint::bad("error"),
        Level::Warning => paint::warn("warning"),
        Level::Info | Level::Ok => paint::dim("info"),
    };
    let code = paint::dim(&format!("[{}]", finding.code));
    let mut text = format!("\n{mark} {}  {} {code}\n", finding.subject.label(), finding.found);
    for (word, line) in [("why", &finding.why), ("next", &finding.next_step)] {
        if !line.is_empty() {
            text.push_str(&format!("  {}  {line}\n", paint::dim(&format!("{word:<4}"))));
        }
    }
    if let Some(fix) = &finding.fix {
        let asks = if fix.safe { "" } else { " (asks first)" };
        text.push_str(&format!("  {}  doctor --fix can {}{asks}\n", paint::dim("fix "), fix.title));
    }
    text
}

/// What to do now, in one line.
fn last_line(found: &Examination, places: &[Place], args: &DoctorArgs) -> String {
    let (errors, warnings) = (found.count(Level::Error), found.count(Level::Warning));
    let number =
        |count: usize, word: &str| if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") };
    let counted = match (errors, warnings) {
        (0, 0) => return format!("{} Nothing to do.", paint::good("Healthy.")),
        (errors, 0) => number(errors, "error"),
        (0, warnings) => number(warnings, "warning"),
        (errors, warnings) => format!("{} and {}", number(errors, "error"), number(warnings, "warning")),
    };
    let repairable: Vec<&DoctorFinding> =
        found.findings.iter().filter(|finding| finding.fix.is_some()).collect();
    let profile = match places {
        [place] if !place.name().is_main() => format!(" --profile {}", place.name()),
        _ => String::new(),
    };
    let all = if args.all { " --all" } else { "" };
    let next = if !repairable.is_empty() && !args.fix {
        let how_many = if repairable.len() == errors + warnings {
            "all of it".to_owned()
        } else {
            number(repairable.len(), "finding")
        };
        format!(
            "`bulkhead{profile} doctor{all} --fix` can repair {how_many}; it asks before anything stops or moves."
        )
    } else if let Some(first) = found.findings.iter().find(|finding| !finding.next_step.is_empty()) {
        format!("Begin with {}: {}", first.subject.label().to_lowercase(), first.next_step)
    } else {
        "It works; nothing has to be done now.".to_owned()
    };
    let painted = if errors > 0 { paint::bad(&counted) } else { paint::warn(&counted) };
    format!("{painted}. {next}")
}
