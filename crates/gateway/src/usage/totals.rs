//! Sums of what runs took.

use std::collections::BTreeMap;

use bulkhead_store::UsageEntry;
use serde::Serialize;
use serde_json::{Value, json};

use super::Range;

/// A sum, with the protocol's names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    pub(crate) total_tokens: u64,
    pub(crate) total_cost: f64,
    pub(crate) input_cost: f64,
    pub(crate) output_cost: f64,
    pub(crate) cache_read_cost: f64,
    pub(crate) cache_write_cost: f64,
    /// Runs whose model has no configured price.
    pub(crate) missing_cost_entries: u64,
}

impl Totals {
    /// Adds what one run took.
    pub(crate) fn add(&mut self, entry: &UsageEntry) {
        let (tokens, cost) = (entry.spent.tokens, entry.spent.cost.unwrap_or_default());
        self.input += tokens.input;
        self.output += tokens.output;
        self.cache_read += tokens.cache_read;
        self.cache_write += tokens.cache_write;
        self.total_tokens += tokens.input + tokens.output + tokens.cache_read + tokens.cache_write;
        self.input_cost += cost.input;
        self.output_cost += cost.output;
        self.cache_read_cost += cost.cache_read;
        self.cache_write_cost += cost.cache_write;
        self.total_cost += cost.input + cost.output + cost.cache_read + cost.cache_write;
        self.missing_cost_entries += u64::from(entry.spent.cost.is_none());
    }

    /// The sum of these runs.
    pub(crate) fn of<'a>(entries: impl IntoIterator<Item = &'a UsageEntry>) -> Self {
        let mut totals = Self::default();
        entries.into_iter().for_each(|entry| totals.add(entry));
        totals
    }

    /// The sum with something before it, such as its day.
    pub(crate) fn beside(&self, mut head: Value) -> Value {
        if let (Value::Object(head), Ok(Value::Object(own))) = (&mut head, serde_json::to_value(self)) {
            head.extend(own);
        }
        head
    }
}

/// One sum per day of the range, also where nothing happened.
pub(crate) fn daily(entries: &[UsageEntry], range: &Range) -> Vec<Value> {
    let mut by_day: BTreeMap<String, Totals> =
        range.days().into_iter().map(|day| (day, Totals::default())).collect();
    for entry in entries {
        by_day.entry(range.day_of(entry.ended_at)).or_default().add(entry);
    }
    by_day.into_iter().map(|(date, totals)| totals.beside(json!({"date": date}))).collect()
}
