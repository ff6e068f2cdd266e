//! While there is no window, what the app has to say is said as notifications: what happened around it, and a gateway that is
//! down and that no other one watches and tells about.

use super::{Notice, Notices};
use crate::announcements::{Announcement, Announcements};
use crate::cards::{CardState, ProfileCard};
use crate::fleet::Fleet;
use crate::language::texts;
use crate::windows;
use std::collections::BTreeSet;
use std::time::Duration;
use tauri::{AppHandle, Manager as _};

/// A gateway that is back within that was not down.
const LASTS: Duration = Duration::from_millis(1_500);

/// Says it as long as the app lives.
pub fn follow(app: &AppHandle, notices: &Notices) {
    tauri::async_runtime::spawn(follow_announcements(app.clone(), notices.clone()));
    tauri::async_runtime::spawn(follow_cards(app.clone(), notices.clone()));
}

async fn follow_announcements(app: AppHandle, notices: Notices) {
    let mut said = app.state::<Announcements>().changes();
    let mut known: Vec<Announcement> = Vec::new();
    loop {
        let all = said.borrow_and_update().clone();
        for one in known.iter().filter(|one| all.iter().all(|now| now.code != one.code)) {
            notices.close(&key(one));
        }
        for one in all.iter().filter(|one| !known.contains(one)) {
            // A window that is about to open shows it itself.
            if !windows::is_wanted(&app) {
                notices.show(of_announcement(one));
            }
        }
        known = all;
        if said.changed().await.is_err() {
            return;
        }
    }
}

fn key(announcement: &Announcement) -> String {
    format!("said/{}", announcement.code)
}

fn of_announcement(announcement: &Announcement) -> Notice {
    Notice {
        key: key(announcement),
        title: announcement.title.clone(),
        text: super::shorten(&announcement.message),
        silent: !announcement.holds,
        urgent: false,
        update: false,
        page: announcement.page.clone().unwrap_or_else(|| "/".to_owned()),
        decide: None,
    }
}

async fn follow_cards(app: AppHandle, notices: Notices) {
    let mut cards = app.state::<Fleet>().cards_receiver();
    let mut known = BTreeSet::new();
    loop {
        let now: BTreeSet<String> =
            down(&cards.borrow_and_update()).into_iter().map(|card| card.name.clone()).collect();
        for name in known.difference(&now) {
            notices.close(&down_key(name));
        }
        for name in now.difference(&known).cloned() {
            let (app, notices) = (app.clone(), notices.clone());
            tauri::async_runtime::spawn(async move {
                tokio::time::sleep(LASTS).await;
                let cards = app.state::<Fleet>().cards();
                let still = down(&cards).into_iter().find(|card| card.name == name);
                if let Some(card) = still.filter(|_| !windows::is_wanted(&app)) {
                    notices.show(of_card(card));
                }
            });
        }
        known = now;
        if cards.changed().await.is_err() {
            return;
        }
    }
}

/// Gateways that are down and that nobody else tells about.
fn down(cards: &[ProfileCard]) -> Vec<&ProfileCard> {
    let watched = |name: &str| {
        cards.iter().any(|card| {
            card.watching.as_deref() == Some(name)
                && matches!(card.state, CardState::Running | CardState::Degraded)
        })
    };
    cards.iter().filter(|card| card.state == CardState::Failed && !watched(&card.name)).collect()
}

fn down_key(name: &str) -> String {
    format!("down/{name}")
}

fn of_card(card: &ProfileCard) -> Notice {
    let text = card.problem.as_ref().map(|problem| problem.message.clone());
    Notice {
        key: down_key(&card.name),
        title: texts::notice_down(&card.name),
        text: super::shorten(&text.unwrap_or_default()),
        silent: false,
        urgent: true,
        update: false,
        page: "/".to_owned(),
        decide: None,
    }
}
