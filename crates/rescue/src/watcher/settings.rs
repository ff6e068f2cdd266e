//! What the configuration says about the watch.

use std::collections::BTreeSet;
use std::time::Duration;

use bulkhead_config::{AutoRemedy, Rescue, Urgent, WatchedKind};
use jiff::tz::TimeZone;

use crate::alert::QuietHours;
use crate::remedy::Auto;
use crate::state::Patience;

/// Settings of one watch.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What is watched, for people: `main`, `OpenClaw`.
    pub watched: String,
    /// How long things may last.
    pub patience: Patience,
    /// How long a repair may take until it counts as without effect.
    pub repair_time: Duration,
    /// User ids that may use remedies.
    pub operators: BTreeSet<String>,
    /// What is done without asking.
    pub auto: Auto,
    /// When only what is urgent is told.
    pub quiet: Option<QuietHours>,
    /// The time zone of times in messages.
    pub zone: TimeZone,
}

impl Settings {
    /// Settings for a gateway of this program, with nobody to tell.
    pub fn bundled(watched: impl Into<String>) -> Self {
        Self {
            watched: watched.into(),
            patience: Patience::bundled(),
            repair_time: Duration::from_secs(30),
            operators: BTreeSet::new(),
            auto: Auto::Off,
            quiet: None,
            zone: TimeZone::system(),
        }
    }

    /// As the configuration says.
    pub fn from_config(rescue: &Rescue, watched: impl Into<String>) -> Self {
        let kind = rescue.main.as_ref().map_or(WatchedKind::Bundled, |main| main.kind);
        let quiet = rescue.quiet_hours.as_ref().and_then(|quiet| {
            let zone = quiet.time_zone.as_deref();
            QuietHours::parse(&quiet.from, &quiet.to, zone, quiet.urgent == Urgent::Down)
        });
        let zone = rescue.quiet_hours.as_ref().and_then(|quiet| quiet.time_zone.as_deref());
        let zone = zone.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system);
        let (patience, repair_time) = match kind {
            WatchedKind::Bundled => (Patience::bundled(), 30),
            // Six seconds to start, five that its service manager waits, and a slow machine.
            WatchedKind::OpenClaw => (Patience::openclaw(), 60),
            WatchedKind::Remote => (Patience::remote(), 60),
        };
        Self {
            patience,
            repair_time: Duration::from_secs(repair_time),
            operators: rescue.operators.iter().cloned().collect(),
            auto: match rescue.auto {
                AutoRemedy::Off => Auto::Off,
                AutoRemedy::Restart => Auto::Restart,
                AutoRemedy::Rollback => Auto::Rollback,
            },
            quiet,
            zone,
            ..Self::bundled(watched)
        }
    }
}
