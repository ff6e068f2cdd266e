//! Crates that end up in `bulkhead` or in the app.

use super::Part;
use super::text::{Texts, choose, is_of};
use crate::tools;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    authors: Vec<String>,
    manifest_path: String,
    source: Option<String>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Every crate that is linked in, on this platform, and that is not ours.
pub fn parts(texts: &mut Texts) -> Result<Vec<Part>> {
    let out = tools::cargo()
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &tools::host_triple()?])
        .output()
        .context("could not run cargo metadata")?;
    ensure!(out.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&out.stderr));
    let metadata: Metadata = serde_json::from_slice(&out.stdout).context("cargo metadata wrote no JSON")?;
    let linked = linked(&metadata);
    let mut parts = Vec::new();
    // Those with texts first: the others borrow theirs.
    let mut bare = Vec::new();
    for package in metadata.packages.iter().filter(|package| linked.contains(package.id.as_str())) {
        let part = part(package, texts)?;
        if part.texts.is_empty() { bare.push(part) } else { parts.push(part) }
    }
    for mut part in bare {
        part.texts = part.licence.split(" AND ").filter_map(|one| texts.known(one)).collect();
        parts.push(part);
    }
    Ok(parts)
}

fn linked(metadata: &Metadata) -> BTreeSet<&str> {
    let nodes: HashMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let packages: HashMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let is_linked = |id: &str| {
        packages.get(id).is_some_and(|package| {
            !package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
        })
    };
    let mut open: Vec<&str> = metadata
        .packages
        .iter()
        .filter(|package| package.source.is_none() && ["bulkhead", "bulkhead-app"].contains(&&*package.name))
        .map(|package| package.id.as_str())
        .collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !is_linked(id) || !seen.insert(id) {
            continue;
        }
        let Some(node) = nodes.get(id) else { continue };
        let normal = |dependency: &&Dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
        open.extend(node.deps.iter().filter(normal).map(|dependency| dependency.pkg.as_str()));
    }
    seen.retain(|id| packages.get(id).is_some_and(|package| package.source.is_some()));
    seen
}

fn part(package: &Package, texts: &mut Texts) -> Result<Part> {
    let licence = choose(package.license.as_deref().unwrap_or_default());
    let folder = Path::new(&package.manifest_path).parent().context("a manifest without a folder")?;
    let (mut by, numbers) = read_folder(folder, &licence, texts)?;
    if by.is_empty() {
        by = package.authors.iter().map(|author| without_address(author)).collect();
    }
    Ok(Part {
        name: package.name.clone(),
        version: package.version.clone(),
        licence,
        url: package.repository.clone(),
        by,
        texts: numbers,
    })
}

/// Copyright lines and texts of the licence files in a folder.
pub fn read_folder(folder: &Path, licence: &str, texts: &mut Texts) -> Result<(Vec<String>, Vec<usize>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| format!("could not read {}", folder.display()))?
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().to_uppercase();
            ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"].iter().any(|start| name.starts_with(start))
                && entry.path().is_file()
        })
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let (mut by, mut numbers) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        // A pointer to other files is no text.
        if text.len() < 200 || !is_of(licence, &name, &text) {
            continue;
        }
        let (number, lines) = texts.add(licence, &text);
        by.extend(lines);
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    by.dedup();
    Ok((by, numbers))
}

fn without_address(author: &str) -> String {
    author.split(" <").next().unwrap_or(author).to_owned()
}
