//! Every text that the app itself says: tray, notifications, announcements. One place, so that it can be said in other
//! languages. What gateways and supervisors say comes from them.

use crate::announcements::Announcement;
use crate::cards::{CardState, ProfileCard};
use crate::last_run::{Cause, End};
use crate::links::Refusal;
use crate::tray::TrayState;

/// A gateway's state, in a profile's line.
pub fn state(state: CardState) -> &'static str {
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

/// A profile's line: "main · running · 18789", "rescue · watching main · 19789".
pub fn line(card: &ProfileCard) -> String {
    let watching = card.watching.as_ref().filter(|_| card.state == CardState::Running);
    let state = match (card.paused_until, watching) {
        (Some(until), _) => format!("paused until {}", clock(until)),
        // Main and rescue watch each other; of main it says nothing new.
        (None, Some(watched)) if card.name != "main" => format!("watching {watched}"),
        _ => state(card.state).to_owned(),
    };
    match &card.remote {
        Some(address) => format!("{} · {state} · {address}", card.name),
        None => format!("{} · {state} · {}", card.name, card.base_port),
    }
}

/// The tray as a whole, for its tooltip and screen readers.
pub fn tray(state: TrayState) -> String {
    let words = match state {
        TrayState::Well => "all gateways are running",
        TrayState::Attention => "a gateway is starting or needs attention",
        TrayState::Down => "a gateway is down",
        TrayState::Idle => "no gateway is running",
    };
    format!("Bulkhead: {words}")
}

/// The tooltip before anything is known.
pub const TRAY_STARTING: &str = "Bulkhead: starting";
/// An entry of the tray's menu.
pub const OPEN_CHAT: &str = "Open chat";
/// An entry of the tray's menu.
pub const RESTART: &str = "Restart";
/// An entry of the tray's menu.
pub const STOP: &str = "Stop";
/// An entry of the tray's menu.
pub const START: &str = "Start";
/// An entry of the tray's menu.
pub const LOGS: &str = "Logs";
/// An entry of the tray's menu.
pub const PAUSE: &str = "Pause for an hour";
/// An entry of the tray's menu.
pub const OPEN: &str = "Open Bulkhead";
/// An entry of the tray's menu.
pub const AUTOSTART: &str = "Start at login";
/// An entry of the tray's menu.
pub const QUIT: &str = "Quit (stops the gateways that the app runs)";

/// The entry that ends a pause.
pub fn resume(until_ms: u64) -> String {
    format!("Resume (paused until {})", clock(until_ms))
}

/// The entry that leads to what waits for a person.
pub fn pending(count: u32) -> String {
    format!("Pending approvals ({count})")
}

/// A time of day as this computer writes it, in its own zone.
pub fn clock(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map(|at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M").to_string()).unwrap_or_default()
}

/// How a gateway ended that nobody had asked to end.
pub fn ended(at_ms: u64, code: Option<i32>, signal: Option<i32>) -> String {
    let how = match (code, signal) {
        (_, Some(9)) => "it was killed (signal 9)".to_owned(),
        (_, Some(signal)) => format!("signal {signal}"),
        (Some(code), None) => format!("exit code {code}"),
        (None, None) => "without a word".to_owned(),
    };
    format!("Ended by itself at {}: {how}.", clock(at_ms))
}

/// A gateway of somebody else that left without cleaning up.
pub fn vanished(name: &str) -> String {
    format!(
        "The gateway \"{name}\" ended without being asked to. Start it where it runs, or look at its log."
    )
}

/// A service whose gateway is gone although it is wanted running.
pub fn service_gone(name: &str) -> String {
    format!(
        "The gateway \"{name}\" does not answer any more, and neither does the service that runs it. It may come back by itself; else start it here."
    )
}

/// A pause that a gateway could not be given.
pub fn not_paused(name: &str) -> String {
    format!("The gateway \"{name}\" was not paused: whoever runs it takes no such wish. It goes on.")
}

/// Code of what [`no_tray`] says.
pub const NO_TRAY: &str = "no-tray";

/// This desktop shows no tray icons.
pub fn no_tray() -> Announcement {
    Announcement::told(
        NO_TRAY,
        "This desktop shows no tray icon",
        "Bulkhead stays in this window instead: closing it only puts it away into the task bar, and Quit is in the settings. On GNOME the extension \"AppIndicator\" brings the icon; it appears as soon as the desktop shows it.",
    )
    .at("/settings")
}

/// A link that was not opened.
pub fn link_refused(refusal: Refusal) -> Announcement {
    let why = match refusal {
        Refusal::TooLong => "it is longer than any link of Bulkhead",
        Refusal::Malformed => "it is not written as a link of Bulkhead",
        Refusal::Unknown => "it asks for something that Bulkhead does not know",
        Refusal::Profile => "it names no profile that could be",
        Refusal::Session => "it names no conversation that could be",
        Refusal::Code => "it holds no code that could be",
    };
    let message = format!(
        "Something outside opened a link in Bulkhead, and {why}. Nothing was done. Links look like bulkhead://chat/main or bulkhead://pair?code=…"
    );
    Announcement::told("link-refused", "A link was not opened", message).warning()
}

/// A link to a profile that is not there.
pub fn link_to_nobody(profile: &str) -> Announcement {
    let message = format!(
        "It is for the profile \"{profile}\", and there is none of that name on this computer. Nothing was done."
    );
    Announcement::told("link-refused", "A link was not opened", message).warning()
}

/// Code of what [`keychain_gone`] and [`keychain_locked`] say.
pub const KEYCHAIN: &str = "keychain";

/// The keychain's program ended.
pub fn keychain_gone() -> Announcement {
    Announcement::holds(
        KEYCHAIN,
        "The keychain is gone",
        "The program that keeps this computer's keychain has ended. Gateways that run go on with what they have; one that starts waits for its secrets. It goes on by itself when the keychain is back, at the latest after the next log-in.",
    )
}

/// The keychain is there and shut.
pub fn keychain_locked() -> Announcement {
    Announcement::holds(
        KEYCHAIN,
        "The keychain is locked",
        "Gateways that run go on with what they have; one that starts waits for its secrets. Unlock the keychain, and it goes on by itself.",
    )
}

/// A click on a notification.
pub const NOTICE_OPEN: &str = "What can be done";
/// A button of a notification.
pub const NOTICE_SHOW: &str = "Show";
/// A button of a notification.
pub const NOTICE_ALLOW: &str = "Allow once";
/// A button of a notification.
pub const NOTICE_DENY: &str = "Deny";

/// A command that waits for a yes.
pub fn approval_title(profile: &str) -> String {
    format!("{profile}: an agent wants to run a command")
}

/// The command, and where it would run.
pub fn approval_text(command: &str, folder: Option<&str>) -> String {
    match folder {
        Some(folder) => format!("{command}\nin {folder}"),
        None => command.to_owned(),
    }
}

/// A command that can't be shown whole.
pub fn approval_too_long() -> String {
    "The command is too long to be shown here, or parts of it are hard to see. Look at it before you decide."
        .to_owned()
}

/// The app ended the last time, and nobody had asked it to.
pub fn ended_before(end: Option<End>) -> Announcement {
    const AFTER: &str =
        "The gateways that it ran were stopped with it and start again now; those of services went on.";
    let (when, why) = match end {
        Some(End { at_ms, cause: Cause::Display }) => {
            (format!(" at {}", clock(at_ms)), "because the screen that it showed itself on was gone")
        }
        None => {
            (String::new(), "without being asked to: it was killed, it crashed, or the computer went off")
        }
    };
    Announcement::told(
        "ended-unexpectedly",
        "Bulkhead ended unexpectedly the last time",
        format!("It ended{when} {why}. {AFTER}"),
    )
    .warning()
}

/// A gateway that should run and doesn't.
pub fn gateway_down(profile: &str) -> String {
    format!("The gateway \"{profile}\" is down")
}

/// A connection that gave no sign of life.
pub fn connection_lost() -> &'static str {
    "The connection was lost: the gateway gave no sign of life. It is tried again."
}
