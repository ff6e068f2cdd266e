//! Links from outside: `bulkhead://chat/<profile>/<session>` and `bulkhead://pair?code=…`. Anybody can make one, on any web
//! page, so a link only ever opens a page: it approves, sends and changes nothing. What is not understood is told.

use crate::announcements::{self, Announcement};
use crate::fleet::Fleet;
use crate::{windows, words};
use bulkhead_profile::ProfileName;
use tauri::{AppHandle, Manager, Url};

/// The scheme.
pub const SCHEME: &str = "bulkhead";
/// Longest link.
const LENGTH: usize = 4096;
/// Longest name of a conversation.
const SESSION: usize = 200;
/// Longest code.
const CODE: usize = 2048;

/// What a link asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Show a conversation.
    Chat {
        /// The profile.
        profile: ProfileName,
        /// The conversation; the page's own choice if there is none.
        session: Option<String>,
    },
    /// Show a code that came by a link, for a person to do something with it.
    Pair {
        /// The profile, if it names one.
        profile: Option<ProfileName>,
        /// A setup code, or the number of a request.
        code: String,
    },
}

/// Why a link was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody writes such long ones.
    TooLong,
    /// It is no address of ours.
    Malformed,
    /// It asks for something that there is not.
    Unknown,
    /// It names no profile, or none that could be.
    Profile,
    /// It names no conversation that could be.
    Session,
    /// It holds no code, or none that could be.
    Code,
}

/// Whether an argument of the command line is meant as a link.
pub fn is_link(argument: &str) -> bool {
    argument
        .get(..SCHEME.len() + 1)
        .is_some_and(|start| start.to_ascii_lowercase().strip_prefix(SCHEME).is_some_and(|rest| rest == ":"))
}

/// Reads a link.
pub fn parse(text: &str) -> Result<Link, Refusal> {
    if text.len() > LENGTH {
        return Err(Refusal::TooLong);
    }
    let url: Url = text.parse().map_err(|_| Refusal::Malformed)?;
    let plain = url.scheme() == SCHEME
        && url.username().is_empty()
        && url.password().is_none()
        && url.port().is_none()
        && url.fragment().is_none();
    let host = url.host_str().filter(|_| plain).ok_or(Refusal::Malformed)?;
    match host {
        "chat" if url.query().is_none() => chat(&url),
        "pair" if matches!(url.path(), "" | "/") => pair(&url),
        "chat" | "pair" => Err(Refusal::Malformed),
        _ => Err(Refusal::Unknown),
    }
}

fn chat(url: &Url) -> Result<Link, Refusal> {
    let mut parts = url.path().trim_start_matches('/').trim_end_matches('/').split('/');
    let profile = parts.next().and_then(decoded).ok_or(Refusal::Profile)?;
    let profile = profile.parse::<ProfileName>().map_err(|_| Refusal::Profile)?;
    let session = match parts.next() {
        Some(part) => {
            let session = decoded(part).ok_or(Refusal::Session)?;
            let fits = |c: char| c.is_ascii_alphanumeric() || ":._@+=~-".contains(c);
            if session.is_empty() || session.len() > SESSION || !session.chars().all(fits) {
                return Err(Refusal::Session);
            }
            Some(session)
        }
        None => None,
    };
    if parts.next().is_some() {
        return Err(Refusal::Session);
    }
    Ok(Link::Chat { profile, session })
}

fn pair(url: &Url) -> Result<Link, Refusal> {
    let named = |name: &str| {
        let mut values =
            url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        // One that is said twice is not known.
        values.next().filter(|_| values.next().is_none())
    };
    let code = named("code").ok_or(Refusal::Code)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_=+/.".contains(c);
    if code.is_empty() || code.len() > CODE || !code.chars().all(fits) {
        return Err(Refusal::Code);
    }
    let profile = match named("profile") {
        Some(name) => Some(name.parse::<ProfileName>().map_err(|_| Refusal::Profile)?),
        None => None,
    };
    Ok(Link::Pair { profile, code })
}

/// One part of a path without its percent signs; `None` for what is no text.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = after.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

/// Links that come while the app runs, where they don't come as arguments of a second start; and where nothing was
/// installed that makes the system send them here, that is done now.
pub fn listen(app: &AppHandle) {
    use tauri_plugin_deep_link::DeepLinkExt as _;
    #[cfg(target_os = "macos")]
    {
        let handle = app.clone();
        app.deep_link().on_open_url(move |event| {
            for url in event.urls() {
                open(&handle, url.as_str());
            }
        });
    }
    if (app.env().appimage.is_some() || cfg!(all(windows, not(debug_assertions))))
        && let Err(error) = app.deep_link().register(SCHEME)
    {
        tracing::warn!(%error, "links of Bulkhead won't open it: the system did not take its scheme");
    }
}

/// Opens what a link asks for, in this window.
pub fn open(app: &AppHandle, text: &str) {
    let link = match parse(text) {
        Ok(link) => link,
        Err(refusal) => return refuse(app, words::link_refused(refusal)),
    };
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let cards = app.state::<Fleet>().known_cards().await.unwrap_or_default();
        let names: Vec<&str> = cards.iter().map(|card| card.name.as_str()).collect();
        match page(&link, &names) {
            Ok(page) => windows::show(&app, &page),
            Err(profile) => refuse(&app, words::link_to_nobody(&profile)),
        }
    });
}

/// The page for a link; the name of the profile if there is none of that name.
fn page(link: &Link, names: &[&str]) -> Result<String, String> {
    let known = |name: &ProfileName| {
        let name = name.as_str();
        if names.contains(&name) { Ok(name.to_owned()) } else { Err(name.to_owned()) }
    };
    match link {
        Link::Chat { profile, session } => {
            let profile = known(profile)?;
            Ok(match session {
                Some(session) => format!("/chat/{profile}/{}", encoded(session)),
                None => format!("/chat/{profile}"),
            })
        }
        Link::Pair { profile, code } => {
            let profile = match profile {
                Some(profile) => known(profile)?,
                None if names.contains(&"main") => "main".to_owned(),
                None => names.first().map(|name| (*name).to_owned()).ok_or_else(|| "main".to_owned())?,
            };
            Ok(format!("/devices/{profile}/{}", encoded(code)))
        }
    }
}

/// As one part of the page's address.
fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn refuse(app: &AppHandle, announcement: Announcement) {
    windows::show(app, "/");
    announcements::say(app, announcement);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        let link = parse(text).map_err(|refusal| format!("{refusal:?}"))?;
        page(&link, &["main", "rescue"]).map_err(|name| format!("no {name}"))
    }

    #[test]
    fn links_open_their_page() {
        for (link, page) in [
            ("bulkhead://chat/main", "/chat/main"),
            ("bulkhead://chat/main/", "/chat/main"),
            ("bulkhead://chat/rescue/agent:main:main", "/chat/rescue/agent%3Amain%3Amain"),
            ("bulkhead://chat/main/agent%3Amain%3Ax", "/chat/main/agent%3Amain%3Ax"),
            ("BULKHEAD://chat/main", "/chat/main"),
            ("bulkhead://pair?code=abc-DEF_1", "/devices/main/abc-DEF_1"),
            ("bulkhead://pair/?code=a%2Bb&profile=rescue&more=1", "/devices/rescue/a%2Bb"),
        ] {
            assert_eq!(shown(link).as_deref(), Ok(page), "{link}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (link, why) in [
            ("bulkhead:", "Malformed"),
            ("bulkhead:chat/main", "Malformed"),
            ("bulkhead://", "Malformed"),
            ("bulkhead://u:p@chat/main", "Malformed"),
            ("bulkhead://chat:80/main", "Malformed"),
            ("bulkhead://chat/main?x=1", "Malformed"),
            ("bulkhead://chat/main#x", "Malformed"),
            ("https://chat/main", "Malformed"),
            ("bulkhead://approve/all", "Unknown"),
            ("bulkhead://chat", "Profile"),
            ("bulkhead://chat/", "Profile"),
            ("bulkhead://chat/..%2f..", "Profile"),
            ("bulkhead://chat/main/%00", "Session"),
            ("bulkhead://chat/main/%zz", "Session"),
            ("bulkhead://chat/main/%ff", "Session"),
            ("bulkhead://chat/main/a%2Fb", "Session"),
            ("bulkhead://chat/main/a/b", "Session"),
            ("bulkhead://chat/main/%22%3E%3Cscript%3E", "Session"),
            ("bulkhead://pair", "Code"),
            ("bulkhead://pair?code=", "Code"),
            ("bulkhead://pair?code=a&code=b", "Code"),
            ("bulkhead://pair?code=a%20b", "Code"),
            ("bulkhead://pair?code=a&profile=Not%20One", "Profile"),
            ("bulkhead://pair?code=a&profile=other", "no other"),
            ("bulkhead://chat/other", "no other"),
        ] {
            assert_eq!(shown(link), Err(why.to_owned()), "{link}");
        }
        assert_eq!(parse(&format!("bulkhead://pair?code={}", "a".repeat(CODE + 1))), Err(Refusal::Code));
        assert_eq!(parse(&format!("bulkhead://pair?code={}", "a".repeat(LENGTH))), Err(Refusal::TooLong));
        assert_eq!(
            parse(&format!("bulkhead://chat/main/{}", "a".repeat(SESSION + 1))),
            Err(Refusal::Session)
        );
    }

    #[test]
    fn an_argument_is_a_link_by_its_scheme() {
        assert!(is_link("bulkhead://x") && is_link("Bulkhead:x"));
        assert!(!is_link("--hidden") && !is_link("bulkheads://x") && !is_link("") && !is_link("bulk"));
    }
}
