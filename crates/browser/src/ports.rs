//! Which CDP port a browser profile gets, and that it keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use bulkhead_profile::{Environment, Place, Ports, ProfileFacts, files, gather_facts};
use serde::{Deserialize, Serialize};

use crate::error::BrowserError;

/// The ports that were given out, by browser profile. Kept in the state directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortBook {
    /// Port by browser profile.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
}

const BOOK_LIMIT: u64 = 64 * 1024;

impl PortBook {
    fn path(browser_dir: &Path) -> PathBuf {
        browser_dir.join("ports.json")
    }

    /// Reads the book; one that is missing or damaged is begun anew.
    pub fn read(browser_dir: &Path) -> Self {
        let bytes = files::read_limited(&Self::path(browser_dir), BOOK_LIMIT).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes the book.
    pub fn write(&self, browser_dir: &Path) -> Result<(), BrowserError> {
        let path = Self::path(browser_dir);
        let bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        files::atomic_write_in_new_dir(&path, &bytes, 0o600).map_err(BrowserError::file("write", path))
    }
}

/// Which port shall this browser profile use?
#[derive(Debug, Clone)]
pub struct PortQuestion<'a> {
    /// The browser profile.
    pub profile: &'a str,
    /// The range that is the gateway profile's own.
    pub range: RangeInclusive<u16>,
    /// What was given out before.
    pub book: &'a PortBook,
    /// Fixed ports of the other browser profiles, the control service, the gateway.
    pub fixed: &'a BTreeSet<u16>,
    /// Whole intervals of other gateway profiles.
    pub wide: &'a [RangeInclusive<u16>],
    /// Those ports of other gateway profiles that are in real use: gateway, control service, browsers.
    pub narrow: &'a BTreeSet<u16>,
}

impl PortQuestion<'_> {
    /// The port from before if it is still good, else the first that nobody claims and that is not taken now. Where
    /// neighbours leave nothing free (bases 20 apart), their intervals may be used, but never a port that they use.
    pub fn answer(&self, taken: impl Fn(u16) -> bool) -> Option<u16> {
        let known = self.book.ports.get(self.profile).copied().filter(|port| self.range.contains(port));
        let others: BTreeSet<u16> =
            self.book.ports.iter().filter(|(name, _)| *name != self.profile).map(|(_, port)| *port).collect();
        let good = |port: u16, wide: bool| {
            let claimed = [self.fixed, &others, self.narrow].iter().any(|ports| ports.contains(&port));
            let within = wide && self.wide.iter().any(|claim| claim.contains(&port));
            !(claimed || within || taken(port))
        };
        [true, false]
            .into_iter()
            .find_map(|wide| known.into_iter().chain(self.range.clone()).find(|port| good(*port, wide)))
    }
}

/// What the other gateway profiles on this machine claim.
#[derive(Debug, Clone, Default)]
pub(crate) struct Neighbours {
    pub(crate) wide: Vec<RangeInclusive<u16>>,
    pub(crate) narrow: BTreeSet<u16>,
}

impl Neighbours {
    /// Looks at every profile known here but `place`, and at every OpenClaw.
    pub(crate) fn look(place: &Place, env: &Environment) -> Self {
        let me = files::canonical(place.state_dir());
        let mut found = Self::default();
        for facts in gather_facts(env).iter().filter(|facts| facts.state_dir != me) {
            found.add(facts);
        }
        found
    }

    fn add(&mut self, facts: &ProfileFacts) {
        if let Some(ports) = facts.base_port.and_then(|base| Ports::new(base).ok()) {
            self.wide.push(ports.interval());
            self.narrow.extend([ports.base(), ports.control(), ports.canvas_legacy()]);
        }
        self.narrow.extend(facts.control_port);
        self.narrow.extend(facts.cdp_ports.values());
        let attached = facts.cdp_urls.values().filter_map(|url| url::Url::parse(url).ok()?.port());
        self.narrow.extend(attached);
        self.narrow.extend(PortBook::read(&facts.state_dir.join("browser")).ports.values());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(
        book: &PortBook,
        fixed: &[u16],
        wide: &[RangeInclusive<u16>],
        narrow: &[u16],
        taken: &[u16],
    ) -> Option<u16> {
        PortQuestion {
            profile: "work",
            range: 18800..=18899,
            book,
            fixed: &fixed.iter().copied().collect(),
            wide,
            narrow: &narrow.iter().copied().collect(),
        }
        .answer(|port| taken.contains(&port))
    }

    fn book(entries: &[(&str, u16)]) -> PortBook {
        PortBook { ports: entries.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect() }
    }

    #[test]
    fn a_port_is_kept() {
        assert_eq!(ask(&book(&[("work", 18850), ("default", 18800)]), &[], &[], &[], &[]), Some(18850));
    }

    #[test]
    fn the_first_that_nobody_has() {
        assert_eq!(ask(&book(&[]), &[], &[], &[], &[]), Some(18800));
        assert_eq!(ask(&book(&[("default", 18800)]), &[18801], &[], &[18802], &[18803]), Some(18804));
        assert_eq!(
            ask(&book(&[("work", 18850)]), &[], &[], &[], &[18850]),
            Some(18800),
            "taken by a stranger"
        );
        assert_eq!(ask(&book(&[("work", 5)]), &[], &[], &[], &[]), Some(18800), "the base port moved");
    }

    #[test]
    fn claims_of_a_neighbour_are_left_alone() {
        let next_door = 18820..=18930;
        assert_eq!(
            ask(&book(&[("work", 18850)]), &[], std::slice::from_ref(&next_door), &[], &[]),
            Some(18800)
        );
        let used: Vec<u16> = (18800..18820).collect();
        assert_eq!(
            ask(&book(&[]), &used, &[next_door], &[18820, 18822, 18824], &[]),
            Some(18821),
            "nothing else is left, and nobody uses that one"
        );
        let all: Vec<u16> = (18800..=18899).collect();
        assert_eq!(ask(&book(&[]), &[], &[], &[], &all), None);
    }

    #[test]
    fn the_book_survives_and_a_damaged_one_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let entries = book(&[("work", 18850)]);
        entries.write(&dir.path().join("browser")).unwrap();
        assert_eq!(PortBook::read(&dir.path().join("browser")), entries);
        std::fs::write(dir.path().join("ports.json"), b"{\"ports\": 7").unwrap();
        assert_eq!(PortBook::read(dir.path()), PortBook::default());
    }

    #[test]
    fn neighbours_are_seen_in_their_files() {
        let home = tempfile::tempdir().unwrap();
        let env = Environment::for_test(home.path());
        let rescue = home.path().join(".bulkhead-rescue");
        files::create_private_dir(&rescue).unwrap();
        let config = "{ gateway: { port: 18820 }, browser: { profiles: { a: { cdpPort: 18850 }, b: { cdpUrl: 'http://127.0.0.1:18860' } } } }";
        std::fs::write(rescue.join("bulkhead.json"), config).unwrap();
        book(&[("c", 18870)]).write(&rescue.join("browser")).unwrap();
        let main = Place::resolve(None, &env).unwrap();
        let seen = Neighbours::look(&main, &env);
        assert!(seen.wide.contains(&(18820..=18930)), "{seen:?}");
        for port in [18820, 18822, 18850, 18860, 18870] {
            assert!(seen.narrow.contains(&port), "{port} in {seen:?}");
        }
    }

    proptest! {
        #[test]
        fn the_answer_is_own_free_and_stable(
            fixed in proptest::collection::btree_set(18790u16..18910, 0..40),
            taken in proptest::collection::btree_set(18790u16..18910, 0..90),
            wide in proptest::collection::vec((18700u16..18950).prop_map(|base| base..=base + 110), 0..3),
            before in proptest::option::of(any::<u16>()),
        ) {
            let mut book = PortBook::default();
            book.ports.extend(before.map(|port| ("work".to_owned(), port)));
            let taken: Vec<_> = taken.into_iter().collect();
            let fixed: Vec<_> = fixed.into_iter().collect();
            if let Some(port) = ask(&book, &fixed, &wide, &[], &taken) {
                prop_assert!((18800..=18899).contains(&port) && !taken.contains(&port) && !fixed.contains(&port));
                book.ports.insert("work".to_owned(), port);
                prop_assert_eq!(ask(&book, &fixed, &wide, &[], &taken), Some(port));
            }
        }
    }
}
