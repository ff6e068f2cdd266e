//! Figures with their baselines, as JSON and as a table.

use crate::limits::{self, Limit};
use serde::Serialize;

/// One measured figure.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// Unit of both values.
    pub unit: &'static str,
    /// Ours: the median, or the one value there is.
    pub value: f64,
    /// Smallest and largest run, where there were several.
    pub range: Option<(f64, f64)>,
    /// The baseline of the same run.
    pub baseline: Option<f64>,
    /// Smallest and largest run of the baseline.
    pub baseline_range: Option<(f64, f64)>,
    /// What the baseline is.
    pub baseline_name: Option<&'static str>,
    /// What it has to be.
    pub limit: Option<Limit>,
    /// Whether it is.
    pub met: Option<bool>,
}

impl Figure {
    /// Ours by the baseline.
    pub fn ratio(&self) -> Option<f64> {
        self.baseline.filter(|base| *base > 0.0).map(|base| self.value / base)
    }
}

/// All figures of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    system: String,
    cores: usize,
    figures: Vec<Figure>,
}

impl Report {
    /// An empty report that names the machine.
    pub fn new() -> Self {
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            figures: Vec::new(),
        }
    }

    /// Adds a figure of several runs by its median.
    pub fn runs(
        &mut self,
        name: &str,
        unit: &'static str,
        values: &[f64],
        baseline: Option<(&'static str, &[f64])>,
    ) {
        self.add(Figure {
            name: name.to_owned(),
            unit,
            value: median(values),
            range: range(values),
            baseline: baseline.map(|(_, values)| median(values)),
            baseline_range: baseline.and_then(|(_, values)| range(values)),
            baseline_name: baseline.map(|(name, _)| name),
            limit: None,
            met: None,
        });
    }

    /// Adds one value.
    pub fn value(
        &mut self,
        name: &str,
        unit: &'static str,
        value: f64,
        baseline: Option<(&'static str, f64)>,
    ) {
        self.add(Figure {
            name: name.to_owned(),
            unit,
            value,
            range: None,
            baseline: baseline.map(|(_, value)| value),
            baseline_range: None,
            baseline_name: baseline.map(|(name, _)| name),
            limit: None,
            met: None,
        });
    }

    fn add(&mut self, mut figure: Figure) {
        figure.limit = limits::of(&figure.name);
        figure.met = figure.limit.map(|limit| limit.is_met(&figure));
        eprintln!("  {}: {:.2} {}", figure.name, figure.value, figure.unit);
        self.figures.push(figure);
    }

    /// Figures that miss their limit.
    pub fn missed(&self) -> Vec<&str> {
        self.figures
            .iter()
            .filter(|figure| figure.met == Some(false))
            .map(|figure| figure.name.as_str())
            .collect()
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["figure", "Bulkhead", "range", "baseline", "ratio", "required"]);
        for figure in &self.figures {
            table.add_row([
                figure.name.clone(),
                format!("{:.2} {}", figure.value, figure.unit),
                figure.range.map_or(String::new(), |(low, high)| format!("{low:.2} … {high:.2}")),
                figure.baseline.map_or(String::new(), |base| {
                    format!("{base:.2} {} ({})", figure.unit, figure.baseline_name.unwrap_or_default())
                }),
                figure.ratio().map_or(String::new(), |ratio| format!("{ratio:.2} ×")),
                figure.limit.map_or(String::new(), |limit| {
                    let mark = if figure.met == Some(true) { "✓" } else { "✗" };
                    format!("{mark} {}", limit.describe(figure.unit))
                }),
            ]);
        }
        format!("{} · {} cores\n{table}", self.system, self.cores)
    }
}

/// Smallest and largest; none of none.
fn range(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().reduce(f64::min)?;
    Some((low, values.iter().copied().fold(low, f64::max)))
}

/// Middle value; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// Nearest-rank percentile; 0 of none.
pub fn percentile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = ((p / 100.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((percentile(&[1.0, 2.0, 3.0, 4.0], 99.0) - 4.0).abs() < f64::EPSILON);
        assert!(median(&[]).abs() < f64::EPSILON);
    }
}
