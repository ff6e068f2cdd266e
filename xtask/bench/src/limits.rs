//! What the figures have to be. A limit on the value says something of the program and the machine, a limit on the ratio
//! of the program alone.

use crate::report::Figure;
use serde::Serialize;

/// What a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "value")]
pub enum Limit {
    /// At most so much, in the figure's unit.
    AtMost(f64),
    /// At most so many times the baseline.
    RatioAtMost(f64),
    /// At least so many times the baseline.
    RatioAtLeast(f64),
}

/// By the beginning of the figure's name.
const LIMITS: &[(&str, Limit)] = &[
    ("spawn → hello-ok", Limit::AtMost(10.0)),
    ("idle PSS, Telegram on", Limit::AtMost(12.0)),
    ("bulkhead status", Limit::AtMost(30.0)),
    ("health at 100 connections, throughput", Limit::RatioAtLeast(0.5)),
    ("health at 100 connections beside OpenClaw, throughput", Limit::RatioAtLeast(20.0)),
    ("health at 100 connections beside OpenClaw, p99", Limit::RatioAtMost(0.1)),
    ("idle PSS beside OpenClaw", Limit::RatioAtMost(0.025)),
    ("app: start → interactive", Limit::RatioAtMost(1.3)),
    ("app: PSS with window", Limit::RatioAtMost(1.25)),
    ("app: PSS without window", Limit::RatioAtMost(1.25)),
    ("PSS of the gateway after", Limit::RatioAtMost(1.1)),
    ("PSS of the app after", Limit::RatioAtMost(1.1)),
];

/// The limit of a figure, if it has one.
pub fn of(name: &str) -> Option<Limit> {
    LIMITS.iter().find(|(start, _)| name.starts_with(start)).map(|(_, limit)| *limit)
}

impl Limit {
    /// Whether a figure keeps to it. A ratio without a baseline keeps to nothing.
    pub fn is_met(self, figure: &Figure) -> bool {
        match self {
            Self::AtMost(most) => figure.value <= most,
            Self::RatioAtMost(most) => figure.ratio().is_some_and(|ratio| ratio <= most),
            Self::RatioAtLeast(least) => figure.ratio().is_some_and(|ratio| ratio >= least),
        }
    }

    /// For people.
    pub fn describe(self, unit: &str) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {most} {unit}"),
            Self::RatioAtMost(most) => format!("≤ {most} ×"),
            Self::RatioAtLeast(least) => format!("≥ {least} ×"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64, baseline: Option<f64>) -> Figure {
        Figure {
            name: String::new(),
            unit: "ms",
            value,
            range: None,
            baseline,
            baseline_range: None,
            baseline_name: None,
            limit: None,
            met: None,
        }
    }

    #[test]
    fn limits_are_kept_or_not() {
        assert!(Limit::AtMost(10.0).is_met(&figure(10.0, None)));
        assert!(!Limit::AtMost(10.0).is_met(&figure(10.1, None)));
        assert!(Limit::RatioAtLeast(0.5).is_met(&figure(60.0, Some(100.0))));
        assert!(!Limit::RatioAtLeast(0.5).is_met(&figure(40.0, Some(100.0))));
        assert!(Limit::RatioAtMost(1.3).is_met(&figure(129.0, Some(100.0))));
        assert!(!Limit::RatioAtMost(1.3).is_met(&figure(1.0, None)), "no baseline, no ratio");
    }

    #[test]
    fn a_figure_finds_its_limit_by_its_name() {
        assert_eq!(of("bulkhead status (gateway running)"), Some(Limit::AtMost(30.0)));
        assert_eq!(of("health at 1000 connections, throughput"), None);
    }
}
