//! Recorded answers of the measured OpenClaw, where a folder with them is named: nothing of them is part of the project.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::shape::Shape;

/// Recorded exchanges: one file per method (`rpc.NAME.json`) or event (`event.NAME.json`), each a list of samples.
pub struct Recordings {
    folder: PathBuf,
}

impl Recordings {
    /// Those in the folder that `BULKHEAD_TEST_RECORDINGS` names; `None`, and said, where it names none.
    pub fn find() -> Option<Self> {
        let Some(folder) = std::env::var_os("BULKHEAD_TEST_RECORDINGS").map(PathBuf::from) else {
            println!("not compared with recordings: BULKHEAD_TEST_RECORDINGS names no folder");
            return None;
        };
        let folder = folder.join("samples");
        assert!(folder.is_dir(), "no recordings in {}", folder.display());
        Some(Self { folder })
    }

    /// Shape of a method's results, over all samples.
    pub fn result(&self, method: &str) -> Option<Shape> {
        self.shape(&format!("rpc.{method}.json"), |sample| {
            sample["ok"].as_bool().unwrap_or(true).then(|| sample["payload"].clone())
        })
    }

    /// Shape of an event's payloads, over all samples.
    pub fn event(&self, event: &str) -> Option<Shape> {
        self.shape(&format!("event.{event}.json"), |sample| Some(sample["frame"]["payload"].clone()))
    }

    fn shape(&self, name: &str, part: impl Fn(&Value) -> Option<Value>) -> Option<Shape> {
        let samples = read(&self.folder.join(name))?;
        let mut shape = Shape::default();
        for sample in samples.as_array().expect("a list of samples").iter().filter_map(part) {
            shape.add(&sample);
        }
        Some(shape)
    }
}

fn read(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
