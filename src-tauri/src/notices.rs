//! Notifications of the desktop: what a gateway says about the one that it watches, and what waits for a person's yes, with
//! a way to the page that helps. A yes is offered in the notification itself only where the whole command can be read there.

mod approval;
mod hidden;

pub use hidden::follow;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use notify_rust::Notification;
#[cfg(all(unix, not(target_os = "macos")))]
use notify_rust::{Hint, Timeout, Urgency};
use serde_json::Value;
use tauri::{AppHandle, Manager as _};

use crate::fleet::Fleet;
use crate::language::texts;
use crate::windows;

/// Most notifications that wait for a click at the same time, each in a thread of its own.
const WAITING: usize = 8;
/// What can be clicked, by id.
#[cfg(all(unix, not(target_os = "macos")))]
const SHOW: &str = "show";
#[cfg(all(unix, not(target_os = "macos")))]
const ALLOW: &str = "allow-once";
#[cfg(all(unix, not(target_os = "macos")))]
const DENY: &str = "deny";
/// Longest text: desktops cut it anyway, and the page has the rest.
const TEXT: usize = 400;

/// One notification, decided and not shown yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same for everything that replaces it.
    key: String,
    title: String,
    text: String,
    /// Without a sound: quiet hours, or nothing to do about it.
    silent: bool,
    urgent: bool,
    /// It only changes one that is still there.
    update: bool,
    /// Where a click leads.
    page: String,
    /// What can be decided in the notification itself.
    decide: Option<Decide>,
}

/// A decision about one command that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decide {
    profile: String,
    id: String,
    /// The page of approvals itself says what is asked; here only what can be read whole.
    allow: bool,
    deny: bool,
}

/// What an event of a gateway means for the desktop; most mean nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something to show.
    Show(Box<Notice>),
    /// What was shown under this key is over.
    Over(String),
}

/// Reads an event.
pub fn change(profile: &str, event: &str, payload: &Value) -> Option<Change> {
    match event {
        "exec.approval.requested" => {
            approval::requested(profile, payload).map(|notice| Change::Show(Box::new(notice)))
        }
        "exec.approval.resolved" => approval::key_of(profile, payload).map(Change::Over),
        _ => notice(profile, event, payload).map(|notice| Change::Show(Box::new(notice))),
    }
}

fn notice(profile: &str, event: &str, payload: &Value) -> Option<Notice> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    let set = |name: &str| payload.get(name).and_then(Value::as_bool).unwrap_or(false);
    if event != "rescue.incident" || text("event") != Some("notice") || !set("notify") {
        return None;
    }
    let title = text("title")?;
    let body = text("text").unwrap_or_default();
    let body = body.strip_prefix(title).unwrap_or(body).trim();
    Some(Notice {
        key: format!("{profile}/{}", text("incident")?),
        title: title.to_owned(),
        text: shorten(body),
        silent: set("silent"),
        urgent: text("severity") == Some("down") && text("kind") == Some("incident"),
        update: set("update") && text("kind") == Some("incident"),
        page: format!("/rescue/{profile}"),
        decide: None,
    })
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= TEXT {
        return text.to_owned();
    }
    let cut: String = text.chars().take(TEXT).collect();
    format!("{}…", cut.trim_end())
}

/// The notifications that are on the screen.
#[derive(Clone)]
pub struct Notices {
    app: AppHandle,
    shown: Arc<Mutex<HashMap<String, u32>>>,
}

impl Notices {
    /// None yet.
    pub fn new(app: AppHandle) -> Self {
        Self { app, shown: Arc::default() }
    }

    /// Does what an event means.
    pub fn apply(&self, change: Change) {
        match change {
            Change::Show(notice) => self.show(*notice),
            Change::Over(key) => self.close(&key),
        }
    }

    /// Takes one away that is over.
    fn close(&self, key: &str) {
        let Some(id) = self.shown().remove(key) else { return };
        #[cfg(target_os = "linux")]
        tauri::async_runtime::spawn(async move {
            let closed = async {
                let connection = zbus::Connection::session().await?;
                let (name, path) = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications");
                connection.call_method(Some(name), path, Some(name), "CloseNotification", &id).await
            };
            if let Err(error) = closed.await {
                tracing::debug!(%error, "a notification that is over could not be taken away");
            }
        });
        #[cfg(not(target_os = "linux"))]
        let _ = id;
    }

    /// Shows it, in a thread: the desktop may take its time, and a click may come hours later.
    pub fn show(&self, notice: Notice) {
        let known = self.shown().get(&notice.key).copied();
        // Somebody has read it and put it away: what changes is on the page.
        if notice.update && known.is_none() || known.is_none() && self.shown().len() >= WAITING {
            return;
        }
        let notices = self.clone();
        let spawned = std::thread::Builder::new().name("notification".to_owned()).spawn(move || {
            if let Err(error) = notices.show_now(&notice, known) {
                tracing::warn!(%error, title = notice.title, "this desktop shows no notifications");
            }
        });
        if let Err(error) = spawned {
            tracing::warn!(%error, "the notification could not be shown");
        }
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    fn show_now(&self, notice: &Notice, known: Option<u32>) -> notify_rust::error::Result<()> {
        let mut notification = compose(notice);
        if let Some(id) = known {
            notification.id(id);
        }
        let handle = notification.show()?;
        let id = handle.id();
        let waits = self.shown().insert(notice.key.clone(), id) == Some(id);
        if waits {
            // The thread of the one that it replaced hears the click.
            return Ok(());
        }
        let app = self.app.clone();
        let (page, decide) = (notice.page.clone(), notice.decide.clone());
        handle.wait_for_action(move |action| match (action, decide) {
            ("__closed", _) => {}
            (ALLOW, Some(decide)) if decide.allow => decided(app, decide, "allow-once", page),
            (DENY, Some(decide)) if decide.deny => decided(app, decide, "deny", page),
            _ => windows::show(&app, &page),
        });
        self.shown().retain(|_, shown| *shown != id);
        Ok(())
    }

    /// Here a click only brings the app to the front, which its tray and its window answer.
    #[cfg(any(windows, target_os = "macos"))]
    fn show_now(&self, notice: &Notice, known: Option<u32>) -> notify_rust::error::Result<()> {
        if known.is_some() && notice.update {
            return Ok(());
        }
        compose(notice).show()?;
        self.shown().insert(notice.key.clone(), 0);
        Ok(())
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, HashMap<String, u32>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
/// Says what was decided; when that is not taken any more, the page says why.
fn decided(app: AppHandle, decide: Decide, decision: &'static str, page: String) {
    tauri::async_runtime::spawn(async move {
        let fleet = app.state::<Fleet>().inner().clone();
        let params = serde_json::json!({ "id": decide.id, "decision": decision });
        if let Err(failure) = fleet.request(&decide.profile, "exec.approval.resolve", params).await {
            tracing::warn!(code = failure.code, "{}", failure.message);
            windows::show(&app, &page);
        }
    });
}

#[cfg(all(unix, not(target_os = "macos")))]
fn can(capability: &str) -> bool {
    notify_rust::get_capabilities().is_ok_and(|all| all.iter().any(|one| one == capability))
}

fn compose(notice: &Notice) -> Notification {
    let mut notification = Notification::new();
    notification.appname("Bulkhead").summary(&notice.title).body(&notice.text);
    #[cfg(all(unix, not(target_os = "macos")))]
    if can("body-markup") {
        // Nothing that an agent wrote is markup here.
        let text = notice.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        notification.body(&text);
    }
    #[cfg(all(unix, not(target_os = "macos")))]
    {
        notification
            .icon("bulkhead-app")
            .action("default", &texts::notice_open())
            .urgency(if notice.urgent { Urgency::Critical } else { Urgency::Normal })
            .hint(Hint::SuppressSound(notice.silent))
            .hint(Hint::DesktopEntry("Bulkhead".to_owned()));
        if let Some(decide) = &notice.decide {
            notification.action(SHOW, &texts::notice_show());
            if decide.allow {
                notification.action(ALLOW, &texts::notice_allow());
            }
            if decide.deny {
                notification.action(DENY, &texts::notice_deny());
            }
        }
        // What needs somebody stays until somebody has seen it.
        notification.timeout(if notice.urgent { Timeout::Never } else { Timeout::Default });
    }
    notification
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn payload() -> Value {
        json!({
            "event": "notice", "incident": "i1", "kind": "incident", "severity": "down", "notify": true, "silent": false,
            "update": false, "title": "main has ended", "text": "main has ended\n\nSince 09:14.", "remedies": ["restart"],
        })
    }

    #[test]
    fn an_incident_is_shown_with_its_page() {
        let seen = notice("rescue", "rescue.incident", &payload()).expect("shown");
        assert_eq!(seen.title, "main has ended");
        assert_eq!(seen.text, "Since 09:14.");
        assert_eq!(seen.page, "/rescue/rescue");
        assert!(seen.urgent && !seen.update && !seen.silent);
    }

    #[test]
    fn what_is_not_meant_for_the_desktop_is_not_shown() {
        let without = |name: &str, value: Value| {
            let mut payload = payload();
            payload[name] = value;
            notice("rescue", "rescue.incident", &payload)
        };
        assert_eq!(without("notify", json!(false)), None);
        assert_eq!(without("event", json!("opened")), None);
        assert_eq!(without("title", Value::Null), None);
        assert_eq!(notice("rescue", "chat", &payload()), None);
    }

    #[test]
    fn the_end_is_told_anew_and_calmly() {
        let mut over = payload();
        over["kind"] = json!("follow-up");
        over["update"] = json!(true);
        let seen = notice("rescue", "rescue.incident", &over).expect("shown");
        assert!(!seen.urgent && !seen.update);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut long = payload();
        long["text"] = json!("ä".repeat(TEXT + 1));
        let seen = notice("rescue", "rescue.incident", &long).expect("shown");
        assert_eq!(seen.text.chars().count(), TEXT + 1);
        assert!(seen.text.ends_with('…'));
    }
}
