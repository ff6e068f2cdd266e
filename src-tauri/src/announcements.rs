//! What the app itself has to say: what happened to it and around it. Shown above every page until it is over or put
//! away.

use serde::Serialize;
use tauri::{AppHandle, Manager};
use tokio::sync::watch;

/// Most that are kept; the oldest go first.
const KEPT: usize = 8;
/// Longest text.
const TEXT: usize = 1_000;

/// One thing that is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct Announcement {
    /// Stable; the same code again replaces it.
    pub code: String,
    /// In a few words.
    pub title: String,
    /// What it means and what to do.
    pub message: String,
    /// How bad it is.
    pub tone: Tone,
    /// It holds until it is over by itself; else until somebody puts it away.
    pub holds: bool,
    /// The page that helps, as the window's address has it.
    pub page: Option<String>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Good to know.
    Info,
    /// Something does not work.
    Warn,
}

impl Announcement {
    /// Something that happened.
    pub fn told(code: &str, title: &str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self {
            code: code.to_owned(),
            title: title.to_owned(),
            message: message.chars().take(TEXT).collect(),
            tone: Tone::Info,
            holds: false,
            page: None,
        }
    }

    /// Something that is so until it is over.
    pub fn holds(code: &str, title: &str, message: impl Into<String>) -> Self {
        Self { tone: Tone::Warn, holds: true, ..Self::told(code, title, message) }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.tone = Tone::Warn;
        self
    }

    /// The same with the page that helps.
    #[must_use]
    pub fn at(mut self, page: &str) -> Self {
        self.page = Some(page.to_owned());
        self
    }
}

/// All that is said now; kept by the app.
pub struct Announcements {
    all: watch::Sender<Vec<Announcement>>,
}

impl Announcements {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { all: watch::channel(Vec::new()).0 }
    }

    /// Says something; what was said under the same code is replaced.
    pub fn say(&self, announcement: Announcement) {
        tracing::info!(code = announcement.code, "{}: {}", announcement.title, announcement.message);
        self.all.send_if_modified(|all| {
            match all.iter_mut().find(|one| one.code == announcement.code) {
                Some(one) if *one == announcement => return false,
                Some(one) => *one = announcement,
                None => {
                    if all.len() >= KEPT {
                        let oldest = all.iter().position(|one| !one.holds).unwrap_or(0);
                        all.remove(oldest);
                    }
                    all.push(announcement);
                }
            }
            true
        });
    }

    /// It is over, or put away.
    pub fn end(&self, code: &str) {
        self.all.send_if_modified(|all| {
            let before = all.len();
            all.retain(|one| one.code != code);
            all.len() != before
        });
    }

    /// All that is said now.
    pub fn now(&self) -> Vec<Announcement> {
        self.all.borrow().clone()
    }

    /// And every change of it.
    pub fn changes(&self) -> watch::Receiver<Vec<Announcement>> {
        self.all.subscribe()
    }
}

/// Says something.
pub fn say(app: &AppHandle, announcement: Announcement) {
    app.state::<Announcements>().say(announcement);
}

/// It is over.
pub fn end(app: &AppHandle, code: &str) {
    app.state::<Announcements>().end(code);
}

/// Somebody has read it. What holds stays until it is over.
pub fn dismiss(app: &AppHandle, code: &str) {
    let announcements = app.state::<Announcements>();
    if announcements.now().iter().any(|one| one.code == code && !one.holds) {
        announcements.end(code);
        if code == crate::words::NO_TRAY {
            crate::tray::host::told(app);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_replaces_and_what_is_over_goes() {
        let board = Announcements::new();
        let mut changes = board.changes();
        board.say(Announcement::holds("keychain", "a", "b"));
        assert!(changes.has_changed().unwrap_or(false));
        changes.mark_unchanged();
        board.say(Announcement::holds("keychain", "a", "b"));
        assert!(!changes.has_changed().unwrap_or(true), "nothing new was said");
        board.say(Announcement::holds("keychain", "c", "d"));
        assert_eq!(board.now().len(), 1);
        assert_eq!(board.now()[0].title, "c");
        board.end("keychain");
        assert!(board.now().is_empty());
    }

    #[test]
    fn what_holds_is_kept_longer_than_what_was_told() {
        let board = Announcements::new();
        board.say(Announcement::holds("keychain", "a", "b"));
        for number in 0..KEPT {
            board.say(Announcement::told(&format!("link-{number}"), "a", "b"));
        }
        let codes: Vec<String> = board.now().into_iter().map(|one| one.code).collect();
        assert_eq!(codes.len(), KEPT);
        assert_eq!((codes[0].as_str(), codes[1].as_str()), ("keychain", "link-1"));
    }
}
