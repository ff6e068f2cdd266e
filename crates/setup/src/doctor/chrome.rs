//! Chrome or Chromium for the browser seat.

use bulkhead_browser::BrowserError;

use super::finding::{DoctorFinding, Subject, halves};
use super::patient::Patient;

const SUBJECT: Subject = Subject::Chrome;

pub(super) fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let browser = &patient.config.browser;
    if browser.enabled == Some(false) {
        return vec![DoctorFinding::ok(SUBJECT, "The browser seat is off.")];
    }
    let attached =
        browser.cdp_url.is_some() || browser.profiles.values().any(|profile| profile.cdp_url.is_some());
    let configured = browser.executable_path.as_deref().map(|path| patient.world.env.expand(path));
    vec![match patient.world.browser(configured.as_deref()) {
        Ok(path) => DoctorFinding::ok(SUBJECT, format!("{}.", path.display())),
        Err(_) if attached && configured.is_none() => {
            DoctorFinding::ok(SUBJECT, "A running browser is attached to; none is started.")
        }
        Err(error @ BrowserError::Executable { .. }) => {
            let (found, next) = halves(&error.to_string());
            DoctorFinding::error(SUBJECT, error.code(), format!("{found}."))
                .why("Agents cannot open pages.")
                .next(if next.is_empty() {
                    format!("Correct browser.executablePath, or leave it out: {} config unset browser.executablePath", patient.command())
                } else {
                    next
                })
        }
        Err(error) => {
            DoctorFinding::info(SUBJECT, error.code(), "No Chrome, Chromium, Edge or Brave was found.")
                .why("Everything else works; agents cannot open pages in a browser.")
                .next(format!(
                    "Install Chromium, or switch the seat off: {} config set browser.enabled false",
                    patient.command()
                ))
        }
    }]
}
