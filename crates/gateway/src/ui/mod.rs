//! The web UI: built into the program if it was there at build time, else a page that says how to get it.

use bulkhead_config::ControlUi;
use bulkhead_profile::Environment;
use bulkhead_server::{UiAsset, UiSource};

/// What `build.rs` found in `ui/dist`.
static FILES: &[UiAsset] = include!(concat!(env!("OUT_DIR"), "/ui.rs"));

/// What stands in for it.
const MISSING: &str = include_str!("missing.html");

/// Where the web UI comes from, as the configuration says.
pub(crate) fn source(config: &ControlUi, environment: &Environment) -> UiSource {
    if !config.enabled {
        return UiSource::Off;
    }
    match &config.root {
        Some(root) => UiSource::Directory(environment.expand(root)),
        None if FILES.is_empty() => UiSource::Page(MISSING.to_owned()),
        None => UiSource::Embedded(FILES),
    }
}

/// A text file of the built web UI, wherever the web UI itself comes from; `None` if this program was built without it.
pub(crate) fn file(path: &str) -> Option<&'static str> {
    let found = FILES.iter().find(|file| file.path == path)?;
    std::str::from_utf8(found.bytes).ok()
}
