//! `read`: a text file, or a part of it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Tool, ToolContext, ToolOutput, arguments, blocking};
use crate::workspace::Workspace;

const LARGEST_FILE: u64 = 16 * 1024 * 1024;
const SHOWN: usize = 48 * 1024;

/// Reads text files of the workspace.
pub struct Read {
    workspace: Workspace,
    /// Folders outside of it that may be read too, by their whole path: those of skills.
    beside: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Args {
    #[serde(alias = "file_path", alias = "file")]
    path: String,
    offset: Option<usize>,
    limit: Option<usize>,
}

impl Read {
    /// In this workspace.
    pub const fn new(workspace: Workspace) -> Self {
        Self { workspace, beside: Vec::new() }
    }

    /// These folders may be read too, but nothing that links in them lead to.
    #[must_use]
    pub fn beside(mut self, folders: Vec<PathBuf>) -> Self {
        self.beside = folders;
        self
    }

    /// Where a path is to be read: in the workspace, or in one of the folders beside it.
    fn place(&self, path: &str) -> Result<Workspace, ToolOutput> {
        let path = Path::new(path.trim());
        let folder = self.beside.iter().find(|folder| path.is_absolute() && path.starts_with(folder));
        match folder {
            Some(folder) if !path.starts_with(self.workspace.root()) => {
                Workspace::open(folder, &[]).map_err(|error| ToolOutput::error(error.to_string()))
            }
            _ => Ok(self.workspace.clone()),
        }
    }
}

#[async_trait]
impl Tool for Read {
    fn name(&self) -> &'static str {
        "read"
    }

    fn description(&self) -> &'static str {
        "Read a text file of the workspace. Long files: give `offset` (first line, from 1) and `limit` (number of lines)."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Path relative to the workspace"},
                "offset": {"type": "integer", "minimum": 1, "description": "First line, from 1"},
                "limit": {"type": "integer", "minimum": 1, "description": "Number of lines"}
            },
            "required": ["path"]
        })
    }

    async fn call(&self, _context: &ToolContext, args: Value) -> ToolOutput {
        let args: Args = match arguments(args) {
            Ok(args) => args,
            Err(refused) => return refused,
        };
        match self.place(&args.path) {
            Ok(place) => blocking(move || read(&place, &args)).await,
            Err(refused) => refused,
        }
    }
}

fn read(workspace: &Workspace, args: &Args) -> ToolOutput {
    let bytes = match workspace.read(&args.path, LARGEST_FILE) {
        Ok(bytes) => bytes,
        Err(error) => return ToolOutput::error(error.to_string()),
    };
    let size = bytes.len();
    let Ok(text) = String::from_utf8(bytes) else {
        return ToolOutput::error(format!("{}: {size} bytes that are not UTF-8 text", args.path));
    };
    let all = text.lines().count();
    let first = args.offset.unwrap_or(1).max(1);
    if first > 1 && first > all {
        return ToolOutput::error(format!("{}: has {all} lines, so there is no line {first}", args.path));
    }
    if args.offset.is_none() && args.limit.is_none() && size <= SHOWN {
        return ToolOutput::ok(text);
    }
    let mut shown = String::new();
    let mut last = first - 1;
    for line in text.lines().skip(first - 1).take(args.limit.unwrap_or(usize::MAX)) {
        if shown.len() + line.len() > SHOWN {
            if shown.is_empty() {
                shown = super::limit_text(line, SHOWN);
                last += 1;
            }
            break;
        }
        shown.push_str(line);
        shown.push('\n');
        last += 1;
    }
    if last < all {
        let _ = write!(shown, "[lines {first}–{last} of {all}; go on with offset {}]", last + 1);
    }
    ToolOutput::ok(shown)
}
