//! Which of the four glyphs the tray shows, and when: a state shows only after it has lasted, so that a restart of half a
//! second never flickers. Pure; the clock is passed in.

use crate::cards::CardState;
use std::time::{Duration, Instant};

/// The four states of the tray icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrayState {
    /// Every gateway that should run answers.
    Well,
    /// One is starting, or something about one does not work.
    Attention,
    /// A gateway that should run is down.
    Down,
    /// Nothing runs, and nothing should.
    Idle,
}

impl TrayState {
    /// Summary of all profiles: the worst wins.
    pub fn of(cards: &[CardState]) -> Self {
        let any = |state: CardState| cards.contains(&state);
        if any(CardState::Failed) {
            Self::Down
        } else if any(CardState::Starting) || any(CardState::Degraded) {
            Self::Attention
        } else if any(CardState::Running) || any(CardState::Stopping) {
            Self::Well
        } else {
            Self::Idle
        }
    }

    /// The same where something around the app does not work, such as the keychain.
    #[must_use]
    pub fn troubled(self, troubled: bool) -> Self {
        if troubled && self == Self::Well { Self::Attention } else { self }
    }

    /// How long the state must last before it is shown.
    pub fn time_to_visible(self) -> Duration {
        match self {
            Self::Well | Self::Idle => Duration::from_millis(0),
            // Slower than any restart, and soon enough to be told within two seconds.
            Self::Attention | Self::Down => Duration::from_millis(1_500),
        }
    }
}

/// Holds a new state back until it has lasted.
#[derive(Debug)]
pub struct Debounce {
    shown: TrayState,
    pending: Option<(TrayState, Instant)>,
}

impl Debounce {
    /// Starts with a state that shows at once.
    pub fn new(shown: TrayState) -> Self {
        Self { shown, pending: None }
    }

    /// The state that shows now.
    pub fn shown(&self) -> TrayState {
        self.shown
    }

    /// Takes what is true at `now`. Answers when to ask again, if a state is waiting to be shown.
    pub fn observe(&mut self, state: TrayState, now: Instant) -> Option<Instant> {
        if state == self.shown {
            self.pending = None;
            return None;
        }
        let since = match self.pending {
            Some((pending, since)) if pending == state => since,
            _ => now,
        };
        let due = since + state.time_to_visible();
        if now >= due {
            self.shown = state;
            self.pending = None;
            None
        } else {
            self.pending = Some((state, since));
            Some(due)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_profile_decides() {
        use CardState::{Degraded, Failed, Running, Starting, Stopped, Stopping};
        assert_eq!(TrayState::of(&[Running, Running]), TrayState::Well);
        assert_eq!(TrayState::of(&[Running, Stopped]), TrayState::Well);
        assert_eq!(TrayState::of(&[Running, Starting]), TrayState::Attention);
        assert_eq!(TrayState::of(&[Degraded, Failed]), TrayState::Down);
        assert_eq!(TrayState::of(&[Stopping, Stopped]), TrayState::Well);
        assert_eq!(TrayState::of(&[Stopped]), TrayState::Idle);
        assert_eq!(TrayState::of(&[]), TrayState::Idle);
    }

    #[test]
    fn half_a_second_of_restart_never_shows() {
        let start = Instant::now();
        let mut icon = Debounce::new(TrayState::Well);
        let due = icon.observe(TrayState::Down, start);
        assert_eq!(due, Some(start + TrayState::Down.time_to_visible()));
        assert_eq!(icon.observe(TrayState::Well, start + Duration::from_millis(500)), None);
        assert_eq!(icon.shown(), TrayState::Well);
    }

    #[test]
    fn a_state_that_lasts_shows_and_recovery_shows_at_once() {
        let start = Instant::now();
        let mut icon = Debounce::new(TrayState::Well);
        assert!(icon.observe(TrayState::Down, start).is_some());
        assert!(icon.observe(TrayState::Down, start + Duration::from_secs(1)).is_some());
        assert!(icon.observe(TrayState::Down, start + Duration::from_millis(1_500)).is_none());
        assert_eq!(icon.shown(), TrayState::Down);
        icon.observe(TrayState::Well, start + Duration::from_secs(4));
        assert_eq!(icon.shown(), TrayState::Well);
    }

    #[test]
    fn a_change_of_mind_starts_the_wait_anew() {
        let start = Instant::now();
        let mut icon = Debounce::new(TrayState::Well);
        icon.observe(TrayState::Attention, start);
        let due = icon.observe(TrayState::Down, start + Duration::from_secs(1));
        assert_eq!(due, Some(start + Duration::from_millis(2_500)));
    }
}
