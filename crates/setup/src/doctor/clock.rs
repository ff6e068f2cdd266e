//! The time of this computer: beside what servers say, and beside the profile's own files.

use std::time::{Duration, SystemTime};

use bulkhead_config::ModelApi;

use super::finding::{DoctorFinding, Subject};
use super::patient::Patient;

const SUBJECT: Subject = Subject::Clock;
/// `Date` counts whole seconds and an answer takes a while: less than this is no difference.
const UNNOTICED: Duration = Duration::from_secs(30);
/// From here on certificates and signatures begin to fail.
const FAR: Duration = Duration::from_mins(5);
/// Files this far in the future were written by a clock that went ahead, or the clock was set back.
const AHEAD: Duration = Duration::from_hours(24);

/// What a clock that differs from a server's by so much is worth saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drift {
    None,
    Some,
    Far,
}

fn judge(local: SystemTime, server: SystemTime) -> (Drift, Duration, bool) {
    let (difference, ahead) = match local.duration_since(server) {
        Ok(difference) => (difference, true),
        Err(error) => (error.duration(), false),
    };
    let drift = match difference {
        d if d >= FAR => Drift::Far,
        d if d > UNNOTICED => Drift::Some,
        _ => Drift::None,
    };
    (drift, difference, ahead)
}

pub(super) async fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let mut findings: Vec<DoctorFinding> = time_zone(patient).into_iter().collect();
    findings.extend(files_of_tomorrow(patient));
    let mut asked = None;
    if !patient.options.offline {
        for (url, proxy) in servers(patient) {
            // Two clocks are compared over one request: the half way is close enough.
            let before = patient.world.now();
            let Some(server) = patient.world.live().date(&url, proxy.as_deref()).await else { continue };
            let after = patient.world.now();
            let local = before + after.duration_since(before).unwrap_or_default() / 2;
            findings.extend(of_server(&url, local, server));
            asked = Some(host(&url));
            break;
        }
    }
    if findings.is_empty() {
        findings.push(DoctorFinding::ok(
            SUBJECT,
            match asked {
                Some(server) => format!("Right to the second, says {server}."),
                None => "Plausible; no server was asked.".to_owned(),
            },
        ));
    }
    findings
}

fn of_server(url: &str, local: SystemTime, server: SystemTime) -> Option<DoctorFinding> {
    let (drift, difference, ahead) = judge(local, server);
    let found = format!(
        "This computer's clock is {} {} that of {}.",
        words(difference),
        if ahead { "ahead of" } else { "behind" },
        host(url)
    );
    let next = "Switch on automatic time (Linux: timedatectl set-ntp true).";
    match drift {
        Drift::None => None,
        Drift::Some => Some(
            DoctorFinding::warning(SUBJECT, "clock.drift", found)
                .why("Times in conversations and logs are wrong, and codes that expire do so at the wrong moment.")
                .next(next),
        ),
        Drift::Far => Some(
            DoctorFinding::error(SUBJECT, "clock.far", found)
                .why("Certificates look expired or not yet valid, so models and Telegram cannot be reached, and pairing codes expire at once or never.")
                .next(next),
        ),
    }
}

fn words(difference: Duration) -> String {
    let seconds = difference.as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The servers that the profile talks to anyway.
fn servers(patient: &Patient) -> Vec<(String, Option<String>)> {
    let mut servers: Vec<(String, Option<String>)> = patient
        .config
        .models
        .providers
        .values()
        .map(|provider| {
            let home = match provider.api {
                ModelApi::OpenAi => "https://api.openai.com",
                ModelApi::Anthropic => "https://api.anthropic.com",
                ModelApi::Ollama => "http://127.0.0.1:11434",
            };
            (provider.base_url.clone().unwrap_or_else(|| home.to_owned()), provider.proxy.clone())
        })
        .collect();
    let telegram = &patient.config.channels.telegram;
    if telegram.is_on() {
        let root = telegram.api_root.clone().unwrap_or_else(|| "https://api.telegram.org".to_owned());
        servers.push((root, telegram.proxy.clone()));
    }
    // A server on this computer has this computer's clock; it is asked only where there is no other.
    servers.sort_by_key(|(url, _)| is_here(url));
    servers
}

fn is_here(url: &str) -> bool {
    let host = host(url);
    host == "localhost" || host.starts_with("127.") || host == "[::1]"
}

fn host(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    parsed.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "the server".to_owned())
}

fn time_zone(patient: &Patient) -> Option<DoctorFinding> {
    let named = patient.world.env.var("TZ")?;
    let name = named.trim_start_matches(':');
    let known = jiff::tz::TimeZone::get(name).is_ok()
        || jiff::tz::TimeZone::posix(name).is_ok()
        || name.starts_with('/');
    (!known).then(|| {
        DoctorFinding::warning(
            SUBJECT,
            "clock.zone-unknown",
            format!("TZ is \"{named}\", which is no time zone here."),
        )
        .why("Times are shown and planned in UTC instead.")
        .next("Set TZ to a name such as Europe/Berlin, or leave it out.")
    })
}

fn files_of_tomorrow(patient: &Patient) -> Option<DoctorFinding> {
    let now = patient.world.now();
    let place = &patient.place;
    [place.database_path(), place.log_path(), place.config_path().to_owned()].into_iter().find_map(|path| {
        let written = std::fs::metadata(&path).ok()?.modified().ok()?;
        let ahead = written.duration_since(now).ok()?;
        (ahead > AHEAD).then(|| {
            DoctorFinding::warning(
                SUBJECT,
                "clock.behind-files",
                format!("{} was written {} in the future.", path.display(), words(ahead)),
            )
            .why("The clock was wrong then or is wrong now; what is planned by time may wait that long.")
            .next("Switch on automatic time (Linux: timedatectl set-ntp true).")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_judged_both_ways() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let far = |a, b| judge(at(a), at(b));
        assert_eq!(far(1_000_000, 1_000_020).0, Drift::None);
        assert_eq!(far(1_000_000, 1_000_040), (Drift::Some, Duration::from_secs(40), false));
        assert_eq!(far(1_000_400, 1_000_000), (Drift::Far, Duration::from_secs(400), true));
        assert_eq!(
            [40, 400, 9000, 900_000].map(|s| words(Duration::from_secs(s))),
            ["40 s", "6 min", "2 h", "10 days"]
        );
    }
}
