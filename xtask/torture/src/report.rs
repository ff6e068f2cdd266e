//! What a torture found, for people and as JSON.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::judge::Counts;
use crate::plan::Kind;

/// The whole torture.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Everything together.
    pub total: Counts,
    /// By what was done.
    pub by_kind: BTreeMap<&'static str, OfKind>,
    /// What was not tried, and why.
    pub skipped: Vec<String>,
    /// Rounds that were not as they must be.
    pub failures: Vec<String>,
    /// What the same rounds need to be done again.
    pub seed: u64,
    /// How long it took.
    pub seconds: u64,
    /// `PASS` or `FAIL`.
    pub verdict: &'static str,
}

/// What one kind of round found.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfKind {
    /// Rounds in which what they are about came about.
    pub happened: u64,
    #[serde(flatten)]
    pub counts: Counts,
}

impl Report {
    /// Adds a round.
    pub fn add(&mut self, kind: Kind, happened: bool, counts: &Counts) {
        self.total.add(counts);
        let of_kind = self.by_kind.entry(kind.name()).or_default();
        of_kind.happened += u64::from(happened);
        of_kind.counts.add(counts);
    }

    /// Decides.
    pub fn close(&mut self) -> bool {
        let passes = self.total.passes() && self.failures.is_empty() && self.total.rounds > 0;
        self.verdict = if passes { "PASS" } else { "FAIL" };
        passes
    }

    /// A table by kind, all counters, and the verdict.
    pub fn in_words(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header([
            "what",
            "rounds",
            "hit",
            "kills",
            "asked",
            "answered",
            "interrupted",
            "told",
            "lost",
            "doubled",
            "strays",
            "2nd turns",
            "worst s",
        ]);
        let row = |name: &str, happened: u64, counts: &Counts| {
            [
                name.to_owned(),
                counts.rounds.to_string(),
                happened.to_string(),
                counts.kills.to_string(),
                counts.questions.to_string(),
                counts.answers.to_string(),
                counts.interrupted.to_string(),
                counts.told_why_not.to_string(),
                counts.lost.to_string(),
                counts.doubled.to_string(),
                counts.stray_placeholders.to_string(),
                counts.second_turns.to_string(),
                seconds(counts.worst_ms),
            ]
        };
        for (name, of_kind) in &self.by_kind {
            table.add_row(row(name, of_kind.happened, &of_kind.counts));
        }
        let happened = self.by_kind.values().map(|of_kind| of_kind.happened).sum();
        table.add_row(row("all", happened, &self.total));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let total = &self.total;
        let mut text = format!(
            "{table}\n\
             updates in {} · questions {} · answers {} · said to be interrupted {} · told why not {}\n\
             lost {} · doubled {} · stray placeholders {} (beyond one per kill or cut call: {})\n\
             model turns {} · second turns {} (after something was shown: {}) · questions merged into one turn {}\n\
             kills {} · starts {} · not back by itself {} · damaged {} · worst time to an answer {} s\n",
            total.updates_in,
            total.questions,
            total.answers,
            total.interrupted,
            total.told_why_not,
            total.lost,
            total.doubled,
            total.stray_placeholders,
            total.stray_beyond,
            total.model_turns,
            total.second_turns,
            total.turns_after_shown,
            total.merged_turns,
            total.kills,
            total.starts,
            total.helped,
            total.damaged,
            seconds(total.worst_ms),
        );
        for skipped in &self.skipped {
            text.push_str(&format!("not tried: {skipped}\n"));
        }
        for failure in &self.failures {
            text.push_str(&format!("failed: {failure}\n"));
        }
        text.push_str(&format!(
            "{}: {} rounds in {} s, seed {}\n",
            self.verdict, total.rounds, self.seconds, self.seed
        ));
        text
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{}", ms / 1000, ms % 1000 / 100)
}
