//! Where the next profile's interval goes: the first one that touches nobody's. Pure.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::error::SpacingError;
use crate::name::{DEV, MAIN, ProfileName, RESCUE};
use crate::ports::{HIGHEST_BASE, LOWEST_BASE, REACH};

/// Preferred base port of main.
pub const PREFERRED_MAIN: u16 = 18789;
/// Preferred base port of rescue.
pub const PREFERRED_RESCUE: u16 = 19789;
/// Preferred base port of dev.
pub const PREFERRED_DEV: u16 = 19001;
/// Where the search begins for every other profile: after rescue's interval, so that the named ones stay free.
pub const PREFERRED_OTHERS: u16 = 19900;

/// Below this live the well-known ports of other programs; used last.
const UNCROWDED: u16 = 10_000;

/// Where the search for a base port begins.
pub fn preferred_base(name: &ProfileName) -> u16 {
    match name.as_str() {
        MAIN => PREFERRED_MAIN,
        RESCUE => PREFERRED_RESCUE,
        DEV => PREFERRED_DEV,
        _ => PREFERRED_OTHERS,
    }
}

/// The interval of one of our profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose it is, as shown to people.
    pub profile: String,
    /// Its base port.
    pub base: u16,
}

impl Claim {
    /// All of its ports.
    pub fn interval(&self) -> RangeInclusive<u16> {
        self.base..=self.base.saturating_add(REACH)
    }
}

/// Ports that another program's gateway (an OpenClaw profile) uses whether it runs or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignClaim {
    /// Whose they are, as shown to people.
    pub label: String,
    /// The ports.
    pub ports: RangeInclusive<u16>,
}

/// The first base port, from `preferred` upwards and then from below, whose interval is disjoint from every claim,
/// every foreign claim and every listening port. Ranges to `avoid` are used only when nothing else is left.
pub fn next_free(
    preferred: u16,
    claims: &[Claim],
    foreign: &[ForeignClaim],
    listening: &BTreeSet<u16>,
    avoid: &[RangeInclusive<u16>],
) -> Result<u16, SpacingError> {
    let mut taken: Vec<RangeInclusive<u16>> = claims.iter().map(Claim::interval).collect();
    taken.extend(foreign.iter().map(|claim| claim.ports.clone()));
    let preferred = preferred.clamp(LOWEST_BASE, HIGHEST_BASE);
    let all_taken: Vec<_> = taken.iter().chain(avoid).cloned().collect();
    let segments = [
        preferred..=HIGHEST_BASE,
        UNCROWDED.min(preferred)..=preferred,
        LOWEST_BASE..=UNCROWDED.min(preferred),
    ];
    for blocked in [&all_taken, &taken] {
        for segment in &segments {
            if let Some(base) = first_in(segment, blocked, listening) {
                return Ok(base);
            }
        }
    }
    Err(SpacingError::Full { claims: claims.len(), foreign: foreign.len(), listening: listening.len() })
}

fn first_in(
    segment: &RangeInclusive<u16>,
    blocked: &[RangeInclusive<u16>],
    listening: &BTreeSet<u16>,
) -> Option<u16> {
    let mut base = *segment.start();
    while base <= *segment.end() {
        let end = base.checked_add(REACH)?;
        let claimed =
            blocked.iter().filter(|range| *range.start() <= end && *range.end() >= base).map(|r| *r.end());
        let heard = listening.range(base..=end).next_back().copied();
        // Jump behind the furthest blocker: nothing before it can fit.
        match claimed.chain(heard).max() {
            None => return Some(base),
            Some(blocker) => base = blocker.checked_add(1)?,
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // also in what the tests share
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn free(preferred: u16, claims: &[u16], listening: &[u16]) -> u16 {
        let claims: Vec<_> = claims.iter().map(|base| Claim { profile: "p".into(), base: *base }).collect();
        next_free(preferred, &claims, &[], &listening.iter().copied().collect(), &[]).unwrap()
    }

    #[test]
    fn preferred_if_free_else_just_behind_the_blocker() {
        assert_eq!(free(18789, &[], &[]), 18789);
        assert_eq!(free(18789, &[18789], &[]), 18900);
        assert_eq!(free(18789, &[], &[18800, 18899]), 18900);
        assert_eq!(free(18789, &[18789], &[18950, 19050]), 19051);
    }

    #[test]
    fn avoided_ranges_are_the_last_resort() {
        let everything = vec![0..=u16::MAX];
        assert_eq!(next_free(40000, &[], &[], &BTreeSet::new(), &everything), Ok(40000));
        assert_eq!(next_free(40000, &[], &[], &BTreeSet::new(), &[32768..=60999]), Ok(61000));
        assert_eq!(next_free(32700, &[], &[], &BTreeSet::new(), &[32768..=65535]), Ok(10000));
    }

    #[test]
    fn full_is_told() {
        let foreign = [ForeignClaim { label: "x".into(), ports: 0..=u16::MAX }];
        assert!(next_free(18789, &[], &foreign, &BTreeSet::new(), &[]).is_err());
    }

    proptest! {
        #[test]
        fn what_it_finds_touches_nobody(
            preferred: u16,
            bases in proptest::collection::vec(any::<u16>(), 0..40),
            foreign in proptest::collection::vec((any::<u16>(), 0u16..400), 0..5),
            listening in proptest::collection::btree_set(any::<u16>(), 0..60),
            avoid in proptest::collection::vec((any::<u16>(), any::<u16>()), 0..3),
        ) {
            let claims: Vec<_> = bases.iter().map(|base| Claim { profile: "p".into(), base: *base }).collect();
            let foreign: Vec<_> = foreign.iter().map(|(from, len)| ForeignClaim { label: "o".into(), ports: *from..=from.saturating_add(*len) }).collect();
            let avoid: Vec<_> = avoid.iter().map(|(a, b)| *a.min(b)..=*a.max(b)).collect();
            if let Ok(base) = next_free(preferred, &claims, &foreign, &listening, &avoid) {
                let end = base + REACH;
                prop_assert!(base >= LOWEST_BASE);
                for claim in &claims { prop_assert!(*claim.interval().end() < base || *claim.interval().start() > end); }
                for claim in &foreign { prop_assert!(*claim.ports.end() < base || *claim.ports.start() > end); }
                prop_assert!(listening.range(base..=end).next().is_none());
            } else {
                prop_assert!(listening.len() + foreign.len() + claims.len() > 20);
            }
        }

        #[test]
        fn profiles_created_one_after_another_are_disjoint(count in 1usize..60, listening in proptest::collection::btree_set(any::<u16>(), 0..60)) {
            let mut claims: Vec<Claim> = Vec::new();
            for n in 0..count {
                let base = next_free(PREFERRED_OTHERS, &claims, &[], &listening, &std::iter::once(32768..=60999).collect::<Vec<_>>()).unwrap();
                claims.push(Claim { profile: n.to_string(), base });
            }
            claims.sort_by_key(|claim| claim.base);
            for pair in claims.windows(2) { prop_assert!(pair[0].interval().end() < pair[1].interval().start()); }
        }
    }
}
