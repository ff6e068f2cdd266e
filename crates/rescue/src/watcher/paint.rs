//! The strip of the last hours, and the view that others get.

use std::sync::Arc;

use super::Watcher;
use super::handle::{AspectState, AspectView, WatchView};
use super::ledger::Entry;
use crate::cause::Severity;
use crate::remedy::offer;
use crate::seams::Wanted;
use crate::state::{Aspect, Hush, Judgement, Now, Standing, judge};
use crate::timeline::Shade;

impl Watcher {
    pub(super) fn paint(&mut self, now: Now, standing: &Standing) {
        let shade = match standing {
            Standing::Hushed(Hush::Planned) => Shade::Planned,
            Standing::Hushed(Hush::Starting | Hush::Slept) => Shade::Unknown,
            Standing::Healthy { .. } => Shade::Good,
            Standing::Suspect(_) if self.book.current().is_none() => self.shade.0,
            Standing::Suspect(_) | Standing::Bad { .. } => {
                let severity = self.book.current().map_or(Severity::Degraded, |incident| incident.severity);
                if severity == Severity::Down { Shade::Down } else { Shade::Degraded }
            }
        };
        if shade != self.shade.0 {
            self.shade = (shade, now.wall_ms);
        }
        if self.timeline.sample(now.wall_ms, shade) {
            self.ledger.write(Entry::Timeline(Box::new(self.timeline.clone())));
        }
    }

    /// Publishes the view, if it differs.
    pub(super) fn show(&self) {
        let now = self.now();
        let facts = self.watch.facts();
        let visible = matches!(self.watch.standing(now), Standing::Bad { .. });
        let state = |aspect: Aspect| match judge(aspect, facts, &self.settings.patience) {
            Judgement::Unknown => AspectState::Unknown,
            Judgement::Good => AspectState::Good,
            Judgement::Bad { .. } if visible => AspectState::Bad,
            Judgement::Bad { .. } => AspectState::Suspect,
        };
        let incident = self.book.current();
        let offer = incident.map(|incident| offer(&incident.cause, &self.able));
        let view = WatchView {
            watched: self.settings.watched.clone(),
            shade: self.shade.0,
            since_ms: self.shade.1,
            wanted: facts.wanted(),
            owner: facts.owner().map(str::to_owned),
            config_hash: facts.config.as_ref().and_then(|config| config.hash.clone()),
            aspects: Aspect::ALL
                .into_iter()
                .map(|aspect| AspectView { aspect, state: state(aspect) })
                .collect(),
            incident: incident.cloned(),
            remedies: offer
                .as_ref()
                .map_or_else(|| self.able.iter().copied().collect(), |offer| offer.remedies.clone()),
            advice: offer.map(|offer| offer.advice),
            muted_until_ms: self.desk.muted_until(now).map(|until| {
                let left = until.saturating_sub(now.monotonic);
                now.wall_ms.saturating_add(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)) / 1000 * 1000
            }),
            own_network_down: facts.own_network_down,
            drill: self.drill.as_ref().map(|(drill, _)| drill.kind),
        };
        self.view.send_if_modified(|shown| {
            let differs = **shown != view;
            if differs {
                *shown = Arc::new(view);
            }
            differs
        });
    }
}

impl WatchView {
    pub(super) fn nothing(watched: &str) -> Self {
        Self {
            watched: watched.to_owned(),
            shade: Shade::Unknown,
            since_ms: 0,
            wanted: Wanted::Running,
            owner: None,
            config_hash: None,
            aspects: Vec::new(),
            incident: None,
            remedies: Vec::new(),
            advice: None,
            muted_until_ms: None,
            own_network_down: false,
            drill: None,
        }
    }
}
