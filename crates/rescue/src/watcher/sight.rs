//! Sightings: what they mean for the facts, the timeline and a drill.

use super::Watcher;
use crate::observation::{Observation, ProcessSeen, Sighting};
use crate::state::{Standing, Watch};

impl Watcher {
    pub(super) fn sight(&mut self, sighting: Sighting) {
        let now = self.now();
        let exits = self.watch.facts().last_exit_at;
        let version = |watch: &Watch| watch.facts().version().map(str::to_owned);
        let before = version(&self.watch);
        let is_gone = matches!(sighting.what, Observation::Process(ProcessSeen::Gone { .. }));
        self.watch.see(now, sighting);
        let facts = self.watch.facts();
        if facts.last_exit_at != exits {
            let how = facts.kept().and_then(|kept| kept.last_exit.as_ref());
            let text = match how.map(|exit| (exit.signal, exit.code)) {
                Some((Some(signal), _)) => format!("ended by signal {signal}"),
                Some((None, Some(code))) => format!("ended with exit code {code}"),
                _ => "ended".to_owned(),
            };
            self.timeline.mark(now.wall_ms, "exit", text);
        }
        if let (Some(before), Some(after)) = (before, version(&self.watch))
            && before != after
        {
            self.timeline.mark(now.wall_ms, "version", format!("from {before} to {after}"));
        }
        if let Some((drill, _)) = &mut self.drill {
            let suspicious = !matches!(self.watch.standing(now), Standing::Healthy { .. });
            if is_gone || suspicious {
                drill.noticed(now.monotonic);
            }
        }
    }
}
