//! What the app itself says where it takes more than one text: tray, notifications, announcements. The texts are in the
//! pages' catalogues, see `language.rs`. What gateways and supervisors say comes from them.

use crate::announcements::Announcement;
use crate::cards::{CardState, ProfileCard};
use crate::language::texts;
use crate::last_run::{Cause, End};
use crate::links::Refusal;
use crate::tray::TrayState;

/// A gateway's state, in a profile's line.
fn state(state: CardState) -> String {
    match state {
        CardState::Running => texts::tray_running(),
        CardState::Starting => texts::tray_starting(),
        CardState::Stopping => texts::tray_stopping(),
        CardState::Stopped => texts::tray_stopped(),
        CardState::Degraded => texts::tray_degraded(),
        CardState::Failed => texts::tray_failed(),
        CardState::Unknown => texts::tray_unknown(),
    }
}

/// A profile's line: "main · running · 18789", "rescue · watching main · 19789".
pub fn line(card: &ProfileCard) -> String {
    let watching = card.watching.as_ref().filter(|_| card.state == CardState::Running);
    let state = match (card.paused_until, watching) {
        (Some(until), _) => texts::tray_paused(clock(until)),
        // Main and rescue watch each other; of main it says nothing new.
        (None, Some(watched)) if card.name != "main" => texts::tray_watching(watched),
        _ => state(card.state),
    };
    match &card.remote {
        Some(address) => format!("{} · {state} · {address}", card.name),
        None => format!("{} · {state} · {}", card.name, card.base_port),
    }
}

/// The tray as a whole, for its tooltip and screen readers.
pub fn tray(state: TrayState) -> String {
    match state {
        TrayState::Well => texts::tray_all_well(),
        TrayState::Attention => texts::tray_all_attention(),
        TrayState::Down => texts::tray_all_down(),
        TrayState::Idle => texts::tray_all_idle(),
    }
}

/// The entry that ends a pause.
pub fn resume(until_ms: u64) -> String {
    texts::tray_resume(clock(until_ms))
}

/// A time of day as this computer writes it, in its own zone.
pub fn clock(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map(|at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M").to_string()).unwrap_or_default()
}

/// How a gateway ended that nobody had asked to end.
pub fn ended(at_ms: u64, code: Option<i32>, signal: Option<i32>) -> String {
    let how = match (code, signal) {
        (_, Some(9)) => texts::notice_ended_killed(),
        (_, Some(signal)) => texts::notice_ended_signal(signal),
        (Some(code), None) => texts::notice_ended_code(code),
        (None, None) => texts::notice_ended_silent(),
    };
    texts::notice_ended(how, clock(at_ms))
}

/// Code of what [`no_tray`] says.
pub const NO_TRAY: &str = "no-tray";

/// This desktop shows no tray icons.
pub fn no_tray() -> Announcement {
    Announcement::told(NO_TRAY, &texts::notice_no_tray(), texts::notice_no_tray_words()).at("/settings")
}

/// A link that was not opened.
pub fn link_refused(refusal: Refusal) -> Announcement {
    let why = match refusal {
        Refusal::TooLong => texts::notice_link_long(),
        Refusal::Malformed => texts::notice_link_malformed(),
        Refusal::Unknown => texts::notice_link_unknown(),
        Refusal::Profile => texts::notice_link_profile(),
        Refusal::Session => texts::notice_link_session(),
        Refusal::Code => texts::notice_link_code(),
    };
    let example = "bulkhead://chat/main, bulkhead://pair?code=…";
    let message = texts::notice_link_words(example, why);
    Announcement::told("link-refused", &texts::notice_link_title(), message).warning()
}

/// A link to a profile that is not there.
pub fn link_to_nobody(profile: &str) -> Announcement {
    let message = texts::notice_link_nobody(profile);
    Announcement::told("link-refused", &texts::notice_link_title(), message).warning()
}

/// Code of what [`keychain_gone`] and [`keychain_locked`] say.
pub const KEYCHAIN: &str = "keychain";

/// The keychain's program ended.
pub fn keychain_gone() -> Announcement {
    Announcement::holds(KEYCHAIN, &texts::notice_keychain_gone(), texts::notice_keychain_gone_words())
}

/// The keychain is there and shut.
pub fn keychain_locked() -> Announcement {
    Announcement::holds(KEYCHAIN, &texts::notice_keychain_locked(), texts::notice_keychain_locked_words())
}

/// The command, and where it would run.
pub fn approval_text(command: &str, folder: Option<&str>) -> String {
    match folder {
        Some(folder) => format!("{command}\n{}", texts::notice_approval_in(folder)),
        None => command.to_owned(),
    }
}

/// The app ended the last time, and nobody had asked it to.
pub fn ended_before(end: Option<End>) -> Announcement {
    let message = match end {
        Some(End { at_ms, cause: Cause::Display }) => texts::notice_last_display(clock(at_ms)),
        None => texts::notice_last_unknown(),
    };
    Announcement::told("ended-unexpectedly", &texts::notice_last_title(), message).warning()
}
