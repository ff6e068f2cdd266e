//! The language of what the app itself says: tray, notifications, announcements. The texts are those of the pages'
//! catalogues (`ui/messages`) whose keys begin with `tray_` and `notice_`; the build makes a function of each, so that a
//! key or a placeholder that is not there does not compile. The page tells which language it is in; until it first does,
//! the system's counts. What gateways say is theirs, and English.

use crate::failure::{Answer, Failure};
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::LazyLock;
use tauri::{AppHandle, Manager as _};
use tokio::sync::watch;

/// Each text as a function of what it says.
#[allow(clippy::needless_pass_by_value, reason = "texts take names, numbers and texts alike")]
#[expect(clippy::doc_markdown, reason = "the first words of texts for people")]
pub mod texts {
    use super::{Text, say};
    use std::fmt::Display;

    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
}

/// The tags of the catalogues, as `build.rs` orders them.
const TAGS: [&str; 6] = ["en", "zh-Hans", "zh-Hant", "de", "ko", "ja"];

/// Longest file that is believed to hold a tag.
const LONGEST: u64 = 64;

/// One of the languages that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(usize);

impl Language {
    /// English.
    pub const ENGLISH: Self = Self(0);

    /// The one that a BCP 47 tag or a POSIX locale means: by language, Chinese by its script or where it is spoken.
    pub fn of(tag: &str) -> Option<Self> {
        let plain = tag.split(['.', '@']).next().unwrap_or_default().to_ascii_lowercase().replace('_', "-");
        let mut parts = plain.split('-');
        let language = parts.next()?;
        let rest: Vec<&str> = parts.collect();
        let wanted = match language {
            "zh" if rest.contains(&"hant") => "zh-Hant",
            "zh" if rest.contains(&"hans") => "zh-Hans",
            "zh" if rest.iter().any(|part| matches!(*part, "tw" | "hk" | "mo")) => "zh-Hant",
            "zh" => "zh-Hans",
            other => other,
        };
        TAGS.iter().position(|tag| *tag == wanted).map(Self)
    }

    /// What the system asks for.
    pub fn of_system(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| set(name)).unwrap_or_default();
        let plain = matches!(locale.split('.').next(), Some("" | "C" | "POSIX"));
        // A list of wishes counts only where there is a language at all.
        let wishes = set("LANGUAGE").filter(|_| !plain).unwrap_or_default();
        wishes.split(':').chain([locale.as_str()]).find_map(Self::of).unwrap_or(Self::ENGLISH)
    }

    /// Its tag.
    pub fn tag(self) -> &'static str {
        TAGS.get(self.0).copied().unwrap_or("en")
    }
}

static CURRENT: LazyLock<watch::Sender<Language>> = LazyLock::new(|| watch::channel(Language::ENGLISH).0);

/// The language now.
pub fn current() -> Language {
    *CURRENT.borrow()
}

/// And every change of it.
pub fn changes() -> watch::Receiver<Language> {
    CURRENT.subscribe()
}

/// Takes up the language of the last time, else the system's.
pub fn begin(app: &AppHandle) {
    let language = kept(app).unwrap_or_else(|| Language::of_system(|name| std::env::var(name).ok()));
    CURRENT.send_replace(language);
}

/// Says everything in this language from now on, and the next time.
pub fn choose(app: &AppHandle, tag: &str) -> Answer<()> {
    let Some(language) = Language::of(tag) else {
        return Err(Failure::new(
            "unknown-language",
            format!("There is no language \"{}\" here.", tag.chars().take(40).collect::<String>()),
            format!("Choose one of {}.", TAGS.join(", ")),
        ));
    };
    if CURRENT.send_replace(language) == language && kept(app) == Some(language) {
        return Ok(());
    }
    let write = || -> std::io::Result<()> {
        let file =
            file(app).ok_or_else(|| std::io::Error::other("this system has no folder for settings"))?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        bulkhead_profile::files::atomic_write(&file, language.tag().as_bytes(), 0o644)
    };
    write().map_err(|error| {
        Failure::new(
            "language-not-kept",
            format!("The language could not be written down: {error}."),
            "It holds until the app ends.",
        )
    })
}

fn kept(app: &AppHandle) -> Option<Language> {
    let file = file(app)?;
    if std::fs::metadata(&file).ok()?.len() > LONGEST {
        return None;
    }
    Language::of(std::fs::read_to_string(file).ok()?.trim())
}

fn file(app: &AppHandle) -> Option<PathBuf> {
    Some(app.path().app_config_dir().ok()?.join("language"))
}

/// A text in one language.
pub enum Text {
    /// The same for every number.
    Plain(&'static str),
    /// For one, and for every other number.
    #[allow(dead_code, reason = "the build makes it of a text that counts")]
    Counted(&'static str, &'static str),
}

/// The text of the language now, with what belongs into it.
fn say(all: &[Text; 6], count: Option<u64>, values: &[(&str, &dyn Display)]) -> String {
    say_in(current(), all, count, values)
}

fn say_in(
    language: Language,
    all: &[Text; 6],
    count: Option<u64>,
    values: &[(&str, &dyn Display)],
) -> String {
    let text = match all.get(language.0).unwrap_or(&all[0]) {
        Text::Counted(one, _) if count == Some(1) => one,
        Text::Counted(_, text) | Text::Plain(text) => text,
    };
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = *text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            out.push_str(&value.to_string());
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn a_systems_wish_finds_its_catalogue() {
        let of = |tag: &str| Language::of(tag).map(Language::tag);
        for (tag, wanted) in [
            ("en_GB.UTF-8", "en"),
            ("de-AT", "de"),
            ("de_DE@euro", "de"),
            ("ko", "ko"),
            ("ja_JP", "ja"),
            ("zh", "zh-Hans"),
            ("zh_CN.GB18030", "zh-Hans"),
            ("zh-SG", "zh-Hans"),
            ("zh_TW.UTF-8", "zh-Hant"),
            ("zh-HK", "zh-Hant"),
            ("zh-Hans-HK", "zh-Hans"),
            ("zh-Hant", "zh-Hant"),
        ] {
            assert_eq!(of(tag), Some(wanted), "{tag}");
        }
        assert_eq!(of("fr_FR.UTF-8"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn the_systems_variables_are_heard_in_their_order() {
        let system = |set: &[(&str, &str)]| {
            Language::of_system(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
            .tag()
        };
        assert_eq!(system(&[]), "en");
        assert_eq!(system(&[("LANG", "ja_JP.UTF-8")]), "ja");
        assert_eq!(system(&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "de_DE.UTF-8")]), "de");
        assert_eq!(system(&[("LANG", "fr_FR.UTF-8"), ("LANGUAGE", "fr:zh_TW:en")]), "zh-Hant");
        assert_eq!(system(&[("LANG", "C.UTF-8"), ("LANGUAGE", "de")]), "en");
    }

    #[test]
    fn texts_take_what_belongs_into_them() {
        const PLAIN: fn(&'static str) -> Text = Text::Plain;
        let all = [
            Text::Counted("{count} thing of {name}", "{count} things of {name}"),
            PLAIN("{name}: {count} 件"),
            PLAIN("x"),
            Text::Counted("{count} Ding", "{count} Dinge"),
            PLAIN("x"),
            PLAIN("{"),
        ];
        let say = |tag: &str, count: u64| {
            say_in(
                Language::of(tag).expect("known"),
                &all,
                Some(count),
                &[("name", &"main"), ("count", &count)],
            )
        };
        assert_eq!(say("en", 1), "1 thing of main");
        assert_eq!(say("en", 0), "0 things of main");
        assert_eq!(say("zh-Hans", 1), "main: 1 件");
        assert_eq!(say("de", 2), "2 Dinge");
        assert_eq!(say("ja", 2), "{");
    }

    #[test]
    fn every_text_of_the_app_is_in_every_language_with_the_same_placeholders() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/messages");
        let read = |tag: &str| -> Value {
            let text = std::fs::read_to_string(folder.join(format!("{tag}.json"))).expect("catalogue");
            serde_json::from_str(&text).expect("json")
        };
        let english = read("en");
        for tag in TAGS {
            let catalogue = read(tag);
            for (key, text) in english.as_object().expect("object") {
                if key.starts_with("tray_") || key.starts_with("notice_") {
                    let own = catalogue.get(key).unwrap_or_else(|| panic!("{tag} has no {key}"));
                    assert_eq!(placeholders(own), placeholders(text), "{tag}: {key}");
                }
            }
        }
    }

    fn placeholders(entry: &Value) -> BTreeSet<String> {
        let texts: Vec<&str> = match entry {
            Value::String(text) => vec![text],
            counted => counted[0]["match"]
                .as_object()
                .expect("variants")
                .values()
                .filter_map(Value::as_str)
                .collect(),
        };
        texts
            .iter()
            .flat_map(|text| text.split('{').skip(1))
            .filter_map(|part| part.split_once('}').map(|(name, _)| name.to_owned()))
            .collect()
    }
}
