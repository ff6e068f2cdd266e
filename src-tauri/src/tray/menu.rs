//! The tray's menu: what is in it, as data, and the ids by which a click comes back.

use crate::cards::{CardState, ProfileCard};

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
    /// Flip start at login.
    ToggleAutostart,
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
            Self::ToggleAutostart => "autostart".to_owned(),
            Self::Quit => "quit".to_owned(),
        }
    }

    /// The action of an id; `None` for one that is not ours.
    pub fn from_id(id: &str) -> Option<Self> {
        let (verb, name) = id.split_once(':').unwrap_or((id, ""));
        let name = name.to_owned();
        match verb {
            "open" => Some(Self::Open),
            "autostart" => Some(Self::ToggleAutostart),
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

/// One item of a profile's submenu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it says.
    pub text: &'static str,
    /// What it does.
    pub action: Action,
    /// Whether it can be clicked now.
    pub enabled: bool,
}

/// All that the menu shows; it is built anew only when this changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// A line and its items for each profile.
    pub profiles: Vec<(String, Vec<Item>)>,
    /// Whether the app starts at login.
    pub autostart: bool,
}

impl Model {
    /// The menu for these cards.
    pub fn of(cards: &[ProfileCard], autostart: bool) -> Self {
        Self { profiles: cards.iter().map(|card| (line(card), items(card))).collect(), autostart }
    }
}

/// A profile's line: "main · running · 18789".
pub fn line(card: &ProfileCard) -> String {
    format!("{} · {} · {}", card.name, words(card.state), card.base_port)
}

fn words(state: CardState) -> &'static str {
    match state {
        CardState::Running => "running",
        CardState::Starting => "starting",
        CardState::Stopping => "stopping",
        CardState::Stopped => "stopped",
        CardState::Degraded => "needs attention",
        CardState::Failed => "down",
        CardState::Unknown => "checking",
    }
}

/// The items under a profile's line.
pub fn items(card: &ProfileCard) -> Vec<Item> {
    let name = card.name.clone();
    let answers = matches!(card.state, CardState::Running | CardState::Degraded);
    let up = answers || card.state == CardState::Starting;
    let start_or_stop = if up {
        Item { text: "Stop", action: Action::Stop(name.clone()), enabled: true }
    } else {
        Item {
            text: "Start",
            action: Action::Start(name.clone()),
            enabled: card.state != CardState::Unknown && card.state != CardState::Stopping,
        }
    };
    vec![
        Item { text: "Open chat", action: Action::Chat(name.clone()), enabled: answers },
        Item { text: "Restart", action: Action::Restart(name.clone()), enabled: up },
        start_or_stop,
        Item { text: "Logs", action: Action::Logs(name), enabled: true },
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
            Action::ToggleAutostart,
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
        assert_eq!(line(&card(CardState::Running)), "main · running · 18789");
    }

    #[test]
    fn what_makes_no_sense_now_can_not_be_clicked() {
        let texts = |state| items(&card(state)).into_iter().map(|i| (i.text, i.enabled)).collect::<Vec<_>>();
        assert_eq!(
            texts(CardState::Running),
            [("Open chat", true), ("Restart", true), ("Stop", true), ("Logs", true)]
        );
        assert_eq!(
            texts(CardState::Stopping),
            [("Open chat", false), ("Restart", false), ("Start", false), ("Logs", true)]
        );
        assert_eq!(
            texts(CardState::Stopped),
            [("Open chat", false), ("Restart", false), ("Start", true), ("Logs", true)]
        );
    }
}
