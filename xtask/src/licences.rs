//! The licences of everything that is shipped: crates by `cargo metadata`, npm packages by what is installed for the web
//! UI. The page of the app and the file in the packages are made of this, so it is always that of this very build.

mod crates;
mod npm;
mod text;

use crate::tools;
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use text::Texts;

/// Something that is shipped and was made by others.
#[derive(Debug, Serialize)]
pub struct Part {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// The licence that we take it under, as SPDX names it.
    licence: String,
    /// Where it comes from.
    url: Option<String>,
    /// Whose it is: its copyright lines, or its authors.
    by: Vec<String>,
    /// Which of the texts are its.
    texts: Vec<usize>,
}

/// All parts, and each text once.
#[derive(Debug, Serialize)]
pub struct Licences {
    parts: Vec<Part>,
    texts: Vec<String>,
}

/// Reads what is shipped. Needs the npm packages of the web UI.
pub fn read() -> Result<Licences> {
    let mut texts = Texts::default();
    let mut parts = crates::parts(&mut texts)?;
    parts.extend(npm::parts(&tools::root().join("ui"), &mut texts)?);
    parts.sort_by(|a, b| (a.name.to_lowercase(), &a.version).cmp(&(b.name.to_lowercase(), &b.version)));
    Ok(Licences { parts, texts: texts.into_vec() })
}

/// What the web UI shows; left alone when it says the same already.
pub fn write_for_ui() -> Result<()> {
    let path = ui_path();
    let text = serde_json::to_string(&read()?)?;
    if std::fs::read_to_string(&path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
}

/// Where the web UI finds it.
pub fn ui_path() -> PathBuf {
    tools::root().join("ui/src/licences/shipped.json")
}

/// The file that lies in the packages.
pub fn write_for_package(path: &Path) -> Result<()> {
    std::fs::write(path, read()?.plain()).with_context(|| format!("could not write {}", path.display()))
}

impl Licences {
    fn plain(&self) -> String {
        let mut out = String::from(
            "Bulkhead is licensed under MIT or Apache-2.0, as you like.\nIt brings along what others made. Each part, whose it is, and the number of its licence text below:\n",
        );
        for part in &self.parts {
            let numbers: Vec<String> = part.texts.iter().map(|index| format!("[{}]", index + 1)).collect();
            let _ =
                writeln!(out, "\n{} {}  {}  {}", part.name, part.version, part.licence, numbers.join(" "));
            for line in part.url.iter().chain(&part.by) {
                let _ = writeln!(out, "    {line}");
            }
        }
        for (index, text) in self.texts.iter().enumerate() {
            let _ = writeln!(out, "\n{}\n[{}]\n\n{text}", "-".repeat(78), index + 1);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_that_is_shipped_has_a_licence_and_a_text() {
        let mut texts = Texts::default();
        let parts = crates::parts(&mut texts).expect("cargo metadata");
        assert!(parts.len() > 100, "{}", parts.len());
        assert!(parts.iter().any(|part| part.name == "tokio"));
        assert!(!parts.iter().any(|part| part.name.starts_with("bulkhead")), "our own are not others'");
        let without: Vec<_> =
            parts.iter().filter(|part| part.licence.is_empty() || part.texts.is_empty()).collect();
        assert!(without.is_empty(), "{without:#?}");
    }
}
