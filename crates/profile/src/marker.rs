//! The marker: a state directory records whose it is, and nobody else's profile moves in.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::PlaceError;
use crate::files;
use crate::name::ProfileName;
use crate::openclaw;
use crate::place::Place;

const LIMIT: u64 = 64 * 1024;

/// What `profile.json` in a state directory says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Always `bulkhead`.
    pub product: String,
    /// Whose directory it is.
    pub profile: ProfileName,
}

impl Marker {
    /// Reads the marker of a state directory; `None` if it bears none.
    pub fn read(state_dir: &Path) -> Result<Option<Self>, PlaceError> {
        let path = path_in(state_dir);
        let bytes = match files::read_limited(&path, LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(source) => return Err(PlaceError::Io { action: "read", path, source }),
        };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(marker) if marker.product == "bulkhead" => Ok(Some(marker)),
            Ok(marker) => Err(PlaceError::BadMarker { path, found: format!("product {:?}", marker.product) }),
            Err(_) if bytes.iter().all(|b| b.is_ascii_whitespace() || *b == 0) => {
                Err(PlaceError::BadMarker { path, found: "nothing".to_owned() })
            }
            Err(error) => Err(PlaceError::BadMarker { path, found: format!("something else ({error})") }),
        }
    }
}

pub(crate) fn path_in(state_dir: &Path) -> PathBuf {
    state_dir.join("profile.json")
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

impl Place {
    /// Refuses a state directory that records another profile, and every place inside a real OpenClaw's.
    pub fn check_marker(&self) -> Result<(), PlaceError> {
        self.refuse_openclaw()?;
        match Marker::read(self.state_dir())? {
            Some(marker) if marker.profile != *self.name() => Err(self.belongs_to(&marker.profile)),
            _ => Ok(()),
        }
    }

    /// Makes the state directory and records whose it is; refuses as [`check_marker`](Self::check_marker) does.
    pub fn write_marker(&self) -> Result<(), PlaceError> {
        self.check_marker()?;
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |source| PlaceError::Io { action, path, source }
        };
        files::create_private_dir(self.state_dir())
            .map_err(io("make the state directory", self.state_dir()))?;
        let path = self.marker_path();
        if Marker::read(self.state_dir())?.is_some() {
            return Ok(());
        }
        let marker = Marker { product: "bulkhead".to_owned(), profile: self.name().clone() };
        let mut text = serde_json::to_vec_pretty(&marker).unwrap_or_default();
        text.push(b'\n');
        files::atomic_write(&path, &text, 0o600).map_err(io("write", &path))
    }

    pub(crate) fn belongs_to(&self, recorded: &ProfileName) -> PlaceError {
        other_profile(self.state_dir(), self.state_source(), recorded, self.name())
    }

    fn refuse_openclaw(&self) -> Result<(), PlaceError> {
        let places = [
            ("the state directory", self.state_dir(), self.state_source()),
            ("the configuration file", self.config_path(), self.config_source()),
            ("the workspace", self.workspace(), self.state_source()),
        ];
        for (what, path, source) in places {
            if let Some((dir, evidence)) = openclaw::real_state_dir_above(path) {
                return Err(PlaceError::OpenClaw {
                    what,
                    path: path.to_owned(),
                    dir,
                    evidence,
                    variable: source.unwrap_or("the rule").to_owned(),
                });
            }
        }
        Ok(())
    }
}

pub(crate) fn other_profile(
    dir: &Path,
    source: Option<&str>,
    recorded: &ProfileName,
    asked: &ProfileName,
) -> PlaceError {
    let next_step = match source {
        Some(variable) if variable.starts_with("--") => {
            format!("name another directory with {variable}, or use --profile {recorded}")
        }
        Some(variable) => format!("unset {variable}, or use --profile {recorded}"),
        None => format!(
            "it looks like a copy of that profile's directory: move it away, or set BULKHEAD_STATE_DIR to another directory for '{asked}'"
        ),
    };
    PlaceError::OtherProfile {
        dir: dir.to_owned(),
        variable: source.unwrap_or("the rule").to_owned(),
        recorded: recorded.to_string(),
        asked: asked.to_string(),
        next_step,
    }
}
