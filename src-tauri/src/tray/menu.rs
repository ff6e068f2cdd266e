//! The tray's menu: what is in it, as data, and the ids by which a click comes back.

use crate::cards::{CardState, ProfileCard};
use crate::language::texts;
use crate::words;

/// What a click on an item asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Show the window.
    Open,
    /// Open the chat of a profile.
    Chat(String),
    /// Open the log of a profile.
    Logs(String),
    /// Start a gateway.
    Start(String),
    /// Stop a gateway.
    Stop(String),
    /// Restart a gateway.
    Restart(String),
    /// Stop what runs, for an hour.
    Pause,
    /// Start again what is paused.
    Resume,
    /// Show what waits for a person, at a profile.
    Approvals(String),
    /// Flip start at login.
    ToggleAutostart,
    /// Look for a newer version.
    Updates,
    /// Stop the gateways that the app runs, and end.
    Quit,
}

impl Action {
    /// The id of the menu item.
    pub fn id(&self) -> String {
        match self {
            Self::Open => "open".to_owned(),
            Self::Chat(name) => format!("chat:{name}"),
            Self::Logs(name) => format!("logs:{name}"),
            Self::Start(name) => format!("start:{name}"),
            Self::Stop(name) => format!("stop:{name}"),
            Self::Restart(name) => format!("restart:{name}"),
            Self::Pause => "pause".to_owned(),
            Self::Resume => "resume".to_owned(),
            Self::Approvals(name) => format!("approvals:{name}"),
            Self::ToggleAutostart => "autostart".to_owned(),
            Self::Updates => "updates".to_owned(),
            Self::Quit => "quit".to_owned(),
        }
    }

    /// The action of an id; `None` for one that is not ours.
    pub fn from_id(id: &str) -> Option<Self> {
        let (verb, name) = id.split_once(':').unwrap_or((id, ""));
        let name = name.to_owned();
        match verb {
            "open" => Some(Self::Open),
            "pause" => Some(Self::Pause),
            "resume" => Some(Self::Resume),
            "approvals" => Some(Self::Approvals(name)),
            "autostart" => Some(Self::ToggleAutostart),
            "updates" => Some(Self::Updates),
            "quit" => Some(Self::Quit),
            "chat" => Some(Self::Chat(name)),
            "logs" => Some(Self::Logs(name)),
            "start" => Some(Self::Start(name)),
            "stop" => Some(Self::Stop(name)),
            "restart" => Some(Self::Restart(name)),
            _ => None,
        }
    }
}

/// One item of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it says.
    pub text: String,
    /// What it does.
    pub action: Action,
    /// Whether it can be clicked now.
    pub enabled: bool,
}

impl Item {
    fn new(text: impl Into<String>, action: Action, enabled: bool) -> Self {
        Self { text: text.into(), action, enabled }
    }
}

/// All that the menu shows; it is built anew only when this changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// A line and its items for each profile.
    pub profiles: Vec<(String, Vec<Item>)>,
    /// What concerns all profiles; nothing while there is none.
    pub all: Vec<Item>,
    /// Whether the app starts at login.
    pub autostart: bool,
}

impl Model {
    /// The menu for these cards.
    pub fn of(cards: &[ProfileCard], autostart: bool) -> Self {
        let all = if cards.is_empty() { Vec::new() } else { vec![pause(cards), approvals(cards)] };
        Self { profiles: cards.iter().map(|card| (words::line(card), items(card))).collect(), all, autostart }
    }
}

/// A pause for what runs here; while something is paused, its end.
fn pause(cards: &[ProfileCard]) -> Item {
    if let Some(until) = cards.iter().filter_map(|card| card.paused_until).min() {
        Item::new(words::resume(until), Action::Resume, true)
    } else {
        let can = cards.iter().any(|card| card.remote.is_none() && is_up(card.state));
        Item::new(texts::tray_pause(), Action::Pause, can)
    }
}

/// Where most waits is where the click leads.
fn approvals(cards: &[ProfileCard]) -> Item {
    let count = cards.iter().fold(0_u32, |sum, card| sum.saturating_add(card.waiting));
    let most = cards.iter().rev().max_by_key(|card| card.waiting);
    let name = most.map(|card| card.name.clone()).unwrap_or_default();
    Item::new(texts::tray_pending(count), Action::Approvals(name), true)
}

fn answers(state: CardState) -> bool {
    matches!(state, CardState::Running | CardState::Degraded)
}

/// Whether it runs, or is on its way.
pub fn is_up(state: CardState) -> bool {
    answers(state) || state == CardState::Starting
}

/// The items under a profile's line.
pub fn items(card: &ProfileCard) -> Vec<Item> {
    let name = card.name.clone();
    let (answers, up) = (answers(card.state), is_up(card.state));
    let chat = Item::new(texts::tray_chat(), Action::Chat(name.clone()), answers);
    if card.remote.is_some() {
        // Whoever runs it elsewhere starts and stops it, and has its log.
        return vec![chat];
    }
    let start_or_stop = if up {
        Item::new(texts::tray_stop(), Action::Stop(name.clone()), true)
    } else {
        let can = card.state != CardState::Unknown && card.state != CardState::Stopping;
        Item::new(texts::tray_start(), Action::Start(name.clone()), can)
    };
    vec![
        chat,
        Item::new(texts::tray_restart(), Action::Restart(name.clone()), up),
        start_or_stop,
        Item::new(texts::tray_logs(), Action::Logs(name), true),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(state: CardState) -> ProfileCard {
        ProfileCard {
            name: "main".to_owned(),
            state,
            since: None,
            base_port: 18789,
            control_port: 18791,
            cdp_first: 18800,
            cdp_last: 18899,
            owner: "desktop".to_owned(),
            pid: None,
            memory_bytes: None,
            channels: Vec::new(),
            problem: None,
            version: None,
            state_dir: String::new(),
            workspace: String::new(),
            bot: None,
            ready_ms: None,
            paused_until: None,
            waiting: 0,
            watching: None,
            ended: None,
            remote: None,
        }
    }

    #[test]
    fn every_action_comes_back_from_its_id() {
        for action in [
            Action::Open,
            Action::Chat("main".into()),
            Action::Logs("rescue".into()),
            Action::Start("a-b".into()),
            Action::Stop("main".into()),
            Action::Restart("main".into()),
            Action::Pause,
            Action::Resume,
            Action::Approvals("main".into()),
            Action::ToggleAutostart,
            Action::Updates,
            Action::Quit,
        ] {
            assert_eq!(Action::from_id(&action.id()), Some(action));
        }
        assert_eq!(Action::from_id("nonsense"), None);
    }

    #[test]
    fn what_the_menu_does_not_show_does_not_build_it_anew() {
        let before = card(CardState::Running);
        let mut after = before.clone();
        after.memory_bytes = Some(7 << 20);
        after.since = Some(1);
        assert_eq!(Model::of(std::slice::from_ref(&before), false), Model::of(&[after], false));
        assert_ne!(
            Model::of(std::slice::from_ref(&before), false),
            Model::of(std::slice::from_ref(&before), true)
        );
        assert_ne!(Model::of(&[before], false), Model::of(&[card(CardState::Failed)], false));
    }

    #[test]
    fn a_profile_reads_as_one_line() {
        assert_eq!(words::line(&card(CardState::Running)), "main · running · 18789");
        let watching = ProfileCard { watching: Some("rescue".into()), ..card(CardState::Running) };
        assert_eq!(words::line(&watching), "main · running · 18789");
        let rescue =
            ProfileCard { name: "rescue".into(), watching: Some("main".into()), ..card(CardState::Running) };
        assert_eq!(words::line(&rescue), "rescue · watching main · 18789");
        assert_eq!(words::line(&ProfileCard { state: CardState::Failed, ..rescue }), "rescue · down · 18789");
        let away = ProfileCard { remote: Some("gate.example".into()), ..card(CardState::Running) };
        assert_eq!(words::line(&away), "main · running · gate.example");
    }

    #[test]
    fn what_makes_no_sense_now_can_not_be_clicked() {
        let texts = |card: &ProfileCard| {
            items(card).into_iter().map(|item| (item.text, item.enabled)).collect::<Vec<_>>()
        };
        let expected =
            |all: &[(&str, bool)]| all.iter().map(|(text, on)| ((*text).to_owned(), *on)).collect::<Vec<_>>();
        assert_eq!(
            texts(&card(CardState::Running)),
            expected(&[("Open chat", true), ("Restart", true), ("Stop", true), ("Logs", true)])
        );
        assert_eq!(
            texts(&card(CardState::Stopping)),
            expected(&[("Open chat", false), ("Restart", false), ("Start", false), ("Logs", true)])
        );
        assert_eq!(
            texts(&card(CardState::Stopped)),
            expected(&[("Open chat", false), ("Restart", false), ("Start", true), ("Logs", true)])
        );
        let away = ProfileCard { remote: Some("gate.example".into()), ..card(CardState::Running) };
        assert_eq!(texts(&away), expected(&[("Open chat", true)]));
    }

    #[test]
    fn a_pause_is_offered_for_what_runs_here_and_its_end_while_it_lasts() {
        let offered = |cards: &[ProfileCard]| {
            let item = pause(cards);
            (item.action, item.enabled)
        };
        assert_eq!(offered(&[card(CardState::Stopped), card(CardState::Running)]), (Action::Pause, true));
        assert_eq!(offered(&[card(CardState::Stopped)]), (Action::Pause, false));
        let away = ProfileCard { remote: Some("gate.example".into()), ..card(CardState::Running) };
        assert_eq!(offered(&[away]), (Action::Pause, false));
        let paused = ProfileCard { paused_until: Some(1), ..card(CardState::Stopped) };
        assert_eq!(offered(&[paused, card(CardState::Running)]), (Action::Resume, true));
    }

    #[test]
    fn approvals_are_counted_and_lead_to_where_most_wait() {
        let waiting =
            |name: &str, waiting| ProfileCard { name: name.to_owned(), waiting, ..card(CardState::Running) };
        let item = approvals(&[waiting("main", 1), waiting("rescue", 2)]);
        assert_eq!(
            (item.text.as_str(), item.action),
            ("Pending approvals (3)", Action::Approvals("rescue".into()))
        );
        let none = approvals(&[waiting("main", 0), waiting("rescue", 0)]);
        assert_eq!(
            (none.text.as_str(), none.action),
            ("Pending approvals (0)", Action::Approvals("main".into()))
        );
        assert_eq!(Model::of(&[], false).all, []);
    }
}
