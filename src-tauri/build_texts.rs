//! Makes a function of each text of the app out of the pages' catalogues; see `src/language.rs`.

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// English first: what another language lacks is said in English.
const TAGS: [&str; 6] = ["en", "zh-Hans", "zh-Hant", "de", "ko", "ja"];

/// Writes `texts.rs` for the catalogues in `folder` into `out`.
#[expect(clippy::expect_used, reason = "a build that cannot write ends")]
pub fn write(folder: &Path, out: &Path) {
    let catalogues: Vec<Map<String, Value>> = TAGS
        .iter()
        .map(|tag| {
            let file = folder.join(format!("{tag}.json"));
            println!("cargo::rerun-if-changed={}", file.display());
            let text =
                std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        })
        .collect();
    let english = &catalogues[0];
    let mut code = String::new();
    for (key, entry) in
        english.iter().filter(|(key, _)| key.starts_with("tray_") || key.starts_with("notice_"))
    {
        let all: Vec<String> =
            catalogues.iter().map(|texts| text(key, texts.get(key).unwrap_or(entry))).collect();
        let count = counted_by(entry);
        let names = placeholders(key, entry);
        let arguments: Vec<String> = names
            .iter()
            .map(|name| {
                if Some(name) == count.as_ref() {
                    format!("{name}: u64")
                } else {
                    format!("{name}: impl Display")
                }
            })
            .collect();
        let values: Vec<String> = names.iter().map(|name| format!("({name:?}, &{name})")).collect();
        let count = count.map_or("None".to_owned(), |name| format!("Some({name})"));
        let first = variants(key, entry).into_iter().next_back().unwrap_or_default();
        writeln!(
            code,
            "/// {first:?}\npub fn {key}({}) -> String {{\n    say(&[{}], {count}, &[{}])\n}}",
            arguments.join(", "),
            all.join(", "),
            values.join(", "),
        )
        .expect("a string takes everything");
    }
    std::fs::write(out.join("texts.rs"), code).expect("the build's folder is writable");
}

fn text(key: &str, entry: &Value) -> String {
    let all = variants(key, entry);
    match (entry, all.as_slice()) {
        (Value::String(text), _) => format!("Text::Plain({text:?})"),
        (_, [one, other]) => format!("Text::Counted({one:?}, {other:?})"),
        (_, [other]) => format!("Text::Plain({other:?})"),
        _ => panic!("{key}: expected one text, or one for `one` and one for `other`"),
    }
}

/// The texts of an entry: one, or that for one and that for others.
fn variants(key: &str, entry: &Value) -> Vec<String> {
    if let Value::String(text) = entry {
        return vec![text.clone()];
    }
    let all =
        entry[0]["match"].as_object().unwrap_or_else(|| panic!("{key}: expected a text or its variants"));
    ["one", "other"]
        .iter()
        .filter_map(|category| all.iter().find(|(name, _)| name.ends_with(&format!("={category}"))))
        .filter_map(|(_, text)| text.as_str().map(str::to_owned))
        .collect()
}

/// What the variants differ by.
fn counted_by(entry: &Value) -> Option<String> {
    let selector = entry[0]["selectors"][0].as_str()?;
    selector.strip_suffix("Plural").map(str::to_owned)
}

fn placeholders(key: &str, entry: &Value) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = variants(key, entry)
        .iter()
        .flat_map(|text| text.split('{').skip(1).map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|part| part.split_once('}').map(|(name, _)| name.to_owned()))
        .collect();
    names.extend(counted_by(entry));
    names
}
