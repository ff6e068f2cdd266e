//! What may differ from OpenClaw, each with its reason: `exceptions.toml`. One that is needed no more fails the test.

use std::collections::BTreeSet;
use std::path::Path;

use super::shape::{Difference, Kind, Shape};
use serde::Deserialize;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    /// Objects whose keys are data.
    #[serde(default)]
    map: Vec<Map>,
    /// What differs.
    #[serde(default)]
    exception: Vec<Exception>,
    #[serde(skip)]
    used: BTreeSet<(usize, usize)>,
    #[serde(skip)]
    compared: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Map {
    /// Method, `event NAME` or `cli COMMAND`.
    at: Vec<String>,
    paths: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// Method, `event NAME` or `cli COMMAND`.
    at: Vec<String>,
    /// Keys that may be missing or of another type; `a.*` covers all that is in `a`, `**.a` each key `a`.
    paths: Vec<String>,
    kind: Option<Kind>,
    /// Theirs do not always have it.
    #[serde(default)]
    sometimes: bool,
    /// For people.
    reason: String,
}

/// Whether an exception's path covers the path of a difference: `a.*` all that is in `a`, `**.a` any `a` at the end.
fn covers(exception: &str, path: &str) -> bool {
    if let Some(end) = exception.strip_prefix("**.") {
        return path == end || path.strip_suffix(end).is_some_and(|above| above.ends_with('.'));
    }
    match exception.strip_suffix(".*") {
        Some(above) => path.strip_prefix(above).is_some_and(|below| below.starts_with('.')),
        None => exception == path,
    }
}

impl Exceptions {
    /// Reads the file.
    pub fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/exceptions.toml");
        let text = std::fs::read_to_string(&path).expect("exceptions.toml");
        let read: Self = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for exception in &read.exception {
            assert!(exception.reason.len() > 10, "an exception needs a reason: {:?}", exception.paths);
        }
        read
    }

    /// What differs and may not.
    pub fn compare(&mut self, at: &str, ours: &Shape, theirs: &Shape) -> Vec<Difference> {
        self.compared.insert(at.to_owned());
        let maps: Vec<_> = self
            .map
            .iter()
            .filter(|map| map.at.iter().any(|one| one == at))
            .flat_map(|map| map.paths.clone())
            .collect();
        let mut found = ours.differences(theirs, &maps);
        found.retain(|difference| !self.covers(at, difference));
        found
    }

    fn covers(&mut self, at: &str, difference: &Difference) -> bool {
        for (number, exception) in self.exception.iter().enumerate() {
            if !exception.at.iter().any(|one| one == at)
                || exception.kind.is_some_and(|kind| kind != difference.kind)
            {
                continue;
            }
            if let Some(path) = exception.paths.iter().position(|path| covers(path, &difference.path)) {
                self.used.insert((number, path));
                return true;
            }
        }
        false
    }

    /// Paths of exceptions that no difference needed, though all their places were compared.
    pub fn unneeded(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (number, exception) in self.exception.iter().enumerate() {
            if exception.sometimes || !exception.at.iter().all(|at| self.compared.contains(at)) {
                continue;
            }
            for (path, text) in exception.paths.iter().enumerate() {
                if !self.used.contains(&(number, path)) {
                    found.push(format!("{} {text}", exception.at.join(", ")));
                }
            }
        }
        found
    }
}
