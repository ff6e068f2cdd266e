//! The table of breakages, as it is printed and as it must be.

use std::fmt;
use std::time::Duration;

/// From the breakage to the message.
const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// How far rescue's own times may be from the observer's.
const AGREE_WITHIN_MS: i64 = 500;

/// What came of one breakage.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// What was done to main.
    pub name: &'static str,
    /// What rescue called it.
    pub cause: String,
    /// Until the operator had the message.
    pub told: Option<Duration>,
    /// How it was repaired: the button, or what was put right outside.
    pub repaired_by: &'static str,
    /// From that until the operator was told that main is well again.
    pub repaired: Option<Duration>,
    /// Rescue's times minus the observer's, in milliseconds: told, over.
    pub differences: Vec<i64>,
    /// Why the case did not end as it should, if so.
    pub wrong: Option<String>,
    /// Why the case could not be tried here, if so.
    pub skipped: Option<String>,
}

/// All of them.
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    pub fn of(rows: Vec<Row>) -> Self {
        Self { rows }
    }

    /// Ends the test where a row is not as it must be.
    pub fn must_hold(&self) {
        let mut wrong = Vec::new();
        for row in &self.rows {
            if row.skipped.is_some() {
                continue;
            }
            wrong.extend(row.wrong.iter().map(|why| format!("{}: {why}", row.name)));
            if row.told.is_some_and(|told| told > TOLD_WITHIN) {
                wrong.push(format!("{}: told after {:?}", row.name, row.told));
            }
            for difference in row.differences.iter().filter(|ms| ms.abs() > AGREE_WITHIN_MS) {
                wrong.push(format!("{}: {difference} ms from what was seen outside", row.name));
            }
        }
        assert!(wrong.is_empty(), "{}\n{self}", wrong.join("\n"));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Option<Duration>| {
            time.map_or("-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()))
        };
        writeln!(f, "| breakage | told as | told after | put right by | well again after |")?;
        writeln!(f, "| --- | --- | ---: | --- | ---: |")?;
        for row in &self.rows {
            let told_as = row.skipped.as_ref().map_or(row.cause.clone(), |why| format!("skipped: {why}"));
            writeln!(
                f,
                "| {} | {told_as} | {} | {} | {} |",
                row.name,
                seconds(row.told),
                row.repaired_by,
                seconds(row.repaired)
            )?;
        }
        Ok(())
    }
}
