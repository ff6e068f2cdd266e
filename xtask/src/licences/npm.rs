//! npm packages whose code ends up in the web UI.

use super::Part;
use super::crates::read_folder;
use super::text::{Texts, choose};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Built with, and yet part of what is built: their runtime.
const RUNTIMES: &[&str] = &["svelte", "@inlang/paraglide-js"];

/// The dependencies of `ui/package.json`, theirs, and the runtimes of what it is built with.
pub fn parts(ui: &Path, texts: &mut Texts) -> Result<Vec<Part>> {
    let mut open: Vec<String> = names(&package(ui)?, "dependencies");
    let mut seen = BTreeSet::new();
    let mut parts = Vec::new();
    while let Some(name) = open.pop() {
        let folder = ui.join("node_modules").join(&name);
        // Optional ones may not be there; type declarations are not code.
        if name.starts_with("@types/") || !folder.is_dir() || !seen.insert(name) {
            continue;
        }
        let described = package(&folder)?;
        open.extend(names(&described, "dependencies"));
        parts.push(part(&folder, &described, texts)?);
    }
    for name in RUNTIMES.iter().filter(|name| !seen.contains(**name)) {
        let folder = ui.join("node_modules").join(name);
        parts.push(part(&folder, &package(&folder)?, texts)?);
    }
    Ok(parts)
}

fn part(folder: &Path, described: &Value, texts: &mut Texts) -> Result<Part> {
    let text = |name: &str| described.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let licence = choose(&text("license"));
    let (mut by, mut numbers) = read_folder(folder, &licence, texts)?;
    if numbers.is_empty() {
        numbers.extend(texts.known(&licence));
    }
    if by.is_empty() {
        let author = described.get("author");
        let name = author.and_then(Value::as_str).or_else(|| author?.get("name")?.as_str());
        by.extend(name.map(str::to_owned));
    }
    let repository = described.get("repository");
    let url = repository.and_then(Value::as_str).or_else(|| repository?.get("url")?.as_str());
    let url = url.map(|url| url.trim_start_matches("git+").trim_end_matches(".git").to_owned());
    Ok(Part { name: text("name"), version: text("version"), licence, url, by, texts: numbers })
}

fn package(folder: &Path) -> Result<Value> {
    let path = folder.join("package.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("could not read {}; are the npm packages installed?", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

fn names(described: &Value, key: &str) -> Vec<String> {
    described
        .get(key)
        .and_then(Value::as_object)
        .map(|names| names.keys().cloned().collect())
        .unwrap_or_default()
}
